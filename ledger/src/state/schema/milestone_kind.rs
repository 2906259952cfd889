//! What a student can reach.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What was reached.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
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
    /// An intervention that was recorded as begun is over.
    InterventionEnded = 4,
}
