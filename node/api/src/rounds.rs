//! Rounds for the public: what was fixed and what was decided. Counts are those of the ledger's published report.

use aula_ledger::state::schema::{DecisionStanding, Moment, RoundStatus, Window};
use aula_ledger::tx::ClassTerms;
use aula_ledger::types::{AccountId, ClassId, Hash, Height, PoolId, RoundId, SchoolYear, TimeMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records;

/// A need band's requests and what became of them. Counts are none where they are withheld.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BandLine {
    /// 0 the least need, 9 the greatest.
    pub band: u32,
    /// Students of the band who asked.
    pub requests: Option<u32>,
    /// Those of them who got a place.
    pub placed: Option<u32>,
    /// Those of them at a place of the least cost they could have.
    pub first_choice: Option<u32>,
}

/// A pool's price and use in a decision.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PriceLine {
    /// The pool's number; pools are places of one kind at one school.
    #[schema(value_type = u64)]
    pub pool: PoolId,
    /// Weighted cost that one more place would save; below zero, what one more guaranteed place would cost; none where
    /// that is unbounded.
    pub price: Option<i64>,
    /// Places used; none where the count is withheld.
    pub used: Option<u32>,
}

/// A decision for the public. Counts of students are none where fewer than `min_cell_students` could be told from them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// The round that was decided.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// The class of resources that the round gives places of.
    #[schema(value_type = u64)]
    pub class: ClassId,
    /// The block that recorded it.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Root of the tree over all requests: 64 hex digits. A request is proved against it.
    #[schema(value_type = String)]
    pub requests_root: Hash,
    /// Root of the tree over all decisions: 64 hex digits. A place is proved against it.
    #[schema(value_type = String)]
    pub decisions_root: Hash,
    /// Students who asked for a place.
    pub requests: Option<u32>,
    /// Those who got one.
    pub placed: Option<u32>,
    /// Those who wait.
    pub waitlisted: Option<u32>,
    /// Placed in the first-ranked kind.
    pub first_choice: Option<u32>,
    /// Placed at the own school, in the own district, at a school of the same type.
    pub by_tier: Option<[u32; 3]>,
    /// Students who asked with a mandate.
    pub mandated: Option<u32>,
    /// Whether each of those has a place.
    pub mandates_met: bool,
    /// The same by need band; a band may have its counts withheld alone.
    pub by_band: Option<Vec<BandLine>>,
    /// What ties are broken by, from the shares of those in `revealed`: 64 hex digits.
    #[schema(value_type = String)]
    pub seed: Hash,
    /// The round whose shares are in it: an earlier one, if that had the same requests.
    #[schema(value_type = u64)]
    pub seed_round: RoundId,
    /// That round's attempt, from 1.
    pub attempt: u32,
    /// The how manieth draw of the class and period it is, from 1.
    pub draw: u32,
    /// Validators' accounts whose shares are in the seed.
    #[schema(value_type = Vec<String>)]
    pub revealed: Vec<AccountId>,
    /// Those that committed and did not reveal.
    #[schema(value_type = Vec<String>)]
    pub withheld: Vec<AccountId>,
    /// Weighted cost of the assignment, within `gap_ppm` of the least possible.
    pub objective: i64,
    /// Proven lower bound of the objective.
    pub dual: i64,
    /// Proven gap in parts per million, rounded up; 0 is optimal.
    pub gap_ppm: u32,
    /// Whether the certificate proves the optimum.
    pub optimal: bool,
    /// Entries the optimizer scanned: its measure of work, the same on every machine.
    pub work: u64,
    /// Entries it might scan by the parameters.
    pub max_work: u64,
    /// SHA-256 of the optimizer's certificate.
    #[schema(value_type = String)]
    pub certificate_sha256: Hash,
    /// By pool, ascending.
    pub prices: Vec<PriceLine>,
    /// The decision that stood before; none when it is the first of its class and period.
    #[schema(value_type = Option<u64>)]
    pub replaces: Option<RoundId>,
    /// No count is of fewer students than this.
    pub min_cell_students: Option<u32>,
}

/// A round for the public: its record without what tells the number of requests, and what became of it.
///
/// Reads like the record; `requests` is the published number, none before the decision or where it is withheld.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoundView {
    /// The number by which routes name it; `/v1/rounds` lists all.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// The class of resources that it gives places of.
    #[schema(value_type = u64)]
    pub class: ClassId,
    /// What the class is called.
    pub title: String,
    /// The school year whose states count: the calendar year in which it starts.
    #[schema(value_type = u64)]
    pub school_year: SchoolYear,
    /// The block in which it was opened; states that count were anchored before it.
    #[schema(value_type = u64)]
    pub opened: Height,
    /// Time of that block, in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub opened_ms: TimeMs,
    /// Last height that took requests; none while they are taken.
    #[schema(value_type = Option<u64>)]
    pub requests_until: Option<Height>,
    /// Block time for requests and commitments, in milliseconds.
    pub request_window_ms: u64,
    /// Block time for reveals, in milliseconds.
    pub reveal_window_ms: u64,
    /// Which attempt at its seed is under way or was the last, from 1.
    pub attempt: u32,
    /// Which window is open.
    #[schema(value_type = records::Window)]
    pub window: Window,
    /// The block that opened the window, or closed the last one.
    #[schema(value_type = records::Moment)]
    pub window_since: Moment,
    /// The window ends with the first block above this height that is not before this time.
    #[schema(value_type = records::Moment)]
    pub window_until: Moment,
    /// The round whose place it took without a vote, if something was drawn for that one.
    #[schema(value_type = Option<u64>)]
    pub follows: Option<RoundId>,
    /// Version of the twins' parameters that its requests go by.
    pub parameters: u32,
    /// The weight of need, 0 to 1,000, that was in force when it was opened.
    pub equity: u32,
    /// The class's terms when it was opened.
    #[schema(value_type = records::ClassTerms)]
    pub terms: ClassTerms,
    /// How many students asked; none before the decision and where it is withheld.
    pub requests: Option<u32>,
    /// Open, decided, or given up, with the block in which that happened.
    #[schema(value_type = records::RoundStatus)]
    pub status: RoundStatus,
    /// Whether the decision stands; none before it is decided.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
    /// The block in which it was taken back; none when it was not.
    #[schema(value_type = Option<u64>)]
    pub reverted_at: Option<Height>,
    /// The decision that took its place; none while none did.
    #[schema(value_type = Option<u64>)]
    pub replaced_by: Option<RoundId>,
    /// What was decided; none before.
    pub decision: Option<DecisionView>,
}

impl RoundView {
    /// True when the decision is the one that places students now.
    pub fn stands(&self) -> bool {
        self.standing == Some(DecisionStanding::Stands)
    }

    /// Where the round is, in a word: a decision that does not stand is never called decided alone.
    pub const fn status_word(&self) -> &'static str {
        match self.status {
            RoundStatus::Open => "open",
            RoundStatus::Decided { .. } => match self.standing {
                Some(DecisionStanding::Reverted) => "reverted",
                Some(DecisionStanding::Replaced) => "replaced",
                Some(DecisionStanding::Stands) | None => "decided",
            },
            RoundStatus::GivenUp { .. } => "given up",
        }
    }
}

/// A round as it stood after a block.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OneRound {
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// The round as all public pages show it.
    #[serde(flatten)]
    pub round: RoundView,
}
