//! Attacks 7 and 12 as tests: a class is its steward's, a budget its funder's, and what is decided the consortium's.

use super::rejections::{round, runnable};
use crate::code::Code;
use crate::params::RUN_BY_ANYBODY_AFTER_MS;
use crate::state::schema::{self, RoundStatus};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

fn asking(count: u32) -> Vec<Request> {
    (0..count).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect()
}

fn class_of(chain: &Chain) -> schema::Class {
    schema::class(&chain.state, ClassId(1)).unwrap().unwrap()
}

fn money(chain: &Chain) -> (u64, u64, u64) {
    let budget = schema::budget(&chain.state, &account("funder"), YEAR).unwrap().unwrap();
    let grant = schema::grant(&chain.state, &account("funder"), ClassId(1), &account("voter-a"));
    let grant = grant.unwrap().unwrap();
    (budget.charged_cents.0, grant.spent_cents.0, grant.granted_cents.0)
}

/// Round 0 of class 1, decided: a place of pool 1 or 3 for each of two students.
fn decided() -> Chain {
    let mut chain = runnable(ready(), asking(2));
    chain.accept("voter-a", run(0));
    chain
}

#[test]
fn attack_07_one_funder_cannot_make_a_class_undecidable() {
    let mut chain = ready();
    chain.accept("funder-b", fund(1));
    // A pool that nobody may go to, at school 22, with a floor: for nothing, and for a cent of its own.
    for cost in [0, 1] {
        let unit_cost_cents = Cents(cost);
        let funder = account("funder-b");
        let floored = DefinePool { floor: 1, unit_cost_cents, funder, ..pool(9, 1, 22, 0, 1) };
        assert_eq!(chain.send("funder-b", floored).code, Code::NotSteward);
    }
    // The steward made a mistake: nobody fills this floor, the round cannot be decided, and the pool is taken away.
    let before = money(&chain);
    chain.accept("voter-a", DefinePool { floor: 1, ..pool(9, 1, 22, 0, 1) });
    assert_ne!(money(&chain), before);
    let mut chain = runnable(chain, asking(2));
    assert_eq!(chain.send("voter-a", run(0)).code, Code::Infeasible);
    assert_eq!(chain.send("voter-a", RetirePool { pool: PoolId(9) }).code, Code::RoundOpen);
    chain.agree(Change::CancelRound { round: RoundId(0) });
    let receipt = chain.accept("voter-a", RetirePool { pool: PoolId(9) });
    let event = Event::PoolRetired { pool: PoolId(9), refunded_cents: Cents(100) };
    assert_eq!((receipt.events, money(&chain)), (vec![event], before));
    assert_eq!(chain.send("voter-a", RetirePool { pool: PoolId(9) }).code, Code::UnknownPool);
    assert_eq!(chain.send("voter-a", pool(9, 1, 22, 0, 1)).code, Code::PoolExists, "its number is gone");
    chain.accept("voter-a", pool(10, 1, 22, 0, 1));
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 1, asking(2)));
    chain.draw(1);
    chain.accept("voter-a", run(1));
    let decision = schema::decision(&chain.state, RoundId(1)).unwrap().unwrap();
    let priced: Vec<u32> = decision.prices.iter().map(|line| line.pool.0).collect();
    assert_eq!(priced, [1, 2, 3, 10]);
    let pools = schema::pools(&chain.state, ClassId(1)).unwrap();
    assert_eq!(pools.iter().filter(|pool| decision.concerns(pool)).count(), 4);
    assert_eq!((class_of(&chain).pools, class_of(&chain).retired), (5, 1));
}

#[test]
fn attack_12_a_member_spends_nobody_elses_budget() {
    let mut chain = ready();
    chain.accept("funder-b", fund(1_000_000));
    let theirs =
        |number, capacity| DefinePool { funder: account("funder-b"), ..pool(number, 1, 12, 0, capacity) };
    assert_eq!(chain.send("voter-c", theirs(9, 1)).code, Code::NotSteward);
    assert_eq!(chain.send("voter-a", theirs(9, 1)).code, Code::ForeignBudget);
    chain.accept("funder-b", grant(1, "voter-a", 500));
    assert_eq!(chain.send("voter-a", theirs(9, 6)).code, Code::OverGrant);
    chain.accept("voter-a", theirs(9, 3));
    // What is not spent is taken back, what is spent is not.
    let receipt = chain.accept("funder-b", grant(1, "voter-a", 0));
    let Event::BudgetGranted { granted_cents, spent_cents, .. } = receipt.events[0] else {
        panic!("an event")
    };
    assert_eq!((granted_cents, spent_cents), (Cents(300), Cents(300)));
    let more = DefinePool { school: SchoolId(22), ..theirs(10, 1) };
    assert_eq!(chain.send("voter-a", more.clone()).code, Code::OverGrant);
    // Another steward has none of the grants of the one before.
    chain.agree(Change::ReplaceSteward { class: ClassId(1), steward: account("voter-b") });
    assert_eq!(chain.send("voter-a", more.clone()).code, Code::NotSteward);
    assert_eq!(chain.send("voter-b", more).code, Code::ForeignBudget);
    // It takes the pool away all the same, and the money goes back to where it came from.
    chain.accept("voter-b", RetirePool { pool: PoolId(9) });
    let budget = schema::budget(&chain.state, &account("funder-b"), YEAR).unwrap().unwrap();
    assert_eq!((budget.funded_cents, budget.charged_cents), (Cents(1_000_000), Cents(0)));
    // A steward spends its own without asking anybody.
    chain.agree(Change::ReplaceSteward { class: ClassId(1), steward: account("funder-b") });
    chain.accept("funder-b", theirs(11, 2));
}

#[test]
fn attack_12_no_member_takes_a_decision_back_alone() {
    let mut chain = decided();
    chain.accept("voter-a", open(1));
    chain.accept("voter-c", ProposeChange { change: reverting(0), open_until: Height(chain.height.0 + 50) });
    let vote = VoteChange { proposal: ProposalId(0), choice: Choice::Approve };
    for (voter, standing) in [("voter-c", true), ("voter-b", true), ("voter-a", false)] {
        let receipt = chain.accept(voter, vote.clone());
        assert_eq!(class_of(&chain).standing_round.is_some(), standing, "{voter}");
        assert_eq!(
            receipt.events.len(),
            if standing { 1 } else { 3 },
            "the round, the decision and the vote"
        );
    }
    // The open round was about other places.
    let open_one = schema::round(&chain.state, RoundId(1)).unwrap().unwrap();
    assert!(matches!(open_one.status, RoundStatus::GivenUp { .. }));
    assert_eq!(class_of(&chain).open_round, None);
    // Its bytes as they were are not a transaction any more.
    let mut bytes = vec![68u8];
    bytes.extend([0; 36]);
    assert!(borsh::from_slice::<Payload>(&bytes).is_err());
}

#[test]
fn attack_12_no_member_blocks_a_class() {
    let mut chain = ready();
    let long = OpenRound { extra_request_ms: 31 * 24 * 3_600_000, ..open(1) };
    assert_eq!(chain.send("voter-b", long.clone()).code, Code::NotSteward);
    assert_eq!(chain.send("voter-a", long).code, Code::WindowTooLong);
    chain.accept("voter-a", OpenRound { extra_request_ms: 7 * 24 * 3_600_000, ..open(1) });
    let receipt = chain.agree(Change::CancelRound { round: RoundId(0) });
    assert_eq!(receipt.events[1], Event::RoundCancelled { round: RoundId(0) });
    chain.accept("voter-a", open(1));
}

#[test]
fn anybody_runs_a_round_ten_minutes_after_its_steward_could() {
    let mut chain = runnable(ready(), asking(2));
    let closed = round(&chain).reveals_closed().unwrap().time_ms;
    assert_eq!(closed, schema::chain(&chain.state).unwrap().time_ms, "the block that closes them");
    assert_eq!(chain.send("funder-b", run(0)).code, Code::NotSteward);
    for (early, code) in [(1, Code::NotSteward), (0, Code::Accepted)] {
        let mut chain = chain.clone();
        let at = TimeMs(closed.0 + RUN_BY_ANYBODY_AFTER_MS - early);
        chain.pass_towards(at);
        // The time of the parent block decides.
        let bytes = crate::codec::Canonical::to_canonical(&chain.transaction("funder-b", 0, run(0).into()));
        let block = chain.try_block_at(at, std::slice::from_ref(&bytes)).unwrap();
        assert_eq!(block.receipts[0].code, Code::NotSteward);
        let empty = chain.try_block_at(at, &[]).unwrap();
        chain.keep(&empty);
        let block = chain.try_block_at(TimeMs(at.0 + 1), &[bytes]).unwrap();
        assert_eq!(block.receipts[0].code, code);
    }
    chain.accept("voter-a", run(0));
}

#[test]
fn a_pool_is_kept_while_a_decision_that_may_stand_again_uses_it() {
    let mut chain = decided();
    let used: Vec<PoolId> = {
        let decision = schema::decision(&chain.state, RoundId(0)).unwrap().unwrap();
        decision.prices.iter().filter(|line| line.used > 0).map(|line| line.pool).collect()
    };
    let pool = *used.first().expect("somebody is placed");
    // A later decision that places nobody there replaces it, and may be reverted.
    chain.accept("voter-a", open(1));
    chain.draw(1);
    chain.accept("voter-a", run(1));
    assert_eq!(chain.send("voter-a", RetirePool { pool }).code, Code::PoolInUse);
    chain.revert(1);
    assert_eq!(chain.send("voter-a", RetirePool { pool }).code, Code::PoolInUse);
    chain.revert(0);
    chain.accept("voter-a", RetirePool { pool });
    assert_eq!(round(&chain).round, RoundId(0), "what was decided stays");
}

#[test]
fn a_district_leaves_the_others_their_part_of_a_round() {
    let mut chain = Chain::with_params(|params| params.max_round_requests = 8);
    prepare(&mut chain);
    chain.accept("district-2", anchor(20..24, 21));
    chain.accept("voter-a", OpenRound { extra_request_ms: 10_000, ..open(1) });
    chain.accept("district-1", submit(&chain, 0, asking(4)));
    let fifth = vec![request(5, 11, band_of(5), Mandate::None, &[0])];
    assert_eq!(chain.send("district-1", submit(&chain, 0, fifth)).code, Code::DistrictQuota);
    // What it has already costs it nothing again.
    chain.accept("district-1", submit(&chain, 0, asking(4)));
    let others = (20..24).map(|n| request(n, 21, band_of(n), Mandate::None, &[0])).collect();
    chain.accept("district-2", submit(&chain, 0, others));
}
