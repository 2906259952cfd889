//! `aula district`: a district's own work.

use clap::{Args, Subcommand};

use super::{Context, Failure, Outcome, RpcArgs};

mod import;
mod undo;

/// Arguments of `aula district`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district import roster.zip --dry-run\n  aula district import scores.csv --map vendor.toml\n  aula \
                  district undo 12\n\nExit codes stand with each; docs/import.md has formats and mappings."
)]
pub struct DistrictArgs {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What a district does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Take rosters, results and attendance of other systems into the vault
    Import(import::ImportArgs),
    /// Put back what stood there before an import
    Undo(undo::UndoArgs),
}

/// Does it.
///
/// # Errors
/// When the vault or the node refuses.
pub async fn run(context: &Context, args: &DistrictArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Import(import) => import::run(context, &args.rpc, import).await,
        Action::Undo(undo) => undo::run(context, undo),
    }
}
