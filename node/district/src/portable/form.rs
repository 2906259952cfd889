//! Lines of the files: one JSON object each. Bytes are hex, times milliseconds since 1970 (UTC), handles 64 hex digits.

use aula_ledger::names::FieldName;
use aula_ledger::types::{AccountId, DistrictId, Handle, Hash, Height, SchoolYear};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of these forms.
pub const VERSION: u8 = 1;
/// The file that names the others.
pub const MANIFEST: &str = "manifest.json";
/// [`StudentLine`]s, ascending by handle.
pub const STUDENTS: &str = "students.jsonl";
/// [`FieldLine`]s, ascending by handle.
pub const FIELDS: &str = "fields.jsonl";
/// [`EventLine`]s, ascending by handle and place.
pub const EVENTS: &str = "events.jsonl";
/// [`VersionLine`]s, ascending by handle and version.
pub const VERSIONS: &str = "versions.jsonl";
/// [`AnchorLine`]s, ascending by school year and handle.
pub const ANCHORS: &str = "anchors.jsonl";
/// [`YearLine`]s.
pub const YEARS: &str = "years.jsonl";
/// The ledger's versions of the twins' parameters, as `/v1/twin-parameters` has them: a JSON array.
pub const PARAMETERS: &str = "twin-parameters.json";

/// What is in the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`] of this form; a folder of another is refused.
    pub version: u8,
    /// Whose data.
    pub district: DistrictId,
    /// On which chain, for people.
    pub chain_id: String,
    /// SHA-256 of the chain's genesis file.
    pub genesis: Hash,
    /// Who acts for the district.
    pub account: AccountId,
    /// When it was made, milliseconds since 1970.
    pub made_ms: u64,
    /// Every other file.
    pub files: Vec<FileLine>,
}

/// A file of the folder, with what its reader checks it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileLine {
    /// Its name within the folder.
    pub name: String,
    /// How many lines.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
}

/// A student in a school year. With the secret anybody can open the commitments of this student's anchored states.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentLine {
    /// The pseudonym of the year.
    pub handle: Handle,
    /// By its first calendar year.
    pub school_year: SchoolYear,
    /// The same number in every year of the same student; of this export alone.
    pub student: u64,
    /// The student's secret, 64 hex digits: salts and blindings follow from it (docs/portability.md).
    pub secret: String,
    /// The district's own identifier.
    pub local_id: Option<String>,
    /// The school's number on the ledger.
    pub school: Option<u32>,
    /// The sending system's identifier of it.
    pub local_school: Option<String>,
    /// Whether the student is enrolled.
    pub enrolled: Option<bool>,
    /// When the sending system changed it last; 0 when it never said.
    pub modified_ms: Option<u64>,
}

/// Says whose it is and nothing more.
impl std::fmt::Debug for StudentLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StudentLine").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// A field of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldLine {
    /// The student, by the pseudonym of the year that the record is of.
    pub handle: Handle,
    /// The name under which the vault keeps it.
    pub field: FieldName,
    /// Its value; an object with `hex` alone where the bytes are no JSON.
    pub value: Value,
}

/// An event of a twin.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLine {
    /// The student, by the pseudonym under which the vault keeps the event.
    pub handle: Handle,
    /// Where it stands among the student's: 28 bytes that sort in order (clock, counter, source, sequence).
    pub place: String,
    /// Its canonical bytes: what is folded.
    pub event: String,
    /// The time that rules about days use, milliseconds since 1970.
    pub at_ms: u64,
    /// Who recorded it.
    pub source: u64,
    /// The source's own counter.
    pub sequence: u64,
    /// What happened, in words for programs; the bytes say the same.
    pub says: Value,
    /// Where a feed's message came from.
    pub origin: Option<Value>,
}

/// A version of a student's state, as it was anchored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionLine {
    /// The student, by the pseudonym of the year in which it was anchored.
    pub handle: Handle,
    /// From 1, over all years of the student.
    pub version: u32,
    /// In which block; none when the vault never heard.
    pub height: Option<Height>,
    /// Version of the twins' parameters.
    pub parameters: u32,
    /// SHA-256 that the ledger's version gives these parameters.
    pub model_digest: Hash,
    /// Root of the salted fields.
    pub state_hash: Hash,
    /// Places of the events that no version before had.
    pub added: Vec<String>,
    /// Canonical bytes of what was anchored, with its commitments.
    pub anchored: String,
}

/// A student's newest state as the ledger holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorLine {
    /// The calendar year in which it starts.
    pub school_year: SchoolYear,
    /// The student, by the pseudonym of that year.
    pub handle: Handle,
    /// The newest that the ledger holds of the student.
    pub version: u32,
    /// The block that anchored it.
    pub height: Height,
    /// SHA-256 of the row in the ledger's tree.
    pub row: Hash,
}

/// The ledger's tree over a year's students.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearLine {
    /// The calendar year in which it starts.
    pub school_year: SchoolYear,
    /// The height of the block whose tree it is.
    pub height: Height,
    /// How many students.
    pub count: u64,
    /// The root; none when nobody is anchored.
    pub root: Option<Hash>,
}
