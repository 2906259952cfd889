//! A read listed in a district's anchored access log, as a family's file shows it.

use super::*;
use crate::access::{AccessEntry, Basis, Denial, Relation, Verdict as Decided};
use crate::audit::bundle::AccessEvidence;
use crate::audit::open::{OpenError, list_read};
use crate::names::{FieldName, Name, Term};
use crate::proof::merkle;
use crate::tx::RecordAccess;
use crate::types::{Hash, TimeMs};

/// Entries in the log that [`World`] anchors.
const ENTRIES: u64 = 5;

pub fn entry(genesis: Hash, number: u64) -> AccessEntry {
    let verdict = if number == 2 { Decided::Denied(Denial::RoleNotAllowed) } else { Decided::Granted };
    AccessEntry {
        genesis,
        number,
        time_ms: TimeMs(1_700_000_000_000 + number),
        district: DistrictId(1),
        handle: handle(3),
        reader: Name::new("t-1042").unwrap(),
        role: Term::new("teacher").unwrap(),
        class: Term::new("FERPA_PII").unwrap(),
        purpose: Term::new("educational_necessity").unwrap(),
        basis: (number != 2).then_some(Basis::SchoolOfficial),
        relation: (number != 2).then(|| Relation::Section(Term::new("4-b").unwrap())),
        fields: vec![FieldName::new("name").unwrap(), FieldName::new("skill:00003").unwrap()],
        verdict,
        salt: [number as u8; 16],
    }
}

fn hashes(genesis: Hash) -> Vec<Hash> {
    (0..ENTRIES).map(|number| entry(genesis, number).hash()).collect()
}

pub fn anchored(genesis: Hash) -> RecordAccess {
    let head = merkle::head_of_hashes(&hashes(genesis));
    RecordAccess { epoch: 0, log_size: head.leaf_count, root: head.root, consistency: Vec::new() }
}

/// The district's bundle with an entry listed.
pub fn listed(bundle: Bundle, number: u64) -> Bundle {
    let mut bundle = bundle;
    let genesis = bundle.chain.head.header.genesis;
    let path = merkle::path(&hashes(genesis), number).unwrap();
    list_read(&mut bundle, &entry(genesis, number), path).unwrap();
    bundle
}

#[test]
fn a_family_checks_that_a_read_is_listed_and_a_denied_one_too() {
    let world = World::decided();
    let plain = world.collector(&[]).access(DistrictId(1)).unwrap();
    let report = assert_valid(&world, &plain);
    assert_eq!(names(&report).last(), Some(&"access log"));
    for (number, words) in [
        (
            0,
            "for educational_necessity (34 CFR 99.31(a)(1)(i)(A): a school official with a legitimate educational interest), was given name",
        ),
        (2, "was denied"),
    ] {
        let report = assert_valid(&world, &listed(plain.clone(), number));
        let check = report.checks.last().unwrap();
        assert_eq!(check.name, "read listed");
        assert!(check.detail.contains(words), "{}", check.detail);
    }
    assert!(matches!(world.collector(&[]).access(DistrictId(2)), Err(BuildError::NotFound(_))));
}

#[test]
fn an_entry_that_was_changed_moved_or_never_written_is_not_listed() {
    let world = World::decided();
    let genesis = world.chain.parsed.sha256;
    let plain = world.collector(&[]).access(DistrictId(1)).unwrap();
    let path = merkle::path(&hashes(genesis), 1).unwrap();
    let changed = AccessEntry { reader: Name::new("t-9").unwrap(), ..entry(genesis, 1) };
    for (entry, path) in [
        (changed, path.clone()),
        (entry(genesis, 0), path.clone()),
        (AccessEntry { district: DistrictId(2), ..entry(genesis, 1) }, path.clone()),
        (AccessEntry { genesis: Hash([9; 32]), ..entry(genesis, 1) }, path.clone()),
        (entry(genesis, 9), path),
    ] {
        assert_eq!(list_read(&mut plain.clone(), &entry, path), Err(OpenError::OtherLog));
    }
    let good = listed(plain, 1);
    let tampered = |change: &dyn Fn(&mut AccessEvidence)| {
        let mut bundle = good.clone();
        if let Subject::Access(access) = &mut bundle.subject {
            change(access);
        }
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
        report.checks.last().unwrap().name
    };
    assert_eq!(tampered(&|access| access.district = DistrictId(2)), "access log");
    assert_eq!(
        tampered(&|access| access.listed.as_mut().unwrap().entry = entry(genesis, 2).to_canonical()),
        "read listed"
    );
    assert_eq!(tampered(&|access| access.listed.as_mut().unwrap().path.index = 2), "read listed");
    assert_eq!(tampered(&|access| access.listed.as_mut().unwrap().entry.push(0)), "read listed");
}
