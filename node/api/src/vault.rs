//! Records of a district's vault, families' words, and the heads of access logs.

use aula_ledger::access::AccessEntry;
use aula_ledger::names::FieldName;
use aula_ledger::state::schema::{AccessLog, ConsentWord};
use aula_ledger::types::{DistrictId, Handle, Height};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::records;

/// What the access check granted of one record, and under which number the log lists the read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VaultRead {
    /// Fields that were granted and that the record does not have.
    pub absent: Vec<String>,
    /// The read's number in the district's access log.
    pub entry: u64,
    /// Events, hex, where they were asked for.
    pub events: Vec<String>,
    /// The granted fields that the record has, by name. Open: a district's records have what its vault was given, of any JSON.
    pub fields: Map<String, Value>,
    /// True: a read that was refused is an error.
    pub granted: bool,
    /// The student's pseudonym: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// Fields that the reader's role does not need.
    #[schema(value_type = Vec<String>)]
    pub withheld: Vec<FieldName>,
}

/// Who read a child's records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FamilyReads {
    /// How many entries of the whole log are anchored; those can be proved against the ledger.
    pub anchored_size: u64,
    /// The district whose vault holds the records.
    #[schema(value_type = u64)]
    pub district: DistrictId,
    /// The reads, oldest first.
    #[schema(value_type = Vec<records::AccessEntry>)]
    pub entries: Vec<AccessEntry>,
    /// The student's pseudonym: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
}

/// Heads of districts' access logs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccessLogs {
    /// The last of each epoch that a restored vault ended.
    #[schema(value_type = Vec<records::AccessLog>)]
    pub ended: Vec<AccessLog>,
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub height: Height,
    /// The newest of each district.
    #[schema(value_type = Vec<records::AccessLog>)]
    pub logs: Vec<AccessLog>,
}

/// Families' words of a school year.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Consents {
    /// One entry for each student of whom a family has spoken; empty when none has.
    pub consents: Vec<FamilyWords>,
    /// How many students: the length of `consents`.
    pub count: usize,
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub height: Height,
}

/// Every word of one family about one student.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FamilyWords {
    /// The student's pseudonym for this school year: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// The newest word on each purpose.
    #[schema(value_type = Vec<records::ConsentWord>)]
    pub words: Vec<ConsentWord>,
}
