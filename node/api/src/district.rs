//! What a district sees of its own: its students as they are anchored, and its requests in a round.

use aula_ledger::state::schema::{DecisionRow, DecisionStanding, RequestRow};
use aula_ledger::tx::{Claims, Finding};
use aula_ledger::types::{DistrictId, Handle, Hash, Height, RoundId, SchoolYear};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records;

/// A part of the district's own students as they are anchored, for a district that asks which versions the ledger has seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnStudents {
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// How many students of the district are anchored in this school year.
    pub count: usize,
    /// The district whose credential was shown.
    #[schema(value_type = u64)]
    pub district: DistrictId,
    /// Show this as `after` for the next part; none with the last.
    #[schema(value_type = Option<String>)]
    pub next: Option<Handle>,
    /// The calendar year in which it starts.
    #[schema(value_type = u64)]
    pub school_year: SchoolYear,
    /// Root of the ledger's tree over all of them; none when nobody is anchored.
    #[schema(value_type = Option<String>)]
    pub root: Option<Hash>,
    /// At most 5,000, ascending by handle.
    pub students: Vec<OwnStudent>,
}

/// A student of the district's own, as anchored last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnStudent {
    /// The block that anchored it.
    #[schema(value_type = u64)]
    pub anchored: Height,
    /// The student's pseudonym for this school year: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// SHA-256 of the row in the ledger's tree.
    #[schema(value_type = String)]
    pub row: Hash,
    /// The newest anchored version of the student's states.
    pub version: u32,
}

/// The district's own requests in a round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnRows {
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// How many rows the district has in the round: the length of `rows`.
    pub count: usize,
    /// The district whose credential was shown.
    #[schema(value_type = u64)]
    pub district: DistrictId,
    /// Before this height were the states anchored that the requests speak of.
    #[schema(value_type = u64)]
    pub opened: Height,
    /// The round that was asked for.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// The rows, ascending by handle.
    pub rows: Vec<OwnRow>,
    /// The calendar year in which the school year of the handles starts.
    #[schema(value_type = u64)]
    pub school_year: SchoolYear,
    /// Whether the decision stands; none before it is decided.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
}

/// A request of the district's own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnRow {
    /// What the district's records say of each claim, where an auditor held them against it.
    #[schema(value_type = Option<records::Claims>)]
    pub claims: Option<Claims>,
    /// What it got; none before it is decided.
    #[schema(value_type = Option<records::DecisionRow>)]
    pub decision: Option<DecisionRow>,
    /// Whether the seed drew the student for an audit.
    pub drawn: bool,
    /// What an auditor recorded of the student; none while nothing is on record.
    #[schema(value_type = Option<records::Finding>)]
    pub finding: Option<Finding>,
    /// The student's pseudonym for the round's school year: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// The request as the ledger has it.
    #[schema(value_type = records::RequestRow)]
    pub request: RequestRow,
}
