//! A statement of money against the pools' own records: what is proved, and that no other sum passes.

use super::lies::refused;
use super::*;
use crate::audit::bundle::ChargedEvidence;
use crate::protocol::Protocol;
use crate::state::schema;
use crate::state::schema::StatedBudget;
use crate::testkit::money::charged_as_of;
use crate::tx::{BudgetStatement, RetirePool};
use crate::types::PoolId;

/// What the pools of a prepared chain are charged to "funder".
const CHARGED: [(u32, u64); 2] = [(11, 500), (21, 200)];

/// A chain of protocol 3 where "funder" has stated what its pools were charged.
pub fn stated() -> World {
    let mut world = World::with("charged", |genesis| genesis.protocol = Protocol(3));
    world.prepare();
    let statement = charged_as_of(&world.chain.parsed.sha256, world.chain.height, &CHARGED);
    world.accept("funder", statement);
    world
}

pub fn shown(world: &World) -> Bundle {
    world.collector(&[]).budget(account("funder"), YEAR).unwrap()
}

/// The same when more than two thirds of the power have signed a state in which another statement stands.
pub fn lied(amounts: &[(u32, u64)]) -> (World, Bundle) {
    let mut world = stated();
    let genesis = world.chain.parsed.sha256;
    let before = schema::stated_budget(&world.chain.state, &account("funder"), YEAR).unwrap().unwrap();
    let BudgetStatement { lines, proof, total_cents, .. } = charged_as_of(&genesis, before.as_of, amounts);
    let record = StatedBudget { lines, proof, total_cents, ..before };
    world.lie(|overlay| schema::write(overlay, schema::stated_budget_key(&account("funder"), YEAR), &record));
    let bundle = shown(&world);
    (world, bundle)
}

fn changed(world: &World, change: impl FnOnce(&mut ChargedEvidence)) -> Bundle {
    let mut bundle = shown(world);
    let Subject::Charged(evidence) = &mut bundle.subject else { panic!("not bound") };
    change(evidence);
    bundle
}

#[test]
fn amounts_are_proved_against_the_pools_and_encode_to_their_own_bytes() {
    let world = stated();
    let bundle = shown(&world);
    let report = assert_valid(&world, &bundle);
    assert!(names(&report).ends_with(&["budget", "pools", "budget statement", "equity statement"]));
    let said = lines(&report);
    assert!(said.contains("3 pools at 2 schools"), "{said}");
    assert!(said.contains("700 cents in all, and that is what they are charged now"), "{said}");
    assert_eq!(bundle.subject.kind(), "budget");
    let bytes = bundle.to_canonical();
    assert_eq!(Bundle::from_canonical(&bytes).as_ref(), Ok(&bundle));
}

#[test]
fn a_statement_with_another_sum_or_another_split_is_refused() {
    for (amounts, why) in [
        (&[(11, 501), (21, 200)][..], "The statement is of another sum than the pools were charged."),
        (&[(11, 499), (21, 201)], "The stated amounts are not what the schools' pools were charged."),
        (&[(11, 500), (12, 200)], "A school whose pools were charged has no line in the statement."),
    ] {
        let (world, bundle) = lied(amounts);
        assert_eq!(refused(&world, &bundle), ("budget statement", why.into()));
    }
}

#[test]
fn pools_left_out_moved_or_shown_as_something_else_are_refused() {
    let world = stated();
    let all = "The pools shown are not all that the budget is charged for.";
    let bundle = changed(&world, |evidence| evidence.classes[0].pools.truncate(2));
    assert_eq!(refused(&world, &bundle), ("pools", all.into()));
    let bundle = changed(&world, |evidence| evidence.classes.clear());
    assert_eq!(refused(&world, &bundle), ("pools", all.into()));
    let bundle = changed(&world, |evidence| evidence.classes[0].pools.reverse());
    assert_eq!(refused(&world, &bundle).0, "pools");
    let bundle = changed(&world, |evidence| {
        let twice = evidence.classes[0].clone();
        evidence.classes.push(twice);
    });
    assert_eq!(refused(&world, &bundle), ("pools", "The classes shown do not ascend.".into()));
    // As the older evidence, that knows no pools: the proof says another thing.
    let mut bundle = shown(&world);
    if let Subject::Charged(evidence) = bundle.subject {
        bundle.subject = Subject::Budget(evidence.budget);
    }
    assert_eq!(refused(&world, &bundle).0, "budget statement");
    // The money of somebody else.
    let bundle = changed(&world, |evidence| evidence.budget.funder = account("funder-b"));
    assert_eq!(refused(&world, &bundle).0, "budget");
}

#[test]
fn what_moved_later_leaves_the_statement_true_of_its_block_and_says_so() {
    let mut world = stated();
    world.accept("voter-a", RetirePool { pool: PoolId(3) });
    let report = assert_valid(&world, &shown(&world));
    assert!(lines(&report).contains("it is superseded"), "{}", lines(&report));
    // The retired pool is part of what was charged then.
    let bundle = changed(&world, |evidence| evidence.classes[0].pools.truncate(2));
    assert_eq!(refused(&world, &bundle).0, "budget statement");
}
