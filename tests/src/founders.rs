//! A consortium that its founders made by commands, each node a process on a home of its own.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::net::spawn;
use crate::{aula, line};

/// How long anything may take.
const LONG: Duration = Duration::from_secs(40);

/// A node of its own, ended with the test.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Its folder.
    pub home: PathBuf,
    /// Its API.
    pub rpc: String,
    /// Its address for peers.
    pub p2p: String,
}

impl Running {
    /// Starts the node of a home.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(home: &Path) -> Result<Self> {
        let (child, told) = spawn(home)?;
        let p2p = told["p2p"].as_str().context("no address")?.to_owned();
        let rpc = told["rpc"].as_str().context("no API")?.to_owned();
        Ok(Self { child, home: home.to_owned(), rpc, p2p })
    }

    /// A command on this node's home, which asks this node.
    ///
    /// # Errors
    /// When it ends with another exit code, or does not print one line of JSON.
    pub fn run(&self, exit: i32, words: &[&str]) -> Result<Value> {
        let home = self.home.to_str().context("a path that is not text")?;
        let out = aula(&[words, &["--home", home, "--output", "json"]].concat())?;
        line(&out, exit).with_context(|| format!("aula {}", words.join(" ")))
    }

    /// Waits until the node has ended by itself; gives its exit code.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn ended(&mut self) -> Result<Option<i32>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            ensure!(start.elapsed() < LONG, "the node in {} does not end", self.home.display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks until the answer is as wanted.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn until(&self, what: &str, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let start = Instant::now();
        loop {
            let told = self.run(0, words)?;
            if wanted(&told) {
                return Ok(told);
            }
            ensure!(start.elapsed() < LONG, "{what}: {told}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Proposes that district 6, River County, enters under this operator; gives the proposal's number.
    ///
    /// # Errors
    /// When the command says no.
    pub fn proposes_river_county(&self, operator: &str) -> Result<String> {
        let district = ["consortium", "propose", "--admit-district", "6", "--name", "River County"];
        Ok(self.run(0, &[&district[..], &["--operator", operator]].concat())?["proposal"].to_string())
    }

    /// Funds a school year and defines class 1: laptops and tablets.
    ///
    /// # Errors
    /// When a command says no.
    pub fn pays_for_devices(&self, year: &str, cents: &str) -> Result<()> {
        self.run(0, &["funder", "fund", "--year", year, "--cents", cents])?;
        let class = ["steward", "class", "--class", "1", "--title", "Devices", "--year", year];
        self.run(0, &[&class[..], &["--kinds", "tablet,laptop", "--waitlist", "60"]].concat())?;
        Ok(())
    }

    /// Opens places of class 1, each for 30,000 cents.
    ///
    /// # Errors
    /// When the command says no.
    pub fn opens_places(&self, pool: &str, school: &str, kind: &str, places: &str) -> Result<()> {
        let what = ["steward", "pool", "--class", "1", "--kind", kind, "--places", places];
        let whose = ["--unit-cents", "30000", "--pool", pool, "--school", school];
        self.run(0, &[&what[..], &whose].concat())?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port with a free one after it: gossip has the next. Below the range from which systems take the ports of outgoing
/// connections, and below those of localnets: a node that is started again must find its own free.
///
/// # Errors
/// When the machine gives none.
pub fn port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    const PAIRS: u32 = 4_000;
    // Each process begins elsewhere; who asks twice gets another pair.
    let begin = std::process::id().wrapping_mul(797);
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..PAIRS {
        let pair = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PAIRS;
        let first = u16::try_from(FIRST + 2 * pair)?;
        if free(first) && free(first + 1) {
            return Ok(first);
        }
    }
    anyhow::bail!("no pair of ports is free between {FIRST} and {}", FIRST + 2 * PAIRS)
}

/// A command on a home that has to end with 0.
///
/// # Errors
/// When it does not.
pub fn command(home: &Path, words: &[&str]) -> Result<Value> {
    let home = home.to_str().context("a path that is not text")?;
    line(&aula(&[words, &["--home", home, "--output", "json"]].concat())?, 0)
        .with_context(|| format!("aula {}", words.join(" ")))
}

/// The public account key in the file that a home gives to who makes the genesis.
fn account(home: &Path) -> Result<String> {
    let file: Value = serde_json::from_slice(&std::fs::read(home.join("operator.json"))?)?;
    Ok(file["account"].as_str().context("a file without an account")?.to_owned())
}

/// Founders on homes of their own, and their genesis.
#[derive(Debug)]
pub struct Founded {
    /// Their nodes.
    pub nodes: Vec<Running>,
    /// The genesis file.
    pub genesis: PathBuf,
}

impl Founded {
    /// Each makes its folder, one builds the genesis from their files and a base, each joins it and starts.
    ///
    /// # Errors
    /// When a command fails or a node does not come up.
    pub fn start(folder: &Path, founders: usize, base: Option<&str>) -> Result<Self> {
        Self::start_with(folder, founders, |_| Ok(base.map(str::to_owned)))
    }

    /// The same with a base that names the founders' accounts, in their order.
    ///
    /// # Errors
    /// When a command fails or a node does not come up.
    pub fn start_with(
        folder: &Path,
        founders: usize,
        base: impl FnOnce(&[String]) -> Result<Option<String>>,
    ) -> Result<Self> {
        let homes: Vec<PathBuf> = (1..=founders).map(|n| folder.join(format!("founder-{n}"))).collect();
        let mut words = vec!["genesis".to_owned(), "--name".into(), "county".into(), "--operator".into()];
        for (home, n) in homes.iter().zip(1..) {
            let p2p = format!("/ip4/127.0.0.1/tcp/{}", port()?);
            command(home, &["init", "--name", &format!("founder-{n}"), "--p2p", &p2p])?;
            words.push(home.join("operator.json").display().to_string());
        }
        let base = base(&homes.iter().map(|home| account(home)).collect::<Result<Vec<String>>>()?)?;
        if let Some(base) = &base {
            let path = folder.join("base.json");
            std::fs::write(&path, base)?;
            words.extend(["--base".to_owned(), path.display().to_string()]);
        }
        let genesis = folder.join("genesis.json");
        words.extend(["-o".to_owned(), genesis.display().to_string()]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        command(&homes[0], &words)?;
        for home in &homes {
            let listen = format!("127.0.0.1:{}", port()?);
            let file = genesis.display().to_string();
            let joined = command(home, &["join", "--genesis", &file, "--listen", &listen])?;
            ensure!(joined["request"].is_null(), "a founder needs no admission: {joined}");
            if base.is_some() {
                quick(home)?;
            }
        }
        let nodes = homes.iter().map(|home| Running::start(home)).collect::<Result<_>>()?;
        Ok(Self { nodes, genesis })
    }

    /// Their addresses, for a newcomer.
    pub fn peers(&self) -> String {
        self.nodes.iter().map(|one| one.p2p.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// Blocks ten times a second also where nothing happens: windows of rounds want a number of them.
///
/// # Errors
/// When the home has no config.toml.
pub fn quick(home: &Path) -> Result<()> {
    let path = home.join("config.toml");
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains("# idle_block_ms = 1000"), "the sample has another word for it");
    Ok(std::fs::write(path, text.replace("# idle_block_ms = 1000", "idle_block_ms = 100"))?)
}
