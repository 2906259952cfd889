//! `aula report state`: the export for the state, and how one is judged.

use std::path::PathBuf;
use std::time::Instant;

use aula_server::reports::past::Chain;
use aula_server::reports::state::{self, MANIFEST};
use aula_server::reports::{folder, verify};
use clap::Args;
use serde_json::json;

use crate::command::{Context, Failure, Outcome, absolute};

/// Arguments of `aula report state`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  aula report state --as-of 4200 -o out/\n  \
                  aula report state --verify out/manifest.json\n\nEvery table comes as .parquet and .csv; data-dictionary.csv says \
                  each column with its CEDS element; manifest.json has SHA-256 and the state root. Two exports of one height are \
                  the same bytes.\n\nExit codes of --verify: 0 the chain gives these bytes, 1 it gives others, 2 it \
                  could not be checked.")]
pub struct StateReportArgs {
    /// The height of the block after which it exports
    #[arg(long, value_name = "HEIGHT", required_unless_present = "verify", requires = "out")]
    pub as_of: Option<u64>,
    /// Where the files go: an empty or a new folder
    #[arg(short, long, value_name = "DIR", required_unless_present = "verify")]
    pub out: Option<PathBuf>,
    /// Build an export again from the chain and compare: its manifest, one of its files, or its folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["as_of", "out"])]
    pub verify: Option<PathBuf>,
}

/// Makes or judges it.
///
/// # Errors
/// When the home has no such chain or height, or a file cannot be read or written.
pub fn run(context: &Context, args: &StateReportArgs) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    if let Some(file) = &args.verify {
        return judge(context, &absolute(file)?);
    }
    let chain = Chain::of_home(&context.home)?;
    let header = chain.header(args.as_of.unwrap_or_default())?;
    let out = absolute(args.out.as_deref().unwrap_or(std::path::Path::new(".")))?;
    let lines =
        folder::for_empty(&out, || folder::filling(&out, |into| state::whole(&chain, header.height, into)))?;
    let text = format!(
        "{} files in {}, of height {} ({})",
        lines.len(),
        out.display(),
        header.height,
        header.state_root
    );
    let answer = json!({
        "report": "state",
        "height": header.height,
        "time_ms": header.time_ms,
        "state_root": header.state_root,
        "folder": out,
        "manifest": out.join(MANIFEST),
        "files": lines,
        "seconds": begun.elapsed().as_secs_f64(),
    });
    Ok(Outcome::yes(answer, text))
}

fn judge(context: &Context, file: &std::path::Path) -> Result<Outcome, Failure> {
    let judged = verify::judge(&Chain::of_home(&context.home)?, file)?;
    Ok(if judged.verified {
        let text = format!("the chain gives these bytes: {} files of height {}", judged.files, judged.height);
        Outcome::yes(&judged, text)
    } else {
        let text = judged.differs.join("\n");
        Outcome::no(&judged, text)
    })
}
