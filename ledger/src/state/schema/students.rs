//! Records of districts, schools and students.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use super::chain::canonical;
use crate::codec::Canonical;
use crate::names::{Name, Title};
use crate::tx::MilestoneKind;
use crate::types::{AccountId, CommitmentBytes, DistrictId, Handle, Hash, Height, SchoolId, SchoolYear};

/// A district of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct District {
    /// Its number.
    pub id: DistrictId,
    /// What people call it.
    pub name: Title,
}

/// A school.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct School {
    /// Its number.
    pub id: SchoolId,
    /// The district it nests in.
    pub district: DistrictId,
    /// Its type; schools of one type share tier 2.
    pub school_type: Name,
}

/// A student's anchored state: a row of the district's tree of a school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct StudentLeaf {
    /// Counts the states of this handle, strictly increasing.
    pub version: u32,
    /// Root of the salted fields of the state.
    pub state_hash: Hash,
    /// The school the student attends.
    pub home_school: SchoolId,
    /// Commitments, need first.
    pub commitments: Vec<CommitmentBytes>,
    /// Digest of the model that computed the state.
    pub model_digest: Hash,
    /// How many events the state has seen.
    pub event_watermark: u64,
    /// In which block it was anchored.
    pub anchored: Height,
}

/// Something a student reached. Written once, never again.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Milestone {
    /// Whose.
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
    /// Who recorded it.
    pub recorded_by: AccountId,
    /// In which block.
    pub recorded: Height,
}

canonical! {
    District = "district", 256;
    School = "school", 256;
    StudentLeaf = "student leaf", 512;
    Milestone = "milestone", 256;
}
