//! Nodes that stop, lose files, or run into a bug.

use std::time::Duration;

use aula_consensus::Mode;
use aula_ledger::types::Height;

use crate::common::{Network, bytes_of, four, set_of, transaction};

const SECONDS_60: Duration = Duration::from_secs(60);
const ALL: [usize; 4] = [0, 1, 2, 3];

async fn four_past(height: u64) -> Network {
    let network = four().await;
    network.reach(&ALL, height, SECONDS_60).await;
    network
}

/// Starts 3, which was stopped, and waits until it is where the others are, and follows.
async fn level_again(network: &mut Network) {
    network.start(3).await;
    let tip = network.height(0);
    let took = network.reach(&[3], tip + 2, SECONDS_60).await;
    println!("level again after {took:?}");
}

/// Stops 0: without the votes of 3 nothing is decided any more, so 3 signs and is heard.
async fn its_vote_is_heard(network: &mut Network) {
    network.stop(0).await;
    let at = network.height(1);
    let took = network.reach(&[1, 2, 3], at + 2, SECONDS_60).await;
    println!("heard after {took:?}");
}

/// One chain on all of them, by one set of validators; and the end.
async fn agree_and_stop(mut network: Network) {
    network.check(|_| set_of(&[0, 1, 2, 3]));
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_four_down_the_others_go_on_and_it_catches_up() {
    let mut network = four_past(2).await;
    network.stop(3).await;
    let at = network.height(0);
    let took = network.reach(&[0, 1, 2], at + 5, SECONDS_60).await;
    println!("five heights with one of four down: {took:?}");
    level_again(&mut network).await;
    its_vote_is_heard(&mut network).await;
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_four_down_it_halts_and_goes_on_when_one_returns() {
    let mut network = four_past(2).await;
    network.stop(2).await;
    network.stop(3).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let at = network.height(0);
    // Long enough for a few rounds to fail.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(network.height(0) <= at + 1 && network.height(1) <= at + 1, "two of four decided alone");
    let at = network.height(0).max(network.height(1));
    network.start(2).await;
    let took = network.reach(&[0, 1, 2], at + 1, SECONDS_60).await;
    println!("a regained quorum decided after {took:?}");
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_four_down_at_once_nothing_final_is_lost() {
    let mut network = four_past(2).await;
    for sequence in 0..5 {
        network.send(0, &transaction(1, sequence)).await;
    }
    let before: Vec<_> =
        ALL.iter().map(|n| (network.height(*n), network.nodes[*n].store.hash_at(3))).collect();
    network.stop_all().await;
    for n in ALL {
        network.start(n).await;
    }
    let highest = before.iter().map(|(height, _)| *height).max().unwrap();
    network.reach(&ALL, highest + 2, SECONDS_60).await;
    for (n, (_, hash)) in before.iter().enumerate() {
        assert_eq!(network.nodes[n].store.hash_at(3), *hash);
    }
    network.send(1, &transaction(1, 5)).await;
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_said_and_costs_no_restart() {
    let mut network = four_past(3).await;
    network.stop(3).await;
    let wal = network.nodes[3].folder.join("wal");
    let mut bytes = std::fs::read(&wal).unwrap();
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5]);
    std::fs::write(&wal, &bytes).unwrap();
    level_again(&mut network).await;
    let attention = network.running(3).status().attention.expect("it says so");
    assert!(attention.contains("write-ahead log is damaged"), "{attention}");
    its_vote_is_heard(&mut network).await;
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_guard_a_node_follows_until_its_operator_confirms_a_height() {
    let mut network = four_past(2).await;
    network.stop(3).await;
    std::fs::remove_file(network.nodes[3].folder.join("guard")).unwrap();
    level_again(&mut network).await;
    let status = network.running(3).status();
    assert_eq!(status.mode, Mode::Follower { until: None });
    assert!(status.attention.expect("it says so").contains("is missing"));
    network.stop(3).await;
    // The operator confirms a height ahead, which the others have not reached when it is up: it follows up to there, then signs, in
    // the same process.
    let confirmed = network.height(0) + 15;
    network.start_with(3, |config| config.confirmed_height = Some(Height(confirmed))).await;
    network.reach(&[3], confirmed + 1, SECONDS_60).await;
    for _ in 0..200 {
        if network.running(3).status().mode == Mode::Validator {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(network.running(3).status().mode, Mode::Validator);
    its_vote_is_heard(&mut network).await;
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_back_before_its_old_connections_have_ended_is_heard() {
    let mut network = four_past(2).await;
    network.stop(3).await;
    let ghost = network.add_ghost(3);
    network.start(ghost).await;
    network.connected(ghost, 3).await;
    network.start(3).await;
    network.connected(3, 3).await;
    network.stop(ghost).await;
    its_vote_is_heard(&mut network).await;
    agree_and_stop(network).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_makes_the_ledger_panic_is_set_aside_and_the_chain_goes_on() {
    let network = four_past(2).await;
    network.running(0).submit(bytes_of(13, 0)).unwrap();
    for sequence in 0..6 {
        network.send((sequence % 4) as usize, &transaction(1, sequence)).await;
    }
    let waiting = || -> usize { ALL.iter().map(|n| network.running(*n).status().waiting_transactions).sum() };
    // Whoever proposes next sets it aside; on a busy machine that may be after the six above are final.
    for _ in 0..300 {
        if waiting() < 4 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(waiting() < 4, "whoever proposed it has set it aside");
    agree_and_stop(network).await;
}
