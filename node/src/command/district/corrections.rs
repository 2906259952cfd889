//! `aula district corrections`: what students and families say is wrong, and the district's answers.

use aula_read::utc;
use aula_vault::corrections::{Answered, Correction, CorrectionError};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::command::vault::{Place, refused};
use crate::command::{Advise, Context, Failure, Outcome, given, now_ms};

/// Arguments of `aula district corrections`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district corrections list\n  aula district corrections answer ID --amended --text answer.txt\n  aula district \
                  corrections answer ID --refused --text -      from standard input\n\nAsked on a dashboard, due after 45 days, answered once; the \
                  family sees deadline and answer there. Amend the record itself by an import, a feed or `aula vault put`. Exit 0: done; \
                  2: could not."
)]
pub struct CorrectionsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// What is done with corrections.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List what is open, the first due first
    List {
        /// Answered ones too
        #[arg(long)]
        all: bool,
    },
    /// Answer a correction; an answer is never changed
    Answer(AnswerArgs),
}

/// What the operator answers, and to which correction.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// The correction, by its id from `list`: 32 hex digits
    pub id: String,
    /// It was wrong, and the record has been amended
    #[arg(long, conflicts_with = "refused", required_unless_present = "refused")]
    pub amended: bool,
    /// The record stands as it is
    #[arg(long)]
    pub refused: bool,
    /// The file with the words of the answer, which the family reads; - for standard input
    #[arg(long, value_name = "FILE")]
    pub text: std::path::PathBuf,
}

/// Lists or answers, in the vault: no node is asked.
///
/// # Errors
/// When the vault refuses, there is no such correction, or it was answered.
pub fn run(context: &Context, args: &CorrectionsArgs) -> Result<Outcome, Failure> {
    let vault = args.place.open(context)?;
    match &args.action {
        Action::List { all } => {
            let mut rows = vault.all_corrections().map_err(refused)?;
            rows.retain(|(_, one)| *all || one.answer.is_none());
            rows.sort_by_key(|(_, one)| (one.answer.is_some(), one.due_ms, one.id.clone()));
            let now_ms = now_ms();
            let text: Vec<String> = rows
                .iter()
                .map(|(handle, one)| {
                    let who = format!("{handle}  {} {}", one.role, one.reader);
                    format!("{}  {}  {who}  {}: {}", one.id, standing(one, now_ms), one.about, one.says)
                })
                .collect();
            let json: Vec<Value> = rows
                .iter()
                .map(|(handle, one)| {
                    json!({ "handle": handle, "correction": one, "standing": standing(one, now_ms) })
                })
                .collect();
            let text = if text.is_empty() { "nobody asks for a correction".into() } else { text.join("\n") };
            Ok(Outcome::yes(json!({ "corrections": json }), text))
        }
        Action::Answer(args) => {
            let words = given::text(&args.text)
                .advise("the answer cannot be read", "give a text file, or - for standard input")?;
            let answered = if args.amended { Answered::Amended } else { Answered::Refused };
            let told = vault.answer_correction(&args.id, answered, words.trim(), now_ms());
            let (handle, correction) = told.map_err(failure)?;
            let text = format!("answered; {} reads it on the dashboard", correction.reader);
            Ok(Outcome::yes(json!({ "handle": handle, "correction": correction }), text))
        }
    }
}

fn standing(one: &Correction, now_ms: u64) -> String {
    match &one.answer {
        Some(answer) => format!("answered {}", utc(answer.at_ms)),
        None if one.due_ms <= now_ms => format!("OVERDUE since {}", utc(one.due_ms)),
        None => format!("due {}", utc(one.due_ms)),
    }
}

fn failure(error: CorrectionError) -> Failure {
    match error {
        CorrectionError::Vault(error) => refused(error),
        CorrectionError::Unknown => {
            Failure::new("unknown_correction", error, "see `aula district corrections list --all`")
        }
        CorrectionError::Answered => Failure::new("answered_already", error, "nothing is left to do"),
        error => Failure::new("bad_text", error, "shorten the text, or write one"),
    }
}
