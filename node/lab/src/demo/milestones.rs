//! What students reached in a year of the demo: completed grades, and units whose mastery is proved.
//!
//! Flow: the driver anchors a year → [`milestones`] lists what is to be recorded, proofs made → the driver records one
//! a block while a round's windows pass. Invariant: a student has one milestone here, so its number is 0. Absent: all
//! the others; [`super::rules`] says so.

use std::collections::BTreeMap;

use aula_district::milestones::mastery;
use aula_ledger::tx::{MilestoneKind, RecordMilestone};
use aula_ledger::types::{DistrictId, Hash, SchoolYear};

use super::rules;
use super::star::Grade;
use super::twins::Anchored;

/// Most proofs of mastery made a year: more than the blocks that pass.
const MAX_PROVED: usize = 20;

/// Who records what, the last first.
pub type Milestones = Vec<(DistrictId, RecordMilestone)>;

/// Who completed the grade, whoever sat both tests at its end; then who mastered a unit, with its proof.
pub fn milestones(chain: &Hash, grade: Grade, anchored: &BTreeMap<DistrictId, Vec<Anchored>>) -> Milestones {
    let school_year = SchoolYear(rules::school_year(grade));
    let (mut completed, mut mastered) = (Vec::new(), Vec::new());
    for (district, one) in
        anchored.iter().flat_map(|(district, list)| list.iter().map(move |one| (*district, one)))
    {
        let mut milestone = RecordMilestone {
            school_year,
            handle: one.leaf.handle,
            number: 0,
            kind: MilestoneKind::GradeCompleted,
            evidence: one.leaf.state_hash,
            supersedes: None,
            mastery: None,
        };
        let prove = || mastery(chain, one.anchored, &one.leaf, &one.openings.fields);
        let proof = if mastered.len() < MAX_PROVED { prove() } else { None };
        if proof.is_some() {
            (milestone.kind, milestone.mastery) = (MilestoneKind::UnitMastered, proof);
            mastered.push((district, milestone));
        } else if one.year.read.is_some() && one.year.math.is_some() {
            completed.push((district, milestone));
        }
    }
    completed.extend(mastered);
    completed
}
