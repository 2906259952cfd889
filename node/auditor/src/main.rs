//! `aula-audit`: checks evidence without a node and without a network.
//!
//! A thin shell over [`aula_ledger::audit`]: it reads files, calls the library, prints the answer on stdout and
//! ends with 0 (yes), 1 (checked and no) or 2 (could not). It opens no socket and writes no file.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;

mod answer;
mod certificate;
mod files;
mod inspect;
mod man;
mod verify;

/// Checks evidence bundles of an Aula ledger, offline.
#[derive(Debug, Parser)]
#[command(name = "aula-audit", version, about, after_help = EXIT_CODES)]
struct Cli {
    /// What stdout gets: text for people, or exactly one line of JSON
    #[arg(long, value_enum, global = true, default_value_t = Output::Text)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 yes, 1 checked and no, 2 could not tell.";

/// What helps with refused arguments when the parser has no tip of its own.
const HELP: &str = "aula-audit --help and aula-audit COMMAND --help show what is taken";

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a bundle against the genesis file
    Verify(verify::VerifyArgs),
    /// Say what a bundle holds, without checking it
    Inspect(inspect::InspectArgs),
    /// Check an optimizer's certificate against its instance file
    Certificate(certificate::CertificateArgs),
    /// Print a page of the manual, for who packages this program
    #[command(hide = true)]
    Man(man::ManArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => {
            return aula_arguments::answer(&shown, None, HELP, |refusal| {
                answer::say_failed("usage", &refusal.message, &refusal.hint, json!({ "valid": false }));
            });
        }
    };
    let answer = match &cli.command {
        Command::Verify(args) => verify::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Certificate(args) => certificate::run(args),
        Command::Man(args) => man::run(args),
    };
    let unanswered = match &cli.command {
        Command::Verify(_) => verify::unanswered(),
        Command::Certificate(_) => certificate::unanswered(),
        Command::Inspect(_) | Command::Man(_) => json!({ "valid": false }),
    };
    answer.map_or_else(|failure| failure.print(cli.output, unanswered), |answer| answer.print(cli.output))
}
