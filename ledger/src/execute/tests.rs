//! Whole blocks: validity, limits, determinism, and what a rejection may change.

use super::*;
use crate::codec::Canonical;
use crate::genesis::Genesis;
use crate::testkit::{self, Chain, anchor, anchor_version, fund, key, ready};
use crate::types::{Height, TimeMs};
use proptest::prelude::*;

mod cost_table;

fn invalid(chain: &Chain, transactions: &[Vec<u8>]) -> Option<(u32, Code)> {
    match chain.try_block(transactions) {
        Err(ExecuteError::Invalid { index, code }) => Some((index, code)),
        _ => None,
    }
}

#[test]
fn a_block_without_transactions_moves_height_time_and_the_state_root() {
    let mut chain = Chain::new();
    let first = chain.block(&[]);
    let second = chain.block(&[]);
    assert_eq!(second.header.parent, first.header.hash());
    assert_ne!(first.header.state_root, second.header.state_root);
    assert_eq!(second.header.transactions.leaf_count, 0);
    assert_eq!(schema::chain(&chain.state).unwrap().height, Height(2));
}

#[test]
fn the_same_block_twice_gives_the_same_bytes() {
    let chain = ready();
    let block: Vec<Vec<u8>> = vec![
        chain.transaction("district-1", 0, anchor_version(0..6, 11, 2).into()).to_canonical(),
        chain.transaction("funder", 0, fund(5).into()).to_canonical(),
        chain.transaction("district-1", 1, anchor_version(0..6, 11, 2).into()).to_canonical(),
    ];
    let (once, again) = (chain.try_block(&block).unwrap(), chain.clone().try_block(&block).unwrap());
    assert_eq!(once.header.to_canonical(), again.header.to_canonical());
    assert_eq!(once.receipts, again.receipts);
    assert_eq!(once.writes.values, again.writes.values);
    assert_eq!(once.writes.rows, again.writes.rows);
    assert_eq!(once.writes.map_nodes, again.writes.map_nodes);
    let codes: Vec<Code> = once.receipts.iter().map(|r| r.code).collect();
    assert_eq!(codes, [Code::Accepted, Code::Accepted, Code::VersionNotHigher]);
    assert_eq!(once.receipts[2].entry, Some(0));
    assert_eq!(once.header.students.leaf_count, 6, "a rejected anchor adds no leaf");
}

#[test]
fn a_replayed_transaction_makes_a_block_invalid() {
    let mut chain = ready();
    let bytes = chain.transaction("funder", 0, fund(5).into()).to_canonical();
    assert_eq!(invalid(&chain, &[bytes.clone(), bytes.clone()]), Some((1, Code::WrongSequence)));
    chain.block(std::slice::from_ref(&bytes));
    assert_eq!(invalid(&chain, &[bytes]), Some((0, Code::WrongSequence)));
}

#[test]
fn each_code_that_makes_a_block_invalid_does() {
    let chain = ready();
    let good = chain.transaction("funder", 0, fund(5).into());
    let signed = |change: fn(&mut Transaction)| {
        let mut transaction = good.clone();
        change(&mut transaction);
        Transaction::sign(transaction.body, &key("funder")).to_canonical()
    };
    let mut forged = good.clone();
    forged.body.sequence = 99;
    let rows: Vec<(Vec<u8>, Code)> = vec![
        (vec![1, 2, 3], Code::Malformed),
        ([good.to_canonical(), vec![0]].concat(), Code::Malformed),
        (vec![1; 2 * 1024 * 1024 + 1], Code::Oversized),
        (forged.to_canonical(), Code::WrongSequence),
        (
            {
                let mut forged = good.clone();
                forged.body.valid_until_height = Height(4_000);
                forged.to_canonical()
            },
            Code::BadSignature,
        ),
        (signed(|t| t.body.genesis = Hash([9; 32])), Code::WrongChain),
        (signed(|t| t.body.valid_until_height = Height(1)), Code::Expired),
        (signed(|t| t.body.sequence += 1), Code::WrongSequence),
        (chain.transaction("stranger", 0, fund(5).into()).to_canonical(), Code::UnknownAccount),
        (Transaction::sign(good.body.clone(), &key("voter-a")).to_canonical(), Code::KeyNotCurrent),
        (chain.transaction("funder", 0, fund(0).into()).to_canonical(), Code::InvalidPayload),
    ];
    for (bytes, code) in rows {
        assert_eq!(invalid(&chain, &[bytes]), Some((0, code)), "{code:?}");
    }
    assert!(chain.try_block(&[good.to_canonical()]).is_ok(), "the untouched one is fine");
}

#[test]
fn a_block_must_follow_the_state_in_height_and_time_and_chain() {
    let mut chain = ready();
    chain.block(&[]);
    let parent_ms = schema::chain(&chain.state).unwrap().time_ms.0;
    let wrong = |result: Result<Outcome, ExecuteError>| matches!(result, Err(ExecuteError::NotNext("time")));
    assert!(wrong(chain.try_block_at(TimeMs(parent_ms), &[])));
    assert!(chain.try_block_at(TimeMs(parent_ms + 1), &[]).is_ok(), "parent + 1 always passes");
    assert!(chain.try_block_at(TimeMs(parent_ms + time::MAX_STEP_MS), &[]).is_ok(), "a day is admitted");
    assert!(wrong(chain.try_block_at(TimeMs(parent_ms + time::MAX_STEP_MS + 1), &[])));
    assert!(wrong(chain.try_block_at(TimeMs(u64::MAX), &[])));
    let mut other = chain.clone();
    other.height = Height(77);
    assert_eq!(other.try_block(&[]).unwrap_err(), ExecuteError::NotNext("height"));
    other = chain.clone();
    other.parsed.sha256 = Hash([9; 32]);
    assert_eq!(other.try_block(&[]).unwrap_err(), ExecuteError::NotNext("chain id"));
}

#[test]
fn every_limit_of_a_block_binds_its_proposer() {
    let limit = |change: fn(&mut Params), count: u64| {
        let mut chain = Chain::with_params(change);
        crate::testkit::prepare(&mut chain);
        let block: Vec<Vec<u8>> =
            (0..count).map(|n| chain.transaction("funder", n, fund(1).into()).to_canonical()).collect();
        match chain.try_block(&block) {
            Err(ExecuteError::OverLimit { limit }) => limit,
            _ => "none",
        }
    };
    assert_eq!(limit(|p| p.max_block_account_transactions = 4, 4), "none");
    assert_eq!(limit(|p| p.max_block_account_transactions = 4, 5), "max_block_account_transactions");
    assert_eq!(limit(|p| p.max_block_signatures = 10, 11), "max_block_signatures");

    let mut chain = ready();
    chain.accept("voter-a", crate::testkit::open(1));
    chain.draw(0);
    let runs: Vec<Vec<u8>> = (0..2)
        .map(|n| chain.transaction("voter-a", n, crate::testkit::run(0).into()).to_canonical())
        .collect();
    assert_eq!(chain.try_block(&runs).unwrap_err(), ExecuteError::OverLimit { limit: "max_block_rounds" });
    let big = vec![vec![0u8; 2 * 1024 * 1024]; 3];
    assert_eq!(chain.try_block(&big).unwrap_err(), ExecuteError::OverLimit { limit: "max_block_bytes" });
}

/// Requests, statements and milestones count together; whether their proofs hold does not matter.
#[test]
fn a_block_over_its_range_proved_values_is_refused_before_anything_is_verified() {
    use crate::testkit::{band_of, mastered, open, request, submit};
    use crate::tx::{Mandate, MilestoneKind, RecordMilestone};
    let mut chain = Chain::with_params(|params| params.max_block_range_values = 22);
    crate::testkit::prepare(&mut chain);
    let anchored = chain.height;
    chain.accept("voter-a", open(1));
    let requests = |numbers: std::ops::Range<u32>| {
        let asked = numbers.map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
        crate::tx::Payload::from(submit(&chain, 0, asked))
    };
    let milestone = RecordMilestone {
        school_year: crate::testkit::YEAR,
        handle: crate::testkit::handle(1),
        number: 0,
        kind: MilestoneKind::UnitMastered,
        evidence: Hash([1; 32]),
        supersedes: None,
        mastery: Some(mastered(&chain.parsed.sha256, 1, anchored)),
    };
    let block = |payloads: Vec<crate::tx::Payload>| {
        let sent = (0..).zip(payloads);
        let bytes: Vec<Vec<u8>> =
            sent.map(|(n, payload)| chain.transaction("district-1", n, payload).to_canonical()).collect();
        chain.try_block(&bytes)
    };
    let full = block(vec![requests(0..10), milestone.clone().into()]).unwrap();
    assert!(full.receipts.iter().all(|receipt| receipt.code == Code::Accepted));
    let over = block(vec![requests(0..9), requests(9..11), milestone.into()]).unwrap_err();
    assert_eq!(over, ExecuteError::OverLimit { limit: "max_block_range_values" });
}

#[test]
fn a_thousand_single_anchors_touch_each_tree_once() {
    let mut chain = ready();
    let block: Vec<Vec<u8>> = (0..1_000u32)
        .map(|n| chain.transaction("district-1", u64::from(n), anchor([100 + n], 11).into()).to_canonical())
        .collect();
    let outcome = chain.block(&block);
    assert!(outcome.receipts.iter().all(|receipt| receipt.code == Code::Accepted));
    assert_eq!(outcome.header.students.leaf_count, 1_000);
    assert_eq!(outcome.writes.trees.len(), 1);
    assert_eq!(outcome.writes.values.len(), 4, "chain, one account, one tree head, one count of leaves");
}

#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn how_long_a_round_takes() {
    use crate::testkit::{account, class, genesis, open, pool, request, run, submit};
    use crate::tx::{DefinePool, FundBudget, Mandate, OpenRound, SubmitRequests};
    use crate::types::*;
    let mut file = genesis();
    for id in 100..180u32 {
        let school_type = crate::testkit::name(["rural", "urban", "suburban", "inner-city"][id as usize % 4]);
        let district = DistrictId(1 + (id % 2) as u16);
        file.schools.push(crate::genesis::GenesisSchool::unnamed(SchoolId(id), district, school_type));
    }
    let mut chain = Chain::of(file);
    chain.accept("funder", FundBudget { school_year: crate::testkit::YEAR, amount_cents: Cents(1_000_000) });
    let kinds = ["reading", "math", "take-home", "tutoring"].map(crate::testkit::name).to_vec();
    chain.accept("voter-a", crate::tx::DefineClass { kinds, ..class(1) });
    chain.accept("funder", crate::testkit::grant(1, "voter-a", 1_000_000));
    for n in 0..301u32 {
        let payload = DefinePool { funder: account("funder"), ..pool(n, 1, 100 + n / 4, (n % 4) as u8, 3) };
        chain.accept("voter-a", payload);
    }
    let school = |n: u32| 100 + 2 * (n % 40);
    for from in (0..6_840u32).step_by(1_000) {
        for at in 0..40 {
            let numbers = (from..(from + 1_000).min(6_840)).filter(|n| n % 40 == at);
            chain.accept("district-1", anchor(numbers, school(at)));
        }
    }
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    let rankings: [&[u8]; 4] = [&[0, 1, 2], &[1, 0, 3], &[2, 3], &[3, 1, 0, 2]];
    let ask =
        |n: u32| request(n, school(n), crate::testkit::band_of(n), Mandate::None, rankings[n as usize % 4]);
    for from in (0..6_840u32).step_by(1_024) {
        let batch: SubmitRequests = submit(&chain, 0, (from..(from + 1_024).min(6_840)).map(ask).collect());
        let bytes = chain.transaction("district-1", 0, batch.into()).to_canonical();
        let start = std::time::Instant::now();
        let outcome = chain.block(&[bytes]);
        assert_eq!(outcome.receipts[0].code, Code::Accepted);
        println!("a block of 1,024 proved requests: {} us", start.elapsed().as_micros());
    }
    chain.draw(0);
    let start = std::time::Instant::now();
    chain.accept("voter-a", run(0));
    println!("the round decided: {} us, {} pairs", start.elapsed().as_micros(), chain.round(0).pairs);
    let decision = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
    println!("work {}, optimal {}, {:?}", decision.work, decision.is_optimal(), decision.report);
    assert!(decision.is_optimal());
}

/// Remembers everything: signatures are the mempool's part of the time.
struct VerifiedAll;

impl SignatureMemory for VerifiedAll {
    fn is_verified(&self, _: &TransactionId) -> bool {
        true
    }
}

#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn how_long_blocks_take() {
    let mut chain = ready();
    for from in (0..50_000u32).step_by(5_000) {
        chain.accept("district-1", anchor(1_000 + from..1_000 + from + 5_000, 11));
    }
    let timed = |what: &str, block: &[Vec<u8>]| {
        let input = BlockInput {
            genesis: &chain.parsed.sha256,
            height: chain.height.next(),
            time_ms: TimeMs(9_000_000),
            parent: chain.parent,
            proposer: ValidatorAddress([7; 20]),
            transactions: block,
        };
        let mut best = u128::MAX;
        for _ in 0..5 {
            let start = std::time::Instant::now();
            let outcome = execute_block(&chain.state, &input, &VerifiedAll).unwrap();
            assert!(outcome.receipts.iter().all(|r| r.code == Code::Accepted));
            best = best.min(start.elapsed().as_micros());
        }
        println!("{what}: {best} us without signatures");
    };
    let singles: Vec<Vec<u8>> = (0..1_000u32)
        .map(|n| {
            chain.transaction("district-1", u64::from(n), anchor([100_000 + n], 11).into()).to_canonical()
        })
        .collect();
    timed("1,000 anchors of 1 new leaf on a tree of 50,000", &singles);
    let replaced: Vec<Vec<u8>> = (0..1_000u32)
        .map(|n| {
            let payload = anchor_version([1_000 + n], 11, 2);
            chain.transaction("district-1", u64::from(n), payload.into()).to_canonical()
        })
        .collect();
    timed("1,000 anchors of 1 known leaf on a tree of 50,000", &replaced);
    let batch = [chain.transaction("district-1", 0, anchor(200_000..210_000, 11).into()).to_canonical()];
    timed("1 anchor of 10,000 new leaves on a tree of 50,000", &batch);
    let funds: Vec<Vec<u8>> =
        (0..1_000).map(|n| chain.transaction("funder", n, fund(1).into()).to_canonical()).collect();
    timed("1,000 transactions on one record", &funds);
}

proptest! {
    /// Whatever headers a hostile proposer invents, and whatever the clocks show: what is admitted has a successor.
    #[test]
    fn attack_01_no_header_ends_the_chain(
        begin in 0..time::LAST_MS - 4 * time::MAX_STEP_MS,
        hostile in proptest::collection::vec((any::<u64>(), any::<bool>(), any::<[u8; 20]>(), any::<bool>()), 1..4),
        now in proptest::option::of(any::<u64>()),
    ) {
        let mut chain = Chain::of(Genesis { time_ms: TimeMs(begin), ..testkit::genesis() });
        for (time, near, proposer, next) in hostile {
            // Half of the times lie anywhere, half around the two bounds.
            let parent = schema::chain(&chain.state).unwrap().time_ms;
            let around = if next { parent.0 } else { parent.0 + time::MAX_STEP_MS };
            let time_ms = TimeMs(if near { around.wrapping_add(time % 5).wrapping_sub(2) } else { time });
            let input = BlockInput {
                genesis: &chain.parsed.sha256,
                height: chain.height.next(),
                time_ms,
                parent: Hash(chain.parent.0),
                proposer: ValidatorAddress(proposer),
                transactions: &[],
            };
            let outcome = execute_block(&chain.state, &input, &VerifyAll);
            prop_assert_eq!(outcome.is_ok(), time::may_follow(parent, time_ms));
            if let Ok(outcome) = outcome {
                chain.keep(&outcome);
            }
            let parent = schema::chain(&chain.state).unwrap().time_ms;
            prop_assert!(chain.try_block_at(time::proposed(parent, now), &[]).is_ok());
        }
    }
}
