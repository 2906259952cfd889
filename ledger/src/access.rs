//! The words of access to student records, and the log that lists every read.
//!
//! Records stay in a district's vault; what the ledger knows of reads is the head of each district's log
//! ([`crate::tx::RecordAccess`]) and families' consents ([`crate::tx::RecordConsent`]). This module holds what both
//! sides must agree on: [`Purpose`] with the [`Basis`] it rests on, [`Relation`], [`Denial`], the bytes of a log's [`AccessEntry`], and [`AccessProof`], with
//! which a family checks that a read of its child is listed. Absent: the decision itself, which is the vault's.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::byte_word::byte_word;
use crate::names::Term;
use crate::types::SchoolId;

#[expect(
    clippy::disallowed_types,
    reason = "serde reads a flattened field through an enum that has floats; an entry has none, and its bytes are borsh"
)]
mod entry;

pub use entry::{AccessEntry, AccessProof, AccessProofError, MAX_ENTRY_FIELDS, Verdict};

byte_word! {
    /// For what a record may be read. Numbers stand in consents and are never reused.
    #[serde(rename_all = "snake_case")]
    pub enum Purpose {
        /// Teaching and supporting this very student.
        EducationalNecessity = 0,
        /// Allocating the consortium's resources: open to every reader whom the district knows.
        ResourceAllocation = 1,
        /// Auditing the programme that the records feed: what a drawn student's state was computed from.
        AuditEvaluation = 2,
        /// The district's own processing: folding events into states, proving what the ledger asks for.
        InstitutionalService = 3,
        /// Opening fields of an anchored state in a file of evidence, for whoever gets the file.
        EvidenceOpening = 4,
    }
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [
        Self::EducationalNecessity,
        Self::ResourceAllocation,
        Self::AuditEvaluation,
        Self::InstitutionalService,
        Self::EvidenceOpening,
    ];

    /// The word in requests, logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EducationalNecessity => "educational_necessity",
            Self::ResourceAllocation => "resource_allocation",
            Self::AuditEvaluation => "audit_evaluation",
            Self::InstitutionalService => "institutional_service",
            Self::EvidenceOpening => "evidence_opening",
        }
    }

    /// True when a family is asked for its word on it.
    pub const fn needs_consent(self) -> bool {
        matches!(self, Self::EducationalNecessity)
    }

    /// The purpose whose consent a read for this one rests on; none when the law lets it be without.
    pub const fn consent(self) -> Option<Self> {
        match self {
            Self::EducationalNecessity | Self::EvidenceOpening => Some(Self::EducationalNecessity),
            Self::ResourceAllocation | Self::AuditEvaluation | Self::InstitutionalService => None,
        }
    }

    /// The paragraph of FERPA's rules that a read for it rests on.
    pub const fn basis(self) -> Basis {
        match self {
            Self::EducationalNecessity | Self::ResourceAllocation => Basis::SchoolOfficial,
            Self::AuditEvaluation => Basis::AuditOrEvaluation,
            Self::InstitutionalService => Basis::InstitutionalService,
            Self::EvidenceOpening => Basis::Consent,
        }
    }
}

/// On what a read rests: a paragraph of 34 CFR part 99. Numbers stand in logs and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Basis {
    /// A school official with a legitimate educational interest.
    SchoolOfficial = 0,
    /// A service that the district would otherwise have its own employees do, under its control.
    InstitutionalService = 1,
    /// An authorised representative who audits or evaluates a programme.
    AuditOrEvaluation = 2,
    /// The family's consent.
    Consent = 3,
    /// The right to inspect one's own, or one's child's, education records.
    Inspection = 4,
}

impl Basis {
    /// The paragraph, as logs and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SchoolOfficial => "34 CFR 99.31(a)(1)(i)(A)",
            Self::InstitutionalService => "34 CFR 99.31(a)(1)(i)(B)",
            Self::AuditOrEvaluation => "34 CFR 99.31(a)(3)",
            Self::Consent => "34 CFR 99.30",
            Self::Inspection => "34 CFR 99.10",
        }
    }

    /// What it allows, in words.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::SchoolOfficial => "a school official with a legitimate educational interest",
            Self::InstitutionalService => "a service of the district's own, under its control",
            Self::AuditOrEvaluation => "an authorised representative who audits the programme",
            Self::Consent => "the family's consent",
            Self::Inspection => "the right to inspect one's own, or one's child's, education records",
        }
    }
}

impl<'de> Deserialize<'de> for Basis {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = Deserialize::deserialize(deserializer)?;
        let all = [
            Self::SchoolOfficial,
            Self::InstitutionalService,
            Self::AuditOrEvaluation,
            Self::Consent,
            Self::Inspection,
        ];
        let named = all.into_iter().find(|basis| basis.name() == text);
        named.ok_or_else(|| serde::de::Error::custom("not a paragraph that a read rests on"))
    }
}

impl Serialize for Basis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How a reader stands to the student, as the district's roster has it. Numbers stand in logs and are never reused.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "relation", content = "of")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Relation {
    /// To all students alike: administration, the district's operator and programs, an auditor of a drawn student.
    Office = 0,
    /// Teaches a section that the student is in, as the district names it.
    Section(Term) = 1,
    /// Counsels at the student's school.
    School(SchoolId) = 2,
    /// Is the student.
    Own = 3,
    /// Is the student's parent or guardian.
    Family = 4,
}

impl Relation {
    /// In words, behind the reader's role.
    pub fn explain(&self) -> String {
        match self {
            Self::Office => "whose office covers all students".to_owned(),
            Self::Section(section) => format!("of the student's section {section}"),
            Self::School(school) => format!("of the student's school {school}"),
            Self::Own => "whose own record it is".to_owned(),
            Self::Family => "of the student's family".to_owned(),
        }
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
    /// The district's roster knows no relation of this reader to this student.
    NoRelation = 7,
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
            Self::NoRelation => {
                "the roster does not say that this reader teaches the student or counsels at the student's school; have the \
                 district enter it"
            }
        }
    }
}
