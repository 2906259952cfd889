//! Money: budgets.

pub mod fund_budget;

pub use fund_budget::FundBudget;
