//! A consortium of processes: `aula localnet`, and nodes that are killed and started again one by one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use aula_client::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::{aula, line, program};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);
/// Held while a localnet looks for free ports and until it listens on them: another one would find the same ones free.
static STARTING: Mutex<()> = Mutex::new(());

/// A node of the consortium.
#[derive(Debug)]
pub struct Node {
    /// The process that runs it now, or ran it last.
    pub pid: u32,
    /// Its API.
    pub rpc: String,
    /// Its address for peers.
    pub p2p: String,
    /// Its folder.
    pub home: PathBuf,
    /// The child, when this test started it rather than the localnet.
    own: Option<Child>,
}

/// The consortium. Everything it started ends with it; its nodes' logs stay where `AULA_FAULT_LOGS` names a folder.
#[derive(Debug)]
pub struct Net {
    /// Its nodes, `node-01` first; those that joined later follow.
    pub nodes: Vec<Node>,
    localnet: Child,
    folder: TempDir,
}

impl Net {
    /// Starts `validators` nodes and waits until they are up.
    ///
    /// # Errors
    /// When they do not come up.
    pub fn start(validators: usize) -> Result<Self> {
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir()?;
        let home = folder.path().join("net");
        let mut localnet = Command::new(program("aula")?)
            .args(["localnet", "--output", "json", "--validators", &validators.to_string(), "--home"])
            .arg(&home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = localnet.stdout.take().context("the localnet has no output")?;
        let mut nodes = Vec::new();
        for line in BufReader::new(out).lines() {
            let told: Value = serde_json::from_str(&line?)?;
            if told["ready"] == true {
                return Ok(Self { nodes, localnet, folder });
            }
            nodes.push(Node::of(&told)?);
        }
        bail!("the localnet ended before it was ready: {:?}", localnet.wait()?)
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The genesis file.
    pub fn genesis(&self) -> PathBuf {
        self.folder.path().join("net/genesis.json")
    }

    /// Kills a node as a power cut would, and waits until the system has taken it away with its file locks.
    ///
    /// # Errors
    /// When there is no such process, or it stays.
    pub fn kill(&mut self, place: usize) -> Result<()> {
        let node = self.nodes.get_mut(place).context("no such node")?;
        signal("-9", node.pid)?;
        if let Some(mut child) = node.own.take() {
            child.wait()?;
        }
        let process = Path::new("/proc").join(node.pid.to_string());
        let started = std::time::Instant::now();
        while process.exists() {
            anyhow::ensure!(started.elapsed().as_secs() < 30, "process {} stays after its kill", node.pid);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(())
    }

    /// Sends a node's process a signal, such as `-HUP`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn signal(&self, place: usize, which: &str) -> Result<()> {
        signal(which, self.nodes.get(place).context("no such node")?.pid)
    }

    /// Starts a killed node again on its home and waits until it is up.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self, place: usize) -> Result<()> {
        let node = self.nodes.get_mut(place).context("no such node")?;
        let (child, told) = spawn(&node.home)?;
        node.rpc = text(&told, "rpc")?;
        node.pid = child.id();
        node.own = Some(child);
        Ok(())
    }

    /// Starts a node on a home of its own and adds it to the list.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn add(&mut self, home: &Path) -> Result<()> {
        let (child, told) = spawn(home)?;
        let (rpc, p2p) = (text(&told, "rpc")?, text(&told, "p2p")?);
        self.nodes.push(Node { pid: child.id(), rpc, p2p, home: home.to_owned(), own: Some(child) });
        Ok(())
    }

    /// A client of a node.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn client(&self, place: usize) -> Result<Client> {
        let node = self.nodes.get(place).context("no such node")?;
        Client::new(&node.rpc).map_err(crate::told)
    }

    /// A node's last final height.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn height(&self, place: usize) -> Result<u64> {
        self.client(place)?.height().await.map_err(crate::told)
    }

    /// The hash of a final block as a node has it.
    ///
    /// # Errors
    /// When the node does not have it.
    pub async fn hash(&self, place: usize, height: u64) -> Result<String> {
        let block: Result<Value, _> = self.client(place)?.get(&format!("/v1/blocks/{height}")).await;
        text(&block.map_err(crate::told)?, "hash")
    }

    /// Waits until a node has the block of `height`; gives the time that took.
    ///
    /// # Errors
    /// When it has not by `limit`.
    pub async fn reach(&self, place: usize, height: u64, limit: Duration) -> Result<Duration> {
        let start = Instant::now();
        loop {
            // A node that is starting does not answer yet.
            let at = self.height(place).await.unwrap_or(0);
            if at >= height {
                return Ok(start.elapsed());
            }
            if start.elapsed() > limit {
                bail!("node {} is at height {at}, not {height}, after {limit:?}", place + 1);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Runs a command on a node's home, asking that node, to its end.
    ///
    /// # Errors
    /// When it ends with another exit code, or does not print one line of JSON.
    pub fn run(&self, place: usize, exit: i32, words: &[&str]) -> Result<Value> {
        let node = self.nodes.get(place).context("no such node")?;
        let home = node.home.to_str().context("a path that is not text")?;
        let out = aula(&[words, &["--home", home, "--rpc", node.rpc.as_str(), "--output", "json"]].concat())?;
        line(&out, exit).with_context(|| format!("aula {}", words.join(" ")))
    }

    /// Waits until a validator's signature stands in the newest certificate that the first node has.
    ///
    /// # Errors
    /// When it does not by `limit`.
    pub async fn signs(&self, validator: &str, limit: Duration) -> Result<()> {
        let start = Instant::now();
        while !self.signers(self.height(0).await?).await?.iter().any(|signer| signer == validator) {
            ensure!(start.elapsed() < limit, "validator {validator} signs nothing");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Whose signatures stand in a block's certificate, as the first node has it.
    ///
    /// # Errors
    /// When it does not have the block.
    pub async fn signers(&self, height: u64) -> Result<Vec<String>> {
        let block: Result<Value, _> = self.client(0)?.get(&format!("/v1/blocks/{height}")).await;
        let block = block.map_err(crate::told)?;
        let signers = block["signers"].as_array().context("no signers")?;
        signers.iter().map(|signer| signer.as_str().map(str::to_owned).context("no address")).collect()
    }

    /// Replays every node's chain from its genesis, once they have ended: each root agrees.
    ///
    /// # Errors
    /// When one does not.
    pub fn replays(&self) -> Result<()> {
        for node in &self.nodes {
            let home = node.home.to_str().context("a path that is not text")?;
            line(&aula(&["replay", "--home", home, "--output", "json"])?, 0)?;
        }
        Ok(())
    }

    /// Copies the nodes' logs into a folder of this test's, under the one that `AULA_FAULT_LOGS` names.
    fn keep_logs(&self, folder: &Path) -> std::io::Result<()> {
        let test = std::thread::current().name().unwrap_or("main").replace("::", "-");
        let folder = folder.join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        for (node, number) in self.nodes.iter().zip(1..) {
            std::fs::copy(node.home.join("node.log"), folder.join(format!("node-{number:02}.log")))?;
        }
        Ok(())
    }

    /// Ends the localnet with SIGTERM and every node started later; gives the localnet's exit code.
    ///
    /// # Errors
    /// When a process does not end.
    pub fn stop(&mut self) -> Result<Option<i32>> {
        for node in &mut self.nodes {
            if let Some(mut child) = node.own.take() {
                signal("-TERM", child.id())?;
                child.wait()?;
            }
        }
        signal("-TERM", self.localnet.id())?;
        Ok(self.localnet.wait()?.code())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            if let Some(mut child) = node.own.take() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        // The localnet ends its children itself, in order, when it is asked to.
        if matches!(self.localnet.try_wait(), Ok(None)) {
            let _ = signal("-TERM", self.localnet.id());
            let _ = self.localnet.wait();
        }
        if let Some(folder) = std::env::var_os("AULA_FAULT_LOGS")
            && let Err(error) = self.keep_logs(Path::new(&folder))
        {
            eprintln!("the nodes' logs are not kept: {error}");
        }
    }
}

impl Node {
    fn of(told: &Value) -> Result<Self> {
        let pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).context("no pid")?;
        let home = PathBuf::from(text(told, "home")?);
        Ok(Self { pid, rpc: text(told, "rpc")?, p2p: text(told, "p2p")?, home, own: None })
    }
}

/// Starts `aula start` on a home and reads the line it prints when it is up.
///
/// # Errors
/// When it does not come up.
pub fn spawn(home: &Path) -> Result<(Child, Value)> {
    let log = std::fs::File::options().create(true).append(true).open(home.join("node.log"))?;
    let mut child = Command::new(program("aula")?)
        .args(["start", "--output", "json", "--home"])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let out = child.stdout.take().context("the node has no output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(told) => Ok((child, told)),
        Err(_) => {
            let _ = child.kill();
            let ended = child.wait()?;
            bail!("the node in {} did not come up ({ended}); see its node.log", home.display())
        }
    }
}

fn text(told: &Value, field: &str) -> Result<String> {
    told[field].as_str().map(str::to_owned).with_context(|| format!("no {field} in {told}"))
}

fn signal(which: &str, pid: u32) -> Result<()> {
    let sent = Command::new("kill").args([which, &pid.to_string()]).stderr(Stdio::null()).status()?;
    if sent.success() { Ok(()) } else { bail!("there is no process {pid}") }
}
