//! Records of students.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::chain::canonical;
use crate::codec::Canonical;
use crate::proof::committed::{CommittedField, FieldCommitment};
use crate::state::schema::{Claims, Finding, MilestoneKind, Replay};
use crate::types::{
    AccountId, CommitmentBytes, DistrictId, Handle, Hash, Height, RoundId, SchoolId, SchoolYear,
};

/// A student's anchored state: a row of the district's tree of a school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct StudentLeaf {
    /// Counts the states of this handle, strictly increasing.
    pub version: u32,
    /// Root of the salted fields of the state.
    pub state_hash: Hash,
    /// The school the student attends.
    pub home_school: SchoolId,
    /// Commitments to the inputs of the need rule, in its order.
    pub inputs: Vec<CommitmentBytes>,
    /// Commitments to other fields, ascending by field.
    pub commitments: Vec<FieldCommitment>,
    /// Version of the twins' parameters that it was computed under.
    pub parameters: u32,
    /// The digest of those parameters, skill graph and model: what the fold went by.
    pub model_digest: Hash,
    /// How many events the state has seen.
    pub event_watermark: u64,
    /// In which block it was anchored.
    pub anchored: Height,
}

impl StudentLeaf {
    /// The commitment to the state's field of this name: an input of the need rule, or another.
    pub fn commitment_to(&self, name: &str) -> Option<FieldCommitment> {
        let field: CommittedField = name.parse().ok()?;
        match field {
            CommittedField::Input(at) => {
                let commitment = *self.inputs.get(usize::from(at))?;
                Some(FieldCommitment { field, commitment })
            }
            _ => self.commitments.iter().find(|one| one.field == field).copied(),
        }
    }
}

/// How many students a district has anchored, by school year: the leaves of its trees, counted as they are put.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DistrictLeaves {
    /// Ascending by school year.
    pub years: Vec<(SchoolYear, u32)>,
}

impl DistrictLeaves {
    /// Of one year.
    pub fn of(&self, year: SchoolYear) -> u64 {
        let at = self.years.binary_search_by_key(&year, |(known, _)| *known);
        at.ok().and_then(|at| self.years.get(at)).map_or(0, |(_, leaves)| u64::from(*leaves))
    }

    /// Of all years.
    pub fn all(&self) -> u64 {
        self.years.iter().fold(0, |sum, (_, leaves)| sum.saturating_add(u64::from(*leaves)))
    }

    /// Counts more of one year.
    pub fn add(&mut self, year: SchoolYear, more: u32) {
        let at = self.years.binary_search_by_key(&year, |(known, _)| *known);
        let at = at.unwrap_or_else(|at| {
            self.years.insert(at, (year, 0));
            at
        });
        if let Some((_, leaves)) = self.years.get_mut(at) {
            *leaves = leaves.saturating_add(more);
        }
    }
}

/// A mastery that was proved to lie above the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Mastered {
    /// The skill's number in the skill graph.
    pub skill: u16,
    /// The commitment that the proof is about.
    pub commitment: CommitmentBytes,
    /// The height at which its leaf was anchored.
    pub anchored: Height,
}

/// An auditor's result on a drawn student.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AuditResult {
    /// The round whose seed drew the student.
    pub round: RoundId,
    /// The drawn student's pseudonym.
    pub handle: Handle,
    /// The district that requested for the student.
    pub district: DistrictId,
    /// SHA-256 of the leaf that was audited.
    pub state_row: Hash,
    /// What was found, all in all.
    pub finding: Finding,
    /// What the disclosed events gave.
    pub replay: Replay,
    /// What the district's records say of each claim.
    pub claims: Claims,
    /// Hash of the auditor's report.
    pub report: Hash,
    /// The sender of RecordAudit, a member with the role auditor.
    pub auditor: AccountId,
    /// In which block it was recorded.
    pub recorded: Height,
}

/// Something a student reached. Written once, never again.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Milestone {
    /// The student's pseudonym of the school year.
    pub handle: Handle,
    /// Its number among the handle's.
    pub number: u16,
    /// The district that recorded it.
    pub district: DistrictId,
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// What was reached.
    pub kind: MilestoneKind,
    /// Hash of the evidence.
    pub evidence: Hash,
    /// The record that this one corrects.
    pub supersedes: Option<u16>,
    /// What was proved of a mastered unit.
    pub mastered: Option<Mastered>,
    /// The member who sent it, for the district.
    pub recorded_by: AccountId,
    /// In which block.
    pub recorded: Height,
}

/// How many milestones of a kind stand for a school year, corrections not counted. It is not for the public: read after
/// each block, it would tell the kind of the one milestone that the block recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MilestonesRecorded {
    /// The school year of the handles that they were recorded under.
    pub school_year: SchoolYear,
    /// What was reached.
    pub kind: MilestoneKind,
    /// How many, whatever is shown of them.
    pub recorded: u32,
}

/// What the public sees of [`MilestonesRecorded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MilestonesShown {
    /// The school year of the handles that they were recorded under.
    pub school_year: SchoolYear,
    /// What was reached.
    pub kind: MilestoneKind,
    /// At least so many: rounded down to a multiple of `min_cell_students` as it was at the newest of them.
    pub at_least: u32,
}

canonical! {
    MilestonesRecorded = "count of milestones", 16;
    MilestonesShown = "published count of milestones", 16;
    DistrictLeaves = "count of a district's leaves", 1024;
    StudentLeaf = "student leaf", 1_024;
    Milestone = "milestone", 256;
    AuditResult = "audit result", 256;
}
