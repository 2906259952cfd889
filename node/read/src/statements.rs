//! Whether what a funder stated of a budget is of the money as it is: the amounts by school, and the floor.
//!
//! A statement never changes; what it is about does. So the word stands beside every place that shows one: the budget's
//! row, its export, and the transaction that made it. Absent: amounts, which are in commitments.

pub use aula_api::registers::{BudgetView, Statement};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Budget, StatedBudget, StatedEquity};
use aula_ledger::tx::Event;
use aula_ledger::types::Height;

use aula_store::ChainView;

/// All budgets, by funder and school year.
///
/// # Errors
/// When the database fails.
pub fn budgets(view: &ChainView) -> Result<Vec<BudgetView>, StoreError> {
    schema::budgets(view)?.into_iter().map(|budget| of(view, budget)).collect()
}

fn of(view: &ChainView, budget: Budget) -> Result<BudgetView, StoreError> {
    let (funder, year) = (budget.funder, budget.school_year);
    let stated = schema::stated_budget(view, &funder, year)?;
    let floor = schema::stated_equity(view, &funder, year)?;
    let statement = stated.as_ref().map(|stated| schema::is_superseded(view, stated)).transpose()?;
    let floor = floor.as_ref().map(|floor| schema::is_floor_superseded(view, floor)).transpose()?;
    Ok(BudgetView { budget, statement: Statement::of(statement), floor: Statement::of(floor) })
}

/// Where the statement is that a transaction's events tell of; none when they tell of none. `height` is the transaction's.
///
/// # Errors
/// When the database fails.
pub fn of_events(
    view: &ChainView,
    events: &[Event],
    height: Height,
) -> Result<Option<Statement>, StoreError> {
    for event in events {
        let superseded = match event {
            Event::BudgetStated { funder, school_year, .. } => {
                let newest = schema::stated_budget(view, funder, *school_year)?;
                let own = |one: &StatedBudget| one.stated == height;
                newest.filter(own).map_or(Ok(true), |one| schema::is_superseded(view, &one))?
            }
            Event::EquityStated { funder, school_year, .. } => {
                let newest = schema::stated_equity(view, funder, *school_year)?;
                let own = |one: &StatedEquity| one.stated == height;
                newest.filter(own).map_or(Ok(true), |one| schema::is_floor_superseded(view, &one))?
            }
            _ => continue,
        };
        return Ok(Some(Statement::of(Some(superseded))));
    }
    Ok(None)
}
