//! Two builds of the program run together while the members switch the protocol, under load: the older one, which does
//! not know the new rules, stops before their first height; the others go on; once it is replaced by the newer build it
//! takes up its chain where it stood.

use std::sync::Arc;
use std::time::Duration;

use aula_consensus::FatalError;
use aula_consensus::executor::LedgerExecutor;
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::names::Title;
use aula_ledger::protocol::Protocol;
use aula_ledger::tx::{Change, FundBudget};
use aula_ledger::types::{Cents, Height, SchoolYear};

use crate::common::Network;
use crate::ledger::{decide, hostile, network_under, sign_as, validators_of};

const SECONDS_60: Duration = Duration::from_secs(60);
/// Which of the four nodes is the older build.
const OLDER: usize = 3;
/// Transactions of the load.
const LOAD: u64 = 400;
/// Blocks from the vote to the switch: eight seconds of them.
const AHEAD: u64 = 40;

/// A part of the load.
fn send(network: &Network, sequences: std::ops::Range<u64>) {
    for sequence in sequences {
        let fund = FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) };
        let transaction = sign_as(network, &hostile(), sequence, fund.into());
        network.running(1).submit(transaction.to_canonical()).unwrap();
    }
}

fn block(network: &Network, node: usize, height: u64) -> Block {
    let decided = network.nodes[node].store.decided_at(height).unwrap();
    Block::from_canonical(&decided.block).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_build_stops_before_the_switch_and_the_newer_ones_cross_it_under_load() {
    let mut network = network_under(Protocol::FIRST, 4);
    network.nodes[OLDER].executor = Some(Arc::new(LedgerExecutor::older(Protocol::FIRST)));
    for n in 0..4 {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    send(&network, 0..LOAD / 2);
    let at = network.height(0) + AHEAD;
    let program = Title::new("0.2.0").unwrap();
    let switch = Change::SwitchProtocol { protocol: Protocol(2), height: Height(at), program };
    decide(&network, 0, 0, switch).await;
    assert!(network.height(0) < at, "the vote took longer than the switch left it");
    send(&network, LOAD / 2..LOAD);
    let ended = network.running(OLDER).wait().await;
    match ended {
        Err(FatalError::Outdated(outdated)) => {
            assert_eq!(
                (outdated.height, outdated.needs, outdated.knows),
                (Height(at), Protocol(2), Protocol(1))
            );
            assert!(outdated.next_step().contains("0.2.0"), "{}", outdated.next_step());
        }
        other => panic!("the older build ends with {other:?}"),
    }
    assert_eq!(network.height(OLDER), at - 1, "it stops before the first height of the new rules");
    network.reach(&[0, 1, 2], at + 5, SECONDS_60).await;
    drop(network.nodes[OLDER].running.take());
    // The same home under the newer build.
    network.nodes[OLDER].executor = None;
    network.start(OLDER).await;
    let tip = network.height(0);
    network.reach(&[0, 1, 2, OLDER], tip + 2, SECONDS_60).await;
    let mut loaded = 0;
    for height in 1..=tip {
        let block = block(&network, OLDER, height);
        let expected = if height < at { Protocol(1) } else { Protocol(2) };
        assert_eq!(block.header.protocol, expected, "height {height}");
        loaded += block.transactions.len() as u64;
    }
    // Beside the load: the proposal and the vote.
    assert_eq!(loaded, LOAD + 2, "every transaction of the load is decided, once");
    network.check(|_| validators_of(&network));
    network.stop_all().await;
}
