//! A node that must not believe yet what it follows, and one whose clock is fast.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_consensus::Mode;
use aula_ledger::types::Height;

use crate::common::{MemoryStore, counting, four, set_of};

const SECONDS_60: Duration = Duration::from_secs(60);
const HOUR_MS: u64 = 3_600_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_that_begins_anew_signs_nothing_before_its_chain_is_proven() {
    let mut network = four().await;
    network.reach(&[0, 1, 2, 3], 3, SECONDS_60).await;
    network.stop(3).await;
    network.nodes[3].store = Arc::new(MemoryStore::new(&network.genesis));
    network.start_with(3, |config| config.unproven = true).await;
    let at = network.height(0);
    network.reach(&[3], at + 6, SECONDS_60).await;
    let status = network.running(3).status();
    assert!(matches!(status.mode, Mode::Follower { .. }), "it is level and not proven: {status:?}");
    // What the others say is heard meanwhile.
    let started = Instant::now();
    while network.running(3).told_height() < Some(Height(at)) {
        assert!(started.elapsed() < SECONDS_60, "{:?}", network.running(3).told_height());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(network.running(3).told_height() <= network.running(3).highest_told());
    let keepers = network.running(3).keepers();
    assert!(keepers.len() > 1 && keepers.iter().all(|keeper| keeper.oldest <= Height(1)), "{keepers:?}");
    network.running(3).prove();
    let started = Instant::now();
    while network.running(3).status().mode != Mode::Validator {
        assert!(started.elapsed() < SECONDS_60, "{:?}", network.running(3).status());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let at = network.height(3);
    network.reach(&[0, 1, 2, 3], at + 3, SECONDS_60).await;
    network.check(|_| set_of(&[0, 1, 2, 3]));
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn founders_that_are_all_newcomers_begin_their_chain() {
    let (mut network, _) = counting(4, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    for n in 0..4 {
        network.start_with(n, |config| config.unproven = true).await;
    }
    let started = Instant::now();
    while (0..4).any(|n| network.height(n) < 4) {
        assert!(started.elapsed() < SECONDS_60, "the chain does not begin");
        // What a node does at its first block, which was made a moment ago.
        (0..4).filter(|n| network.height(*n) > 0).for_each(|n| network.running(n).prove());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_is_an_hour_fast_says_so_and_the_others_say_nothing() {
    let (mut network, _) = counting(4, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    network.nodes[3].ahead_ms = HOUR_MS;
    for n in 0..4 {
        network.start(n).await;
    }
    let started = Instant::now();
    let words = loop {
        if let Some(words) = network.running(3).status().fast_clock {
            break words;
        }
        assert!(started.elapsed() < 2 * SECONDS_60, "nothing is said at height {}", network.height(3));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(words.contains("clock is fast") && words.contains("NTP"), "{words}");
    for n in 0..3 {
        assert_eq!(network.running(n).status().fast_clock, None, "node {n}");
    }
    network.stop_all().await;
}
