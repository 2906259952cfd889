//! Rounds for the public: what was fixed and what was decided.
//!
//! Counts come from the ledger's published report alone; withheld figures are `null`. How many requests an open round
//! has is not shown: read again and again, it would tell the size of each district's batch.

use std::collections::BTreeMap;

pub use aula_api::rounds::{BandLine, DecisionView, PriceLine, RoundView};
use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, PublishedCell};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Class, Decision, DecisionStanding, Round};
use aula_ledger::types::{ClassId, PoolId, RoundId};

use aula_store::ChainView;

/// A decision with the counts of its report; without one it shows no count at all.
fn decision_view(decision: &Decision, report: Option<&PublishedReport>) -> DecisionView {
    let totals = report.and_then(|report| report.totals);
    let published = report.map(|report| report.prices.as_slice()).unwrap_or_default();
    let used: BTreeMap<PoolId, Option<u32>> = published.iter().map(|line| (line.pool, line.used)).collect();
    let price = |line: &schema::PoolPrice| PriceLine {
        pool: line.pool,
        price: line.price,
        used: used.get(&line.pool).copied().flatten(),
    };
    DecisionView {
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

/// A round with its decision and report, if it is decided.
///
/// # Errors
/// When the database fails.
pub fn of(view: &ChainView, round: &Round) -> Result<RoundView, StoreError> {
    let report = schema::published_report(view, round.round)?;
    let decision = schema::decision(view, round.round)?;
    let class = schema::class(view, round.class)?;
    // Every field is named, so that a new one is shown only when somebody decides that here.
    let Round {
        round: number,
        class: class_id,
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
        parameters,
        equity,
        terms,
        // The two that count.
        requests: _,
        pairs: _,
        status,
    } = round.clone();
    Ok(RoundView {
        round: number,
        class: class_id,
        title: title(class.as_ref(), class_id),
        school_year,
        opened,
        opened_ms,
        requests_until,
        request_window_ms,
        reveal_window_ms,
        attempt,
        window,
        window_since: since,
        window_until: ends,
        follows,
        parameters,
        equity,
        terms,
        requests: report.as_ref().and_then(|report| report.students),
        status,
        standing: schema::decision_standing(view, round)?,
        reverted_at: schema::reversion(view, round.round)?.map(|back| back.at.height),
        replaced_by: None,
        decision: decision.map(|decision| decision_view(&decision, report.as_ref())),
    })
}

/// The same with what took its place, which the rounds of its class tell.
///
/// # Errors
/// When the database fails.
pub fn whole(view: &ChainView, round: &Round) -> Result<RoundView, StoreError> {
    let mut rounds = vec![of(view, round)?];
    if rounds.iter().any(|one| one.standing == Some(DecisionStanding::Replaced)) {
        let of_class = |one: &&Round| one.class == round.class && one.round > round.round;
        for later in schema::rounds(view)?.iter().filter(of_class) {
            rounds.push(of(view, later)?);
        }
    }
    link(&mut rounds);
    Ok(rounds.swap_remove(0))
}

/// Says of each replaced decision which one took its place: one that was never taken back itself.
fn link(rounds: &mut [RoundView]) {
    let took = |later: &RoundView| Some((later.decision.as_ref()?.replaces?, later.round));
    let later = rounds.iter().filter(|one| one.standing != Some(DecisionStanding::Reverted)).filter_map(took);
    let replaced: BTreeMap<RoundId, RoundId> = later.collect();
    for round in rounds.iter_mut().filter(|one| one.standing == Some(DecisionStanding::Replaced)) {
        round.replaced_by = replaced.get(&round.round).copied();
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
        schema::rounds(view)?.iter().map(|round| of(view, round)).collect();
    let mut rounds = rounds?;
    link(&mut rounds);
    Ok(rounds)
}
