//! Rounds for the public: what was fixed and what was decided.
//!
//! Counts come from the ledger's published report alone; withheld figures are `null`. How many requests an open round
//! has is not shown: read again and again, it would tell the size of each district's batch.

use std::collections::BTreeMap;
use std::ops::Deref;

use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, PublishedCell};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Class, Decision, DecisionStanding, Round, RoundStatus};
use aula_ledger::types::{AccountId, ClassId, Hash, Height, PoolId, RoundId};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use aula_store::ChainView;

/// A need band's requests.
#[derive(Debug, Clone, Serialize)]
pub struct BandLine {
    /// The band, 0 to 9.
    pub band: u32,
    /// Requests.
    pub requests: Option<u32>,
    /// Placed.
    pub placed: Option<u32>,
    /// At a place of the least cost they could have.
    pub first_choice: Option<u32>,
}

/// A pool's price and use in a decision.
#[derive(Debug, Clone, Serialize)]
pub struct PriceLine {
    /// Which pool.
    pub pool: PoolId,
    /// Weighted cost that one more place would save; below zero, what one more guaranteed place would cost; none where
    /// that is unbounded.
    pub price: Option<i64>,
    /// Places used.
    pub used: Option<u32>,
}

/// A decision for the public.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// Which round.
    pub round: RoundId,
    /// Its class.
    pub class: ClassId,
    /// In which block.
    pub height: Height,
    /// Root of the requests' tree.
    pub requests_root: Hash,
    /// Root of the decisions' tree.
    pub decisions_root: Hash,
    /// Requests.
    pub requests: Option<u32>,
    /// Placed.
    pub placed: Option<u32>,
    /// Waiting.
    pub waitlisted: Option<u32>,
    /// Placed in the first-ranked kind.
    pub first_choice: Option<u32>,
    /// Placed at the own school, in the own district, at a school of the same type.
    pub by_tier: Option<[u32; 3]>,
    /// Requests with a mandate.
    pub mandated: Option<u32>,
    /// Whether each of those has a place.
    pub mandates_met: bool,
    /// By need band.
    pub by_band: Option<Vec<BandLine>>,
    /// The lottery's seed.
    pub seed: Hash,
    /// The round whose shares are in it: an earlier one, if that had the same requests.
    pub seed_round: RoundId,
    /// That round's attempt, from 1.
    pub attempt: u32,
    /// The how manieth draw of the class and period it is, from 1.
    pub draw: u32,
    /// Validators' accounts whose shares are in the seed.
    pub revealed: Vec<AccountId>,
    /// Those that committed and did not reveal.
    pub withheld: Vec<AccountId>,
    /// Weighted cost of the assignment.
    pub objective: i64,
    /// Proven lower bound.
    pub dual: i64,
    /// Proven gap in parts per million; 0 is optimal.
    pub gap_ppm: u32,
    /// Whether the certificate proves the optimum.
    pub optimal: bool,
    /// Entries the optimizer scanned.
    pub work: u64,
    /// Entries it might scan.
    pub max_work: u64,
    /// SHA-256 of the optimizer's certificate.
    pub certificate_sha256: Hash,
    /// By pool, ascending.
    pub prices: Vec<PriceLine>,
    /// The decision that stood before.
    pub replaces: Option<RoundId>,
    /// No count is of fewer students than this.
    pub min_cell_students: Option<u32>,
}

/// A round for the public: the record without what tells the number of requests, and what became of it.
///
/// Reads like its record ([`Round`]); `requests` is the published number. The two fields of the record that count, its own
/// `requests` and `pairs`, are never serialized.
#[derive(Debug, Clone)]
pub struct RoundView {
    record: Round,
    /// The class's title.
    pub title: String,
    /// Requests, once decided.
    pub requests: Option<u32>,
    /// What was decided.
    pub decision: Option<DecisionView>,
    /// Whether the decision stands; none before it is decided.
    pub standing: Option<DecisionStanding>,
    /// In which block it was taken back.
    pub reverted_at: Option<Height>,
    /// The decision that took its place.
    pub replaced_by: Option<RoundId>,
}

impl Deref for RoundView {
    type Target = Round;

    fn deref(&self) -> &Round {
        &self.record
    }
}

impl Serialize for RoundView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, title, requests, decision, standing, reverted_at, replaced_by } = self;
        // Every field is named, so that a new one is shown only when somebody decides that here.
        let Round {
            round,
            class,
            school_year,
            opened,
            opened_ms,
            request_window_ms,
            reveal_window_ms,
            attempt,
            window,
            since,
            ends,
            requests_until,
            follows,
            equity,
            terms,
            requests: _,
            pairs: _,
            status,
        } = record;
        let mut fields = serializer.serialize_struct("RoundView", 22)?;
        fields.serialize_field("round", round)?;
        fields.serialize_field("class", class)?;
        fields.serialize_field("title", title)?;
        fields.serialize_field("school_year", school_year)?;
        fields.serialize_field("opened", opened)?;
        fields.serialize_field("opened_ms", opened_ms)?;
        fields.serialize_field("requests_until", requests_until)?;
        fields.serialize_field("request_window_ms", request_window_ms)?;
        fields.serialize_field("reveal_window_ms", reveal_window_ms)?;
        fields.serialize_field("attempt", attempt)?;
        fields.serialize_field("window", window)?;
        fields.serialize_field("window_since", since)?;
        fields.serialize_field("window_until", ends)?;
        fields.serialize_field("follows", follows)?;
        fields.serialize_field("equity", equity)?;
        fields.serialize_field("terms", terms)?;
        fields.serialize_field("requests", requests)?;
        fields.serialize_field("status", status)?;
        fields.serialize_field("standing", standing)?;
        fields.serialize_field("reverted_at", reverted_at)?;
        fields.serialize_field("replaced_by", replaced_by)?;
        fields.serialize_field("decision", decision)?;
        fields.end()
    }
}

impl DecisionView {
    /// With the counts of its report; without one it shows no count at all.
    pub fn of(decision: &Decision, report: Option<&PublishedReport>) -> Self {
        let totals = report.and_then(|report| report.totals);
        let published = report.map(|report| report.prices.as_slice()).unwrap_or_default();
        let used: BTreeMap<PoolId, Option<u32>> =
            published.iter().map(|line| (line.pool, line.used)).collect();
        let price = |line: &schema::PoolPrice| PriceLine {
            pool: line.pool,
            price: line.price,
            used: used.get(&line.pool).copied().flatten(),
        };
        Self {
            round: decision.round,
            class: decision.class,
            height: decision.height,
            requests_root: decision.requests.root,
            decisions_root: decision.decisions.root,
            requests: report.and_then(|report| report.students),
            placed: totals.map(|all| placed(&all)),
            waitlisted: totals.map(|all| all.waitlisted),
            first_choice: totals.map(|all| all.first_choice),
            by_tier: report.and_then(|report| report.by_tier),
            mandated: report.and_then(|report| report.mandates),
            mandates_met: decision.report.mandates_met == decision.report.mandated,
            by_band: report.map(|report| report.by_band.cells.iter().map(band).collect()),
            seed: decision.seed,
            seed_round: decision.seed_round,
            attempt: decision.attempt,
            draw: decision.draw,
            revealed: decision.revealed.clone(),
            withheld: decision.withheld.clone(),
            objective: decision.objective,
            dual: decision.dual,
            gap_ppm: decision.gap_ppm,
            optimal: decision.is_optimal(),
            work: decision.work,
            max_work: decision.max_work,
            certificate_sha256: decision.certificate_sha256,
            prices: decision.prices.iter().map(price).collect(),
            replaces: decision.replaces,
            min_cell_students: report.map(|report| report.min_cell_students),
        }
    }
}

/// Students of a cell who have a place.
pub fn placed(counts: &CellCounts) -> u32 {
    counts.students.saturating_sub(counts.waitlisted)
}

fn band(cell: &PublishedCell) -> BandLine {
    BandLine {
        band: cell.group,
        requests: cell.counts.map(|c| c.students),
        placed: cell.counts.map(|c| placed(&c)),
        first_choice: cell.counts.map(|c| c.first_choice),
    }
}

impl RoundView {
    /// A round with its decision and report, if it is decided.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(view: &ChainView, round: &Round) -> Result<Self, StoreError> {
        let report = schema::published_report(view, round.round)?;
        let decision = schema::decision(view, round.round)?;
        let class = schema::class(view, round.class)?;
        Ok(Self {
            record: round.clone(),
            title: title(class.as_ref(), round.class),
            requests: report.as_ref().and_then(|report| report.students),
            decision: decision.map(|decision| DecisionView::of(&decision, report.as_ref())),
            standing: schema::decision_standing(view, round)?,
            reverted_at: schema::reversion(view, round.round)?.map(|back| back.at.height),
            replaced_by: None,
        })
    }

    /// The same with what took its place, which the rounds of its class tell.
    ///
    /// # Errors
    /// When the database fails.
    pub fn whole(view: &ChainView, round: &Round) -> Result<Self, StoreError> {
        let mut rounds = vec![Self::of(view, round)?];
        if rounds.iter().any(|one| one.standing == Some(DecisionStanding::Replaced)) {
            let of_class = |one: &&Round| one.class == round.class && one.round > round.round;
            for later in schema::rounds(view)?.iter().filter(of_class) {
                rounds.push(Self::of(view, later)?);
            }
        }
        link(&mut rounds);
        Ok(rounds.swap_remove(0))
    }

    /// True when the decision is the one that places students now.
    pub fn stands(&self) -> bool {
        self.standing == Some(DecisionStanding::Stands)
    }

    /// Where the round is, in a word: a decision that does not stand is never called decided alone.
    pub const fn status_word(&self) -> &'static str {
        match self.record.status {
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

/// Says of each replaced decision which one took its place: one that was never taken back itself.
fn link(rounds: &mut [RoundView]) {
    let took = |later: &RoundView| Some((later.decision.as_ref()?.replaces?, later.round));
    let later = rounds.iter().filter(|one| one.standing != Some(DecisionStanding::Reverted)).filter_map(took);
    let replaced: BTreeMap<RoundId, RoundId> = later.collect();
    for round in rounds.iter_mut().filter(|one| one.standing == Some(DecisionStanding::Replaced)) {
        round.replaced_by = replaced.get(&round.record.round).copied();
    }
}

fn title(class: Option<&Class>, id: ClassId) -> String {
    class.map_or_else(|| format!("class {id}"), |class| class.definition.title.to_string())
}

/// All rounds, oldest first.
///
/// # Errors
/// When the database fails.
pub fn all(view: &ChainView) -> Result<Vec<RoundView>, StoreError> {
    let rounds: Result<Vec<RoundView>, StoreError> =
        schema::rounds(view)?.iter().map(|round| RoundView::of(view, round)).collect();
    let mut rounds = rounds?;
    link(&mut rounds);
    Ok(rounds)
}
