//! One account floods four nodes with the real ledger; how long somebody else's transaction takes.

use std::time::{Duration, Instant};

use aula_ledger::codec::Canonical;
use aula_ledger::tx::{BudgetStatement, FundBudget, Payload, RunRound};
use aula_ledger::types::{Cents, CommitmentBytes, Height, RoundId, SchoolId, SchoolYear};

use crate::common::Network;
use crate::ledger::{hostile, network, operator, sign_as};

const SECONDS_60: Duration = Duration::from_secs(60);
const YEAR: SchoolYear = SchoolYear(1988);

pub fn fund() -> Payload {
    FundBudget { school_year: YEAR, amount_cents: Cents(1) }.into()
}

/// About 36 kB, and as many range-proved values as a block may hold.
pub fn statement() -> Payload {
    let amount = CommitmentBytes([0; 32]);
    let line = |school| aula_ledger::proof::money::BudgetLine { school: SchoolId(school), amount };
    let no_ranges: Vec<u8> = [vec![0; 4], vec![0; 64]].concat();
    BudgetStatement {
        school_year: YEAR,
        as_of: Height(0),
        total_cents: Cents(1),
        lines: (0..1_024).map(line).collect(),
        proof: borsh::from_slice(&no_ranges).unwrap(),
    }
    .into()
}

async fn four() -> Network {
    let mut network = network();
    for n in 0..4 {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    network
}

/// The hostile account sends these to all nodes in turn; how many were kept.
fn flood(network: &Network, first: u64, count: u64, payload: impl Fn() -> Payload) -> u64 {
    let mut kept = 0;
    for sequence in first..first + count {
        let bytes = sign_as(network, &hostile(), sequence, payload()).to_canonical();
        kept += u64::from(network.running(sequence as usize % 4).submit(bytes).is_ok());
    }
    kept
}

/// Somebody else's transaction, submitted to each node in turn.
async fn others(network: &Network, attack: &str) {
    for n in 0..4u64 {
        let took = network.send(n as usize, &sign_as(network, &operator(), n, fund())).await;
        println!("{attack}: a transaction of somebody else is final after {took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_03_what_waits_behind_a_gap_delays_nobody_on_four_nodes() {
    let mut network = four().await;
    let begun = Instant::now();
    // Sequence 0 never comes.
    let kept = flood(&network, 1, 400, statement);
    let bytes = network.running(0).status().waiting_bytes;
    println!("attack 3: {kept} of 400 kept, {bytes} bytes at one node, after {:?}", begun.elapsed());
    assert!(bytes <= 1024 * 1024);
    others(&network, "attack 3").await;
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_04_runs_of_rounds_that_are_not_there_delay_nobody_on_four_nodes() {
    let mut network = four().await;
    let kept = flood(&network, 0, 3_000, || RunRound { round: RoundId(77) }.into());
    println!("attack 4: {kept} of 3,000 kept");
    assert_eq!(kept, 0);
    others(&network, "attack 4").await;
    network.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_06_whole_blocks_of_range_values_delay_nobody_on_four_nodes() {
    let mut network = four().await;
    let kept = flood(&network, 0, 100, statement);
    println!("attack 6: {kept} batches of 1,024 values kept");
    others(&network, "attack 6").await;
    network.stop_all().await;
}
