//! The words of access to student records, and the log that lists every read.
//!
//! Records stay in a district's vault; what the ledger knows of reads is the head of each district's log
//! ([`crate::tx::RecordAccess`]) and families' consents ([`crate::tx::RecordConsent`]). This module holds what both
//! sides must agree on: [`Purpose`], [`Denial`], the bytes of a log's [`AccessEntry`], and [`AccessProof`], with
//! which a family checks that a read of its child is listed. Absent: the decision itself, which is the vault's.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

mod entry;

pub use entry::{AccessEntry, AccessProof, AccessProofError, MAX_ENTRY_FIELDS, Verdict};

/// For what a record may be read.
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
pub enum Purpose {
    /// Teaching and supporting this very student.
    EducationalNecessity = 0,
    /// Allocating the consortium's resources: open by design.
    ResourceAllocation = 1,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::EducationalNecessity, Self::ResourceAllocation];

    /// The word in requests, logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EducationalNecessity => "educational_necessity",
            Self::ResourceAllocation => "resource_allocation",
        }
    }

    /// True when a read for it needs the family's consent.
    pub const fn needs_consent(self) -> bool {
        matches!(self, Self::EducationalNecessity)
    }
}

/// What a family said about one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ConsentChoice {
    /// The family agrees.
    Given = 0,
    /// The family no longer agrees: reads for this purpose are denied from then on.
    Withdrawn = 1,
}

/// Why a read was denied. Numbers stand in logs and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Denial {
    /// Role, class, purpose or consent is unknown or not enough: whatever no rule allows is denied by this.
    InsufficientData = 0,
    /// The reader's credential is expired, forged, or for another district or chain.
    CredentialRefused = 1,
    /// The role may not read this class of data.
    RoleNotAllowed = 2,
    /// The purpose does not justify this class of data.
    PurposeNotAllowed = 3,
    /// The family withdrew its consent.
    ConsentWithdrawn = 4,
    /// None of the fields asked for is needed by this role for this purpose.
    NothingNeeded = 5,
    /// The student was erased.
    Erased = 6,
}

impl Denial {
    /// The reason in words, and what to do.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::InsufficientData => {
                "insufficient data: role, class, purpose or consent is missing or unknown; nothing is given on a guess"
            }
            Self::CredentialRefused => "the credential is refused; ask the district for a new one",
            Self::RoleNotAllowed => "this role may not read this class of data",
            Self::PurposeNotAllowed => "this purpose does not justify reading this class of data",
            Self::ConsentWithdrawn => "the family withdrew its consent for this purpose",
            Self::NothingNeeded => {
                "none of the fields asked for is needed by this role; ask for those it needs"
            }
            Self::Erased => "the student was erased; nothing is left to read",
        }
    }
}
