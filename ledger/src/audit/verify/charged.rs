//! Where a funder's money of a year went, bound to what the ledger charged: the stated amounts against the pools' own records.
//!
//! Flow: every pool that is shown is in the state, of this funder, and of a class of this year → what they are charged now is all that
//! the budget's record says is charged, so none of those in force is left out → what they were charged as of the block that the
//! statement was made on are its amounts, school by school, by the statement's own proof.

use std::collections::BTreeMap;

use super::super::bundle::ChargedEvidence;
use super::super::report::{Checks, Stop};
use super::State;
use super::budget::{NAME, equity, open, purse};
use crate::state::schema::{Class, PoolRecord, charged_at, charged_now, class_key, pool_key};
use crate::types::SchoolId;

/// Checks the statement once more.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &ChargedEvidence) -> Result<(), Stop> {
    let (budget, stated) = open(checks, state, &evidence.budget)?;
    let pools = pools(checks, state, evidence)?;
    let now = charged_now(&pools);
    let all = sum(&now) == budget.charged_cents.0;
    checks.ensure("pools", all, "The pools shown are not all that the budget is charged for.")?;
    checks.pass(
        "pools",
        format!(
            "The budget is charged for the pools shown and for no other: {} pools at {} schools.",
            pools.len(),
            now.len()
        ),
    );
    let mut charged = charged_at(&pools, stated.as_of);
    let total = sum(&charged) == stated.total_cents.0;
    checks.ensure(NAME, total, "The statement is of another sum than the pools were charged.")?;
    let unmoved = charged == now;
    let amounts: Vec<u64> =
        stated.lines.iter().map(|line| charged.remove(&line.school).unwrap_or(0)).collect();
    checks.ensure(
        NAME,
        charged.is_empty(),
        "A school whose pools were charged has no line in the statement.",
    )?;
    let purse = purse(state, &evidence.budget);
    let statement = checks.need(NAME, purse.charged(stated.as_of, &stated.lines, &amounts))?;
    let holds = statement.holds(&stated.proof);
    checks.ensure(NAME, holds, "The stated amounts are not what the schools' pools were charged.")?;
    let since = match unmoved {
        true => "and that is what they are charged now",
        false => "since when pools were opened or retired, so that it is superseded",
    };
    checks.pass(
        NAME,
        format!(
            "Budget statement proved: the amount of each of {} schools is what the ledger charged to this budget for the school's \
             pools as of block {}, {} cents in all, {since}. Not shown is that it was paid out.",
            stated.lines.len(),
            stated.as_of,
            stated.total_cents
        ),
    );
    equity(checks, state, &evidence.budget, &stated)
}

fn sum(amounts: &BTreeMap<SchoolId, u64>) -> u64 {
    amounts.values().fold(0, |sum, amount| sum.saturating_add(*amount))
}

/// The pools that are shown: in the state, of this funder and year, none twice.
fn pools(checks: &mut Checks, state: &State, evidence: &ChargedEvidence) -> Result<Vec<PoolRecord>, Stop> {
    const NAME: &str = "pools";
    let (funder, year) = (evidence.budget.funder, evidence.budget.school_year);
    let classes = &evidence.classes;
    let ascending = classes.iter().zip(classes.iter().skip(1)).all(|(a, b)| a.class < b.class);
    checks.ensure(NAME, ascending, "The classes shown do not ascend.")?;
    let mut all = Vec::new();
    for shown in classes {
        let class: Class = state.open(checks, NAME, &class_key(shown.class), &shown.record)?;
        let own = (class.definition.class, class.definition.school_year) == (shown.class, year);
        checks.ensure(NAME, own, "A class's record names another class or school year.")?;
        let ascending = shown.pools.iter().zip(shown.pools.iter().skip(1)).all(|(a, b)| a.0 < b.0);
        let some = !shown.pools.is_empty();
        checks.ensure(
            NAME,
            ascending && some,
            "The pools shown of a class do not ascend, or there are none.",
        )?;
        for (id, record) in &shown.pools {
            let pool: PoolRecord = state.open(checks, NAME, &pool_key(shown.class, *id), record)?;
            let own =
                (pool.class, pool.pool, pool.funder) == (shown.class, *id, funder) && pool.cost_cents() > 0;
            checks.ensure(
                NAME,
                own,
                "A pool's record names another pool, class or funder, or costs nothing.",
            )?;
            all.push(pool);
        }
    }
    Ok(all)
}
