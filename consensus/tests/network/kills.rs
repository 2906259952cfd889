//! Four processes under load, killed at random moments. Each is this test binary again, told by its environment to
//! be a node; it prints a line for every height it has decided and persisted.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aula_consensus::ports::{AdmittedPeer, ChainStore, SystemClock};
use aula_consensus::sign_guard::SignGuard;
use aula_consensus::{Config, Event, Keys, Ports, start};
use libp2p::Multiaddr;

use crate::common::{
    Genesis, bytes_of, counting_genesis, free_ports, genesis_hash, network_key, peer_id, set_of,
    validator_key,
};
use crate::disk::DiskStore;

const NODE: &str = "AULA_TEST_NODE";

fn address(port: &str) -> Multiaddr {
    format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
}

/// What all four agree on: the set, and each other's ports.
fn genesis(ports: &[&str]) -> Genesis {
    let (genesis, counter) = counting_genesis(BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    let peers = ports
        .iter()
        .enumerate()
        .map(|(n, port)| AdmittedPeer { peer: peer_id(n as u8), listen: Some(address(port)) });
    *counter.admitted.lock().unwrap() = peers.collect();
    genesis
}

/// The body of a node's process; a test of its own only in the sense that the parent starts it by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "started by the test below"]
async fn a_node_process() {
    let Ok(told) = std::env::var(NODE) else { return };
    let words: Vec<&str> = told.split(' ').collect();
    let (n, folder, ports) = (words[0].parse::<u8>().unwrap(), PathBuf::from(words[1]), &words[2..]);
    let genesis = genesis(ports);
    let store = Arc::new(DiskStore::open(&folder.join("chain"), &genesis));
    let (wal, guard) = (folder.join("wal"), folder.join("guard"));
    let config = Config::new(&format!("node-{n}"), address(ports[usize::from(n)]), wal, guard);
    let executor = genesis.executor.clone();
    let ports = Ports { store: store.clone(), executor: executor.clone(), clock: Arc::new(SystemClock) };
    let keys = Keys { validator: Some(validator_key(n)), network: network_key(n) };
    let tip = store.tip().unwrap();
    say(&format!("{} {}", tip.height, tip.hash));
    let running = start(config, ports, keys, genesis_hash()).await.unwrap();
    let mut events = running.subscribe();
    let mut submit = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Decided { height, hash, .. }) => say(&format!("{height} {hash}")),
                Ok(Event::Started(mode)) => say(&format!("# {mode:?}")),
                Ok(Event::WalDamaged(text) | Event::GuardLost(text)) => say(&format!("# {text}")),
                _ => {}
            },
            _ = submit.tick() => {
                let state = store.state().unwrap();
                let account = crate::common::account(n + 1);
                let next = executor.account(state.as_ref(), &account).unwrap().unwrap().next_sequence;
                for sequence in next..next + 5 {
                    let _ = running.submit(bytes_of(n + 1, sequence));
                }
            }
            fatal = running.wait() => panic!("node {n} ended: {fatal:?}"),
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone reads no more.
    let _ = writeln!(out, "@{line}").and_then(|()| out.flush());
}

/// What the parent has heard from all processes: the hash of each height, once for all, and each node's tip.
#[derive(Default)]
struct Heard {
    hashes: BTreeMap<u64, String>,
    /// The highest height each node has said in any of its lives.
    tips: [u64; 4],
    /// The same of its present life; 0 until it has spoken.
    lives: [u64; 4],
    remarks: Vec<String>,
    forks: Vec<String>,
}

struct Cluster {
    folder: tempfile::TempDir,
    ports: Vec<String>,
    children: Vec<Option<Child>>,
    heard: Arc<Mutex<Heard>>,
}

impl Cluster {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = (0..4).map(|_| free_ports().to_string()).collect();
        for n in 0..4 {
            let home = folder.path().join(n.to_string());
            std::fs::create_dir_all(&home).unwrap();
            SignGuard::create(&home.join("guard"), 0).unwrap();
        }
        let mut cluster =
            Self { folder, ports, children: (0..4).map(|_| None).collect(), heard: Arc::default() };
        (0..4).for_each(|n| cluster.start(n));
        cluster
    }

    fn home(&self, n: usize) -> PathBuf {
        self.folder.path().join(n.to_string())
    }

    fn start(&mut self, n: usize) {
        let told = format!("{n} {} {}", self.home(n).display(), self.ports.join(" "));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::a_node_process", "--ignored", "--nocapture"])
            .env(NODE, told)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.heard.lock().unwrap().lives[n] = 0;
        let (out, heard) = (child.stdout.take().unwrap(), Arc::clone(&self.heard));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some((_, line)) = line.split_once('@') {
                    heard.lock().unwrap().line(n, line);
                }
            }
        });
        self.children[n] = Some(child);
    }

    fn kill(&mut self, n: usize) {
        if let Some(mut child) = self.children[n].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn height(&self, n: usize) -> u64 {
        self.heard.lock().unwrap().lives[n]
    }

    fn highest(&self) -> u64 {
        self.heard.lock().unwrap().tips.into_iter().max().unwrap()
    }

    /// Waits until the nodes are at `height`; a process that ended by itself fails the test.
    fn reach(&mut self, nodes: &[usize], height: u64, within: Duration) -> Duration {
        let started = Instant::now();
        while nodes.iter().any(|n| self.height(*n) < height) {
            for n in nodes {
                let ended = self.children[*n].as_mut().and_then(|child| child.try_wait().unwrap());
                assert!(ended.is_none(), "node {n} ended by itself: {ended:?}");
            }
            let heard = self.heard.lock().unwrap();
            assert!(
                started.elapsed() < within,
                "{height} is not reached: {:?} {:?}",
                heard.tips,
                heard.remarks
            );
            drop(heard);
            std::thread::sleep(Duration::from_millis(10));
        }
        started.elapsed()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..4).for_each(|n| self.kill(n));
    }
}

impl Heard {
    fn line(&mut self, n: usize, line: &str) {
        if line.starts_with('#') {
            self.remarks.push(format!("node {n} {line}"));
            return;
        }
        let Some((height, hash)) = line.split_once(' ') else { return };
        let height: u64 = height.parse().unwrap();
        let known = self.hashes.entry(height).or_insert_with(|| hash.to_owned());
        if known != hash {
            self.forks.push(format!("height {height}: {known} and, at node {n}, {hash}"));
        }
        // The first line of a process is its tip after the restart: what it had said is still there.
        if height < self.tips[n] {
            self.forks.push(format!("node {n} lost {} back to {height}", self.tips[n]));
        }
        self.tips[n] = height;
        self.lives[n] = height;
    }
}

/// A small generator, so that a failing run can be repeated by its seed.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn damage_tail(wal: &Path) {
    if let Ok(mut bytes) = std::fs::read(wal)
        && bytes.len() > 20
    {
        let last = bytes.len() - 1;
        bytes[last] ^= 0x55;
        std::fs::write(wal, bytes).unwrap();
    }
}

/// No step may need longer, on a slow machine.
const LONG: Duration = Duration::from_secs(120);

fn run(seed: u64, kills: usize) {
    let mut random = Seeded(seed);
    let mut cluster = Cluster::new();
    cluster.reach(&[0, 1, 2, 3], 3, LONG);
    let (mut levels, mut regained) = (Vec::new(), Vec::new());
    for kill in 0..kills {
        std::thread::sleep(Duration::from_millis(random.below(1_500)));
        let victims: Vec<usize> = match random.below(6) {
            0 => vec![0, 1, 2, 3],
            1 => {
                let first = random.below(4) as usize;
                vec![first, (first + 1 + random.below(3) as usize) % 4]
            }
            _ => vec![random.below(4) as usize],
        };
        victims.iter().for_each(|n| cluster.kill(*n));
        let highest = cluster.highest();
        std::thread::sleep(Duration::from_millis(random.below(1_000)));
        // One time in four, one log loses its tail while the node is down.
        if random.below(4) == 0 {
            damage_tail(&cluster.home(victims[0]).join("wal"));
        }
        victims.iter().for_each(|n| cluster.start(*n));
        let level = cluster.reach(&victims, highest, LONG);
        let goes_on = cluster.reach(&[0, 1, 2, 3], highest + 2, LONG);
        println!("kill {kill} of {victims:?}: level after {level:?}, two heights more after {goes_on:?}");
        levels.push(level);
        if victims.len() > 1 {
            regained.push(goes_on);
        }
    }
    let heard = cluster.heard.lock().unwrap();
    println!("seed {seed}: heights {:?}; {:?}", heard.tips, heard.remarks);
    println!("slowest to be level {:?}, to go on {:?}", levels.iter().max(), regained.iter().max());
    assert!(heard.forks.is_empty(), "{:?}", heard.forks);
}

#[test]
fn six_kills_under_load_fork_and_lose_nothing() {
    run(7, 6);
}

#[test]
#[ignore = "minutes long; run by hand"]
fn forty_kills_under_load_fork_and_lose_nothing() {
    run(std::env::var("AULA_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1), 40);
}
