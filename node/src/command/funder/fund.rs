//! `aula funder fund`: money added to a school year's budget.

use aula_api::event::BudgetFunded;
use aula_ledger::tx::FundBudget;
use aula_ledger::types::{Cents, SchoolYear};
use clap::Args;
use serde_json::json;

use crate::command::acting::Acting;
use crate::command::{Failure, Outcome};

/// Money for a school year.
#[derive(Debug, Args)]
pub struct FundArgs {
    /// The school year, by the calendar year in which it begins
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// How much is added, in cents; 250000 is 2,500.00
    #[arg(long, value_name = "CENTS")]
    pub cents: u64,
}

/// Funds it.
///
/// # Errors
/// When the node refuses.
pub(super) async fn run(mut acting: Acting, args: &FundArgs) -> Result<Outcome, Failure> {
    let fund = FundBudget { school_year: SchoolYear(args.year), amount_cents: Cents(args.cents) };
    let done = acting.send(fund).await?;
    done.told_by(|BudgetFunded { funded_cents: funded }| {
        let text = format!("school year {} is funded with {funded} cents in all", args.year);
        (json!({ "school_year": args.year, "funded_cents": funded }), text)
    })
}
