//! Selective disclosure: what is opened is exactly what is asked for, and nothing else can be guessed from the bundle
//! and the ledger.

use std::collections::BTreeSet;

use aula_zk::{Field, Opening, Scalar, StudentSecret, commitment::leaf_salt};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};

use super::*;
use crate::audit::open::{OpenError, open_fields};
use crate::proof::committed::{CommittedField, FieldCommitment};
use crate::proof::student_state::{SaltedField, state_hash};
use crate::state::StateReader;
use crate::testkit::{anchor, anchor_version, handle};
use crate::tx::AnchorStates;
use crate::types::CommitmentBytes;

/// The closed field: mastery of 7,342, confidence 6,100, still on its unit.
const CLOSED: &str = "skill/00002";
const CLOSED_MASTERY: u16 = 7_342;

fn secret() -> StudentSecret {
    StudentSecret::new([0x5e; 32])
}

/// A state of 850 fields at a version.
pub fn fields(version: u64) -> Vec<SaltedField> {
    let mut fields = vec![("engagement".to_owned(), borsh::to_vec(&(6_000_u16, -3_i16)).unwrap())];
    fields.push(("input/0".to_owned(), vec![123]));
    fields.extend((0..848_u16).map(|skill| {
        let mastery = if [2, 5].contains(&skill) { CLOSED_MASTERY } else { 9_000 + skill };
        (format!("skill/{skill:05}"), borsh::to_vec(&(mastery, 6_100_u16, 0_u8)).unwrap())
    }));
    let salted = |(field, value): (String, Vec<u8>)| {
        let salt = *leaf_salt(&secret(), &Field::new(&field).unwrap(), version);
        SaltedField { field, value, salt }
    };
    fields.into_iter().map(salted).collect()
}

/// An anchor of student 300 with that state and a commitment to the closed mastery.
pub fn anchored(version: u32) -> AnchorStates {
    let mut payload = anchor_version([300], 11, version);
    let state = &mut payload.states[0];
    state.state_hash = state_hash(&fields(u64::from(version)));
    let commit = |field: CommittedField, value| {
        let name = Field::new(&field.to_string()).unwrap();
        let opening = Opening::derive(&secret(), &name, u64::from(version), value);
        FieldCommitment { field, commitment: CommitmentBytes(*opening.commit().unwrap().as_bytes()) }
    };
    // Mastery does not change between the versions: equal values must not show either.
    let mastery = u64::from(CLOSED_MASTERY);
    state.inputs = vec![commit(CommittedField::Input(0), 123).commitment];
    state.commitments =
        vec![commit(CommittedField::Mastery(2), mastery), commit(CommittedField::Mastery(5), mastery)];
    payload
}

/// What blinds the commitment to a field of that student at a version.
pub fn blinding(version: u64) -> impl Fn(CommittedField) -> [u8; 32] {
    move |field| {
        let name = Field::new(&field.to_string()).unwrap();
        Opening::derive(&secret(), &name, version, 0).blinding().to_bytes()
    }
}

fn world() -> World {
    let mut world = World::named("disclosed");
    world.accept("district-1", anchor(0..12, 11));
    for version in [1, 2] {
        world.accept("district-1", anchored(version));
    }
    world
}

fn names(wanted: &[&str]) -> BTreeSet<String> {
    wanted.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn fields_asked_for_open_and_another_state_or_field_does_not() {
    let world = world();
    let closed = world.collector(&[]).student(DistrictId(1), YEAR, &handle(300)).unwrap();
    let mut bundle = closed.clone();
    open_fields(&mut bundle, &fields(2), &names(&["skill/00003", "input/0"]), blinding(2)).unwrap();
    let words = lines(&assert_valid(&world, &bundle));
    assert!(
        words.contains("input 123 of the need rule, as the leaf commits to")
            && words.contains("mastery 9003 of 10000"),
        "{words}"
    );
    assert!(words.contains("none of these fields has another value there"), "{words}");
    assert!(bundle.to_canonical().len() < closed.to_canonical().len() + 1_300, "about ten hashes a field");
    assert_eq!(
        open_fields(&mut closed.clone(), &fields(1), &names(&["input/0"]), blinding(1)),
        Err(OpenError::OtherState(world.chain.height.0))
    );
    let missing = OpenError::NoField("skill/09999".into());
    assert_eq!(
        open_fields(&mut closed.clone(), &fields(2), &names(&["skill/09999"]), blinding(2)),
        Err(missing)
    );
    let mut round = World::decided().collector(&[]).round(ROUND).unwrap();
    assert_eq!(
        open_fields(&mut round, &fields(2), &names(&["input/0"]), blinding(2)),
        Err(OpenError::NotAnchored)
    );
}

#[test]
fn an_opened_field_that_is_changed_moved_or_doubled_is_refused() {
    let world = world();
    let mut bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(300)).unwrap();
    open_fields(&mut bundle, &fields(2), &names(&["skill/00003", "input/0"]), blinding(2)).unwrap();
    let changes: [fn(&mut bundle::Opened); 11] = [
        |opened| opened.fields[0].value[0] ^= 1,
        |opened| opened.fields[0].salt[0] ^= 1,
        |opened| opened.fields[1].field = "skill/00004".into(),
        |opened| opened.fields.swap(0, 1),
        |opened| opened.fields.push(opened.fields[1].clone()),
        |opened| opened.fields.clear(),
        |opened| opened.fields[0].siblings = opened.fields[1].siblings.clone(),
        |opened| opened.fields[0].siblings.truncate(1),
        |opened| opened.fields[0].blinding = None,
        |opened| opened.fields[1].blinding = opened.fields[0].blinding,
        |opened| opened.fields[0].blinding.as_mut().unwrap()[0] ^= 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut spoiled = bundle.clone();
        if let Subject::Student(student) = &mut spoiled.subject
            && let StudentStanding::Anchored { opened: Some(opened), .. } = &mut student.standing
        {
            change(opened);
        }
        let report = check(&world, &spoiled, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "change {number}\n{}", lines(&report));
        assert_eq!(report.checks.last().unwrap().name, "field");
    }
}

fn point(bytes: &[u8; 32]) -> Option<RistrettoPoint> {
    CompressedRistretto(*bytes).decompress()
}

/// All 10,001 values of a field that stays closed, against everything in the bundle and on the ledger: as a leaf, whose
/// own hash the bundle shows as a sibling, under every opened salt and every hash in sight taken as its salt; as a
/// commitment under each of these taken as its blinding; and as the difference of any two commitments.
#[test]
fn no_value_of_a_closed_field_fits_anything_that_can_be_seen() {
    let world = world();
    let mut bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(300)).unwrap();
    open_fields(&mut bundle, &fields(2), &names(&["skill/00003", "input/0"]), blinding(2)).unwrap();
    let mut visible = bundle.to_canonical();
    visible.extend(world.chain.state.rows("students/1/1988").unwrap().into_iter().flat_map(|(_, row)| row));
    for height in world.bodies.keys() {
        let payloads = world.accepted(*height).unwrap().unwrap();
        visible.extend(payloads.iter().flat_map(|payload| borsh::to_vec(payload).unwrap()));
    }
    let seen: BTreeSet<[u8; 32]> = visible.windows(32).map(|window| window.try_into().unwrap()).collect();
    let commitments: Vec<[u8; 32]> = [1, 2]
        .into_iter()
        .flat_map(|version| anchored(version).states.remove(0).commitments)
        .map(|one| one.commitment.0)
        .collect();
    assert!(commitments.iter().all(|one| seen.contains(one)), "the ledger shows them");
    // Salts and blindings that somebody might try: none, every opened one, the hashes and names in sight.
    let Subject::Student(student) = &bundle.subject else { panic!("a student") };
    let StudentStanding::Anchored { opened: Some(opened), .. } = &student.standing else { panic!("opened") };
    let state = crate::audit::open::anchored_leaf(&bundle).unwrap().state_hash.0;
    let mut keys = vec![[0_u8; 32], state, handle(300).0];
    keys.extend(opened.fields.iter().map(|field| field.salt));
    keys.extend(opened.fields.iter().filter_map(|field| field.blinding));
    keys.extend(opened.fields.iter().flat_map(|field| field.siblings.iter().flatten().map(|hash| hash.0)));
    let scalars: Vec<Scalar> = keys.iter().map(|key| Scalar::from_bytes_mod_order(*key)).collect();
    let masks: Vec<RistrettoPoint> = scalars.iter().map(blinding_point).collect();
    let points: Vec<RistrettoPoint> = commitments.iter().map(|bytes| point(bytes).unwrap()).collect();
    let mut tried = 0;
    for mastery in 0..=10_000_u16 {
        for salt in &keys {
            let value = borsh::to_vec(&(mastery, 6_100_u16, 0_u8)).unwrap();
            let leaf = SaltedField { field: CLOSED.into(), value, salt: *salt };
            assert!(!seen.contains(&leaf.leaf().hash().0), "mastery {mastery} under a salt in sight");
        }
        let base = RISTRETTO_BASEPOINT_TABLE * &Scalar::from(u64::from(mastery));
        for mask in &masks {
            assert!(!points.contains(&(base + mask)), "mastery {mastery} under a blinding in sight");
        }
        for (at, one) in points.iter().enumerate() {
            for other in &points[at + 1..] {
                let difference = one - other;
                assert!(difference != base && difference != -base, "a difference of {mastery}");
            }
        }
        tried += 1;
    }
    assert_eq!(tried, 10_001);
    // The search itself works: with the right salt and the right blinding it finds the value.
    let name = Field::new(CLOSED).unwrap();
    let value = borsh::to_vec(&(CLOSED_MASTERY, 6_100_u16, 0_u8)).unwrap();
    let leaf = SaltedField { field: CLOSED.into(), value, salt: *leaf_salt(&secret(), &name, 2) };
    assert!(fields(2).iter().any(|field| field.leaf() == leaf.leaf()));
    let opening = Opening::derive(&secret(), &name, 2, u64::from(CLOSED_MASTERY));
    assert!(commitments.contains(opening.commit().unwrap().as_bytes()));
}

/// What a blinding alone commits to: the commitment to zero under it.
fn blinding_point(scalar: &Scalar) -> RistrettoPoint {
    match Opening::new(0, *scalar).commit() {
        Ok(commitment) => point(commitment.as_bytes()).unwrap(),
        Err(_) => RistrettoPoint::default(),
    }
}
