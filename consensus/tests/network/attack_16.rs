//! A transaction that nobody heard of is told again until it is in a block.

use std::collections::BTreeMap;
use std::time::Duration;

use aula_ledger::codec::Canonical;

use crate::common::{Network, bytes_of, counting, set_of};

const SECONDS_60: Duration = Duration::from_secs(60);

/// Four validators and a follower; only the follower runs, so that nobody hears what is submitted to it.
async fn lonely() -> Network {
    let (mut network, _) = counting(5, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    network.nodes[4].signs = false;
    network.start(4).await;
    network
}

async fn the_others_start(network: &mut Network) {
    for n in 0..4 {
        network.start(n).await;
    }
    network.connected(4, 4).await;
}

fn sent(network: &Network, n: usize) -> u64 {
    let tip = network.height(n);
    let held = |height| network.nodes[n].store.decided_at(height).unwrap().block;
    (1..=tip)
        .map(|height| aula_ledger::chain::Block::from_canonical(&held(height)).unwrap())
        .map(|block| block.transactions.len() as u64)
        .sum()
}

async fn decided(network: &Network, transactions: u64) -> u64 {
    let started = std::time::Instant::now();
    while sent(network, 4) < transactions {
        assert!(started.elapsed() < SECONDS_60, "only {} of {transactions}", sent(network, 4));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    network.height(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_16_a_follower_that_had_no_peer_tells_the_others_when_it_has() {
    let mut network = lonely().await;
    network.running(4).submit(bytes_of(1, 0)).unwrap();
    network.running(4).submit(bytes_of(1, 1)).unwrap();
    the_others_start(&mut network).await;
    decided(&network, 2).await;
    network.stop_all().await;
}
