//! Why a row of a round got its place, and what exactly another row would have brought.
//!
//! Fields stand in the alphabet's order, in which they have always been answered.

use aula_ledger::state::schema::{DecisionRow, DecisionStanding, Placement};
use aula_ledger::types::{Band, Handle, KindId, RoundId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records;

/// Why a row got its place: the object that `aula query why --output json` prints, and `text`, the same for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyAnswer {
    /// Always true: an answer whose certificate does not hold is not given.
    pub certificates_checked: bool,
    /// What the place cost beside those that were preferred, in sentences.
    pub explanation: String,
    /// Proven gap of the decision in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// What was decided of the row.
    pub given: GivenPlace,
    /// The student's pseudonym: 64 hex digits.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// The least need band, at most 9, that would have brought a better place; none when none would have, and where another
    /// change was asked about.
    #[schema(value_type = Option<u8>)]
    pub least_band: Option<Band>,
    /// The round that decided it.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Whether the decision stands; none where that is not known.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
    /// The answer in sentences, one a line; a node always gives it, the command's JSON leaves it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether the round was verified against a genesis before; a node proves nothing of it.
    pub verified: bool,
    /// The round with the row changed as asked, or with `least_band`; none where there is no such band.
    pub what_if: Option<WhatIfAnswer>,
}

/// What a decision gave one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GivenPlace {
    /// The weight times the place's cost.
    pub cost: u32,
    /// Where the student is placed.
    #[schema(value_type = records::Placement)]
    pub placement: Placement,
    /// The request's weight by its need band.
    pub weight: u32,
}

impl From<&DecisionRow> for GivenPlace {
    fn from(row: &DecisionRow) -> Self {
        Self { cost: row.cost, placement: row.placement, weight: row.weight }
    }
}

/// The same round solved again with one row changed; all other rows and the lottery's seed are as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfAnswer {
    /// What was changed.
    pub change: RowChange,
    /// Proven lower bound of the objective.
    pub dual: i64,
    /// Proven gap in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// What the changed row would have got.
    pub given: GivenPlace,
    /// Weighted cost of the assignment, within `gap_ppm` of the least possible.
    pub objective: i64,
    /// How many other students would be elsewhere; none for who may not count them.
    pub others_moved: Option<u32>,
    /// Whether that is the place that was decided.
    pub same_place: bool,
    /// Entries the optimizer scanned: its measure of work, the same on every machine.
    pub work: u64,
}

/// What of a row is changed; none is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowChange {
    /// The need band, 0 to 9.
    #[schema(value_type = Option<u8>)]
    pub band: Option<Band>,
    /// The kinds ranked, best first, as positions in the class's list of kinds, from 0.
    #[schema(value_type = Option<Vec<u8>>)]
    pub kinds: Option<Vec<KindId>>,
    /// True where the student is given a mandate; never false.
    pub mandated: Option<bool>,
}
