//! `aula district`: a district's own work.

use clap::{Args, Subcommand};

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod decisions;
mod import;
mod letter;
mod need;
mod report;
mod request;
mod school;
mod undo;

/// Arguments of `aula district`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district school add --school 31 --name \"Riverside\" --type rural --from-year 2026\n  aula district \
                  school list\n  aula district import roster.zip --dry-run\n  aula district import scores.csv --map \
                  vendor.toml\n  aula district undo 12\n  aula district need --explain S-1042\n  aula district request --round 7 --wishes wishes.csv\n  aula district decisions --round 7 -o \
                  decisions.csv --letters letters/\n\nExit codes: 0 done, 1 rejected by the ledger or some rows, 2 could not. \
                  docs/import.md has formats and mappings."
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
    /// Take rosters, results and attendance of other systems into the vault
    Import(import::ImportArgs),
    /// Put back what stood there before an import
    Undo(undo::UndoArgs),
    /// Tell a student's need by the voted rule, or record what the rule reads
    Need(need::NeedArgs),
    /// Ask for places in a round, with proofs of the need bands
    Request(request::RequestArgs),
    /// Tell what a round decided for its own students, with letters to families
    Decisions(decisions::DecisionsArgs),
}

/// Does it.
///
/// # Errors
/// When the vault or the node refuses, or cannot be reached.
pub async fn run(context: &Context, args: &DistrictArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::School(school) => school::run(context, &args.acting, school).await,
        Action::Import(import) => import::run(context, &args.acting.rpc, import).await,
        Action::Undo(undo) => undo::run(context, undo),
        Action::Need(need) => need::run(context, &args.acting.ledger(), need).await,
        Action::Request(request) => request::run(context, &args.acting.ledger(), request).await,
        Action::Decisions(decisions) => decisions::run(context, &args.acting.ledger(), decisions).await,
    }
}
