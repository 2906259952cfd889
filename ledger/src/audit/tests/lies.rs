//! What a lying district, or validators with more than two thirds of the power who lie together, may sign and put into
//! a bundle: each is refused by what the bundle itself shows.

use aula_allocation::{Limits, solve};
use aula_zk::{Field, Opening, StudentSecret};

use super::*;
use crate::audit::bundle::{OpenedField, StudentEvidence};
use crate::audit::open::OpenError;
use crate::proof::sparse;
use crate::proof::student_state::{SaltedField, place, state_hash};
use crate::state::{Overlay, schema};
use crate::testkit::{self, anchor_version};
use crate::tx::Payload;
use crate::tx::{Receipt, Transaction};
use crate::types::{Cents, CommitmentBytes, Hash};

pub(super) fn refused(world: &World, bundle: &Bundle) -> (&'static str, String) {
    let report = check(world, bundle, &Options::default());
    assert_eq!((report.verdict, report.standing), (Verdict::Invalid, None), "{}", lines(&report));
    assert_eq!(report.exit_code(), 1);
    let last = report.checks.last().unwrap();
    (last.name, last.detail.clone())
}

/// A round's bundle of a world in which the validators agreed on another record than the ledger makes.
fn round_after(lie: impl FnOnce(&mut Overlay<'_>, &World)) -> (World, Bundle) {
    let before = World::decided();
    let mut world = before.clone();
    world.lie(|overlay| lie(overlay, &before));
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    (world, bundle)
}

fn decision(world: &World) -> schema::Decision {
    schema::decision(&world.chain.state, ROUND).unwrap().unwrap()
}

fn rewrite(overlay: &mut Overlay<'_>, world: &World, change: impl FnOnce(&mut schema::Decision)) {
    let mut decision = decision(world);
    change(&mut decision);
    schema::write(overlay, schema::decision_key(ROUND), &decision);
}

fn rewrite_class(overlay: &mut Overlay<'_>, world: &World, change: impl FnOnce(&mut schema::Class)) {
    let class = decision(world).class;
    let mut record = schema::class(&world.chain.state, class).unwrap().unwrap();
    change(&mut record);
    schema::write(overlay, schema::class_key(class), &record);
}

#[test]
fn a_lie_about_nothing_is_believed() {
    let (world, bundle) = round_after(|_, _| ());
    assert_valid(&world, &bundle);
}

#[test]
fn a_round_whose_prices_are_withheld_raised_or_made_up_is_refused() {
    let priced = |line: &&mut schema::PoolPrice| line.price.is_some();
    let (world, bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| decision.prices.iter_mut().for_each(|line| line.price = None));
    });
    assert_eq!(refused(&world, &bundle).0, "prices");
    let (world, bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| decision.prices.iter_mut().find(priced).unwrap().price = None);
    });
    assert_eq!(refused(&world, &bundle).0, "prices");
    let (world, bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| *decision.prices[0].price.as_mut().unwrap() += 1);
    });
    assert_eq!(refused(&world, &bundle).0, "prices");
}

#[test]
fn a_round_that_leaves_out_a_pool_of_the_class_is_refused() {
    let (world, bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| {
            decision.prices.pop();
        });
    });
    let (name, detail) = refused(&world, &bundle);
    assert_eq!((name, detail.contains("leaves out a pool")), ("pools", true), "{detail}");
    // The whole round as if the class had two pools: every other check would pass.
    let mut world = World::decided();
    let mut inputs = world.inputs();
    inputs.pools.truncate(2);
    let result = solve(&inputs.problem().unwrap(), &Limits::default()).unwrap();
    world.redecide(&inputs, result);
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    assert_eq!(refused(&world, &bundle).0, "pools");
    // The class's count says that a pool is not shown, whatever the decision says.
    let (world, mut bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| {
            decision.prices.pop();
        });
    });
    if let Subject::Round(round) = &mut bundle.subject {
        round.context.pools.pop();
    }
    assert_eq!(refused(&world, &bundle).0, "pools");
}

#[test]
fn a_pool_defined_after_the_decision_has_no_part_in_it() {
    let mut world = World::decided();
    world.accept("voter-a", testkit::pool(9, 1, 12, 0, 5));
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    assert!(lines(&assert_valid(&world, &bundle)).contains("all 4 pools that the class had"));
    let Subject::Round(evidence) = &bundle.subject else { panic!("a round") };
    assert!(crate::audit::why::Decided::of_evidence(evidence).unwrap().why(&handle(3)).is_ok());
}

#[test]
fn counts_that_are_not_those_of_the_rows_and_pools_are_refused() {
    let (world, bundle) =
        round_after(|overlay, world| rewrite_class(overlay, world, |class| class.retired += 1));
    assert_eq!(refused(&world, &bundle).0, "pools");
    let (world, bundle) = round_after(|overlay, world| {
        let mut round = schema::round(&world.chain.state, ROUND).unwrap().unwrap();
        round.requests -= 1;
        schema::write(overlay, schema::round_key(ROUND), &round);
    });
    let (name, detail) = refused(&world, &bundle);
    assert_eq!((name, detail.contains("counts other requests")), ("state", true), "{detail}");
}

#[test]
fn a_record_of_another_class_is_refused() {
    let (world, bundle) = round_after(|overlay, world| {
        rewrite_class(overlay, world, |class| class.definition.class = crate::types::ClassId(2));
    });
    assert_eq!(refused(&world, &bundle).0, "state");
}

#[test]
fn a_gap_beyond_what_was_allowed_is_refused() {
    let (world, bundle) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| decision.gap_ppm = 1);
    });
    assert_eq!(refused(&world, &bundle).0, "optimum");
    let world = World::with_a_gap();
    let good = world.collector(&[]).round(ROUND).unwrap();
    let words = lines(&assert_valid(&world, &good));
    assert!(words.contains("in a million") && words.contains("no pool has a price"), "{words}");
    let mut lying = world.clone();
    lying.lie(|overlay| rewrite(overlay, &world, |decision| decision.max_gap_ppm = decision.gap_ppm - 1));
    let bundle = lying.collector(&[]).round(ROUND).unwrap();
    assert!(refused(&lying, &bundle).1.contains("gap is larger than"));
}

#[test]
fn a_decision_that_stands_and_is_reverted_or_does_not_stand_for_no_reason_is_refused() {
    let (world, bundle) = round_after(|overlay, world| {
        rewrite_class(overlay, world, |class| class.standing_round = None);
    });
    assert_eq!(refused(&world, &bundle).0, "standing");
    let mut world = World::decided();
    world.revert(0);
    let before = world.clone();
    world.lie(|overlay| rewrite_class(overlay, &before, |class| class.standing_round = Some(ROUND)));
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    assert_eq!(refused(&world, &bundle).0, "standing");
    // A bundle that hides the reversion, with the proof of another absence.
    let mut hiding = before.collector(&[]).round(ROUND).unwrap();
    if let Subject::Round(round) = &mut hiding.subject {
        round.context.reversion = bundle::Lookup::Absent(round.context.class.proof.clone());
    }
    assert_eq!(refused(&before, &hiding).0, "standing");
}

#[test]
fn a_round_at_equity_0_that_is_not_the_cheapest_is_refused() {
    let (world, bundle) = round_after(|overlay, world| {
        let mut plain = schema::plain(&world.chain.state, ROUND).unwrap().unwrap();
        plain.solved.as_mut().unwrap().certificate.objective -= 1;
        schema::write(overlay, schema::plain_key(ROUND), &plain);
    });
    assert_eq!(refused(&world, &bundle).0, "equity");
    let (world, bundle) = round_after(|overlay, _| {
        schema::write(overlay, schema::plain_key(ROUND), &schema::StoredPlain { solved: None });
    });
    assert_eq!(refused(&world, &bundle).0, "equity");
}

/// The budget's bundle when the state holds another sum of what was funded than the 100,000 stated.
fn overstated(world: &mut World, funded: u64) -> Bundle {
    let key = schema::budget_key(&account("funder"), YEAR);
    let mut budget = schema::budget(&world.chain.state, &account("funder"), YEAR).unwrap().unwrap();
    budget.funded_cents = Cents(funded);
    world.lie(|overlay| schema::write(overlay, key, &budget));
    world.collector(&[]).budget(account("funder"), YEAR).unwrap()
}

#[test]
fn a_budget_stated_above_what_was_funded_is_refused() {
    let mut world = World::decided();
    let bundle = overstated(&mut world, 99_999);
    assert_eq!(
        refused(&world, &bundle),
        ("budget statement", "The statement is of more than was funded.".into())
    );
    let mut world = World::decided();
    let bundle = overstated(&mut world, 100_007);
    assert!(lines(&assert_valid(&world, &bundle)).contains("7 less than was funded by now"));
}

/// The field's leaf at its place, and what stands beside it in the tree that somebody built around it.
fn opened(field: &SaltedField, siblings: Vec<Option<Hash>>, blinding: Option<[u8; 32]>) -> OpenedField {
    let SaltedField { field, value, salt } = field.clone();
    OpenedField { field, value, salt, blinding, siblings }
}

fn salted(name: &str, input: u8, salt: u8) -> SaltedField {
    SaltedField { field: name.into(), value: vec![input], salt: [salt; 32] }
}

/// What opens the commitment to an input of 100.
fn committed_input() -> Opening {
    Opening::derive(&StudentSecret::new([4; 32]), &Field::new("input/0").unwrap(), 1, 100)
}

/// A district anchors this root and commits to an input of 100; the bundle opens this field of it.
fn anchored(root: Hash, field: OpenedField) -> (World, Bundle) {
    let mut world = World::named("audited");
    let mut payload = anchor_version([300], 11, 1);
    let commitment = CommitmentBytes(*committed_input().commit().unwrap().as_bytes());
    payload.states[0].inputs = vec![commitment];
    payload.states[0].state_hash = root;
    world.accept("district-1", payload);
    let mut bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(300)).unwrap();
    if let Subject::Student(StudentEvidence { standing, .. }) = &mut bundle.subject
        && let StudentStanding::Anchored { opened, .. } = standing
    {
        *opened = Some(bundle::Opened { fields: vec![field] });
    }
    (world, bundle)
}

/// A state with two leaves of the name `input/0`, 100 and 200, side by side below the root: its root, and each opened.
fn two_needs() -> (Hash, [OpenedField; 2]) {
    let fields = [salted("input/0", 100, 1), salted("input/0", 200, 2)];
    let [first, second] = [&fields[0], &fields[1]].map(|field| field.leaf().hash());
    let blinding = Some(committed_input().blinding().to_bytes());
    let swapped = sparse::bit(&place("input/0"), 0);
    let root = if swapped { sparse::node_hash(&second, &first) } else { sparse::node_hash(&first, &second) };
    let one = |at: usize, beside| opened(&fields[at], vec![Some(beside)], blinding);
    (root, [one(0, second), one(1, first)])
}

/// A state whose input is 200, opened as that, though the leaf commits to 100.
fn other_need() -> (World, Bundle) {
    let field = salted("input/0", 200, 2);
    let blinding = Some(committed_input().blinding().to_bytes());
    anchored(state_hash(std::slice::from_ref(&field)), opened(&field, Vec::new(), blinding))
}

#[test]
fn one_anchored_state_opens_to_one_value_of_a_field() {
    let (root, [first, second]) = two_needs();
    let (world, bundle) = anchored(root, first);
    assert_valid(&world, &bundle);
    let (world, bundle) = anchored(root, second);
    assert_eq!(
        refused(&world, &bundle),
        ("field", "A field opened does not stand in the anchored state.".into())
    );
    let (world, bundle) = other_need();
    let words = "A field's value is not the one that the anchored leaf commits to.";
    assert_eq!(refused(&world, &bundle), ("field", words.into()));
    let field = salted("input/0", 200, 2);
    let (world, bundle) =
        anchored(state_hash(std::slice::from_ref(&field)), opened(&field, Vec::new(), None));
    assert_eq!(refused(&world, &bundle).0, "field");
    let names = ["input/0".to_owned()].into();
    let blinding = committed_input().blinding().to_bytes();
    let opening = crate::audit::open::open_fields(&mut bundle.clone(), &[field], &names, |_| blinding);
    assert_eq!(opening, Err(OpenError::OtherCommitment("input/0".into())));
}

/// The lies that are pinned as files, each of the chain "audited".
pub fn pinned() -> Vec<(&'static str, Bundle)> {
    let (root, [_, second]) = two_needs();
    let mut fewer = World::decided();
    let mut inputs = fewer.inputs();
    inputs.pools.truncate(2);
    let result = solve(&inputs.problem().unwrap(), &Limits::default()).unwrap();
    fewer.redecide(&inputs, result);
    let (_, withheld) = round_after(|overlay, world| {
        rewrite(overlay, world, |decision| decision.prices.iter_mut().for_each(|line| line.price = None));
    });
    vec![
        ("opened-need-a", anchored(root, second).1),
        ("opened-need-b", other_need().1),
        ("prices-withheld", withheld),
        ("pools-left-out", fewer.collector(&[]).round(ROUND).unwrap()),
        ("budget-overstated", overstated(&mut World::decided(), 99_999)),
    ]
}

/// A block with a transaction of their own choosing, and what an act's bundle says of it.
fn act(change: impl FnOnce(&mut Transaction, &World)) -> (World, Bundle) {
    let mut world = World::decided();
    let mut transaction = world.chain.transaction("funder-b", 0, Payload::from(testkit::fund(5)));
    change(&mut transaction, &world);
    let code = crate::code::Code::Accepted;
    let receipt = Receipt { transaction: transaction.id(), code, entry: None, events: Vec::new() };
    world.lie_with((vec![transaction.to_canonical()], vec![receipt]), |_| ());
    let bundle = world.collector(&[]).figures(&[], &[(world.chain.height, 0)]).unwrap();
    (world, bundle)
}

fn sign_again(transaction: &mut Transaction) {
    *transaction = Transaction::sign(transaction.body.clone(), &testkit::key("funder-b"));
}

#[test]
fn an_act_of_another_chain_expired_or_unsigned_is_refused() {
    let (world, bundle) = act(|_, _| ());
    assert_valid(&world, &bundle);
    let (world, bundle) = act(|transaction, _| {
        transaction.body.genesis = World::named("other").chain.parsed.sha256;
        sign_again(transaction);
    });
    assert!(refused(&world, &bundle).1.contains("another chain"));
    let (world, bundle) = act(|transaction, world| {
        transaction.body.valid_until_height = world.chain.height;
        sign_again(transaction);
    });
    assert!(refused(&world, &bundle).1.contains("expired"));
    let (world, bundle) = act(|transaction, _| transaction.signature.0[0] ^= 1);
    assert!(refused(&world, &bundle).1.contains("signature"));
}

#[test]
fn a_head_that_does_not_follow_the_block_below_it_is_refused() {
    let mut world = World::decided();
    let below = world.chain.height;
    world.chain.parent = Hash([3; 32]);
    world.block(None);
    let alone = world.collector(&[]).access(DistrictId(1)).unwrap();
    assert_valid(&world, &alone);
    let beside = world.collector(&[below]).access(DistrictId(1)).unwrap();
    assert_eq!(refused(&world, &beside).0, "certificate");
    // A block time that went back, which a bundle shows beside the block below.
    let mut early = World::decided();
    let (below, time_ms) = (early.chain.height, early.blocks[&early.chain.height].0.time_ms);
    let record = schema::chain(&early.chain.state).unwrap();
    let record = schema::ChainRecord { height: below.next(), time_ms, ..record };
    early.lie(|overlay| schema::write(overlay, schema::chain_key(), &record));
    assert_valid(&early, &early.collector(&[]).access(DistrictId(1)).unwrap());
    let bundle = early.collector(&[below]).access(DistrictId(1)).unwrap();
    assert_eq!(refused(&early, &bundle).0, "certificate");
}
