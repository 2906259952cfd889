//! `aula steward`: who runs a class of resources: defines it and its pools, opens its rounds and runs them.

use clap::{Args, Subcommand};

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod class;
mod pool;
mod round;

/// Arguments of `aula steward`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula steward class --class 2 --title \"Learning devices\" --year 2026 --kinds tablet,laptop \\\n    \
                  --tiers 10,20,40 --rank-step 5 --waitlist 90\n  aula steward pool --pool 17 --class 2 --school 31 --kind laptop \
                  --places 40 --unit-cents 30000 --funder state\n  aula steward open --class 2\n  aula steward run --round 5\n\nA class \
                  is its steward's alone: who defines it names one, and a vote another (`aula consortium propose --steward`). A pool \
                  that costs something needs its funder's grant: `aula funder grant`.\nExit codes: 0 done, 1 rejected by the ledger, \
                  2 could not."
)]
pub struct StewardArgs {
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What a steward does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Define a class: its kinds, its table of costs, its calendar
    Class(class::ClassArgs),
    /// Open a pool of places of one kind at one school
    Pool(pool::PoolArgs),
    /// Open a round of a class
    Open(round::OpenArgs),
    /// Run a round whose windows are over
    Run(round::RunArgs),
}

/// Runs the action. Exit 1 when the ledger rejects it.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn run(context: &Context, args: &StewardArgs) -> Result<Outcome, Failure> {
    let acting = args.acting.acting(context).await?;
    match &args.action {
        Action::Class(args) => class::run(acting, args).await,
        Action::Pool(args) => pool::run(acting, args).await,
        Action::Open(args) => round::open(acting, args).await,
        Action::Run(args) => round::run(acting, args).await,
    }
}
