//! Money, classes, pools, and where a round is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A funder's budget of a school year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    /// The account of the funder whose money it is.
    pub funder: String,
    /// The calendar year in which the school year starts.
    pub school_year: u16,
    /// All that was ever funded, in cents of the consortium's currency.
    pub funded_cents: u64,
    /// What pools that are not retired have charged.
    pub charged_cents: u64,
}

/// A class of resources with where its rounds are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Class {
    /// As it was defined.
    pub definition: DefineClass,
    /// The account that defines its pools, opens and runs its rounds and sets its terms.
    pub steward: String,
    /// What it asks beyond its costs.
    pub terms: ClassTerms,
    /// How many pools were defined, retired ones included.
    pub pools: u32,
    /// How many of them are retired.
    pub retired: u32,
    /// The round that is open; none between rounds.
    pub open_round: Option<u32>,
    /// The round whose decision stands; none without one.
    pub standing_round: Option<u32>,
    /// When its newest round was opened, in ms since 1970 UTC; none before the first, and when that round's decision was reverted.
    pub opened_ms: Option<u64>,
    /// The newest round that something was drawn for.
    pub last_draw: Option<u32>,
}

/// A class of resources in one school year, as it was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefineClass {
    /// Its number.
    pub class: u16,
    /// What people call it.
    pub title: String,
    /// The calendar year in which the school year starts.
    pub school_year: u16,
    /// The kinds of places; a kind's number is its position here, from 0.
    pub kinds: Vec<String>,
    /// Cost of a place at the own school, in the own district, at a school of the same type.
    pub tier_costs: [u32; 3],
    /// Cost of each further rank.
    pub rank_step: u32,
    /// Cost of waiting; none: everyone must be placed.
    pub waitlist_cost: Option<u32>,
    /// When rounds may be opened.
    pub calendar: Calendar,
    /// The account that the definition named as steward; none: the sender. `steward` of the class says who is it now.
    pub steward: Option<String>,
}

/// When rounds of a class may be opened, in block time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Calendar {
    /// Not before, in ms since 1970 UTC.
    pub opens_ms: u64,
    /// Not after.
    pub closes_ms: u64,
}

/// What a class asks beyond its costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassTerms {
    /// The schools' fair share; none: schools do not matter.
    pub fair_share: Option<FairShare>,
    /// Block time within which a school acknowledges its places, in ms; none: it need not.
    pub acknowledge_within_ms: Option<u64>,
    /// How often it may open a round.
    pub cadence: Cadence,
}

/// The schools' fair share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FairShare {
    /// Weighted cost of each student that a school places beyond its share.
    pub penalty: u32,
    /// How much of its share a school is guaranteed, in percent.
    pub min_share_percent: u8,
}

/// How often a class may open a round: whenever none is open, or once an hour, a day, a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// Whenever no round is open.
    OnDemand,
    /// Once an hour.
    Hourly,
    /// Once in 24 hours.
    Daily,
    /// Once in seven days.
    Weekly,
}

/// Places of one kind at one school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolRecord {
    /// Its number.
    pub pool: u32,
    /// The number of the class whose rounds give its places out.
    pub class: u16,
    /// The number of the school where its places are.
    pub school: u32,
    /// Position in the class's list of kinds, from 0.
    pub kind: u8,
    /// How many places.
    pub capacity: u32,
    /// How many must be used.
    pub floor: u32,
    /// What a place cost, in cents.
    pub unit_cost_cents: u64,
    /// The account whose budget was charged.
    pub funder: String,
    /// The account that defined it.
    pub steward: String,
    /// The height of the block in which it was defined.
    pub defined: u64,
    /// The height of the block in which it was retired; none while it is not.
    pub retired: Option<u64>,
}

/// Where a round is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RoundStatus {
    /// Not decided.
    Open,
    /// It was run and decided; the decision may have been taken back or replaced since.
    Decided {
        /// In which block.
        height: u64,
    },
    /// Never decided: another round of the class took its place, or a vote cancelled it.
    GivenUp {
        /// In which block.
        height: u64,
    },
}

/// Which of a round's windows is open: for requests and commitments to shares of the seed, for commitments alone in an attempt after
/// the first, for the shares that were committed to, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// For requests, and for commitments to shares of the seed.
    Requests,
    /// For commitments alone, in an attempt after the first.
    Commits,
    /// For the shares that were committed to.
    Reveals,
    /// None: the seed is drawn, or no attempt had enough shares.
    Closed,
}

/// Whether a decision is the one that places students now, was taken back by vote, or gave way to a later one of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DecisionStanding {
    /// Its placements are those in force.
    Stands,
    /// It was taken back.
    Reverted,
    /// A later decision of the class took its place.
    Replaced,
}
