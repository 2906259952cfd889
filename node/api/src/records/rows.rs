//! A student's rows in a round.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A request that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestRow {
    /// The number of the district that submitted it.
    pub district: u16,
    /// The student's pseudonym for the round's school year: 64 hex digits.
    pub handle: String,
    /// The number of the student's school.
    pub home_school: u32,
    /// The need band, 0 to 9.
    pub band: u8,
    /// Whether the student must be placed.
    pub mandate: Mandate,
    /// Wanted kinds, best first, as positions in the class's list of kinds.
    pub kinds: Vec<u8>,
    /// SHA-256 of the student's row in the district's tree.
    pub state_row: String,
    /// Pedersen commitments (Ristretto) to the inputs of the need rule, of which the band was proved: 64 hex digits each.
    pub inputs: Vec<String>,
}

/// Whether the student must be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mandate {
    /// May wait.
    None,
    /// Must be placed: an individualised education program (IEP) says so.
    Mandated,
}

/// What was decided of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionRow {
    /// Where the student is placed.
    pub placement: Placement,
    /// The request's weight by its need band.
    pub weight: u32,
    /// The weight times the place's cost.
    pub cost: u32,
}

/// Where a student is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "placement", rename_all = "snake_case")]
pub enum Placement {
    /// The student waits.
    Waitlist,
    /// The student has a place.
    Pool {
        /// The pool's number.
        pool: u32,
        /// The pool's kind, as ranked by the request: 0 is the first choice.
        rank: u8,
        /// 0 own school, 1 own district, 2 same type of school.
        tier: u8,
    },
}

/// The claims of a request that an audit holds against the district's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claims {
    /// That there is such a student.
    pub existence: RecordsSay,
    /// That the student is enrolled at the home school.
    pub enrolment: RecordsSay,
    /// That the student has the mandate that the request says, or has none.
    pub mandate: RecordsSay,
    /// That what the state was computed from happened.
    pub inputs: RecordsSay,
}

/// What the district's own records say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordsSay {
    /// The auditor did not look.
    NotSeen,
    /// They bear it out.
    Confirm,
    /// They speak against it.
    Contradict,
    /// The district did not show them.
    Withheld,
}
