//! One validator of four proposes blocks of another time. It used to end the chain for good.

use std::time::Duration;

use arc_malachitebft_core_types::Round;
use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::Executor;
use aula_ledger::chain::Block;
use aula_ledger::execute::{BlockInput, VerifyAll};
use aula_ledger::types::{Hash, Height, TimeMs, ValidatorAddress};

use crate::common::{Chain, Network, network_key, now_ms, validator_key};
use crate::ledger::{network, validators_of};
use crate::liar::Liar;

const SECONDS_60: Duration = Duration::from_secs(60);
const HONEST: [usize; 3] = [0, 1, 2];
/// The liar's number.
const LIAR: u8 = 3;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// See [`block_after`].
fn block_of(network: &Network, liar: &Liar, time_ms: u64) -> Block {
    block_after(network.nodes[0].store.as_ref(), &network.genesis.genesis, liar.address().0, time_ms)
}

/// The empty block after a store's tip by this proposer, of the time that is wished: whole and right if the ledger admits
/// that time, else with roots of another one.
pub fn block_after(store: &dyn Chain, genesis: &Hash, proposer: ValidatorAddress, time_ms: u64) -> Block {
    let (tip, state) = (store.tip().unwrap(), store.state().unwrap());
    let run = |time_ms| {
        let input = BlockInput {
            genesis,
            height: tip.height.next(),
            time_ms,
            parent: tip.hash,
            proposer,
            transactions: &[],
        };
        LedgerExecutor::NEWEST.execute(state.as_ref(), &input, &VerifyAll).map(|outcome| outcome.header)
    };
    let mut header = run(TimeMs(time_ms)).or_else(|_| run(TimeMs(tip.time_ms.0 + 1))).unwrap();
    header.time_ms = TimeMs(time_ms);
    Block { header, transactions: vec![] }
}

/// Waits until the liar's turn in round 0 is next; the height.
async fn turn(network: &Network, liar: &Liar) -> u64 {
    let set = validators_of(network);
    loop {
        let next = network.height(0) + 1;
        if liar.turns(&set, network.nodes[0].store.as_ref(), next).first() == Some(&0) {
            return next;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn three_and_a_liar() -> (Network, Liar) {
    let mut network = network();
    for n in HONEST {
        // A liar that missed a turn has its next one some heights later.
        network.start_with(n, |config| config.idle = Duration::from_millis(100)).await;
    }
    let nodes = HONEST.iter().map(|n| network.nodes[*n].as_peer()).collect();
    let mut liar = Liar::connect(&network.genesis.genesis, network_key(LIAR), validator_key(LIAR), nodes);
    liar.heard_by(3).await;
    network.reach(&HONEST, 2, SECONDS_60).await;
    (network, liar)
}

/// No decided block is ahead of the clock, all go on, and agree.
async fn unharmed(mut network: Network) {
    let at = network.height(0);
    network.reach(&HONEST, at + 5, SECONDS_60).await;
    let latest = network.nodes[0].store.time_at(at);
    assert!(latest <= now_ms() + 500, "block time {latest} is ahead of the clock");
    let status = network.running(0).status();
    assert!(status.ahead_of_clock_ms.is_some_and(|ahead| ahead <= 500), "{:?}", status.ahead_of_clock_ms);
    let set = validators_of(&network);
    network.check(|_| set.clone());
    for n in HONEST {
        network.stop(n).await;
    }
}

/// The scenario of the review: Proposal(h, 0, V), the block under a head of the liar's next turn that claims a quorum
/// of prevotes in round 0. And its plainer relatives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_01_a_block_of_the_far_future_is_not_decided() {
    let (network, mut liar) = three_and_a_liar().await;
    let set = validators_of(&network);
    for (time, hidden) in [(u64::MAX, true), (DAY_MS, true), (DAY_MS, false), (10_000, true)] {
        let height = turn(&network, &liar).await;
        let parent = network.nodes[0].store.tip().unwrap().time_ms.0;
        let time = if time == DAY_MS { parent + DAY_MS } else { time.saturating_add(now_ms()) };
        let block = block_of(&network, &liar, time);
        let later = liar.turns(&set, network.nodes[0].store.as_ref(), height)[1];
        if hidden {
            liar.push(&block, 0, later, Round::new(0)).await;
        } else {
            liar.push(&block, 0, 0, Round::Nil).await;
            liar.push(&block, 0, later, Round::new(0)).await;
        }
        network.reach(&HONEST, height, SECONDS_60).await;
        let decided = network.nodes[0].store.tip().unwrap();
        let outcome = if network.nodes[0].store.time_at(height) == time { "DECIDED" } else { "refused" };
        println!("attack 1: a block of time {time} at height {height}: {outcome}; tip {}", decided.height);
        assert_ne!(network.nodes[0].store.time_at(height), time, "a block of another time is decided");
    }
    unharmed(network).await;
}

/// A liar's block in time is decided: what the others refuse is its time, not its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_01_control_the_same_program_in_time_is_heard() {
    let (network, mut liar) = three_and_a_liar().await;
    let height = turn(&network, &liar).await;
    let block = block_of(&network, &liar, now_ms());
    liar.push(&block, 0, 0, Round::Nil).await;
    network.reach(&HONEST, height, SECONDS_60).await;
    assert_eq!(network.nodes[0].store.hash_at(height), Some(block.header.hash()));
    assert_eq!(network.nodes[0].store.tip().unwrap().height.0.min(height), Height(height).0);
    unharmed(network).await;
}
