//! `aula report transparency`: files for people, in HTML and PDF.

use aula_server::reports::transparency;
use clap::Args;
use serde_json::json;

use super::MakeArgs;
use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula report transparency`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula report transparency --as-of 4200 -o out/\n\nFiles: transparency.LANGUAGE.html and .pdf, figures.json \
                  and manifest.json. Each newest standing round is solved again: without bands, without mandates, and once a \
                  changed row of the sample. No conformity with any law is claimed."
)]
pub struct TransparencyArgs {
    /// What it is made by
    #[command(flatten)]
    pub make: MakeArgs,
}

/// Makes it.
///
/// # Errors
/// When the home has no such chain or height, or a file cannot be written.
pub fn run(context: &Context, args: &TransparencyArgs) -> Result<Outcome, Failure> {
    args.make.run(context, "transparency", |chain, height, link| {
        let made = transparency::make(chain, height, args.make.language.each(), link)?;
        Ok((made.files, json!({ "rounds": made.rounds, "figures": made.figures })))
    })
}
