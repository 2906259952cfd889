//! Where a funder's money of a year went, without an amount: the stated budget, and the floor if one is stated.

use std::cmp::Ordering;

use aula_zk::Batch;

use super::super::bundle::{BudgetEvidence, EquityStanding};
use super::super::report::{Checks, Stop};
use super::State;
use crate::proof::money::Purse;
use crate::state::schema::{
    self, Budget, Decision, StatedBudget, StatedEquity, budget_key, decision_key, stated_budget_key,
    stated_equity_key,
};
use crate::types::Height;

/// A budget's name among the checks of its statement.
pub(super) const NAME: &str = "budget statement";

/// Checks every statement once more, from commitments and proofs alone.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &BudgetEvidence) -> Result<(), Stop> {
    let (budget, stated) = open(checks, state, evidence)?;
    let purse = purse(state, evidence);
    let statement = checks.need(NAME, purse.budget(stated.as_of, &stated.lines, stated.total_cents))?;
    let holds = statement.verify(&stated.proof.0).is_ok();
    checks.ensure(NAME, holds, "The proof of the stated budget does not hold.")?;
    let compared = match stated.total_cents.cmp(&budget.funded_cents) {
        Ordering::Greater => return checks.fail(NAME, "The statement is of more than was funded."),
        Ordering::Equal => "which is all that was funded".to_owned(),
        Ordering::Less => {
            let more = budget.funded_cents.0.saturating_sub(stated.total_cents.0);
            format!("{more} less than was funded by now; what was funded when it was stated is not shown")
        }
    };
    checks.pass(
        NAME,
        format!(
            "Budget statement proved: the amounts of {} schools, none negative or above 4,294,967,295 cents, sum to {} \
             cents, {compared}. No amount is shown, nor that it was paid out, nor that it is what pools were charged.",
            stated.lines.len(),
            stated.total_cents
        ),
    );
    equity(checks, state, evidence, &stated)
}

/// Whose money a bundle is about.
pub(super) fn purse<'a>(state: &'a State, evidence: &BudgetEvidence) -> Purse<'a> {
    Purse { chain: &state.genesis, funder: evidence.funder, school_year: evidence.school_year }
}

/// The budget's record and its statement's, each its own.
pub(super) fn open(
    checks: &mut Checks,
    state: &State,
    evidence: &BudgetEvidence,
) -> Result<(Budget, StatedBudget), Stop> {
    let (funder, year) = (evidence.funder, evidence.school_year);
    let budget: Budget = state.open(checks, "budget", &budget_key(&funder, year), &evidence.budget)?;
    let own = (budget.funder, budget.school_year) == (funder, year);
    checks.ensure("budget", own, "The budget's record names another funder or school year.")?;
    let within = budget.charged_cents <= budget.funded_cents;
    checks.ensure("budget", within, "More is charged to the budget than was funded.")?;
    checks.pass(
        "budget",
        format!(
            "Funder {funder} has funded {} cents for school year {year} and charged {}.",
            budget.funded_cents, budget.charged_cents
        ),
    );
    let key = stated_budget_key(&funder, year);
    let stated: StatedBudget = state.open(checks, NAME, &key, &evidence.statement)?;
    let own = (stated.funder, stated.school_year) == (funder, year);
    checks.ensure(NAME, own, "The stated budget's record names another funder or school year.")?;
    let before = stated.as_of < stated.stated && stated.stated <= state.height;
    checks.ensure(NAME, before, "The statement is of a later block than the one shown.")?;
    Ok((budget, stated))
}

/// The floor that is stated of the same commitments, or that none is.
pub(super) fn equity(
    checks: &mut Checks,
    state: &State,
    evidence: &BudgetEvidence,
    stated: &StatedBudget,
) -> Result<(), Stop> {
    let (funder, year) = (evidence.funder, evidence.school_year);
    let purse = purse(state, evidence);
    match &evidence.equity {
        EquityStanding::None(proof) => {
            state.absent(checks, "equity statement", &stated_equity_key(&funder, year), proof)?;
            checks.pass("equity statement", "No floor per weighted pupil is stated for this budget.");
            Ok(())
        }
        EquityStanding::Stated { statement, decision } => {
            let key = stated_equity_key(&funder, year);
            let equity: StatedEquity = state.open(checks, "equity statement", &key, statement)?;
            let decision_key = decision_key(equity.round);
            let decision: Decision = state.open(checks, "equity statement", &decision_key, decision)?;
            verify_floor(checks, &purse, stated, &equity, &decision, state.height)
        }
    }
}

fn verify_floor(
    checks: &mut Checks,
    purse: &Purse<'_>,
    stated: &StatedBudget,
    equity: &StatedEquity,
    decision: &schema::Decision,
    height: Height,
) -> Result<(), Stop> {
    const NAME: &str = "equity statement";
    let own = (equity.funder, equity.school_year) == (purse.funder, purse.school_year)
        && decision.round == equity.round;
    checks.ensure(NAME, own, "The stated floor's record names another funder, school year or round.")?;
    let before = equity.budget_stated <= equity.stated && equity.stated <= height;
    let before = before && decision.height <= equity.stated;
    checks.ensure(NAME, before, "The stated floor is of a later block, or older than what it is about.")?;
    if equity.budget_stated != stated.stated {
        checks.pass(
            NAME,
            "The stated floor is about an earlier statement of this budget: nothing is shown of this one.",
        );
        return Ok(());
    }
    let floors = purse.floors(equity.round, &stated.lines, &equity.weights, equity.floor_cents);
    let floors = checks.need(NAME, floors)?;
    let mut batch = Batch::new();
    for (statement, proof) in floors.iter().zip(&equity.proofs) {
        batch.push(statement, &proof.0);
    }
    let holds = floors.len() == equity.proofs.len() && batch.holds();
    checks.ensure(NAME, holds, "A proof of the stated floor does not hold.")?;
    checks.pass(
        NAME,
        format!(
            "Equity statement proved: each of {} schools got at least {} cents for each hundredth of a weighted pupil. \
             No weight is shown, and not that the weights are those of the {} requests of round {}: \
             that rests on the ledger's rule, hence on more than two thirds of the validators.",
            stated.lines.len(),
            equity.floor_cents,
            decision.requests.leaf_count,
            equity.round
        ),
    );
    Ok(())
}
