//! `aula report transparency`: files for people, in HTML and PDF.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::Languages;
use crate::command::{Context, Failure, Outcome, absolute, within};
use crate::reports::folder;
use crate::reports::past::Chain;
use crate::reports::transparency;

/// Arguments of `aula report transparency`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula report transparency --as-of 4200 -o out/\n\nFiles: transparency.LANGUAGE.html and .pdf, figures.json \
                  and manifest.json. Each newest standing round is solved again: without bands, without mandates, and once a \
                  changed row of the sample. No conformity with any law is claimed."
)]
pub struct TransparencyArgs {
    /// After which block
    #[arg(long, value_name = "HEIGHT")]
    pub as_of: u64,
    /// Where the files go: an empty or a new folder
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// In which language
    #[arg(long, value_enum, default_value_t = Languages::Both)]
    pub language: Languages,
    /// Before the path of every proof: where readers reach a node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8480")]
    pub link: String,
}

/// Makes it.
///
/// # Errors
/// When the home has no such chain or height, or a file cannot be written.
pub fn run(context: &Context, args: &TransparencyArgs) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let chain = Chain::of_home(&context.home)?;
    let header = chain.header(args.as_of)?;
    let out = absolute(&args.out)?;
    within(context, "the report", &out)?;
    folder::empty(&out)?;
    let made =
        transparency::make(&chain, header.height, args.language.each(), args.link.trim_end_matches('/'))?;
    let files = folder::fill(&out, &made.files)?;
    let text = format!(
        "{} files in {}, of height {} ({})",
        files.len(),
        out.display(),
        header.height,
        header.state_root
    );
    let answer = json!({
        "report": "transparency",
        "height": header.height,
        "time_ms": header.time_ms,
        "state_root": header.state_root,
        "rounds": made.rounds,
        "figures": made.figures,
        "folder": out,
        "files": files,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    Ok(Outcome::yes(answer, text))
}
