//! `aula district status`: what became of each duty of the district's service, and when it is due next.
//!
//! Read from the home's own file, whether the service runs or not; no node is asked and no vault opened.

use clap::Args;

use super::run::shown::{json, text};
use super::run::told::Told;
use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula district status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district status --home /srv/lake\n  aula district status --output json\n\nOf each duty: when it was done last and what was \
                  done, when it is due next, and why it failed, if it did. Times are milliseconds since 1970.\nExit 0: no duty \
                  fails; 1: one does, or none was ever begun."
)]
pub struct StatusArgs {}

/// Reads what the service wrote down; nobody else is asked.
///
/// # Errors
/// None in practice.
pub fn run(context: &Context) -> Result<Outcome, Failure> {
    let told = Told::load(&context.home);
    let (json, text) = (json(context.home.path(), &told), text(context.home.path(), &told));
    let well = !told.duties.is_empty() && told.duties.values().all(|line| line.error.is_none());
    Ok(if well { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}
