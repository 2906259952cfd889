//! What end-to-end and fault tests share: the programs, and a consortium of processes that can be killed.
//!
//! Tests run the built programs beside them in the target folder (`cargo build --release -p aula-node -p
//! aula-audit`; the gate builds first), or those in the folder that `AULA_BIN` names. Tests that start
//! processes take turns ([`turn`], [`alone`]): on a small machine many consortia would measure each other. Figures are
//! printed as lines that begin with `measured:`.

pub mod bars;
pub mod founders;
pub mod net;
pub mod newcomer;
pub mod services;
pub mod sources;
pub mod vote;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use aula_home::Failure;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many tests of a program have processes at once. A consortium waits for its blocks more than it computes.
const AT_ONCE: u32 = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE as usize);

/// Waits until no other test of this program has processes.
pub async fn alone() -> SemaphorePermit<'static> {
    turns(AT_ONCE).await
}

/// Waits until at most one other test of this program has processes; where times are held to their bars, until none has.
pub async fn turn() -> SemaphorePermit<'static> {
    turns(if bars::are_held() { AT_ONCE } else { 1 }).await
}

async fn turns(count: u32) -> SemaphorePermit<'static> {
    TURNS.acquire_many(count).await.expect("it is never closed")
}

/// The program of this name.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("AULA_BIN") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let test = std::env::current_exe()?;
            test.parent()
                .and_then(|deps| deps.parent())
                .context("the test stands in no target folder")?
                .to_owned()
        }
    };
    let path = folder.join(name);
    if !path.is_file() {
        bail!("{} is missing; run: cargo build --release -p aula-node -p aula-audit", path.display());
    }
    Ok(path)
}

/// A failure of a command as an error.
pub fn told(failure: impl Into<Failure>) -> anyhow::Error {
    let failure = failure.into();
    anyhow::anyhow!("{} ({})", failure.message, failure.hint)
}

/// Runs `aula` to its end.
///
/// # Errors
/// When it cannot be started.
pub fn aula(args: &[&str]) -> Result<Output> {
    let out = Command::new(program("aula")?).args(args).stdin(Stdio::null()).output()?;
    Ok(out)
}

/// Runs `aula-audit` to its end.
///
/// # Errors
/// When it cannot be started.
pub fn audit(args: &[&str]) -> Result<Output> {
    let out = Command::new(program("aula-audit")?).args(args).stdin(Stdio::null()).output()?;
    Ok(out)
}

/// The one JSON line of a command that must have ended with `code`.
///
/// # Errors
/// When it ended otherwise or printed anything else.
pub fn line(out: &Output, code: i32) -> Result<Value> {
    let (text, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if out.status.code() != Some(code) {
        bail!("ended with {:?}, not {code}: {told}", out.status.code());
    }
    serde_json::from_str(text.trim_end()).with_context(|| format!("not one line of JSON: {text:?}"))
}
