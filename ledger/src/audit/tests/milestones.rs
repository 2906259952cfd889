//! A milestone as a student's credential binds it, and what becomes of it when it is corrected.

use super::*;
use crate::audit::bundle::{Lookup, MilestoneEvidence};
use crate::tx::{MilestoneKind, RecordMilestone};
use crate::types::Hash;

fn milestone(world: &World, number: u16) -> Result<Bundle, BuildError> {
    world.collector(&[]).milestone(DistrictId(1), &handle(3), number)
}

fn evidence(bundle: &mut Bundle) -> &mut MilestoneEvidence {
    match &mut bundle.subject {
        Subject::Milestone(evidence) => evidence,
        other => panic!("a {}", other.kind()),
    }
}

/// The world with milestone 0 of handle 3 corrected by milestone 1.
fn corrected() -> World {
    let mut world = World::decided();
    let (kind, evidence) = (MilestoneKind::GradeCompleted, Hash([8; 32]));
    let (school_year, handle, supersedes) = (YEAR, handle(3), Some(0));
    let record =
        RecordMilestone { school_year, handle, number: 1, kind, evidence, supersedes, mastery: None };
    world.accept("district-1", record);
    world
}

#[test]
fn a_milestone_is_proved_and_stands() {
    let world = World::decided();
    let report = assert_valid(&world, &milestone(&world, 0).unwrap());
    assert_eq!(report.standing, Some(Standing::Stands));
    assert_eq!(names(&report)[names(&report).len() - 2..], ["milestone", "correction"]);
    assert!(matches!(milestone(&world, 1), Err(BuildError::NotFound(_))));
}

#[test]
fn a_corrected_milestone_is_replaced_and_its_correction_stands() {
    let world = corrected();
    let report = assert_valid(&world, &milestone(&world, 0).unwrap());
    assert_eq!(report.standing, Some(Standing::Replaced));
    let report = assert_valid(&world, &milestone(&world, 1).unwrap());
    assert_eq!(report.standing, Some(Standing::Stands));
}

#[test]
fn another_name_record_or_mark_is_refused() {
    let world = corrected();
    let (first, second) = (milestone(&world, 0).unwrap(), milestone(&world, 1).unwrap());
    let mut other = second.clone();
    let lies: [fn(&mut MilestoneEvidence, &mut MilestoneEvidence); 6] = [
        |lie, _| lie.district = DistrictId(2),
        |lie, _| lie.handle = handle(4),
        |lie, _| lie.number = 1,
        |lie, other| lie.record = other.record.clone(),
        |lie, other| lie.superseded = other.superseded.clone(),
        |lie, _| {
            if let Lookup::Present(mark) = &mut lie.superseded {
                mark.value = vec![0, 2];
            }
        },
    ];
    for (i, lie) in lies.iter().enumerate() {
        let mut bundle = first.clone();
        lie(evidence(&mut bundle), evidence(&mut other));
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "lie {i}");
    }
}
