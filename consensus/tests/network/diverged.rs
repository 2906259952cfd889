//! One node of four runs a program that executes one kind of transaction otherwise. It stops and names where; the others go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_consensus::divergence::Case;
use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::Executor;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, SignatureMemory};
use aula_ledger::proof::merkle;
use aula_ledger::state::{Overlay, StateReader};
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::tx::{FundBudget, Payload};
use aula_ledger::tx::{Transaction, TransactionId};
use aula_ledger::types::{Cents, SchoolYear};

use crate::common::{Network, as_the_ledger};
use crate::ledger::{network, operator, sign_as, validators_of};

const SECONDS_60: Duration = Duration::from_secs(60);
const HONEST: [usize; 3] = [0, 1, 2];
const FAULTY: usize = 3;

/// The ledger, but that funding a budget puts a cent more into it.
struct OneCentMore;

struct Verified;

impl SignatureMemory for Verified {
    fn is_verified(&self, _: &TransactionId) -> bool {
        true
    }
}

/// The transactions as the faulty program takes them.
fn with_a_cent_more(transactions: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let more = |bytes: &Vec<u8>| {
        let mut one = Transaction::from_canonical(bytes).unwrap();
        if let Payload::FundBudget(fund) = &mut one.body.payload {
            fund.amount_cents.0 += 1;
        }
        one.to_canonical()
    };
    transactions.iter().map(more).collect()
}

/// The outcome under the transactions as they are: only what it did with them is wrong.
fn under_their_names(mut outcome: Outcome, transactions: &[Vec<u8>]) -> Outcome {
    for (receipt, bytes) in outcome.receipts.iter_mut().zip(transactions) {
        receipt.transaction = id_of_bytes(bytes);
    }
    outcome.header.transactions = merkle::head(transactions);
    outcome.header.receipts = merkle::head(outcome.receipts.iter().map(Canonical::to_canonical));
    outcome
}

impl Executor for OneCentMore {
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError> {
        if input.transactions.is_empty() {
            return LedgerExecutor::NEWEST.execute(state, input, memory);
        }
        let changed = with_a_cent_more(input.transactions);
        let outcome = LedgerExecutor::NEWEST.execute(
            state,
            &BlockInput { transactions: &changed, ..*input },
            &Verified,
        )?;
        Ok(under_their_names(outcome, input.transactions))
    }

    fn execute_watched(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        _: &dyn SignatureMemory,
        watch: &mut dyn FnMut(Option<u32>, &Overlay<'_>),
    ) -> Result<Outcome, ExecuteError> {
        let changed = with_a_cent_more(input.transactions);
        LedgerExecutor::NEWEST.execute_watched(
            state,
            &BlockInput { transactions: &changed, ..*input },
            &Verified,
            watch,
        )
    }

    as_the_ledger!();
}

async fn one_faulty() -> Network {
    let mut network = network();
    for n in HONEST {
        network.start(n).await;
    }
    network.genesis.executor = Arc::new(OneCentMore);
    let damage = network.nodes[FAULTY].folder.join("damaged");
    network.start_with(FAULTY, |config| config.damage = Some(damage)).await;
    network.genesis.executor = Arc::new(LedgerExecutor::NEWEST);
    network.reach(&[0, 1, 2, FAULTY], 3, SECONDS_60).await;
    network
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_execution_parts_names_where_and_stops_alone() {
    let mut network = one_faulty().await;
    let fund = FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(700) };
    network.send(0, &sign_as(&network, &operator(), 0, fund.into())).await;
    let (decided, begun) = (network.height(0), Instant::now());
    let fatal = tokio::time::timeout(SECONDS_60, network.running(FAULTY).wait()).await.unwrap().unwrap_err();
    let (took, text) = (begun.elapsed(), fatal.to_string());
    println!("divergence named after {took:?}: {text}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let parts =
        ["transaction 0, FundBudget", "module budget", "record budget/", "state_root", "signs nothing more"];
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    let status = network.running(FAULTY).status();
    assert!(status.height.0 < decided, "{status:?}");

    let at = network.height(0);
    network.reach(&HONEST, at + 4, SECONDS_60).await;
    let files = std::fs::read_dir(&network.nodes[FAULTY].folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.to_string_lossy().contains("diverged-")).expect("a file");
    let case = Case::read(&file).unwrap();
    assert!(case.look(&LedgerExecutor::NEWEST).unwrap().agrees(), "the others' program agrees");
    let again = case.look(&OneCentMore).unwrap();
    assert!(!again.agrees() && again.has_facts);
    assert_eq!(again.transaction.as_ref().map(|(at, kind, _)| (*at, kind.as_str())), Some((0, "FundBudget")));
    assert!(again.records.iter().any(|record| record.module == "budget" && record.transaction == Some(0)));
    assert!(text.contains(&again.to_string()), "the same is found again: {again}");
    let set = validators_of(&network);
    network.check(|_| set.clone());
    for n in HONEST {
        network.stop(n).await;
    }
}
