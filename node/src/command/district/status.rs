//! `aula district status`: what became of each duty of the district's service, and when it is due next.
//!
//! Read from the home's own file, whether the service runs or not; no node is asked and no vault opened.

use std::path::Path;

use aula_home::Home;
use aula_home::clock::now_ms;
use aula_standby::standing::Standing;
use clap::Args;
use serde_json::{Value, json};

use super::run::duties::Duty;
use super::run::told::{Line, Told};
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

/// How the home stands as one of a pair; none of one that never was.
fn pair(home: &Path) -> Option<Standing> {
    Standing::load(&Home::at(home.to_owned()).pair_dir())
}

/// For programs.
pub(super) fn json(home: &Path, told: &Told) -> Value {
    let duty = |duty: Duty| {
        let line = told.duties.get(&duty).cloned().unwrap_or_default();
        json!({
            "duty": duty.name(), "last": line.last_ms, "next": line.next_ms, "error": line.error, "did": line.did,
            "done": line.done, "failed": line.failed,
        })
    };
    let mut told = json!({ "home": home, "duties": Duty::ALL.map(duty) });
    if let (Some(standing), Some(told)) = (pair(home), told.as_object_mut()) {
        told.insert("pair".into(), json!(standing));
    }
    told
}

/// For people.
pub(super) fn text(home: &Path, told: &Told) -> String {
    let mut lines = vec![home.display().to_string()];
    lines.extend(pair(home).map(|standing| format!("  {:<17}{}", "pair", standing.words(now_ms()))));
    for duty in Duty::ALL {
        let line = told.duties.get(&duty).cloned().unwrap_or_default();
        lines.push(format!("  {:<17}{}", duty.name(), words(&line)));
    }
    lines.join("\n")
}

fn words(line: &Line) -> String {
    let ago = |ms: u64| format!("{} s ago", now_ms().saturating_sub(ms) / 1_000);
    let last = line.last_ms.map_or_else(|| "never".to_owned(), ago);
    let did = line.did.as_deref().unwrap_or("not done yet");
    match &line.error {
        Some(error) => format!("FAILS: {error} (done last {last})"),
        None => format!("{last}: {did}"),
    }
}
