//! All attacks together on seven validators of which two are hostile, for as long as one likes: `scripts/attacks.sh --soak`.
//!
//! Five honest nodes with the real ledger run in this process. Two programs hold the other two validators' keys: they use
//! their turns for blocks of other times, of two kinds at once and under heads that claim a quorum, flood the others with a
//! block that costs a whole execution to refuse, and publish junk. A hostile member, who is a district and a funder, sends
//! all of `hostile_member`. An outsider holds idle connections. Not here: withheld shares of seeds and rolling them
//! again (9) and the API (11), which have tests of their own with the whole program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_malachitebft_core_types::Round;
use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::Executor;
use aula_ledger::chain::{Block, ValidatorSet};
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, VerifyAll};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::state::{MemoryState, schema};
use aula_ledger::tx::Payload;
use aula_ledger::types::{Hash, Height};
use libp2p::multiaddr::Protocol;

use crate::attack_01::block_after;
use crate::attack_02::{expensive, resident_mib};
use crate::attack_03_04::fund;
use crate::common::{Chain, Network, Pace, network_key, now_ms, validator_key};
use crate::hostile_member::attack;
use crate::ledger::{hostile, network_on_disk, operator, sign_as, validators_of};
use crate::liar::Liar;

const HONEST: [usize; 5] = [0, 1, 2, 3, 4];
const LIARS: [u8; 2] = [5, 6];
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How often the memory is looked at.
const TENTHS: u32 = 10;
/// What the second half may add: five nodes' share of buffers that were not full by then.
const GROWTH_MIB: u64 = 100;
/// How often a liar publishes what costs it its connections for a minute.
const JUNK_EVERY: Duration = Duration::from_secs(150);

/// What the attackers share.
#[derive(Clone)]
struct Scene {
    store: Arc<dyn Chain>,
    genesis: Hash,
    set: ValidatorSet,
    over: Arc<AtomicBool>,
    /// What was done, to show that something was.
    blocks: Arc<AtomicU64>,
    streams: Arc<AtomicU64>,
    transactions: Arc<AtomicU64>,
    kept: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Scene {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    fn next(&self) -> u64 {
        self.store.height() + 1
    }
}

/// Other times, hidden and open, two blocks at once, or none at all, in the liar's own turns.
async fn lie_about_time(scene: Scene, mut liar: Liar) {
    let (mut last, mut turn, mut junk) = (0, 0u64, Instant::now());
    while scene.goes_on() {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let height = scene.next();
        let turns = liar.turns(&scene.set, scene.store.as_ref(), height);
        if height == last || turns.first() != Some(&0) {
            continue;
        }
        (last, turn) = (height, turn + 1);
        let (own, now) = (liar.address().0, now_ms());
        let time = [u64::MAX, now + DAY_MS / 2, now + 5_000, now][turn as usize % 4];
        let block = block_after(scene.store.as_ref(), &scene.genesis, own, time);
        if block.header.height != Height(height) {
            continue;
        }
        match turn % 3 {
            0 => liar.push(&block, 0, turns[1], Round::new(0)).await,
            1 => liar.push(&block, 0, 0, Round::Nil).await,
            _ => {
                let other = block_after(scene.store.as_ref(), &scene.genesis, own, now + 1);
                liar.push(&block, 0, 0, Round::Nil).await;
                liar.push(&other, 0, 0, Round::Nil).await;
            }
        }
        scene.blocks.fetch_add(1, Ordering::Relaxed);
        if junk.elapsed() > JUNK_EVERY {
            junk = Instant::now();
            let bytes = block.to_canonical();
            let mut forged = liar.head(height, 0, Round::Nil, block.header.hash(), bytes.len());
            forged.block_hash = Hash([9; 32]);
            liar.stream(&forged, &bytes).await;
        }
    }
}

/// The same wrong block under one head, again and again, twenty times a second.
async fn flood(scene: Scene, mut liar: Liar) {
    let body = |sequence| {
        let fund: Payload = fund();
        sign_for(&scene, sequence, fund)
    };
    let mut transactions: Vec<Vec<u8>> = (0..999).map(body).collect();
    *transactions.last_mut().unwrap().last_mut().unwrap() ^= 1;
    while scene.goes_on() {
        let block = expensive(scene.store.as_ref(), scene.genesis, &liar, &transactions);
        let (height, bytes) = (block.header.height.0, block.to_canonical());
        let round = liar.turns(&scene.set, scene.store.as_ref(), height)[0];
        let head = liar.head(height, round, Round::Nil, block.header.hash(), bytes.len());
        while scene.next() == height && scene.goes_on() {
            liar.stream(&head, &bytes).await;
            scene.streams.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn sign_for(scene: &Scene, sequence: u64, payload: Payload) -> Vec<u8> {
    use aula_ledger::tx::{Body, Transaction};
    let body = Body {
        genesis: scene.genesis,
        account: account_of(&public_key(&hostile())),
        sequence,
        valid_until_height: Height(u64::MAX),
        payload,
    };
    Transaction::sign(body, &hostile()).to_canonical()
}

/// The hostile member: four more of everything that may harm.
fn member(scene: &Scene, network: &Network, tick: u64) {
    let account = account_of(&public_key(&hostile()));
    let state = scene.store.state().unwrap();
    let next = schema::admitted_member(state.as_ref(), &account).unwrap().unwrap().0.sequence;
    let node = network.running(HONEST[tick as usize % HONEST.len()]);
    for n in 0..4 {
        // Refused or not: an attacker goes on.
        let kept = node.submit(attack(&scene.genesis, next + n, 4 * tick + n)).is_ok();
        scene.transactions.fetch_add(1, Ordering::Relaxed);
        scene.kept.fetch_add(u64::from(kept), Ordering::Relaxed);
    }
}

/// Idle connections to every port of the honest.
async fn outsider(scene: Scene, ports: Vec<u16>) {
    while scene.goes_on() {
        let mut held = Vec::new();
        for port in ports.iter().flat_map(|port| [*port, port + 1]) {
            for _ in 0..20 {
                if let Ok(Ok(connection)) = tokio::time::timeout(
                    Duration::from_millis(200),
                    tokio::net::TcpStream::connect(("127.0.0.1", port)),
                )
                .await
                {
                    held.push(connection);
                }
            }
        }
        scene.connections.fetch_add(held.len() as u64, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Executes the chain of a node again from its genesis.
fn replay(network: &Network, node: usize) -> u64 {
    let store = &network.nodes[node].store;
    let mut state: MemoryState = network.genesis.state.clone();
    let mut parent = network.genesis.tip.hash;
    for height in 1..=store.height() {
        let block = Block::from_canonical(&store.decided_at(height).unwrap().block).unwrap();
        assert_eq!(block.header.parent, parent, "height {height}");
        let outcome = LedgerExecutor::NEWEST.execute(&state, &BlockInput::of(&block), &VerifyAll).unwrap();
        assert_eq!(outcome.header, block.header, "height {height}");
        parent = block.header.hash();
        state.apply(outcome.writes);
    }
    store.height()
}

fn minutes() -> f64 {
    std::env::var("AULA_SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(30.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long; scripts/attacks.sh --soak MINUTES"]
async fn soak_all_attacks_together_on_seven_validators_of_which_two_are_hostile() {
    let mut network = network_on_disk(7);
    network.pace = Pace::Shipped;
    for n in HONEST {
        network.start(n).await;
    }
    let nodes: Vec<_> = HONEST.iter().map(|n| network.nodes[*n].as_peer()).collect();
    let genesis = network.genesis.genesis;
    let mut liars = LIARS.map(|n| Liar::connect(&genesis, network_key(n), validator_key(n), nodes.clone()));
    for liar in &mut liars {
        liar.heard_by(HONEST.len()).await;
    }
    network.reach(&HONEST, 2, Duration::from_secs(120)).await;
    let scene = Scene {
        store: Arc::clone(&network.nodes[0].store),
        genesis,
        set: validators_of(&network),
        over: Arc::default(),
        blocks: Arc::default(),
        streams: Arc::default(),
        transactions: Arc::default(),
        kept: Arc::default(),
        connections: Arc::default(),
    };
    let port = |n: usize| {
        network.nodes[n].listen.iter().find_map(|part| match part {
            Protocol::Tcp(port) => Some(port),
            _ => None,
        })
    };
    let ports = HONEST.iter().filter_map(|n| port(*n)).collect();
    let [first, second] = liars;
    let attackers = [
        tokio::spawn(lie_about_time(scene.clone(), first)),
        tokio::spawn(flood(scene.clone(), second)),
        tokio::spawn(outsider(scene.clone(), ports)),
    ];
    let (time, begun, from) = (Duration::from_secs_f64(minutes() * 60.0), Instant::now(), network.height(0));
    let (mut waits, mut tick, mut sequence, mut memory) = (Vec::new(), 0u64, 0u64, Vec::new());
    while begun.elapsed() < time {
        member(&scene, &network, tick);
        tick += 1;
        if begun.elapsed() > time * memory.len() as u32 / TENTHS {
            memory.push(resident_mib());
        }
        // Somebody else's transaction, at each node in turn; the member goes on while it waits.
        let node = HONEST[sequence as usize % HONEST.len()];
        let sent = sign_as(&network, &operator(), sequence, fund());
        let wait = network.send(node, &sent);
        tokio::pin!(wait);
        let waited = loop {
            tokio::select! {
                waited = &mut wait => break waited,
                () = tokio::time::sleep(Duration::from_millis(100)) => {
                    member(&scene, &network, tick);
                    tick += 1;
                }
            }
        };
        waits.push(waited);
        sequence += 1;
    }
    scene.over.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.await.unwrap();
    }
    let (took, heights) = (begun.elapsed(), network.height(0) - from);
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() * part / 100).min(waits.len() - 1)];
    let latest = network.nodes[0].store.time_at(network.height(0));
    let done = |count: &AtomicU64| count.load(Ordering::Relaxed);
    memory.push(resident_mib());
    let set = scene.set.clone();
    network.stop_all().await;
    network.check(|_| set.clone());
    let replayed = replay(&network, 0);
    println!(
        "soak: {:.1} minutes, seven validators, two hostile: {:.1} heights a minute; of {} honest transactions p50 {:?}, p99 \
         {:?}, slowest {:?} to final; memory of five honest nodes and the attackers in MiB at each tenth of the time \
         {memory:?}; replay agrees through height {replayed}",
        took.as_secs_f64() / 60.0,
        heights as f64 * 60.0 / took.as_secs_f64(),
        waits.len(),
        at(50),
        at(99),
        at(100),
    );
    println!(
        "soak: done meanwhile: {} blocks by a liar, {} streams of a wrong block, {} hostile transactions of which {} were \
         kept, {} idle connections",
        done(&scene.blocks),
        done(&scene.streams),
        done(&scene.transactions),
        done(&scene.kept),
        done(&scene.connections)
    );
    assert!(latest <= now_ms() + 500, "block time {latest} is ahead of the clock");
    assert!(at(99) < Duration::from_secs(60), "{:?}", at(99));
    // The databases fill their caches first; what grows in the second half grows for ever.
    let (middle, end) = (memory[memory.len() / 2], memory[memory.len() - 1]);
    assert!(end < middle + GROWTH_MIB, "memory grows: {memory:?}");
}
