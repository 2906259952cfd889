//! `aula funder`: who pays: funds a school year, lets stewards charge pools to it, and states by school where it went.

use clap::{Args, Subcommand};

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod fund;
mod grant;
mod state;

/// Arguments of `aula funder`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula funder fund --year 2026 --cents 250000000\n  aula funder grant --class 2 --cents 90000000     to the \
                  class's steward\n  aula funder grant --class 2 --cents 0             takes back what is not spent\n  aula funder state \
                  --year 2026                    what the ledger charged, school by school\n\nAmounts are in cents. A statement proves \
                  that each school's amount is what the ledger charged for its pools. Amounts are commitments, of which a floor can be \
                  proved; what opens them stays in HOME/statements, readable by you alone. On a chain of protocol 1 or 2 a statement \
                  proves that the amounts of FILE.csv sum to all that was funded, and shows none.\nExit codes: 0 done, 1 rejected by the ledger, 2 could not."
)]
pub struct FunderArgs {
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What a funder does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Add money to the budget of a school year
    Fund(fund::FundArgs),
    /// Let a class's steward charge pools to the budget, up to a sum
    Grant(grant::GrantArgs),
    /// State a year's budget by school: amounts as commitments, proved to be what the ledger charged
    State(state::StateArgs),
}

/// Runs the action. Exit 1 when the ledger rejects it.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn run(context: &Context, args: &FunderArgs) -> Result<Outcome, Failure> {
    let acting = args.acting.acting(context).await?;
    match &args.action {
        Action::Fund(args) => fund::run(acting, args).await,
        Action::Grant(args) => grant::run(acting, args).await,
        Action::State(args) => state::run(context, acting, args).await,
    }
}
