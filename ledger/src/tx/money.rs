//! Money: budgets, and statements about them.

pub mod budget_statement;
pub mod equity_statement;
pub mod fund_budget;
pub mod grant_budget;

pub use budget_statement::BudgetStatement;
pub use equity_statement::EquityStatement;
pub use fund_budget::FundBudget;
pub use grant_budget::GrantBudget;
