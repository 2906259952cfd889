//! A round's published report.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A round's published report. What could tell of few students is withheld, by the ledger's rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedReport {
    /// The number of the round's class.
    pub class: u16,
    /// No figure counts fewer students than this.
    pub min_cell_students: u32,
    /// Work allowed for the round at equity 0, which the price of fairness compares with.
    pub fairness_work: u64,
    /// Requests; none when withheld.
    pub students: Option<u32>,
    /// Mandated requests; none when withheld.
    pub mandates: Option<u32>,
    /// Whether each of them has a place.
    pub mandates_met: MandatesMet,
    /// Gini coefficient over schools of places per weighted pupil, in parts per million, rounded down.
    pub gini_ppm: u32,
    /// Mean utility of the tenth of students with the lowest, 0 to 10,000; none when withheld.
    pub bottom_decile_utility_e4: Option<u32>,
    /// Pairs of a student and a pool it prefers that holds somebody of less weight; none when withheld.
    pub justified_envy_pairs: Option<u64>,
    /// Extra unweighted cost against the least at equity 0, in parts per million, rounded down; none when that was not solved
    /// within its work, or costs nothing.
    pub price_of_fairness_ppm: Option<u64>,
    /// By need band.
    pub by_band: PublishedGroups,
    /// By school that the students attend.
    pub by_school: PublishedGroups,
    /// By the district of that school.
    pub by_district: PublishedGroups,
    /// For each pool that the round was about, how many could have had it.
    pub pools: Vec<PoolDemand>,
    /// Weighted cost of the assignment.
    pub objective: i64,
    /// Proven lower bound of it; equal to the objective when optimal.
    pub dual: i64,
    /// Proven gap in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// All students as one group, first choice by the ranked kinds; none when withheld.
    pub totals: Option<CellCounts>,
    /// Students placed at the own school, in the own district, at a school of the same type; none when withheld.
    pub by_tier: Option<[u32; 3]>,
    /// By pool, ascending.
    pub prices: Vec<PublishedPrice>,
}

/// Whether every mandated student has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MandatesMet {
    /// At least one waits.
    NotAll,
    /// Every one has a place.
    All,
}

/// The groups of one kind, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedGroups {
    /// One for each number.
    pub cells: Vec<PublishedCell>,
    /// Lowest over highest first-choice rate of the shown groups, in parts per million; none with fewer than two of them, or where
    /// nobody has a first choice.
    pub first_choice_ratio_ppm: Option<u32>,
    /// The same for the rate of students placed.
    pub placed_ratio_ppm: Option<u32>,
}

/// One group of students.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedCell {
    /// Number of the band, school or district.
    pub group: u32,
    /// Its figures; none when withheld.
    pub counts: Option<CellCounts>,
}

/// Students of a group; all four figures are withheld together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellCounts {
    /// Students of the group.
    pub students: u32,
    /// Those at a place of the least cost they could have.
    pub first_choice: u32,
    /// Those who wait.
    pub waitlisted: u32,
    /// Of schools: places for a million of weight 100, rounded down; 0 of other groups.
    pub placed_per_weighted_pupil_e6: u64,
}

/// How many asked for a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolDemand {
    /// The pool's number.
    pub pool: u32,
    /// Requests that could have had it; none when withheld.
    pub demand: Option<u32>,
}

/// What one more place of a pool is worth, and its use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedPrice {
    /// The pool's number.
    pub pool: u32,
    /// Weighted cost that one more place saves; none where it is unbounded.
    pub price: Option<i64>,
    /// Places used; none when withheld.
    pub used: Option<u32>,
}
