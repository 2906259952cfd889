//! `aula district`: a district's own work.

use clap::{Args, Subcommand};

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod school;

/// Arguments of `aula district`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district school add --school 31 --name \"Riverside\" --type rural --from-year 2026\n  aula district \
                  school list\n\nExit codes: 0 done, 1 rejected by the ledger, 2 could not."
)]
pub struct DistrictArgs {
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What a district does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Enter, rename, close and list its schools
    School(school::SchoolArgs),
}

/// Does it.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn run(context: &Context, args: &DistrictArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::School(school) => school::run(context, &args.acting, school).await,
    }
}
