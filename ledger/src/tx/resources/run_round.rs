//! RunRound: the class's steward starts the optimizer once reveals are closed; any member who may send it does, if the
//! steward has not within [`RUN_BY_ANYBODY_AFTER_MS`] by the parent block's time. Every validator runs it.

use std::collections::BTreeMap;

use aula_allocation::problem::Problem;
use aula_allocation::{Cut, Limits, Solution, SolveError, certificate, solve};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::commit_seed::open_round;
use crate::code::Code;
use crate::codec::Canonical;
use crate::params::{FAIRNESS_WORK_SHARE, RUN_BY_ANYBODY_AFTER_MS};
use crate::proof::bulk_tree::row_hash;
use crate::rounds::report::Figures;
use crate::rounds::windows::other_requests_need_a_vote;
use crate::rounds::{self, Decisions, RoundInputs};
use crate::state::schema::{
    self, Acknowledgement, Class, Decision, Draw, Placement, PoolPrice, PoolRecord, Round, RoundStatus,
    SchoolPrice, StoredCertificate, StoredPlain,
};
use crate::state::{StateReader, StoreError};
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::tx::{Event, Shortage};
use crate::types::{AccountId, PoolId, RoundId, TimeMs};

/// Asks for the optimizer's run; what it needs stands in the state.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRound {
    /// An open round whose reveals are closed and whose seed is drawn.
    pub round: RoundId,
}

impl Handler for RunRound {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let round = open_round(context, self.round)?;
        ensure(round.may_run(context.facts.height), Code::TooEarlyToRun)?;
        let class = schema::class(context.overlay, round.class)?.ok_or(Code::UnknownClass)?;
        ensure(may_send(context.overlay.base(), &round, &context.sender.account)?, Code::NotSteward)?;
        let refused = schema::refused_run(context.overlay, self.round)?;
        let stands = refused.is_some_and(|last| last.stands(&context.facts.params));
        ensure(!stands, Code::RunRefused)?;
        let draw = draw_of(context, &round)?;
        let inputs = inputs(context, &round, &class, &draw)?;
        let max_work = context.facts.params.max_round_work;
        let problem = inputs.problem().map_err(|_| Code::Infeasible)?;
        let solution = solve(&problem, &Limits { work: max_work });
        let solution = solution.map_err(|error| refusal_of(self.round, &inputs, error))?;
        check_proof(&problem, &solution, context.facts.params.max_gap_ppm)?;
        let rows = inputs.decisions(&solution.assignment).map_err(|_| Code::NotProved)?;
        let fairness_work = max_work / FAIRNESS_WORK_SHARE;
        let plain = inputs.at_equity_0(&problem, fairness_work).map_err(|_| Code::NotProved)?;
        let figures = inputs.figures(&problem, &solution.assignment, plain.as_ref(), fairness_work);
        let figures = figures.map_err(|_| Code::NotProved)?;
        let plain = StoredPlain { solved: plain };
        record(context, Ran { round, class, draw, inputs, solution, rows, figures, plain, max_work })
    }
}

/// Whether an account may start the optimizer in the block after this state: the class's steward; anybody once the reveals
/// have been closed for long enough that the steward will not.
///
/// Steward and time are those of the parent block, so that what a block may hold ([`crate::execute::limits`]) is known
/// before anything of it is executed.
///
/// # Errors
/// [`StoreError`] from the store.
pub(crate) fn may_send(
    parent: &dyn StateReader,
    round: &Round,
    sender: &AccountId,
) -> Result<bool, StoreError> {
    if schema::class(parent, round.class)?.is_some_and(|class| class.steward == *sender) {
        return Ok(true);
    }
    let Some(closed) = round.reveals_closed() else { return Ok(false) };
    Ok(schema::chain(parent)?.time_ms.0.saturating_sub(closed.time_ms.0) >= RUN_BY_ANYBODY_AFTER_MS)
}

/// What was drawn when the reveals closed.
///
/// # Errors
/// [`Code::NoSeed`] when too few shares were revealed in all attempts, [`Code::DrawNeedsVote`] when other requests were
/// drawn for in this period.
fn draw_of(context: &Context<'_, '_>, round: &Round) -> Result<Draw, Refusal> {
    if let Some(draw) = schema::draw(context.overlay, round.round)? {
        return Ok(draw);
    }
    let root = context.overlay.tree_head(&schema::requests_tree(round.round))?.root;
    ensure(!other_requests_need_a_vote(context.overlay, round, &root)?, Code::DrawNeedsVote)?;
    Err(Code::NoSeed.into())
}

/// A round that ran.
struct Ran {
    round: Round,
    class: Class,
    draw: Draw,
    inputs: RoundInputs,
    solution: Solution,
    rows: Decisions,
    figures: Figures,
    plain: StoredPlain,
    max_work: u64,
}

fn inputs(
    context: &Context<'_, '_>,
    round: &Round,
    class: &Class,
    draw: &Draw,
) -> Result<RoundInputs, Refusal> {
    let overlay = &*context.overlay;
    let label = schema::requests_tree(round.round);
    Ok(RoundInputs {
        definition: class.definition.clone(),
        equity: round.equity,
        terms: round.terms,
        pools: schema::current_pools(overlay, round.class)?,
        schools: schema::schools(overlay)?.into_iter().map(|school| (school.id, school)).collect(),
        requests: rounds::requests_in_order(&overlay.rows(&label)?)?,
        seed: draw.seed,
    })
}

/// What cannot be met goes into the receipt as numbers: a minimum cut.
fn refusal_of(round: RoundId, inputs: &RoundInputs, error: SolveError) -> Refusal {
    let SolveError::Infeasible(cut) = error else { return Code::NotProved.into() };
    let (shortage, pools, schools, short) = match cut {
        Cut::Crowded { pools, schools, short } => (Shortage::Places, pools, schools, short),
        Cut::Starved { pools, schools, short } => (Shortage::Students, pools, schools, short),
    };
    // The waitlist is not a pool of the class, so it has no number to name.
    let pools = pools.iter().filter_map(|at| Some(inputs.pools.get(*at as usize)?.pool)).collect();
    let sharing = inputs.share_schools();
    let schools = schools.iter().filter_map(|at| sharing.get(*at as usize).copied()).collect();
    let event = Event::RoundInfeasible { round, shortage, pools, schools, short };
    Refusal::Explained { code: Code::Infeasible, event: Box::new(event) }
}

/// The optimizer is not believed: its certificate is checked by code that shares nothing with it.
fn check_proof(problem: &Problem, solution: &Solution, max_gap_ppm: u32) -> Result<(), Code> {
    let verdict = certificate::check(problem, &solution.assignment, &solution.certificate);
    let proved = verdict.is_ok_and(|v| v.gap_ppm <= max_gap_ppm && v.objective == solution.objective);
    ensure(proved, Code::NotProved)
}

/// Writes the decision; from now on it stands for the class.
fn record(context: &mut Context<'_, '_>, ran: Ran) -> Result<Vec<Event>, Refusal> {
    let (id, height) = (ran.round.round, context.facts.height);
    let decisions = schema::decisions_tree(id);
    for (key, row) in ran.inputs.keyed(&ran.rows) {
        context.overlay.put_row(&decisions, key, row.to_canonical());
    }
    let stored = StoredCertificate {
        bytes: borsh::to_vec(&ran.solution.certificate).map_err(|e| StoreError::Failed(e.to_string()))?,
    };
    let decision = decision(context, &ran, &stored)?;
    let event = Event::RoundDecided {
        round: id,
        requests: decision.report.requests,
        placed: decision.report.placed,
        waitlisted: decision.report.waitlisted,
        objective: decision.objective,
        gap_ppm: decision.gap_ppm,
        seed: decision.seed,
    };
    let report = rounds::published(&ran.figures, &decision, context.facts.params.min_cell_students);
    let owed = acknowledgements(context, &ran, &decision.prices);
    let overlay = &mut *context.overlay;
    for record in &owed {
        schema::write(overlay, schema::acknowledgement_key(id, record.pool), record);
    }
    // Whose places a pool has, until that decision is reverted: such a pool is not retired.
    for line in decision.prices.iter().filter(|line| line.used > 0) {
        if schema::pool_user(overlay, line.pool)?.is_none() {
            overlay.put(schema::pool_user_key(line.pool), id.0.to_be_bytes().to_vec());
        }
    }
    schema::write(overlay, schema::decision_key(id), &decision);
    schema::write(overlay, schema::certificate_key(id), &stored);
    schema::write(overlay, schema::report_key(id), &report);
    schema::write(overlay, schema::plain_key(id), &ran.plain);
    let round = Round { status: RoundStatus::Decided { height }, ..ran.round };
    schema::write(overlay, schema::round_key(id), &round);
    let class = Class { open_round: None, standing_round: Some(id), ..ran.class };
    schema::write(overlay, schema::class_key(round.class), &class);
    Ok(vec![event])
}

fn decision(context: &Context<'_, '_>, ran: &Ran, stored: &StoredCertificate) -> Result<Decision, Refusal> {
    let id = ran.round.round;
    Ok(Decision {
        round: id,
        class: ran.round.class,
        height: context.facts.height,
        requests: context.overlay.tree_head(&schema::requests_tree(id))?,
        decisions: context.overlay.tree_head(&schema::decisions_tree(id))?,
        seed: ran.inputs.seed,
        seed_round: ran.draw.source,
        attempt: ran.draw.attempt,
        draw: ran.draw.number,
        revealed: ran.draw.revealed.clone(),
        withheld: ran.draw.withheld.clone(),
        objective: ran.solution.objective,
        dual: ran.solution.dual,
        gap_ppm: ran.solution.gap_ppm,
        work: ran.solution.work,
        max_work: ran.max_work,
        max_gap_ppm: context.facts.params.max_gap_ppm,
        certificate_sha256: row_hash(&stored.bytes),
        prices: prices(ran),
        school_prices: school_prices(ran),
        report: ran.inputs.report(&ran.rows),
        replaces: ran.class.standing_round,
    })
}

fn school_prices(ran: &Ran) -> Vec<SchoolPrice> {
    let schools = ran.inputs.share_schools();
    let prices = rounds::waiting_prices(&ran.solution.certificate.prices);
    let lines = schools.into_iter().zip(prices);
    lines.map(|(school, price)| SchoolPrice { school, price }).collect()
}

/// What the schools owe an acknowledgement for, where the class's terms ask for one.
fn acknowledgements(context: &Context<'_, '_>, ran: &Ran, used: &[PoolPrice]) -> Vec<Acknowledgement> {
    let Some(window_ms) = ran.round.terms.acknowledge_within_ms else { return Vec::new() };
    let due_ms = TimeMs(context.facts.time_ms.0.saturating_add(window_ms));
    let given = ran.inputs.pools.iter().zip(used).filter(|(_, line)| line.used > 0);
    let owed = |(pool, line): (&PoolRecord, &PoolPrice)| Acknowledgement {
        round: ran.round.round,
        pool: pool.pool,
        school: pool.school,
        places: line.used,
        due_ms,
        received: None,
        escalated: None,
    };
    given.map(owed).collect()
}

fn prices(ran: &Ran) -> Vec<PoolPrice> {
    let mut used: BTreeMap<PoolId, u32> = BTreeMap::new();
    for (_, row) in &ran.rows {
        if let Placement::Pool { pool, .. } = row.placement {
            let count = used.entry(pool).or_default();
            *count = count.saturating_add(1);
        }
    }
    let published = ran.solution.published.iter().copied().chain(std::iter::repeat(None));
    let pools = ran.inputs.pools.iter().zip(published);
    pools
        .map(|(record, price)| {
            let used = used.get(&record.pool).copied().unwrap_or(0);
            PoolPrice { pool: record.pool, price, used }
        })
        .collect()
}
