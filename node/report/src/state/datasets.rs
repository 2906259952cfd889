//! The tables of the export, their columns and what they mean.
//!
//! Counts of students come as two columns, at least and at most: equal where the count is shown, a range where it is
//! withheld, and no upper end where not even that is published.

use super::dataset::{Column, Kind, Presence};
use super::{Cell, Dataset};
use crate::paper::Count;

const fn column(name: &'static str, ceds: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, ceds, kind, presence: Presence::Required, unit: "", meaning }
}

const fn optional(name: &'static str, kind: Kind, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, ceds: "", kind, presence: Presence::Optional, unit, meaning }
}

const fn figure(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, ceds: "", kind: Kind::Integer, presence: Presence::Required, unit, meaning }
}

const YEAR: Column = column(
    "SchoolYear",
    "000243",
    Kind::Integer,
    "The year for a reported school session: the calendar year in which it starts",
);
const AGENCY: Column = column(
    "LocalEducationAgencyIdentifier",
    "001068",
    Kind::Text,
    "Number of the district in the consortium",
);
const SCHOOL: Column =
    column("SchoolIdentifier", "001069", Kind::Text, "Number of the school in the consortium");
const ROUND: Column = figure("AllocationRoundIdentifier", "", "Number of the round on the ledger");
const TITLE: Column = column("ResourceClassTitle", "", Kind::Text, "What was allocated");
const STANDING: Column = column(
    "DecisionStanding",
    "",
    Kind::Text,
    "stands; reverted: taken back by a vote; replaced: a later decision took its place",
);

macro_rules! with_counts {
    ($($before:expr),* ; $($after:expr),*) => {
        &[
            $($before,)*
            figure("StudentsRequestingLow", "students", "At least so many students asked"),
            optional("StudentsRequestingHigh", Kind::Integer, "students", "At most so many students asked"),
            figure("StudentsPlacedLow", "students", "At least so many have a place"),
            optional("StudentsPlacedHigh", Kind::Integer, "students", "At most so many have a place"),
            figure("StudentsFirstChoiceLow", "students", "At least so many have one of the best places they could have"),
            optional("StudentsFirstChoiceHigh", Kind::Integer, "students", "At most so many have one of the best places they could have"),
            figure("StudentsWaitingLow", "students", "At least so many wait"),
            optional("StudentsWaitingHigh", Kind::Integer, "students", "At most so many wait"),
            $($after,)*
        ]
    };
}

/// Every district that was ever admitted, one row each.
pub const AGENCIES: &[Column] = &[
    AGENCY,
    column("OrganizationName", "000204", Kind::Text, "Name of the district"),
    figure("AdmittedHeight", "block", "In which block it was admitted; 0: by the genesis"),
    optional("ClosedHeight", Kind::Integer, "block", "In which block it was closed"),
];

/// Every school that was ever entered, one row each.
pub const SCHOOLS: &[Column] = &[
    AGENCY,
    SCHOOL,
    Column {
        presence: Presence::Optional,
        ..column("NameOfInstitution", "000191", Kind::Text, "Name of the school in its newest year")
    },
    column("SchoolTypeName", "", Kind::Text, "Its type, which shares the third tier of costs"),
    optional("OpenFromSchoolYear", Kind::Integer, "", "The first school year it takes students in"),
    optional("ClosedFromSchoolYear", Kind::Integer, "", "The first school year it takes none in"),
];

/// How each district's students fared.
pub const BY_AGENCY: &[Column] = with_counts!(YEAR, ROUND, AGENCY, TITLE, STANDING;);

/// How each school's students fared.
pub const BY_SCHOOL: &[Column] = with_counts!(YEAR, ROUND, AGENCY, SCHOOL, TITLE, STANDING;
    optional("PlacesPerWeightedPupil", Kind::Integer, "millionths", "Places for weight 100, rounded down"));

/// How each need band's students fared.
pub const BY_BAND: &[Column] =
    with_counts!(YEAR, ROUND, figure("NeedBand", "", "0 the least, 9 the most"), TITLE, STANDING;);

/// How fair each round was.
pub const EQUITY: &[Column] = &[
    YEAR,
    ROUND,
    TITLE,
    STANDING,
    figure("GiniCoefficient", "millionths", "Over schools, of places per weighted pupil"),
    optional(
        "PlacedRatioByAgency",
        Kind::Integer,
        "millionths",
        "Lowest over highest rate of students placed, by district",
    ),
    optional(
        "PlacedRatioByNeedBand",
        Kind::Integer,
        "millionths",
        "Lowest over highest rate of students placed, by need band",
    ),
    optional(
        "BottomDecileUtility",
        Kind::Integer,
        "ten thousandths",
        "Mean utility of the tenth of students with the lowest",
    ),
    optional("PriceOfFairness", Kind::Integer, "millionths", "Cost that weights add, of the least without"),
    figure("OptimalityGap", "millionths", "Proven distance from the optimum; 0 is optimal"),
];

/// What funders gave and pools took, one row a funder and school year.
pub const BUDGETS: &[Column] = &[
    YEAR,
    column("FunderAccount", "", Kind::Text, "Account of the funding body on the ledger"),
    figure("FundedAmount", "cents", "Funded in all"),
    figure("ChargedAmount", "cents", "Charged by pools"),
];

/// Places of one kind at one school, one row a pool.
pub const POOLS: &[Column] = &[
    YEAR,
    AGENCY,
    SCHOOL,
    figure("PoolIdentifier", "", "Number of the pool on the ledger"),
    TITLE,
    column("ResourceKindName", "", Kind::Text, "Of which kind its places are"),
    figure("Capacity", "places", "How many places"),
    figure("UnitCost", "cents", "What a place cost"),
    optional("RetiredHeight", Kind::Integer, "block", "In which block it was retired"),
];

/// A count as its two cells.
pub fn both_ends(count: Count) -> [Cell; 2] {
    [Cell::number(count.low), Cell::maybe(count.high)]
}

/// A table of this name and these columns, its rows sorted.
pub fn of(name: &'static str, of: &'static str, columns: &'static [Column], rows: Vec<Vec<Cell>>) -> Dataset {
    Dataset { name, of, columns, rows }.sorted()
}
