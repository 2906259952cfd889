//! The figures of a district at one height: what the ledger published, with hidden counts as ranges.
//!
//! Aggregates alone: there is no field for a student, a handle or an id of one, and nothing to put one into but names of
//! places and titles of classes, which are public.

use serde::{Deserialize, Serialize};

use crate::paper::Count;

/// Where figures are from: a state that is final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Name of the chain, for people.
    pub chain_id: String,
    /// SHA-256 of the genesis file, in hex.
    pub genesis: String,
    /// After which block.
    pub height: u64,
    /// That block's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// Root of the state after it, in hex.
    pub state_root: String,
    /// No published count is of fewer students.
    pub min_cell: u32,
}

/// A district's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistrictFigures {
    /// Where they are from.
    pub source: Source,
    /// Its number.
    pub district: u16,
    /// As the ledger has it now.
    pub name: String,
    /// Its schools, by number.
    pub schools: Vec<SchoolName>,
    /// Decided rounds, oldest first.
    pub rounds: Vec<RoundFigures>,
    /// Money by school year, oldest first.
    pub money: Vec<MoneyYear>,
}

/// What a school is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolName {
    /// Its number.
    pub school: u32,
    /// Its name; empty for one that has none.
    pub name: String,
}

/// How a group of students fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fared {
    /// Students with a request that counts.
    pub asked: Count,
    /// Who has a place.
    pub placed: Count,
    /// Who has one of the best they could have.
    pub first_choice: Count,
    /// Students without a place, once it was decided.
    pub waiting: Count,
}

/// A school in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolFared {
    /// Its number.
    pub school: u32,
    /// How its students fared.
    pub fared: Fared,
    /// Places for a million of weight 100; none when withheld.
    pub placed_per_weighted_pupil_e6: Option<u64>,
}

/// A need band in a round, over all districts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandFared {
    /// 0 the least need, 9 the greatest.
    pub band: u32,
    /// How its students fared.
    pub fared: Fared,
}

/// Whether a decision places students now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It does.
    Stands,
    /// It was taken back.
    Reverted,
    /// A later one of its class took its place.
    Replaced,
}

/// A decided round as the district sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundFigures {
    /// Its number.
    pub round: u32,
    /// Title of its class.
    pub title: String,
    /// By the calendar year in which it starts.
    pub school_year: u16,
    /// Whether it stands.
    pub standing: Standing,
    /// In which block it was decided.
    pub decided: u64,
    /// How the district's students fared; none when it had none.
    pub here: Option<Fared>,
    /// How all students fared.
    pub everywhere: Fared,
    /// By school of the district.
    pub schools: Vec<SchoolFared>,
    /// By need band, over all districts.
    pub bands: Vec<BandFared>,
    /// How fair it was, over all districts.
    pub equity: Equity,
}

/// How fair a round was. Ratios are lowest over highest rate of the shown groups, in parts per million; below 800,000 fails
/// the four-fifths rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equity {
    /// Gini coefficient over schools of places per weighted pupil, in parts per million.
    pub gini_ppm: u32,
    /// Rate of students placed, by district.
    pub placed_by_district_ppm: Option<u32>,
    /// Rate of students placed, by need band.
    pub placed_by_band_ppm: Option<u32>,
    /// Rate of first choices, by district.
    pub first_by_district_ppm: Option<u32>,
    /// Rate of first choices, by need band.
    pub first_by_band_ppm: Option<u32>,
    /// Mean utility of the tenth of students with the lowest, 0 to 10,000.
    pub bottom_decile_utility_e4: Option<u32>,
    /// Cost that fairness adds, in parts per million of the least.
    pub price_of_fairness_ppm: Option<u64>,
    /// Pairs of justified envy; none when withheld.
    pub justified_envy_pairs: Option<u64>,
    /// Whether every mandated student has a place.
    pub mandates_met: bool,
    /// Proven gap to the optimum, in parts per million; 0 is optimal.
    pub gap_ppm: u32,
}

/// Money of a school year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyYear {
    /// By the calendar year in which it starts.
    pub school_year: u16,
    /// Funded in all, by all funders, for all districts.
    pub funded_cents: u64,
    /// Charged by pools of all districts.
    pub charged_cents: u64,
    /// Places at the district's schools.
    pub places_here: u64,
    /// What these places cost, in cents.
    pub cents_here: u64,
    /// By school of the district that has places.
    pub schools: Vec<SchoolMoney>,
}

/// Places at a school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolMoney {
    /// The school's number on the ledger.
    pub school: u32,
    /// How many.
    pub places: u64,
    /// What these places cost, in cents.
    pub cents: u64,
}

impl DistrictFigures {
    /// The newest school year with a standing decision.
    pub fn newest_year(&self) -> Option<u16> {
        let standing = self.rounds.iter().filter(|round| round.standing == Standing::Stands);
        standing.map(|round| round.school_year).max()
    }

    /// The standing rounds of a school year that the district had students in.
    pub fn standing_in(&self, year: u16) -> impl Iterator<Item = (&RoundFigures, Fared)> {
        let stands =
            move |round: &&RoundFigures| round.school_year == year && round.standing == Standing::Stands;
        self.rounds.iter().filter(stands).filter_map(|round| Some((round, round.here?)))
    }

    /// How the district's students fared in a school year, over all classes; none when it had none.
    pub fn fared_in(&self, year: u16) -> Option<Fared> {
        self.standing_in(year).map(|(_, fared)| fared).reduce(Fared::and)
    }

    /// The money of a school year.
    pub fn money_in(&self, year: u16) -> Option<&MoneyYear> {
        self.money.iter().find(|money| money.school_year == year)
    }

    /// What a school is called, with its number where it has no name.
    pub fn school_name(&self, school: u32) -> String {
        let known = self.schools.iter().find(|one| one.school == school);
        known.filter(|one| !one.name.is_empty()).map_or_else(|| format!("#{school}"), |one| one.name.clone())
    }
}

impl Fared {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            asked: self.asked.and(other.asked),
            placed: self.placed.and(other.placed),
            first_choice: self.first_choice.and(other.first_choice),
            waiting: self.waiting.and(other.waiting),
        }
    }
}
