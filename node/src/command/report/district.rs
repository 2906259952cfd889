//! `aula report district`: files for people, in HTML and PDF.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::Languages;
use crate::command::{Context, Failure, Outcome, absolute, within};
use crate::reports::district::{self, Against, Wanted};
use crate::reports::folder;
use crate::reports::kept::Kept;
use crate::reports::past::Chain;

/// Arguments of `aula report district`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula report district --district 12 --as-of 4200 -o out/\n  aula report district --as-of 4200 -o out/ \
                  --language es --link https://node.example\n\nFiles: district-NN.LANGUAGE.html and .pdf, and manifest.json with \
                  their SHA-256 and the state root. -o must be empty or new."
)]
pub struct DistrictReportArgs {
    /// After which block
    #[arg(long, value_name = "HEIGHT")]
    pub as_of: u64,
    /// Where the files go: an empty or a new folder
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Which district [default: the home's own; every one where the home acts for none]
    #[arg(long, value_name = "N")]
    pub district: Option<u16>,
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
/// When the home has no such chain, height or district, or a file cannot be written.
pub fn run(context: &Context, args: &DistrictReportArgs) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let chain = Chain::of_home(&context.home)?;
    let header = chain.header(args.as_of)?;
    let own = district::own(&chain, &context.home)?;
    let kept = Kept::of(context.home.figures_dir());
    let wanted = Wanted {
        height: header.height,
        district: args.district.or(own),
        languages: args.language.each(),
        link: args.link.trim_end_matches('/'),
        against: Against { kept: Some(&kept), ..Against::ANYTHING },
    };
    let out = absolute(&args.out)?;
    within(context, "the report", &out)?;
    folder::empty(&out)?;
    let made = district::make(&chain, &wanted)?;
    let files = folder::fill(&out, &made.files)?;
    let text = format!(
        "{} files in {}, of height {} ({})",
        files.len(),
        out.display(),
        header.height,
        header.state_root
    );
    let answer = json!({
        "report": "district",
        "height": header.height,
        "time_ms": header.time_ms,
        "state_root": header.state_root,
        "districts": made.now.iter().map(|one| one.district).collect::<Vec<_>>(),
        "week": made.week,
        "year": made.year,
        "figures": made.figures,
        "folder": out,
        "files": files,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    Ok(Outcome::yes(answer, text))
}
