//! What is anchored and recorded, and what never changes.

use crate::chain::Code;
use crate::proof::bulk_tree::row_leaf;
use crate::state::schema::{self, StudentLeaf};
use crate::state::{StateReader, TreeRecord, tree_key};
use crate::testkit::*;
use crate::tx::students::anchor_states::anchored_leaf;
use crate::tx::{MilestoneKind, RecordMilestone};
use crate::types::*;

#[test]
fn an_anchor_enters_the_districts_tree_with_its_height_and_a_later_one_replaces_it() {
    let mut chain = ready();
    let label = "students/1/1988";
    let leaf = |chain: &Chain| -> StudentLeaf {
        schema::decode(&chain.state.row(label, &handle(1)).unwrap().unwrap()).unwrap()
    };
    let first = leaf(&chain);
    assert_eq!((first.version, first.anchored), (1, chain.height));
    chain.accept("district-1", anchor_version([1], 12, 7));
    let second = leaf(&chain);
    assert_eq!((second.version, second.home_school, second.anchored), (7, SchoolId(12), chain.height));
    let tree = chain.state.tree(label).unwrap().unwrap();
    assert_eq!(tree.len(), 12);
    let record: TreeRecord = schema::read(&chain.state, &tree_key(label)).unwrap().unwrap();
    assert_eq!(record.head, tree.head());
}

#[test]
fn the_headers_students_tree_has_the_rows_that_went_into_the_districts_tree() {
    let mut chain = ready();
    let outcome = chain.block(&[crate::codec::Canonical::to_canonical(&chain.transaction(
        "district-2",
        0,
        anchor([40, 41], 21).into(),
    ))]);
    assert_eq!(outcome.header.students.leaf_count, 2);
    for leaf in &outcome.student_leaves {
        let at = Handle(leaf[4..36].try_into().unwrap());
        let row = chain.state.row("students/2/1988", &at).unwrap().unwrap();
        assert_eq!(*leaf, anchored_leaf(DistrictId(2), YEAR, &at, &row));
        let tree = chain.state.tree("students/2/1988").unwrap().unwrap();
        assert!(tree.contains(&at));
        assert_ne!(row_leaf(&at, &row), row_leaf(&handle(99), &row));
    }
    assert_eq!(outcome.header.students, crate::proof::merkle::head(&outcome.student_leaves));
}

#[test]
fn a_milestone_stands_byte_for_byte_whatever_is_sent_later() {
    let mut chain = ready();
    let record = |number, supersedes, byte| RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number,
        kind: MilestoneKind::UnitMastered,
        evidence: Hash([byte; 32]),
        supersedes,
    };
    chain.accept("district-1", record(0, None, 1));
    let key = schema::milestone_key(DistrictId(1), &handle(1), 0);
    let written = chain.state.value(&key).unwrap();
    for (payload, code) in [
        (record(0, None, 2), Code::MilestoneImmutable),
        (record(1, Some(0), 2), Code::Accepted),
        (record(2, Some(1), 3), Code::Accepted),
        (record(3, Some(0), 4), Code::MilestoneSuperseded),
        (record(0, None, 1), Code::MilestoneImmutable),
    ] {
        assert_eq!(chain.send("district-1", payload).code, code);
        assert_eq!(chain.state.value(&key).unwrap(), written);
    }
    let all = schema::milestones(&chain.state, DistrictId(1), &handle(1)).unwrap();
    let supersedes: Vec<_> = all.iter().map(|milestone| milestone.supersedes).collect();
    assert_eq!(supersedes, [None, Some(0), Some(1)]);
}

#[test]
fn no_district_touches_anothers_students() {
    let mut chain = ready();
    // The same handle in another district is another district's student.
    chain.accept("district-2", anchor([1], 21));
    let payload = RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number: 0,
        kind: MilestoneKind::GradeCompleted,
        evidence: Hash([8; 32]),
        supersedes: None,
    };
    chain.accept("district-2", payload);
    assert!(schema::milestones(&chain.state, DistrictId(1), &handle(1)).unwrap().is_empty());
    let row = chain.state.row("students/1/1988", &handle(1)).unwrap().unwrap();
    assert_eq!(schema::decode::<StudentLeaf>(&row).unwrap().home_school, SchoolId(11));
}
