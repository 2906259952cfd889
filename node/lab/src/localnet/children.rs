//! The child processes: started, watched, told to stop.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aula_home::{Advise, Failure, Home, UpLine};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long a child may take until it is up.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a child may take to end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A node as its line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeLine {
    /// Its name, which is its folder's.
    pub node: String,
    /// Of the node's process, as signals name it.
    pub pid: u32,
    /// The origin of its API.
    pub rpc: String,
    /// Its address for peers, with its id.
    pub p2p: String,
    /// The folder of `--home` for a command about this node.
    pub home: PathBuf,
}

/// Running children.
#[derive(Debug)]
pub struct Localnet {
    nodes: Vec<Running>,
}

/// A child that came up, waited for by a task of its own, so that a dead one leaves no zombie.
#[derive(Debug)]
struct Running {
    line: NodeLine,
    stdin: Option<ChildStdin>,
    kill: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
}

impl Running {
    fn watch(line: NodeLine, mut child: Child) -> Self {
        let stdin = child.stdin.take();
        let (kill, killed) = oneshot::channel();
        let node = line.node.clone();
        let ended = tokio::spawn(async move {
            tokio::select! {
                status = child.wait() => tracing::info!(node, ?status, "a node ended"),
                // It may have ended by itself in the meantime.
                Ok(()) = killed => drop(child.kill().await),
            }
        });
        Self { line, stdin, kill: Some(kill), ended }
    }
}

impl Localnet {
    /// Starts one child a home with the program `aula` at `program`, each writing its log to its home; waits
    /// until each is up.
    ///
    /// # Errors
    /// When a child does not come up; those that did are stopped.
    pub async fn start(program: &Path, homes: &[Home]) -> Result<Self, Failure> {
        let mut net = Self { nodes: Vec::new() };
        let mut starting = Vec::new();
        for home in homes {
            starting.push((home, spawn(program, home)?));
        }
        for (home, mut child) in starting {
            match wait_up(home, &mut child).await {
                Ok(line) => net.nodes.push(Running::watch(line, child)),
                Err(failure) => {
                    // The children not yet taken over are killed when they are dropped.
                    net.stop().await;
                    return Err(failure);
                }
            }
        }
        Ok(net)
    }

    /// The nodes' lines, `node-01` first.
    pub fn lines(&self) -> impl Iterator<Item = &NodeLine> {
        self.nodes.iter().map(|node| &node.line)
    }

    /// Tells every child to stop, and kills what has not ended in ten seconds.
    pub async fn stop(&mut self) {
        for node in &mut self.nodes {
            // Closing its standard input is the order to stop; see `aula start`.
            drop(node.stdin.take());
        }
        for node in &mut self.nodes {
            if tokio::time::timeout(STOP_LIMIT, &mut node.ended).await.is_err()
                && let Some(kill) = node.kill.take()
            {
                tracing::warn!(node = node.line.node, "did not stop in time and is killed");
                // The task is gone only when the child has ended.
                let _ = kill.send(());
                let _ = (&mut node.ended).await;
            }
        }
        self.nodes.clear();
    }
}

fn spawn(program: &Path, home: &Home) -> Result<Child, Failure> {
    let path = home.log_file();
    let log = File::options().create(true).append(true).open(&path);
    let log = log.advise(format!("cannot write {}", path.display()), "check the folder's owner and space")?;
    let mut command = Command::new(program);
    // What the environment says is for this process: a child has its own configuration.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    command
        .args(["start", "--stop-with-stdin", "--output", "json", "--home"])
        .arg(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        // A Ctrl-C at the terminal is for the parent, which stops the children in order.
        .process_group(0)
        .spawn()
        .advise(format!("cannot start {}", program.display()), "check that the program may be executed")
}

/// True for the variables that this program reads.
fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"AULA_")
}

async fn wait_up(home: &Home, child: &mut Child) -> Result<NodeLine, Failure> {
    let failed = || {
        let mut message = format!("the node in {} did not come up", home.path().display());
        if let Some(why) = last_words(home) {
            message.push_str(": ");
            message.push_str(&why);
        }
        Failure::new("not_up", message, format!("see {}", home.log_file().display()))
    };
    let out = child.stdout.take().ok_or_else(failed)?;
    let mut lines = BufReader::new(out).lines();
    let line = tokio::time::timeout(START_LIMIT, lines.next_line()).await;
    let text = line.ok().and_then(Result::ok).flatten().ok_or_else(failed)?;
    let up: UpLine = serde_json::from_str(&text).map_err(|_| failed())?;
    Ok(NodeLine {
        node: home.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        pid: child.id().ok_or_else(failed)?,
        rpc: up.rpc,
        p2p: up.p2p,
        home: home.path().to_owned(),
    })
}

/// The sentence with which a node ended, from its log.
fn last_words(home: &Home) -> Option<String> {
    let log = std::fs::read_to_string(home.log_file()).ok()?;
    let said = log.lines().rev().find_map(|line| line.strip_prefix("aula: "))?;
    Some(said.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_ends_is_quoted() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        std::fs::write(
            home.log_file(),
            "aula: old.\nINFO x\naula: cannot listen on 127.0.0.1:80: permission denied.\n  next: y\n",
        )?;
        assert_eq!(last_words(&home).as_deref(), Some("cannot listen on 127.0.0.1:80: permission denied"));
        assert!(is_ours(OsStr::new("AULA_P2P_PEERS")) && !is_ours(OsStr::new("PATH")));
        Ok(())
    }
}
