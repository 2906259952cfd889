//! `aula badge`: verifiable credentials, judged, issued and revoked. No node is needed, and no network unless asked for.

use std::path::{Path, PathBuf};

use aula_report::credentials::sources;
use clap::{Args, Subcommand};

use super::vault::{Place, beside};
use super::{Context, Failure, Outcome};

mod issue;
mod online;
mod register;
mod revoke;
mod show;
mod verify;

/// Arguments of `aula badge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula badge verify badge.json\n  aula badge verify badge.png --status list.json --issuer \
                  https://school.example/=z6Mk… --require-trusted\n  aula badge issue request.json --evidence \
                  milestone.bundle --genesis genesis.json -o badge.json\n  aula badge show badge.json --verify-at https://node.district.example -o badge.html\n  aula badge revoke badge.json\n\nFormats are \
                  described in docs/credentials.md."
)]
pub struct BadgeArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Judge a credential: JSON, a token, or a PNG or SVG that holds one
    Verify(verify::VerifyArgs),
    /// Issue an Open Badge for a milestone of the ledger, with the home's issuer key
    Issue(issue::IssueArgs),
    /// Show a badge: a page to print, an SVG or a PNG, each with a code that opens the verify page
    Show(show::ShowArgs),
    /// Revoke or suspend an issued badge, and write the status lists anew
    Revoke(revoke::RevokeArgs),
}

/// The home's own vault, which a pair's other home follows.
const OWN: Place = Place { vault: None, keystore: None };

/// Runs `aula badge`.
///
/// # Errors
/// When a file cannot be read or written, or is refused.
pub async fn run(context: &Context, args: BadgeArgs) -> Result<Outcome, Failure> {
    match args.action {
        Action::Verify(args) => Ok(verify::run(args).await),
        Action::Issue(args) => beside::change(context, &OWN, || issue::run(context, &args)),
        Action::Show(args) => show::run(&args),
        Action::Revoke(args) => beside::change(context, &OWN, || revoke::run(context, &args)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    sources::read_picture(path)
        .map_err(|error| Failure::new("unreadable", error, "name a file that you can read, of 8 MiB at most"))
}

/// A folder that must be there, so that a mistyped name is not taken for one without the document that is asked for.
fn folder(path: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    match path {
        Some(path) if !path.is_dir() => {
            let message = format!("{} is not a folder", path.display());
            Err(Failure::new("unreadable", message, "name a folder of JSON files"))
        }
        path => Ok(path),
    }
}
