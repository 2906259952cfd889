//! The decision on one request: it was made, it is one the request may have, and at the published prices it is
//! the best one. What a single row cannot show (that the whole round is optimal) is said, not claimed.

use std::collections::BTreeSet;

use aula_allocation::certificate::Prices;
use aula_allocation::explain::{Standing, Weights, explain};
use aula_allocation::problem::Problem;

use super::super::bands;
use super::super::bundle::AllocationEvidence;
use super::super::report::{self, Checks, Stop};
use super::State;
use super::context::{Context, row};
use crate::proof::bulk_tree::verify_row;
use crate::rounds;
use crate::state::schema::{DecisionRow, Placement, RequestRow, round_row_key};
use crate::types::{Band, SchoolId};

/// Most other places named in an explanation.
const MAX_ALTERNATIVES: usize = 3;

/// Checks one decision.
pub(super) fn verify(
    checks: &mut Checks,
    state: &State,
    evidence: &AllocationEvidence,
) -> Result<report::Standing, Stop> {
    let (district, handle) = (evidence.district, &evidence.handle);
    let key = round_row_key(district, handle);
    let request: RequestRow = row(checks, &evidence.request.row)?;
    let decision: DecisionRow = row(checks, &evidence.decision.row)?;
    let home = request.home_school;
    let homes = BTreeSet::from([home]);
    let context = Context::open(checks, state, &evidence.context, homes)?;
    let request_path = verify_row(&evidence.request.path, &key, &evidence.request.row, &context.requests);
    checks.need("request", request_path)?;
    let own = (request.district, request.handle) == (district, *handle);
    checks.ensure("request", own, "The request is another student's.")?;
    checks.pass(
        "request",
        format!(
            "Student {handle} of district {district}, school {}, requested {} kinds with need band {}{}.",
            request.home_school,
            request.kinds.len(),
            request.band.get(),
            if request.mandate == crate::tx::Mandate::Mandated { " and a mandate" } else { "" }
        ),
    );
    let decision_path = verify_row(&evidence.decision.path, &key, &evidence.decision.row, &context.decisions);
    checks.need("decision", decision_path)?;
    let claim = request.claim();
    let inputs = context.inputs(vec![(*handle, request)]);
    let assigned = checks.need("decision", inputs.assignment(&[(*handle, decision.clone())]))?;
    checks.pass("decision", placement_words(&decision));
    let problem = checks.need("prices", inputs.problem())?;
    let assigned = assigned.first().copied().unwrap_or(u32::MAX);
    check_prices(checks, &context, home, &problem, assigned, decision.weight)?;
    let of = (&state.genesis, context.round.round, &context.rule);
    bands::verify_one(checks, of, claim, &evidence.band)?;
    Ok(context.standing)
}

fn placement_words(decision: &DecisionRow) -> String {
    let (weight, cost) = (decision.weight, decision.cost);
    match decision.placement {
        Placement::Waitlist => format!("The student waits; weight {weight}, weighted cost {cost}."),
        Placement::Pool { pool, rank, tier } => {
            let tier = match tier {
                0 => "the own school",
                1 => "the own district",
                _ => "a school of the same type",
            };
            format!(
                "The student has a place in pool {pool}, choice number {}, at {tier}; weight {weight}, weighted cost \
                 {cost}.",
                u32::from(rank).saturating_add(1)
            )
        }
    }
}

/// At the published prices no place is better than the one given; waiting has price 0 without a fair share.
fn check_prices(
    checks: &mut Checks,
    context: &Context,
    home: SchoolId,
    problem: &Problem,
    assigned: u32,
    weight: u32,
) -> Result<(), Stop> {
    const NAME: &str = "prices";
    if !context.decision.is_optimal() {
        checks.pass(
            NAME,
            "The round's result was accepted with a gap, so its prices do not explain every place.",
        );
        return Ok(());
    }
    let Some(prices) = prices_of_row(context, home, problem) else {
        checks.pass(
            NAME,
            "A place this request may have is without a price (its floor cannot be raised): not compared.",
        );
        return Ok(());
    };
    let by_band =
        (0..=Band::MAX).filter_map(Band::new).map(|band| rounds::weight(context.round.equity, band));
    let weights = Weights { own: weight, by_band: by_band.collect() };
    let mut explained = checks.need(NAME, explain(problem, &prices, 0, assigned, Some(&weights)))?;
    let best = explained.standing == Standing::Best;
    checks.ensure(NAME, best, "At the published prices another place would be better.")?;
    explained.preferred.truncate(MAX_ALTERNATIVES);
    let name = |index: u32| match context.pools.get(index as usize) {
        Some(pool) => format!("Pool {}", pool.pool),
        None => "Waiting".to_owned(),
    };
    let words = explained.words(name).split_whitespace().collect::<Vec<_>>().join(" ");
    checks.pass(NAME, format!("{words} (That these prices are optimal is what a round's bundle proves.)"));
    Ok(())
}

/// The published prices by pool index, 0 for the waitlist beside its school's price of waiting; none if a place of the row has no price.
fn prices_of_row(context: &Context, home: SchoolId, problem: &Problem) -> Option<Prices> {
    let published = |index: u32| match context.decision.prices.get(index as usize) {
        Some(price) => price.price,
        None => Some(0),
    };
    let priced = problem.row(0).all(|entry| published(entry.pool).is_some());
    let pools = (0u32..).zip(problem.pools()).map(|(index, _)| published(index).unwrap_or(0)).collect();
    // One row has one school in its layer, and none where the round shares nothing.
    let of_home = context.decision.school_prices.iter().find(|line| line.school == home);
    let waiting = problem.schools().map(|_| of_home.map_or(0, |line| line.price));
    priced.then_some(Prices { pools, schools: waiting.into_iter().collect() })
}
