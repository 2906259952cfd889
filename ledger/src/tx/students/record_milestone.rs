//! RecordMilestone: something a student reached, for good. A record never changes; a correction is another
//! record that supersedes the first, which stays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::chain::Code;
use crate::tx::handler::{Handler, require};
use crate::types::{Handle, Hash, SchoolYear};

/// What was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum MilestoneKind {
    /// A unit or course was mastered.
    UnitMastered = 0,
    /// A grade was completed.
    GradeCompleted = 1,
    /// A credential was awarded.
    CredentialAwarded = 2,
    /// An intervention began.
    InterventionBegun = 3,
    /// An intervention ended.
    InterventionEnded = 4,
}

/// A milestone of a student of the sender's district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordMilestone {
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// Whose.
    pub handle: Handle,
    /// The record's number among the handle's, from 0 without gaps.
    pub number: u16,
    /// What was reached.
    pub kind: MilestoneKind,
    /// Hash of the evidence, which stays in the district's vault.
    pub evidence: Hash,
    /// The number of the record that this one corrects.
    pub supersedes: Option<u16>,
}

impl Handler for RecordMilestone {
    fn check(&self) -> Result<(), Code> {
        require(self.supersedes.is_none_or(|earlier| earlier < self.number))
    }
}
