//! What a replica asks and its district answers: borsh, over `POST /replica/v1/WORD`; a refusal is JSON.

use aula_ledger::access::Relation;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::difference::{Id, Part, Said};

/// What both speak.
pub const VERSION: u8 = 3;
/// The type of bodies.
pub const TYPE: &str = "application/x-aula-replica";
/// Most bytes of a body.
pub const MAX_BODY_BYTES: usize = 8 << 20;
/// Most events of one body.
pub const MAX_ROWS: usize = 2_000;
/// Most numbers of one `fetch`.
pub const MAX_FETCHED: usize = 2_000;
/// Most students of one `stand`.
pub const MAX_STANDING: usize = 2_000;
/// Most records of one `bring_records`.
pub const MAX_RECORDS: usize = 500;
/// Most bytes of the body of a `bring_records`: a statement's attachments take up to 16 MiB.
pub const MAX_RECORDS_BYTES: usize = 24 << 20;
/// Most numbers of one `let_go`.
pub const MAX_LET_GO: usize = 500;

/// Names a levelling at the district.
pub type Session = [u8; 16];

/// What is answered with a status that is not a success. What stands before a district may answer in another way: nothing is needed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalBody {
    /// What went wrong.
    pub error: RefusalDetail,
}

/// What went wrong.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusalDetail {
    /// Lower-case words joined by underscores; stable.
    pub code: String,
    /// What went wrong and what to do, for people.
    pub message: String,
}

/// `begin`: what the replica has.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Begin {
    /// [`VERSION`] of the program that asks; a district of another refuses.
    pub version: u8,
    /// Whether it has a vault; one that has none is told what it makes it with.
    pub has_vault: bool,
    /// The digest of the roster that it was told last, and of that roster's year.
    pub roster: [u8; 32],
    /// The school year; that of the district's newest roster where it is left out.
    pub year: Option<u16>,
}

/// What a vault is made with. Never printed.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Making {
    /// The district's identity, as JSON.
    pub identity: String,
    /// The key of marks.
    pub marks_key: [u8; 32],
}

/// Answers `begin`.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Begun {
    /// The levelling.
    pub session: Session,
    /// SHA-256 of the genesis that the district's vault belongs to.
    pub genesis: [u8; 32],
    /// The school year whose students are levelled.
    pub year: u16,
    /// The sources whose events the replica may bring.
    pub sources: Vec<u64>,
    /// The roster, where it is another than the replica was told.
    pub roster: Option<Roster>,
    /// What a vault is made with, for a replica without one.
    pub making: Option<Making>,
    /// The root of the district's events of these students.
    pub root: [u8; 32],
    /// The root of the records that the district has of this replica; zeros where a year was named.
    pub records: [u8; 32],
}

/// The replica's students, as far as a school needs them. Never printed.
#[derive(Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Roster {
    /// Students, by identifier.
    pub students: Vec<Pupil>,
    /// Sending systems' identifiers of schools, and their numbers on the ledger.
    pub schools: Vec<(String, u32)>,
}

/// A student of the replica's. Never printed.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pupil {
    /// The district's own identifier.
    pub id: String,
    /// The school's number on the ledger.
    pub school: u32,
    /// The sending system's identifier of it.
    pub local_school: String,
    /// When the sending system changed the place last, milliseconds since 1970.
    pub modified_ms: u64,
    /// Name and grade as the vault keeps them.
    pub fields: Vec<(String, Vec<u8>)>,
    /// Who stands how to the student.
    pub ties: Vec<(String, Vec<Relation>)>,
    /// The family's word for each purpose: whether it agreed.
    pub consents: Vec<(u8, bool)>,
}

/// `compare`, and `compare_records`.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Compare {
    /// The levelling.
    pub session: Session,
    /// Each is answered in its place, by [`Compared::said`].
    pub parts: Vec<Part>,
}

/// Answers either, part for part.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Compared {
    /// What is said of each.
    pub said: Vec<Said>,
}

/// An event on its way. Never printed.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct Row {
    /// Whose, by its place among [`Rows::students`].
    pub student: u16,
    /// Its canonical bytes.
    pub event: Vec<u8>,
    /// Where it came from.
    pub origin: Vec<u8>,
}

/// Events on their way. Never printed.
#[derive(Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Rows {
    /// Identifiers of students.
    pub students: Vec<String>,
    /// Events.
    pub rows: Vec<Row>,
}

/// `bring`: events of the replica, at most [`MAX_ROWS`]. Never printed.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Bring {
    /// The levelling.
    pub session: Session,
    /// What the district lacks.
    pub rows: Rows,
}

/// What became of an event that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Fate {
    /// It is on the district's disk now.
    Taken = 0,
    /// It was there, or another of its message stays.
    Known = 1,
    /// Its message is kept as another student's or year's: the replica's goes.
    Elsewhere = 2,
    /// The district has no such student any more: the replica's goes with the student.
    Unknown = 3,
    /// It is no event, or not of a feed that this replica may bring.
    Refused = 4,
}

/// Answers `bring`, event for event.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Brought {
    /// What became of each.
    pub fates: Vec<Fate>,
}

/// `fetch`; answered by [`Rows`].
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Fetch {
    /// The levelling.
    pub session: Session,
    /// What the replica lacks.
    pub ids: Vec<Id>,
}

/// `stand`: how students stand whom the replica has and was not told.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Stand {
    /// The levelling.
    pub session: Session,
    /// Identifiers.
    pub ids: Vec<String>,
}

/// How a student stands to a replica's schools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Stands {
    /// The district has no such student, or none any more.
    Unknown = 0,
    /// The roster of the levelling's year has the student elsewhere, or enrolled no more; or none ever had her there.
    Left = 1,
    /// That roster does not name the student at all.
    LeftOut = 2,
    /// She is enrolled there by now.
    Here = 3,
}

/// Answers `stand`, student for student.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Stood {
    /// How each stands.
    pub stand: Vec<Stands>,
}

/// A statement on its way. Never printed.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct StatementRow {
    /// For whom the replica has sealed it, by their places among [`BringRecords::students`]; for nobody, where it voids another one.
    pub students: Vec<u16>,
    /// JSON, as the replica's store shows it.
    pub body: Vec<u8>,
    /// Of each attachment the SHA-2 in hexadecimal, the media type and the bytes.
    pub attachments: Vec<(String, String, Vec<u8>)>,
}

/// What a document says. Never printed.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Paper {
    /// Its media type.
    pub content_type: String,
    /// As they were sent.
    pub bytes: Vec<u8>,
    /// When it was written, microseconds since 1970.
    pub updated_us: u64,
}

/// A document on its way. Never printed.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct DocumentRow {
    /// Whose, by its place among [`BringRecords::students`].
    pub student: u16,
    /// The agent's identifier as the store has it.
    pub agent: String,
    /// The activity of a state; none of an agent's profile.
    pub activity: Option<String>,
    /// The registration of a state, a UUID.
    pub registration: Option<String>,
    /// The identifier of the state or the profile.
    pub id: String,
    /// What it says.
    pub paper: Paper,
}

/// `bring_records`: statements and documents of the replica, at most [`MAX_RECORDS`]. Never printed.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct BringRecords {
    /// The levelling.
    pub session: Session,
    /// Identifiers of students.
    pub students: Vec<String>,
    /// Statements that the district lacks.
    pub statements: Vec<StatementRow>,
    /// Documents that the district has otherwise, or not.
    pub documents: Vec<DocumentRow>,
}

/// What became of a document that was brought.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DocumentFate {
    /// As of an event; [`Fate::Elsewhere`]: the district's is newer, and comes another time.
    Is(Fate),
    /// As of an event; it is the district's as well, and was written when the district says, microseconds since 1970.
    Has(Fate, u64),
    /// The district's was written later: it takes the place of the replica's.
    Newer(Paper),
}

/// Answers `bring_records`, record for record.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct RecordsBrought {
    /// What became of each statement; [`Fate::Unknown`] where somebody in it is nobody's at the district any more.
    pub statements: Vec<Fate>,
    /// What became of each document.
    pub documents: Vec<DocumentFate>,
}

/// `let_go`: records that the replica has no more; the district's stay.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct LetGo {
    /// The levelling.
    pub session: Session,
    /// Their numbers.
    pub ids: Vec<Id>,
}

/// Answers `let_go`.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct LetGone {
    /// How many there were.
    pub count: u64,
}

/// `states`: folds them, for a comparison.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct States {
    /// The levelling.
    pub session: Session,
}

/// Answers `states`.
#[derive(Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stated {
    /// The digest of the parameters that the twins are folded with.
    pub parameters: [u8; 32],
    /// SHA-256 over each student's identifier and state, in the order of identifiers.
    pub states: [u8; 32],
}
