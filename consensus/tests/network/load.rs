//! Many transactions. The short test is part of the gate; the long one is run by hand for its figures.

use std::time::{Duration, Instant};

use crate::common::{bytes_of, four, set_of};

const SECONDS_60: Duration = Duration::from_secs(60);

/// Submits `count` transactions of each of ten accounts, spread over the nodes, and waits until node 0 has them.
async fn run(count: u64) -> (Duration, u64) {
    let mut network = four().await;
    network.reach(&[0, 1, 2, 3], 1, SECONDS_60).await;
    let all: Vec<Vec<u8>> =
        (0..count).flat_map(|sequence| (1..=10u8).map(move |n| bytes_of(n, sequence))).collect();
    let (started, before) = (Instant::now(), network.height(0));
    for (index, bytes) in all.into_iter().enumerate() {
        // One account goes to one node, so that its transactions arrive in order.
        let n = index % 10 % 4;
        network.running(n).submit(bytes).unwrap();
        if index % 200 == 199 {
            tokio::task::yield_now().await;
        }
    }
    loop {
        let done: u64 = (before..=network.height(0)).map(|h| transactions(&network, h)).sum();
        if done == count * 10 {
            break;
        }
        assert!(started.elapsed() < SECONDS_60, "{done} of {} are decided", count * 10);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (took, heights) = (started.elapsed(), network.height(0) - before);
    network.check(|_| set_of(&[0, 1, 2, 3]));
    network.stop_all().await;
    (took, heights)
}

fn transactions(network: &crate::common::Network, height: u64) -> u64 {
    use aula_ledger::chain::Block;
    use aula_ledger::codec::Canonical;
    let Some(decided) = network.nodes[0].store.decided_at(height) else { return 0 };
    Block::from_canonical(&decided.block).unwrap().transactions.len() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_transactions_of_ten_accounts_are_all_decided() {
    let (took, heights) = run(200).await;
    println!("2,000 transactions in {took:?} and {heights} heights");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn thirty_thousand_transactions() {
    let (took, heights) = run(3_000).await;
    println!("30,000 transactions in {took:?} and {heights} heights");
}
