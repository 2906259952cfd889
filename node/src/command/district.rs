//! `aula district`: what a district does itself, from its schools and rosters to its requests and letters.

use std::path::PathBuf;

use aula_client::Client;
use aula_district::parameters::InForce;
use aula_home::Home;
use aula_ledger::types::SchoolYear;
use clap::{Args, Subcommand};

use super::acting::ActingArgs;
use super::twin_parameters::Voted;
use super::{Context, Failure, Outcome};

mod alerts;
mod corrections;
mod decisions;
mod export;
mod failover;
mod import;
mod lease;
mod letter;
mod need;
mod rebuild;
mod report;
mod request;
mod run;
mod school;
mod status;
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

impl DistrictArgs {
    /// Gives further homes to the service; false for another action.
    pub fn take_homes(&mut self, homes: &[PathBuf]) -> bool {
        match &mut self.action {
            Action::Run(run) => {
                run.further = homes.to_vec();
                true
            }
            _ => false,
        }
    }
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
    /// Do everything that can be automatic, until told to stop
    Run(run::RunArgs),
    /// Say what became of each duty of `district run`
    Status(status::StatusArgs),
    /// Let this home of a pair act without what only the other one has
    Failover(failover::FailoverArgs),
    /// Mark the folder of a pair's lease, or take the other home's mark
    Lease(lease::LeaseArgs),
    /// Tell what a round decided for its own students, with letters to families
    Decisions(decisions::DecisionsArgs),
    /// List and answer what students and families say is wrong in their records
    Corrections(corrections::CorrectionsArgs),
    /// List and acknowledge what the service told people about
    Alerts(alerts::AlertsArgs),
    /// Take all of its data elsewhere, in open formats
    Export(export::ExportArgs),
    /// Rebuild twins and anchored hashes from such an export, without a vault or a node
    Rebuild(rebuild::RebuildArgs),
}

/// The parameters in force for a school year, as a node has them.
pub(super) async fn in_force(client: &Client, home: &Home, year: SchoolYear) -> Result<InForce, Failure> {
    Voted::of(client, home).await?.in_force(year)
}

/// Runs the action.
///
/// # Errors
/// When the vault or the node refuses, or cannot be reached.
pub async fn run(context: &Context, args: &DistrictArgs) -> Result<Outcome, Failure> {
    let acting = &args.acting;
    match &args.action {
        Action::School(school) => school::run(context, acting, school).await,
        Action::Import(import) => import::run(context, &acting.rpc, import).await,
        Action::Undo(undo) => undo::run(context, undo),
        Action::Need(need) => need::run(context, &acting.ledger(), need).await,
        Action::Request(request) => request::run(context, &acting.ledger(), request).await,
        Action::Run(args) => run::run(context, &acting.ledger(), args).await,
        Action::Failover(failover) => failover::run(context, failover),
        Action::Lease(lease) => lease::run(context, lease),
        Action::Status(_) => status::run(context),
        Action::Corrections(corrections) => corrections::run(context, corrections),
        Action::Alerts(alerts) => alerts::run(context, alerts),
        Action::Export(export) => export::run(context, &acting.ledger(), export).await,
        Action::Rebuild(rebuild) => rebuild::run(context, rebuild),
        Action::Decisions(decisions) => decisions::run(context, &acting.ledger(), decisions).await,
    }
}
