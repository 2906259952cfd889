//! From protocol 3 on a stated budget is what the ledger charged for pools, school by school.

use proptest::prelude::*;

use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::limits::{Budget, cost_of};
use crate::protocol::Protocol;
use crate::state::schema;
use crate::testkit::money::{charged_as_of, stated};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// Pools of 500 cents at school 11 and 200 at school 21 are charged to "funder", who has funded 100,000.
const CHARGED: [(u32, u64); 2] = [(11, 500), (21, 200)];

fn third() -> Chain {
    let mut genesis = genesis();
    genesis.protocol = Protocol(3);
    let mut chain = Chain::of(genesis);
    prepare(&mut chain);
    chain
}

fn code(chain: &mut Chain, statement: BudgetStatement) -> Code {
    chain.send("funder", statement).code
}

fn newest(chain: &Chain) -> (schema::StatedBudget, bool) {
    let record = schema::stated_budget(&chain.state, &account("funder"), YEAR).unwrap().unwrap();
    let bound = schema::is_bound(&chain.state, &record).unwrap();
    (record, bound)
}

#[test]
fn what_pools_were_charged_is_taken_and_nothing_else() {
    let mut chain = third();
    let (genesis, now) = (chain.parsed.sha256, chain.height);
    let made = |amounts: &[(u32, u64)]| charged_as_of(&genesis, now, amounts);
    // The same sum, moved from one school to the other: before, it would have done.
    assert_eq!(code(&mut chain, made(&[(11, 499), (21, 201)])), Code::ProofRejected);
    assert_eq!(code(&mut chain, made(&[(11, 500), (12, 200)])), Code::TotalDiffers, "school 21 is left out");
    assert_eq!(code(&mut chain, made(&[(11, 700)])), Code::TotalDiffers, "two schools in one");
    assert_eq!(code(&mut chain, made(&[(11, 500), (21, 201)])), Code::TotalDiffers, "another sum");
    let old = BudgetStatement { as_of: now, ..stated(&genesis, &CHARGED, 700) };
    let mut more = made(&CHARGED);
    more.proof.0.ranges.clone_from(&old.proof.0.ranges);
    assert_eq!(code(&mut chain, old), Code::ProofRejected, "the old statement");
    assert_eq!(code(&mut chain, more), Code::ProofRejected, "more than the proof");
    // Of another block, year, funder or chain: the transcript names them.
    let mut moved = made(&CHARGED);
    moved.proof = charged_as_of(&genesis, Height(now.0 - 1), &CHARGED).proof;
    assert_eq!(code(&mut chain, moved), Code::ProofRejected, "another block's proof");
    let foreign = charged_as_of(&Hash([9; 32]), now, &CHARGED);
    assert_eq!(code(&mut chain, foreign), Code::ProofRejected, "another chain's proof");
    let mut swapped = made(&CHARGED);
    swapped.lines[0].amount = made(&CHARGED).lines[1].amount;
    assert_eq!(code(&mut chain, swapped), Code::ProofRejected, "another school's commitment");
    let whole = stated(&genesis, &crate::testkit::money::AMOUNTS, 100_000);
    assert_eq!(code(&mut chain, whole), Code::TotalDiffers, "what was funded");
    let mut total = made(&CHARGED);
    total.total_cents = Cents(701);
    assert_eq!(code(&mut chain, total), Code::TotalDiffers);
    assert_eq!(code(&mut chain, made(&CHARGED)), Code::Accepted);
    assert!(newest(&chain).1);
    // A school that was charged nothing may have a line: a floor wants one where it has requests.
    assert_eq!(code(&mut chain, made(&[(11, 500), (12, 0), (21, 200)])), Code::Accepted);
    assert_eq!(code(&mut chain, made(&[(11, 500), (12, 1), (21, 200)])), Code::TotalDiffers);
}

#[test]
fn a_pool_that_opens_or_retires_meanwhile_asks_for_another_statement() {
    let mut chain = third();
    let genesis = chain.parsed.sha256;
    let superseded = |chain: &Chain| schema::is_superseded(&chain.state, &newest(chain).0).unwrap();
    let before = charged_as_of(&genesis, chain.height, &CHARGED);
    chain.accept("voter-a", pool(4, 1, 12, 1, 4));
    assert_eq!(code(&mut chain, before), Code::TotalDiffers);
    let all = [(11, 500), (12, 400), (21, 200)];
    // The right amounts, as of a block that had others.
    let earlier = charged_as_of(&genesis, Height(chain.height.0 - 3), &all);
    assert_eq!(code(&mut chain, earlier), Code::TotalDiffers);
    let statement = charged_as_of(&genesis, chain.height, &all);
    assert_eq!(code(&mut chain, statement), Code::Accepted);
    assert!(!superseded(&chain));
    chain.accept("voter-a", RetirePool { pool: PoolId(4) });
    assert!(superseded(&chain));
    let statement = charged_as_of(&genesis, chain.height, &CHARGED);
    assert_eq!(code(&mut chain, statement), Code::Accepted);
    assert!(!superseded(&chain));
    // More money alone changes nothing of what was charged.
    chain.accept("funder", fund(1));
    assert!(!superseded(&chain));
}

#[test]
fn before_protocol_3_a_statement_is_of_what_was_funded_as_it_always_was() {
    let mut chain = ready();
    let genesis = chain.parsed.sha256;
    let bound = charged_as_of(&genesis, chain.height, &CHARGED);
    assert_eq!(code(&mut chain, bound), Code::TotalDiffers);
    chain.accept("funder", stated(&genesis, &crate::testkit::money::AMOUNTS, 100_000));
    assert!(!newest(&chain).1);
}

#[test]
fn from_protocol_3_on_a_floor_is_over_what_was_charged_and_over_nothing_older() {
    use super::statements::{unbound, weighed_on};
    use crate::testkit::money::{floor_on, weights_of};
    // One whose split was the funder's own choice, by a block of before: refused, until what was charged is stated.
    let (mut chain, funder, floor) = unbound();
    assert_eq!(chain.send(funder, floor).code, Code::UnboundStatement);
    let genesis = chain.parsed.sha256;
    let statement = charged_as_of(&genesis, chain.height, &CHARGED);
    assert_eq!(code(&mut chain, statement), Code::Accepted);
    let weights = weights_of(&chain, RoundId(0));
    let least = u32::try_from(500 / weights[&11]).unwrap();
    assert_eq!(chain.send(funder, floor_on(&genesis, &CHARGED, &weights, least)).code, Code::Accepted);
    // A chain that always went by protocol 3 knows no others.
    let mut chain = weighed_on(third());
    let genesis = chain.parsed.sha256;
    let weights = weights_of(&chain, RoundId(0));
    let floor = || floor_on(&genesis, &CHARGED, &weights, least);
    assert_eq!(chain.send("funder", floor()).code, Code::NoStatement);
    let statement = charged_as_of(&genesis, chain.height, &CHARGED);
    assert_eq!(code(&mut chain, statement), Code::Accepted);
    assert_eq!(chain.send("funder", floor()).code, Code::Accepted);
}

/// Pools are read once a block, and what its transactions open and retire counts all the same.
#[test]
fn a_statement_knows_the_pools_that_its_own_block_opened_and_retired() {
    let mut chain = third();
    let (genesis, now) = (chain.parsed.sha256, chain.height);
    let sent = |chain: &Chain, sender: &str, ahead: u64, payload: Payload| {
        chain.transaction(sender, ahead, payload).to_canonical()
    };
    let statement = |ahead| sent(&chain, "funder", ahead, charged_as_of(&genesis, now, &CHARGED).into());
    let codes: Vec<Code> = chain
        .try_block(&[
            statement(0),
            sent(&chain, "voter-a", 0, pool(4, 1, 12, 1, 4).into()),
            statement(1),
            sent(&chain, "voter-a", 1, RetirePool { pool: PoolId(4) }.into()),
            statement(2),
            sent(&chain, "voter-a", 2, RetirePool { pool: PoolId(3) }.into()),
            statement(3),
        ])
        .unwrap()
        .receipts
        .iter()
        .map(|receipt| receipt.code)
        .collect();
    let (taken, differs) = (Code::Accepted, Code::TotalDiffers);
    assert_eq!(codes, [taken, taken, differs, taken, taken, taken, differs]);
    // Of a class that the block defined.
    let block = [
        sent(&chain, "voter-a", 0, class(2).into()),
        sent(&chain, "funder", 0, grant(2, "voter-a", 1_000).into()),
        sent(&chain, "voter-a", 1, pool(9, 2, 22, 0, 1).into()),
        sent(&chain, "funder", 1, charged_as_of(&genesis, now, &CHARGED).into()),
    ];
    let outcome = chain.block(&block);
    assert_eq!(outcome.receipts.last().map(|receipt| receipt.code), Some(differs));
    let all = charged_as_of(&genesis, chain.height, &[(11, 500), (21, 200), (22, 100)]);
    assert_eq!(code(&mut chain, all), taken);
}

#[test]
fn attack_a_years_pools_are_read_once_a_block_and_every_statement_pays_for_summing_them() {
    let chain = third();
    let statement = |sender: &str| {
        let statement = charged_as_of(&chain.parsed.sha256, chain.height, &CHARGED);
        let transaction = chain.transaction(sender, 0, statement.into());
        cost_of(&transaction, transaction.to_canonical().len())
    };
    let mut budget = Budget::new(&chain.state).unwrap();
    let mut taken = |sender: &str| {
        let before = budget.work_left();
        budget.charge(&statement(sender)).unwrap();
        before - budget.work_left()
    };
    let (first, second, other) = (taken("funder"), taken("funder"), taken("funder-b"));
    assert!(first > second, "reading is paid for once");
    let classes = schema::classes(&chain.state).unwrap();
    let of_year = classes.iter().filter(|class| class.definition.school_year == YEAR);
    let pools: u64 = of_year.map(|class| u64::from(class.pools)).sum();
    assert!(pools > 0);
    let summed = pools * crate::execute::cost::unit::SUMMED_POOL;
    assert_eq!((second, other), (statement("funder").work + summed, statement("funder-b").work + summed));
}

#[test]
fn a_statement_pays_for_the_pools_that_it_makes_every_node_read() {
    let left = |chain: &Chain| {
        let statement = charged_as_of(&chain.parsed.sha256, chain.height, &CHARGED);
        let mut chain = Chain::of(chain.parsed.genesis.clone());
        prepare(&mut chain);
        let transaction = chain.transaction("funder", 0, statement.into());
        let mut budget = Budget::new(&chain.state).unwrap();
        budget.charge(&cost_of(&transaction, transaction.to_canonical().len())).unwrap();
        budget.work_left()
    };
    assert!(left(&third()) < left(&ready()));
}

#[derive(Debug, Clone)]
enum Step {
    Open { school: usize, capacity: u32, unit: u64, other: bool },
    Retire(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0usize..4, 1u32..40, 0u64..40, any::<bool>())
            .prop_map(|(school, capacity, unit, other)| Step::Open { school, capacity, unit, other }),
        1 => (0usize..30).prop_map(Step::Retire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever pools open and retire: the true amounts are taken, and the same sum with one cent at another school is not.
    #[test]
    fn whatever_pools_open_and_retire_the_true_amounts_alone_are_taken(
        steps in prop::collection::vec(step(), 1..14), from in 0usize..4, to in 0usize..4,
    ) {
        const SCHOOLS: [u32; 4] = [11, 12, 21, 22];
        let mut chain = third();
        chain.accept("funder-b", fund(1_000_000));
        chain.accept("funder-b", grant(1, "voter-a", 1_000_000));
        for (number, step) in (4u32..).zip(steps) {
            // Refused ones do not count: a place taken already, more than is funded, a pool that is retired.
            match step {
                Step::Open { school, capacity, unit, other } => {
                    let kind = (number % 3) as u8;
                    let mut opened = pool(number, 1, SCHOOLS[school], kind, capacity);
                    opened.unit_cost_cents = Cents(unit);
                    if other {
                        opened.funder = account("funder-b");
                    }
                    chain.send("voter-a", opened);
                }
                Step::Retire(at) => {
                    let pools = schema::pools(&chain.state, ClassId(1)).unwrap();
                    let pool = pools[at % pools.len()].pool;
                    chain.send("voter-a", RetirePool { pool });
                }
            }
        }
        // Summed here from the records, by other code than the ledger's.
        let mut amounts: std::collections::BTreeMap<u32, u64> = SCHOOLS.map(|school| (school, 0)).into();
        for pool in schema::pools(&chain.state, ClassId(1)).unwrap() {
            if pool.retired.is_none() && pool.funder == account("funder") {
                *amounts.get_mut(&pool.school.0).unwrap() += u64::from(pool.capacity) * pool.unit_cost_cents.0;
            }
        }
        let genesis = chain.parsed.sha256;
        let made = |chain: &Chain, amounts: &std::collections::BTreeMap<u32, u64>| {
            let amounts: Vec<(u32, u64)> = amounts.iter().map(|(school, cents)| (*school, *cents)).collect();
            charged_as_of(&genesis, chain.height, &amounts)
        };
        let statement = made(&chain, &amounts);
        prop_assert_eq!(code(&mut chain, statement), Code::Accepted);
        let mut moved = amounts.clone();
        if SCHOOLS[from] != SCHOOLS[to] && moved[&SCHOOLS[from]] > 0 {
            *moved.get_mut(&SCHOOLS[from]).unwrap() -= 1;
            *moved.get_mut(&SCHOOLS[to]).unwrap() += 1;
            let statement = made(&chain, &moved);
            prop_assert_eq!(code(&mut chain, statement), Code::ProofRejected);
        }
    }
}
