//! The figures of a transparency report.

use serde::{Deserialize, Serialize};

use crate::district::figures::{BandFared, Equity, Fared, Source, Standing};

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transparency {
    /// Where it is from.
    pub source: Source,
    /// The equity weight in force, in percent.
    pub equity: u32,
    /// Digests of the models that computed anchored states, with how many states in all school years; none when withheld.
    pub models: Vec<ModelUse>,
    /// Decided rounds, oldest first.
    pub rounds: Vec<RoundShown>,
    /// Votes that changed a parameter.
    pub changes: Vec<ParameterVote>,
}

/// A model that computed states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// Its digest, in hex.
    pub digest: String,
    /// States that name it, none when withheld.
    pub states: Option<u64>,
    /// The first school year.
    pub first_year: u16,
    /// The last school year.
    pub last_year: u16,
}

/// A vote in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterVote {
    /// Its number.
    pub proposal: u32,
    /// From which block on.
    pub height: u64,
}

/// A decided round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundShown {
    /// Its number.
    pub round: u32,
    /// Title of its class.
    pub title: String,
    /// By the calendar year in which it starts.
    pub school_year: u16,
    /// Whether it stands.
    pub standing: Standing,
    /// What decides.
    pub rule: Rule,
    /// All students.
    pub everywhere: Fared,
    /// By need band.
    pub bands: Vec<BandFared>,
    /// By the number of the district, ascending: how its students fared.
    pub districts: Vec<(u16, Fared)>,
    /// How fair it was.
    pub equity: Equity,
    /// What was changed by what; none where the round is not the newest standing one of its class, or could not be solved
    /// again.
    pub changed: Option<Changed>,
}

/// The terms of a class: all that a place's cost is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Own school, own district, same type of school.
    pub tier_costs: [u32; 3],
    /// For each further rank.
    pub rank_step: u32,
    /// Of waiting; none: everyone is placed.
    pub waitlist_cost: Option<u32>,
    /// The equity weight of the round.
    pub equity: u32,
    /// Weight of each band, 0 to 9.
    pub weights: Vec<u32>,
}

/// Decisions that would be others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Decisions of the round.
    pub decisions: u64,
    /// That differ from the same round with every weight 100, same lottery; none when withheld.
    pub by_band: Option<u64>,
    /// That differ from the same round without mandates; none when withheld.
    pub by_mandate: Option<u64>,
    /// Rows looked at one by one.
    pub sample: u64,
    /// What each change of a row brings.
    pub counterfactuals: Vec<Counterfactual>,
}

/// A change of single rows of the sample: each solved as a whole round again, the other rows as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// What was changed in each of them.
    pub change: Change,
    /// Rows with a better place; all three are withheld together.
    pub better: Option<u64>,
    /// Rows with the same or an equally good place.
    pub same: Option<u64>,
    /// Rows with a worse place.
    pub worse: Option<u64>,
}

/// What is changed in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The lowest need band.
    LowestBand,
    /// The highest need band.
    HighestBand,
    /// The student had to be placed.
    Mandate,
}
