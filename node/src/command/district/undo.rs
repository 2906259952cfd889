//! `aula district undo`: what stood there before an import stands there again.

use aula_district::import::{UndoError, undo};
use clap::Args;
use serde_json::json;

use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome, now_ms};

/// Most names in a sentence.
const TOLD: usize = 20;

/// Arguments of `aula district undo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula district undo 12\n\nUndone is all of an import or nothing. It is refused, with the students' names, \
                  where a later import changed the same students, or where their states were anchored since: then import the \
                  corrected files. Exit 0: undone; 2: refused, or could not."
)]
pub struct UndoArgs {
    /// The import's number, as `aula district import` told it
    #[arg(value_name = "IMPORT", value_parser = clap::value_parser!(u64).range(1..))]
    pub import: u64,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// Undoes an import.
///
/// # Errors
/// Why it is not undone; nothing has changed then.
pub fn run(context: &Context, args: &UndoArgs) -> Result<Outcome, Failure> {
    let vault = args.place.open(context)?;
    let students = undo(&vault, args.import, now_ms()).map_err(failure)?;
    let json = json!({ "import": args.import, "undone": true, "students": students });
    Ok(Outcome::yes(json, format!("import {} is undone: {students} students are as before it", args.import)))
}

fn failure(error: UndoError) -> Failure {
    let said = error.to_string();
    let named = |names: &[String]| {
        let rest = names.len().saturating_sub(TOLD);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let told: Vec<&str> = names.iter().take(TOLD).map(String::as_str).collect();
        format!("{said}: {}{more}", told.join(", "))
    };
    match error {
        UndoError::Anchored(names) => {
            let hint = "what is anchored stays: import the corrected files, and the next anchor says so";
            Failure::new("anchored", named(&names), hint)
        }
        UndoError::Changed(names) => {
            Failure::new("changed_since", named(&names), "undo the later imports first, newest first")
        }
        UndoError::Unknown(_) => {
            Failure::new("no_import", said, "give the number that `aula district import` told")
        }
        UndoError::Undone(_) => Failure::new("undone_already", said, "nothing is left to do"),
        UndoError::Vault(error) => refused(error),
    }
}
