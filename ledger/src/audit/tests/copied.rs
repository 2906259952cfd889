//! Evidence of a round in which two districts have one handle, and of a batch that was taken in part.

use super::*;
use crate::audit::bundle::BandEntry;
use crate::audit::why::{Decided, Who, WhyError};

fn refused(world: &World, bundle: &Bundle) -> &'static str {
    let report = check(world, bundle, &Options::default());
    assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
    report.checks.last().unwrap().name
}

#[test]
fn a_handle_of_two_districts_is_two_decisions() {
    let world = World::copied();
    let one =
        |district: u16| world.collector(&[]).allocation(ROUND, DistrictId(district), &handle(3)).unwrap();
    for district in [1, 2] {
        let report = assert_valid(&world, &one(district));
        assert!(
            lines(&report).contains(&format!("of district {district}, school {district}")),
            "{}",
            lines(&report)
        );
    }
    // Evidence about one of them says nothing about the other.
    let mut other = one(1);
    let Subject::Allocation(evidence) = &mut other.subject else { panic!("a decision") };
    evidence.district = DistrictId(2);
    assert_eq!(refused(&world, &other), "request");

    let round = world.collector(&[]).round(ROUND).unwrap();
    let Subject::Round(evidence) = &round.subject else { panic!("a round") };
    let decided = Decided::of_evidence(evidence).unwrap();
    let two = WhyError::TwoDistricts(handle(3));
    assert_eq!(decided.why(&handle(3)).unwrap_err(), two);
    for district in [DistrictId(1), DistrictId(2)] {
        let why = decided.why(Who { handle: handle(3), district: Some(district) }).unwrap();
        assert_eq!(why.request.district, district);
    }
}

#[test]
fn a_refused_entry_is_part_of_its_groups_proof_and_no_row() {
    let world = World::copied();
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    assert_valid(&world, &bundle);
    let Subject::Round(evidence) = &bundle.subject else { panic!("a round") };
    assert_eq!(evidence.rows.len(), 2 + 9);
    let entries = evidence.bands.iter().flat_map(|group| &group.entries);
    assert_eq!(entries.filter(|entry| matches!(entry, BandEntry::Refused { .. })).count(), 1);

    // It cannot be left out, nor stand for a row.
    let tampered = |change: &dyn Fn(&mut Vec<BandEntry>)| {
        let mut bundle = bundle.clone();
        let Subject::Round(evidence) = &mut bundle.subject else { panic!("a round") };
        let is_refused = |entry: &BandEntry| matches!(entry, BandEntry::Refused { .. });
        let group = evidence.bands.iter_mut().find(|group| group.entries.iter().any(is_refused)).unwrap();
        change(&mut group.entries);
        refused(&world, &bundle)
    };
    assert_eq!(tampered(&|entries| entries.retain(|entry| matches!(entry, BandEntry::Row(_)))), "band");
    assert_eq!(tampered(&|entries| entries[0] = BandEntry::Row(0)), "band");
    let stands_for_rows = |entries: &mut Vec<BandEntry>| {
        let first = entries[0].clone();
        entries.iter_mut().for_each(|entry| *entry = first.clone());
    };
    assert_eq!(tampered(&stands_for_rows), "band");
}

#[test]
fn rows_in_another_order_are_refused() {
    let world = World::copied();
    let mut bundle = world.collector(&[]).round(ROUND).unwrap();
    let Subject::Round(evidence) = &mut bundle.subject else { panic!("a round") };
    let twice = |pair: &[crate::audit::bundle::DecidedRequest]| {
        pair[0].request_row().unwrap().handle == pair[1].request_row().unwrap().handle
    };
    let at = evidence.rows.windows(2).position(twice).unwrap();
    evidence.rows.swap(at, at + 1);
    assert_eq!(refused(&world, &bundle), "rows");
}
