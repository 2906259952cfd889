//! A district's service in tests, and what its commands tell.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{aula, line, program};

/// `aula district run`, ended with the test as a power cut would.
#[derive(Debug)]
pub struct Service(Child);

impl Service {
    /// Starts the service of these homes.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(homes: &[&Path], more: &[&str]) -> Result<Self> {
        let mut command = Command::new(program("aula")?);
        command.args(["district", "run"]).args(more);
        homes.iter().for_each(|home| {
            command.arg("--home").arg(home);
        });
        let child =
            command.env_remove("AULA_RPC").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(child.spawn()?))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets the service of a home look every second at what is to be done: windows of rounds can be short then.
///
/// # Errors
/// When the home has no config.toml.
pub fn attentive(home: &Path) -> Result<()> {
    let path = home.join("config.toml");
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains("# look_every_s = 10"), "the sample has another word for it");
    Ok(std::fs::write(path, text.replace("# look_every_s = 10", "look_every_s = 1"))?)
}

/// A path as a command takes it.
///
/// # Errors
/// When it is not text.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

/// Every duty once, of two homes in one process.
///
/// # Errors
/// When it ends with another exit code.
pub fn once(homes: [&Path; 2], exit: i32) -> Result<Value> {
    let [one, two] = homes;
    let words = ["district", "run", "--once", "--home", text(one)?, "--home", text(two)?, "--output", "json"];
    line(&aula(&words)?, exit)
}

/// A duty of the home at this place.
pub fn duty<'a>(told: &'a Value, home: usize, name: &str) -> &'a Value {
    let duties = told["homes"][home]["duties"].as_array();
    duties.into_iter().flatten().find(|one| one["duty"] == name).unwrap_or(&Value::Null)
}
