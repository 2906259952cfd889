//! Reads of students' records, and families' words on them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Moment, TreeHead};

/// An anchored head of a district's access log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessLog {
    /// The number of the district whose vault is read.
    pub district: u16,
    /// Which of its logs: one more after each restore that lost entries.
    pub epoch: u32,
    /// How many entries the log has, and the root over them.
    pub head: TreeHead,
    /// How often a head of this epoch was anchored.
    pub anchors: u32,
    /// The account that anchored this one.
    pub by: String,
    /// The block that anchored this one.
    pub at: Moment,
}

/// One read, or one refusal to read to a reader whom the district knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessEntry {
    /// Of which chain's district: SHA-256 of the genesis file.
    pub genesis: String,
    /// Its place in the log, from 0.
    pub number: u64,
    /// When, by the vault's clock, in ms since 1970 UTC; never before the entry above.
    pub time_ms: u64,
    /// The number of the district whose vault was asked.
    pub district: u16,
    /// The student's pseudonym: 64 hex digits.
    pub handle: String,
    /// Who asked, as the district names its readers.
    pub reader: String,
    /// In which role, as asked.
    pub role: String,
    /// For which class of data, as asked.
    pub class: String,
    /// For what, as asked: one of `Purpose`, or a word that is none and was denied.
    pub purpose: String,
    /// On what it rests; none of a denial.
    pub basis: Option<Basis>,
    /// How the reader stands to the student; none of a denial, and of what is open to every reader.
    pub relation: Option<Relation>,
    /// Granted: the fields given. Denied: the fields asked for.
    pub fields: Vec<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why it was denied; left out when it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Denial>,
    /// 16 random bytes, 32 hex digits: nobody guesses an entry from its hash.
    pub salt: String,
}

/// What was decided about a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The fields listed left the vault, or were about to.
    Granted,
    /// Nothing left the vault.
    Denied,
}

/// Why a read was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// Role, class, purpose or consent is unknown or not enough.
    InsufficientData,
    /// The reader's credential is expired, forged, or for another district or chain.
    CredentialRefused,
    /// The role may not read this class of data.
    RoleNotAllowed,
    /// The purpose does not justify this class of data.
    PurposeNotAllowed,
    /// The family withdrew its consent.
    ConsentWithdrawn,
    /// None of the fields asked for is needed by this role for this purpose.
    NothingNeeded,
    /// The student was erased.
    Erased,
    /// The district's roster knows no relation of this reader to this student.
    NoRelation,
}

/// On what a read rests: a paragraph of 34 CFR part 99 (FERPA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Basis {
    /// A school official with a legitimate educational interest.
    #[serde(rename = "34 CFR 99.31(a)(1)(i)(A)")]
    SchoolOfficial,
    /// A service of the district's own, under its control.
    #[serde(rename = "34 CFR 99.31(a)(1)(i)(B)")]
    InstitutionalService,
    /// An authorised representative who audits or evaluates a programme.
    #[serde(rename = "34 CFR 99.31(a)(3)")]
    AuditOrEvaluation,
    /// The family's consent.
    #[serde(rename = "34 CFR 99.30")]
    Consent,
    /// The right to inspect one's own, or one's child's, education records.
    #[serde(rename = "34 CFR 99.10")]
    Inspection,
}

/// How a reader stands to the student, as the district's roster has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "relation", content = "of")]
pub enum Relation {
    /// To all students alike: administration, the district's operator and programs, an auditor of a drawn student.
    Office,
    /// Teaches a section that the student is in, as the district names it.
    Section(String),
    /// Counsels at the student's school, which has this number.
    School(u32),
    /// Is the student.
    Own,
    /// Is the student's parent or guardian.
    Family,
}

/// A family's newest word on one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentWord {
    /// On which purpose.
    pub purpose: Purpose,
    /// Given or withdrawn.
    pub choice: ConsentChoice,
    /// SHA-256 of the signed form.
    pub evidence: String,
    /// The height of the block in which it was recorded.
    pub recorded: u64,
    /// How often the word on this purpose changed, the first time included.
    pub changes: u32,
}

/// For what a record may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Teaching and supporting this very student.
    EducationalNecessity,
    /// Allocating the consortium's resources.
    ResourceAllocation,
    /// Auditing the programme that the records feed.
    AuditEvaluation,
    /// The district's own processing.
    InstitutionalService,
    /// Opening fields of an anchored state in a file of evidence.
    EvidenceOpening,
}

/// What a family said about one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentChoice {
    /// The family agrees.
    Given,
    /// The family no longer agrees.
    Withdrawn,
}
