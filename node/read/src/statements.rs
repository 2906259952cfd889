//! Whether what a funder stated of a budget is of the money as it is: the amounts by school, and the floor.
//!
//! A statement never changes; what it is about does. So the word stands beside every place that shows one: the budget's
//! row, its export, and the transaction that made it. Absent: amounts, which are in commitments.

use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Budget, StatedBudget, StatedEquity};
use aula_ledger::types::{AccountId, Height, SchoolYear};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use aula_store::ChainView;

/// Where a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// There is none.
    NotStated,
    /// It is of the money as it is.
    Stands,
    /// Another was made since, more was funded, or a decision that it is about does not stand.
    Superseded,
}

impl Statement {
    fn of(superseded: Option<bool>) -> Self {
        match superseded {
            None => Self::NotStated,
            Some(true) => Self::Superseded,
            Some(false) => Self::Stands,
        }
    }

    /// The word in JSON and CSV.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotStated => "not_stated",
            Self::Stands => "stands",
            Self::Superseded => "superseded",
        }
    }

    /// In words, behind what it is a statement of.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::NotStated => "not stated",
            Self::Stands => "proved, without the amounts",
            Self::Superseded => {
                "superseded: more was funded or stated since, or a decision on this money does not stand"
            }
        }
    }
}

/// A budget with what its funder stated of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// As the ledger has it.
    #[serde(flatten)]
    pub budget: Budget,
    /// Amounts by school that sum to it.
    pub statement: Statement,
    /// A floor per weighted pupil of these amounts.
    pub floor: Statement,
}

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
    events: &[Value],
    height: Height,
) -> Result<Option<Statement>, StoreError> {
    for event in events {
        let funder = event["funder"].as_str().and_then(|text| text.parse::<AccountId>().ok());
        let year = event["school_year"].as_u64().and_then(|year| u16::try_from(year).ok()).map(SchoolYear);
        let Some((funder, year)) = funder.zip(year) else { continue };
        let superseded = match event["event"].as_str() {
            Some("budget_stated") => {
                let newest = schema::stated_budget(view, &funder, year)?;
                let own = |one: &StatedBudget| one.stated == height;
                newest.filter(own).map_or(Ok(true), |one| schema::is_superseded(view, &one))?
            }
            Some("equity_stated") => {
                let newest = schema::stated_equity(view, &funder, year)?;
                let own = |one: &StatedEquity| one.stated == height;
                newest.filter(own).map_or(Ok(true), |one| schema::is_floor_superseded(view, &one))?
            }
            _ => continue,
        };
        return Ok(Some(Statement::of(Some(superseded))));
    }
    Ok(None)
}
