//! One validator of four floods the others with blocks. All four run as they should; beside them a program holds the
//! key of one, and an admitted network key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_malachitebft_core_types::Round;
use aula_consensus::ports::AdmittedPeer;
use aula_ledger::chain::{Block, Header};
use aula_ledger::codec::Canonical;
use aula_ledger::proof::merkle;
use aula_ledger::protocol::Protocol;
use aula_ledger::types::{Hash, TimeMs};

use crate::common::{
    Chain, Counter, Network, counting, network_key, now_ms, peer_id, set_of, transaction, validator_key,
};
use crate::liar::Liar;

const SECONDS_60: Duration = Duration::from_secs(60);
const ALL: [usize; 4] = [0, 1, 2, 3];
/// The liar's number as a peer, and as a validator.
const PEER: u8 = 9;
const VALIDATOR: u8 = 3;

async fn four_and_a_liar() -> (Network, Arc<Counter>, Liar) {
    let (mut network, counter) = counting(4, BTreeMap::from([(0, set_of(&ALL.map(|n| n as u8)))]));
    counter.admitted.lock().unwrap().push(AdmittedPeer { peer: peer_id(PEER), listen: None });
    for n in ALL {
        network.start(n).await;
    }
    let nodes = ALL.iter().map(|n| network.nodes[*n].as_peer()).collect();
    let mut liar =
        Liar::connect(&network.genesis.genesis, network_key(PEER), validator_key(VALIDATOR), nodes);
    liar.heard_by(4).await;
    network.reach(&ALL, 2, SECONDS_60).await;
    (network, counter, liar)
}

/// A block by the liar on a node's tip with 998 good signatures and a bad last one: it costs a whole execution to see
/// that it is wrong.
pub fn expensive(store: &dyn Chain, genesis: Hash, liar: &Liar, transactions: &[Vec<u8>]) -> Block {
    let tip = store.tip().unwrap();
    let empty = merkle::head(Vec::<Vec<u8>>::new());
    let header = Header {
        protocol: Protocol::NEWEST,
        genesis,
        height: tip.height.next(),
        time_ms: TimeMs(now_ms().max(tip.time_ms.0 + 1)),
        parent: tip.hash,
        proposer: liar.address().0,
        transactions: merkle::head(transactions),
        receipts: empty,
        students: empty,
        state_root: Hash([0; 32]),
        validators_hash: Hash([0; 32]),
        next_validators_hash: Hash([0; 32]),
    };
    Block { header, transactions: transactions.to_vec() }
}

fn signed_but_for_the_last() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..999).map(|sequence| transaction(1, sequence).to_canonical()).collect();
    *all.last_mut().unwrap().last_mut().unwrap() ^= 1;
    all
}

pub fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// What a stretch of time brought.
#[derive(Debug)]
struct Measured {
    heights: u64,
    executions: usize,
    streams: u64,
    mib_before: u64,
    mib_after: u64,
}

/// Streams the same wrong block under one head, height after height, at most 40 times a second.
async fn flood(network: &Network, counter: &Counter, liar: &mut Liar, time: Duration) -> Measured {
    let set = set_of(&ALL.map(|n| n as u8));
    let (begun, from, runs, mib_before) =
        (Instant::now(), network.height(0), counter.runs.load(Ordering::Relaxed), resident_mib());
    let (transactions, mut streams) = (signed_but_for_the_last(), 0);
    while begun.elapsed() < time {
        let block = expensive(network.nodes[0].store.as_ref(), network.genesis.genesis, liar, &transactions);
        let (height, bytes) = (block.header.height.0, block.to_canonical());
        let head = liar.head(
            height,
            liar.turns(&set, network.nodes[0].store.as_ref(), height)[0],
            Round::Nil,
            block.header.hash(),
            bytes.len(),
        );
        while network.height(0) < height && begun.elapsed() < time {
            liar.stream(&head, &bytes).await;
            streams += 1;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    Measured {
        heights: network.height(0) - from,
        executions: counter.runs.load(Ordering::Relaxed) - runs,
        streams,
        mib_before,
        mib_after: resident_mib(),
    }
}

/// `alone`: nothing else runs in this process and on this machine, so that heights and memory can be held to a bound. Beside other
/// tests the blocks that were judged are counted, which no neighbour changes.
async fn measure(time: Duration, alone: bool) {
    let (mut network, counter, mut liar) = four_and_a_liar().await;
    let from = network.height(0);
    tokio::time::sleep(time).await;
    let quiet = network.height(0) - from;
    let flooded = flood(&network, &counter, &mut liar, time).await;
    println!("attack 2: {time:?} without the flood: {quiet} heights; with it: {flooded:?}");
    assert!(flooded.streams > 4 * time.as_secs(), "a flood: {flooded:?}");
    assert!(flooded.heights > 0, "the chain goes on: {flooded:?}");
    // Four nodes, each executes the block that is decided and at most one of the liar's a height.
    let most = 8 * (flooded.heights as usize + 2);
    assert!(flooded.executions <= most, "{} executions, {most} at most", flooded.executions);
    if alone {
        assert!(flooded.heights * 3 >= quiet, "the chain goes on: {quiet} heights without, {flooded:?}");
        assert!(flooded.mib_after < flooded.mib_before + 200, "memory is bounded: {flooded:?}");
    }
    network.check(|_| set_of(&ALL.map(|n| n as u8)));
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_02_a_wrong_block_streamed_again_and_again_is_judged_once() {
    measure(Duration::from_secs(5), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute; scripts/attacks.sh"]
async fn attack_02_half_a_minute_of_flood() {
    measure(Duration::from_secs(30), true).await;
}

/// An admitted peer that publishes what no honest node would loses its connections, and the chain does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_13_junk_costs_its_sender_the_connection() {
    let (mut network, _, mut liar) = four_and_a_liar().await;
    let block = expensive(network.nodes[0].store.as_ref(), network.genesis.genesis, &liar, &[]);
    let bytes = block.to_canonical();
    let set = set_of(&ALL.map(|n| n as u8));
    let height = network.height(0) + 1;
    let round = liar.turns(&set, network.nodes[0].store.as_ref(), height)[0];
    let mut forged = liar.head(height, round, Round::Nil, block.header.hash(), bytes.len());
    forged.block_hash = Hash([9; 32]);
    let begun = Instant::now();
    while liar.listeners() > 0 {
        liar.stream(&forged, &bytes).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{} nodes still listen", liar.listeners());
    }
    println!("attack 13: a peer that published junk was cut off by all four after {:?}", begun.elapsed());
    let at = network.height(0);
    network.reach(&ALL, at + 5, SECONDS_60).await;
    assert_eq!(liar.listeners(), 0, "and stays cut off");
    network.check(|_| set_of(&ALL.map(|n| n as u8)));
    network.stop_all().await;
}
