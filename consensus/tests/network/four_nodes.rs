//! Nobody misbehaves.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::{Pace, counting, four_at, set_of, transaction};

const SECONDS_60: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_heights_with_transactions_that_do_not_wait_for_the_idle_time() {
    let (mut network, _) = counting(4, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    for n in 0..4 {
        network.start_with(n, |config| config.idle = IDLE).await;
    }
    // One transaction at a time, to whichever node: each is final well before the idle time is over, which is long
    // enough that a busy machine makes no difference.
    let mut waits = Vec::new();
    for sequence in 0..18u64 {
        waits.push(network.send((sequence % 4) as usize, &transaction(1, sequence)).await);
    }
    waits.sort();
    println!("lone transactions: {waits:?}");
    let median = waits[waits.len() / 2];
    assert!(median < IDLE / 2, "a lone transaction waited {median:?}: {waits:?}");
    network.reach(&[0, 1, 2, 3], 18, SECONDS_60).await;
    network.check(|_| set_of(&[0, 1, 2, 3]));
    // The engine's connections are looked at every few seconds only.
    let deadline = std::time::Instant::now() + SECONDS_60;
    while network.running(0).status().peers < 3 && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let status = network.running(0).status();
    assert_eq!((status.peers, status.gossip_peers, status.waiting_transactions), (3, 3, 0));
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_heights_come_no_faster_than_one_a_second() {
    let mut network = four_at(Pace::Shipped).await;
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    network.reach(&[0], 6, SECONDS_60).await;
    let between = network.nodes[0].store.time_at(6) - network.nodes[0].store.time_at(3);
    assert!(between >= 2_000, "three idle heights took {between} ms");
    network.stop_all().await;
}

/// A store keeps on disk whatever a state that is held still shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_state_is_held_for_longer_than_its_block() {
    let mut network = four_at(Pace::Shipped).await;
    network.reach(&[0, 1, 2, 3], 5, SECONDS_60).await;
    for n in 0..4 {
        let held = network.nodes[n].store.in_memory().oldest_held();
        assert!(held >= 3, "node {n} holds the state after height {held} at 5 or later");
    }
    network.stop_all().await;
}
