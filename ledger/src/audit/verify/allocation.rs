//! The decision on one request: it was made, it is one the request may have, and at the published prices it is
//! the best one. What a single row cannot show (that the whole round is optimal) is said, not claimed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::bundle::AllocationEvidence;
use super::super::report::{Checks, Stop};
use super::State;
use super::context::{Context, row};
use super::round::pass_band;
use crate::proof::bulk_tree::verify_row;
use crate::state::schema::{DecisionRow, Placement, RequestRow};

/// Checks one decision.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &AllocationEvidence) -> Result<(), Stop> {
    let handle = &evidence.handle;
    let request: RequestRow = row(checks, &evidence.request.row)?;
    let decision: DecisionRow = row(checks, &evidence.decision.row)?;
    let homes = BTreeSet::from([request.home_school]);
    let context = Context::open(checks, state, &evidence.context, homes)?;
    let request_path = verify_row(&evidence.request.path, handle, &evidence.request.row, &context.requests);
    checks.need("request", request_path)?;
    checks.pass(
        "request",
        format!(
            "Student {handle} of school {} requested {} kinds with need band {}{}.",
            request.home_school,
            request.kinds.len(),
            request.band.get(),
            if request.mandate == crate::tx::Mandate::Mandated { " and a mandate" } else { "" }
        ),
    );
    let decision_path =
        verify_row(&evidence.decision.path, handle, &evidence.decision.row, &context.decisions);
    checks.need("decision", decision_path)?;
    let inputs = context.inputs(vec![(*handle, request)]);
    let assigned = checks.need("decision", inputs.assignment(&[(*handle, decision.clone())]))?;
    checks.pass("decision", placement_words(&decision));
    let problem = checks.need("prices", inputs.problem())?;
    let assigned = assigned.first().copied().unwrap_or(u32::MAX);
    let places: BTreeMap<u32, i64> = problem.row(0).map(|entry| (entry.pool, entry.cost.into())).collect();
    check_prices(checks, &context, &places, assigned)?;
    pass_band(checks);
    Ok(())
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

/// At the published prices no place is better than the one given; the waitlist has price 0.
fn check_prices(
    checks: &mut Checks,
    context: &Context,
    places: &BTreeMap<u32, i64>,
    assigned: u32,
) -> Result<(), Stop> {
    const NAME: &str = "prices";
    if !context.decision.is_optimal() {
        checks.pass(
            NAME,
            "The round's result was accepted with a gap, so its prices do not explain every place.",
        );
        return Ok(());
    }
    let price_of = |pool: u32| match context.decision.prices.get(pool as usize) {
        Some(price) => price.price,
        None => Some(0),
    };
    let at_prices = |pool: u32| Some(places.get(&pool)?.saturating_add(price_of(pool)?));
    let Some(given) = at_prices(assigned) else {
        checks.pass(
            NAME,
            "The place has no published price (its floor cannot be raised), so it is not compared.",
        );
        return Ok(());
    };
    let better = places.keys().find(|pool| at_prices(**pool).is_some_and(|other| other < given));
    checks.ensure(NAME, better.is_none(), "At the published prices another place would be better.")?;
    let cost = places.get(&assigned).copied().unwrap_or(given);
    let wished = places.iter().filter(|(_, other)| **other < cost).min_by_key(|(_, other)| **other);
    let wished = wished.and_then(|(pool, other)| {
        let record = context.pools.get(*pool as usize)?;
        let (better, price) = (cost.saturating_sub(*other), price_of(*pool)?);
        Some(format!(
            " Pool {} would have been better by {better} and cleared at {price}, in weighted cost.",
            record.pool
        ))
    });
    checks.pass(
        NAME,
        format!(
            "The best place at the published prices (that these prices are optimal is what a round's bundle proves).{}",
            wished.unwrap_or_default()
        ),
    );
    Ok(())
}
