//! A whole round, recomputed: rows → trees → the ledger's own formula → the optimality certificate → report.

use std::collections::{BTreeMap, BTreeSet};

use aula_allocation::MAX_GAP_PPM;
use aula_allocation::certificate::{Certificate, check};
use aula_allocation::problem::Problem;

use super::super::bands;
use super::super::bundle::{DecidedRequest, Proved, RoundEvidence};
use super::super::least;
use super::super::optimum::{lottery_words, optimum_words};
use super::super::report::{Checks, Standing, Stop};
use super::super::sha256;
use super::State;
use super::context::{Context, row};
use super::seed;
use crate::params::FAIRNESS_WORK_SHARE;
use crate::proof::BulkTree;
use crate::proof::TreeHead;
use crate::proof::need::NeedClaim;
use crate::rounds::{self, Decisions, PublishedReport, RoundInputs, waiting_prices};
use crate::state::schema::{
    Budget, DecisionRow, Placement, RequestRow, SchoolPrice, StoredCertificate, StoredPlain, budget_key,
    certificate_key, plain_key, report_key,
};
use crate::tx::Mandate;
use crate::types::{AccountId, Handle};

/// Checks everything a round's bundle claims.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &RoundEvidence) -> Result<Standing, Stop> {
    let mut requests = Vec::with_capacity(evidence.rows.len());
    let mut decisions = Vec::with_capacity(evidence.rows.len());
    for shown in &evidence.rows {
        let request = row::<RequestRow>(checks, &shown.request)?;
        decisions.push((request.handle, row::<DecisionRow>(checks, &shown.decision)?));
        requests.push((request.handle, request));
    }
    let student = |(handle, request): &(Handle, RequestRow)| (*handle, request.district);
    let ordered = requests.is_sorted_by(|a, b| student(a) < student(b));
    checks.ensure("rows", ordered, "The rows shown do not ascend by handle and district.")?;
    let homes: BTreeSet<_> = requests.iter().map(|(_, request)| request.home_school).collect();
    let context = Context::open(checks, state, &evidence.context, homes)?;
    check_trees(checks, &context, &requests, evidence)?;
    let inputs = context.inputs(requests);
    let assignment = checks.need("decisions", inputs.assignment(&decisions))?;
    checks.pass(
        "decisions",
        format!(
            "Each of the {} requests is decided exactly once, by a place it may have; weights and costs follow from \
             equity {} and the class's table.",
            assignment.len(),
            inputs.equity
        ),
    );
    check_bounds(checks, &context, &inputs, &decisions)?;
    check_budgets(checks, state, &context, &evidence.budgets)?;
    seed::verify(checks, state, &context, &evidence.power, &evidence.shares)?;
    check_optimum(checks, state, &context, &inputs, &assignment, &evidence.certificate)?;
    let same = inputs.report(&decisions) == context.decision.report;
    checks.ensure("report", same, "The round's report does not count what its rows say.")?;
    let report = &context.decision.report;
    checks.pass(
        "report",
        format!(
            "The published counts follow from the rows: {} placed, {} waiting, {} got their first choice.",
            report.placed, report.waitlisted, report.first_choice
        ),
    );
    check_report(checks, state, &context, &inputs, &assignment, evidence)?;
    let claims: Vec<NeedClaim> = inputs.requests.iter().map(|(_, request)| request.claim()).collect();
    let of = (&state.genesis, context.round.round, &context.rule);
    bands::verify(checks, of, &claims, &evidence.bands)?;
    Ok(context.standing)
}

/// The published figures, suppression included, follow from the rows.
fn check_report(
    checks: &mut Checks,
    state: &State,
    context: &Context,
    inputs: &RoundInputs,
    assignment: &[u32],
    evidence: &RoundEvidence,
) -> Result<(), Stop> {
    const NAME: &str = "equity";
    let round = context.decision.round;
    let stated: PublishedReport = state.open(checks, NAME, &report_key(round), &evidence.report)?;
    let plain: StoredPlain = state.open(checks, NAME, &plain_key(round), &evidence.plain)?;
    let work = context.decision.max_work / FAIRNESS_WORK_SHARE;
    let problem = checks.need(NAME, inputs.problem())?;
    let figures = inputs.figures(&problem, assignment, plain.solved.as_ref(), work);
    let figures = checks.need(NAME, figures)?;
    let same = rounds::published(&figures, &context.decision, stated.min_cell_students) == stated;
    checks.ensure(NAME, same, "The published report does not follow from the rows.")?;
    checks.pass(
        NAME,
        format!(
            "The published figures by band, school and district follow from the rows; Gini {} ppm; figures of fewer \
             than {} students are withheld.",
            stated.gini_ppm, stated.min_cell_students
        ),
    );
    Ok(())
}

/// Both trees, rebuilt from the rows shown, are those of the state.
fn check_trees(
    checks: &mut Checks,
    context: &Context,
    requests: &[(Handle, RequestRow)],
    evidence: &RoundEvidence,
) -> Result<(), Stop> {
    let rows = &evidence.rows;
    let mut keyed: Vec<(Handle, &DecidedRequest)> =
        requests.iter().map(|(_, request)| request.key()).zip(rows).collect();
    keyed.sort_by_key(|(key, _)| *key);
    let rebuilt = |bytes: fn(&DecidedRequest) -> &[u8], head: TreeHead| {
        let rows = keyed.iter().map(|(key, row)| (key, bytes(row)));
        BulkTree::from_rows(rows).is_ok_and(|tree| tree.head() == head)
    };
    let same =
        rebuilt(|row| &row.request, context.requests) && rebuilt(|row| &row.decision, context.decisions);
    checks.ensure(
        "rows",
        same,
        "The rows shown are not exactly those of the state: some differ or are missing.",
    )?;
    checks.pass(
        "rows",
        format!("All {} requests and all {} decisions are shown; none is left out.", rows.len(), rows.len()),
    );
    Ok(())
}

/// Capacities, floors and mandates, counted from the rows.
fn check_bounds(
    checks: &mut Checks,
    context: &Context,
    inputs: &RoundInputs,
    decisions: &Decisions,
) -> Result<(), Stop> {
    let mut used: BTreeMap<_, u32> = BTreeMap::new();
    let mut unmet = 0u32;
    for ((_, request), (_, decision)) in inputs.requests.iter().zip(decisions) {
        match decision.placement {
            Placement::Pool { pool, .. } => {
                let count = used.entry(pool).or_default();
                *count = count.saturating_add(1);
            }
            Placement::Waitlist if request.mandate == Mandate::Mandated => unmet = unmet.saturating_add(1),
            Placement::Waitlist => {}
        }
    }
    let used = |pool| used.get(pool).copied().unwrap_or(0);
    let over = context.pools.iter().find(|pool| used(&pool.pool) > pool.capacity);
    if let Some(pool) = over {
        return checks.fail("capacities", format!("Pool {} gave away more places than it has.", pool.pool));
    }
    checks.pass(
        "capacities",
        format!("None of the {} pools gave away more places than it has.", context.pools.len()),
    );
    let under = context.pools.iter().find(|pool| used(&pool.pool) < pool.floor);
    if let Some(pool) = under {
        return checks
            .fail("floors", format!("Pool {} is under its floor of {} places.", pool.pool, pool.floor));
    }
    let floors = context.pools.iter().filter(|pool| pool.floor > 0).count();
    checks.pass("floors", format!("Pools with a guaranteed use: {floors}, and each has it."));
    checks.ensure("mandates", unmet == 0, "A student with a mandate waits.")?;
    checks.pass(
        "mandates",
        format!("Students with a mandate: {}, and each has a place.", context.decision.report.mandated),
    );
    let stated = context.decision.prices.iter().all(|price| price.used == used(&price.pool));
    checks.ensure("capacities", stated, "The decision states another use of a pool than its rows.")
}

/// Each pool was paid from its funder's budget, and no budget is overdrawn.
fn check_budgets(
    checks: &mut Checks,
    state: &State,
    context: &Context,
    budgets: &[Proved],
) -> Result<(), Stop> {
    let mut charged: BTreeMap<AccountId, u64> = BTreeMap::new();
    for pool in &context.pools {
        let cost = pool.unit_cost_cents.0.saturating_mul(pool.capacity.into());
        let sum = charged.entry(pool.funder).or_default();
        *sum = sum.saturating_add(cost);
    }
    let all = charged.len() == budgets.len();
    checks.ensure("budget", all, "The budgets shown are not those of the pools.")?;
    let year = context.round.school_year;
    for ((funder, cost_cents), proved) in charged.iter().zip(budgets) {
        let budget: Budget = state.open(checks, "budget", &budget_key(funder, year), proved)?;
        let within = (budget.funder, budget.school_year) == (*funder, year)
            && *cost_cents <= budget.charged_cents.0
            && budget.charged_cents <= budget.funded_cents;
        checks.ensure("budget", within, "A funder's budget does not cover its pools.")?;
    }
    let total = charged.values().fold(0u64, |sum, cost| sum.saturating_add(*cost));
    checks.pass(
        "budget",
        format!(
            "The pools cost {total} cents in all; budgets charged: {}, none of them overdrawn.",
            charged.len()
        ),
    );
    Ok(())
}

/// The certificate proves the objective, the bound and the lottery that the decision states.
fn check_optimum(
    checks: &mut Checks,
    state: &State,
    context: &Context,
    inputs: &RoundInputs,
    assignment: &[u32],
    certificate: &Proved,
) -> Result<(), Stop> {
    const NAME: &str = "optimum";
    let decision = &context.decision;
    let stored: StoredCertificate =
        state.open(checks, NAME, &certificate_key(decision.round), certificate)?;
    let named = sha256(&stored.bytes) == decision.certificate_sha256;
    checks.ensure(NAME, named, "The certificate is not the one the decision names.")?;
    let certificate: Certificate = checks.need(NAME, borsh::from_slice(&stored.bytes))?;
    let problem = checks.need(NAME, inputs.problem())?;
    let proved = checks.need(NAME, check(&problem, assignment, &certificate))?;
    let stated = (proved.objective, proved.dual, proved.gap_ppm)
        == (decision.objective, decision.dual, decision.gap_ppm);
    checks.ensure(
        NAME,
        stated,
        "The decision states another cost, bound or gap than its certificate proves.",
    )?;
    let most = decision.max_gap_ppm.min(MAX_GAP_PPM);
    let within = proved.gap_ppm <= most;
    checks.ensure(NAME, within, &format!("The gap is larger than the {most} in a million allowed."))?;
    checks.pass(NAME, optimum_words(proved.objective, proved.dual, proved.gap_ppm));
    checks.pass("lottery", lottery_words(proved.draw));
    check_prices(
        checks,
        context,
        inputs,
        &Solved { problem: &problem, assignment, certificate: &certificate },
    )
}

/// A problem with an assignment whose certificate was checked.
struct Solved<'a> {
    problem: &'a Problem,
    assignment: &'a [u32],
    certificate: &'a Certificate,
}

/// Every price that has a least value is published, and is that value; of a result with a gap there is none.
fn check_prices(
    checks: &mut Checks,
    context: &Context,
    inputs: &RoundInputs,
    solved: &Solved<'_>,
) -> Result<(), Stop> {
    const NAME: &str = "prices";
    let (decision, prices) = (&context.decision, &solved.certificate.prices);
    let schools = inputs.share_schools().into_iter().zip(waiting_prices(prices));
    let schools = schools.map(|(school, price)| SchoolPrice { school, price });
    let same = schools.eq(decision.school_prices.iter().cloned());
    checks.ensure(NAME, same, "A school's price of waiting is not the certificate's.")?;
    if solved.certificate.gap_ppm > 0 {
        let none = decision.prices.iter().all(|line| line.price.is_none());
        checks.ensure(NAME, none, "A price is published of a result that is not proved optimal.")?;
        checks.pass(NAME, "The result is not proved optimal, so no pool has a price.");
        return Ok(());
    }
    let reached = least::reached(solved.problem, solved.assignment, prices);
    let nodes = || reached.bounded.iter().zip(&reached.least);
    let least = nodes().all(|(bounded, least)| bounded == least);
    checks.ensure(NAME, least, "A price is not the least optimal one.")?;
    let known = nodes().zip(&prices.pools).map(|((bounded, _), price)| bounded.then_some(*price));
    let same = decision.prices.iter().zip(known).all(|(line, known)| line.price == known);
    checks.ensure(NAME, same, "A published price is withheld, or is not the least optimal one.")?;
    let published = decision.prices.iter().filter(|line| line.price.is_some()).count();
    checks.pass(
        NAME,
        format!(
            "The {published} published prices are the least optimal ones, so that no other program finds others; pools \
             whose price has no least value: {}.",
            decision.prices.len().saturating_sub(published)
        ),
    );
    Ok(())
}
