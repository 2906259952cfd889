//! `aula report`: what people get, made from the chain of a home.

use std::path::PathBuf;
use std::time::Instant;

use aula_ledger::types::Height;
use aula_server::reports::folder::{self, Made};
use aula_server::reports::past::Chain;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Context, Failure, Outcome, absolute};

mod district;
mod run;
mod state;
mod transparency;

/// Arguments of `aula report`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula report district --district 12 --as-of 4200 -o out/ --home /srv/district-12\n\nReports are \
                  aggregate: no file names a student. The same height gives the same bytes. Stop the node first, let it make \
                  them by its schedule, or give the --home of a copy (aula node backup, then aula node restore). docs/reports.md describes every file.\n\nExit codes: 0 done, 1 checked and it differs, 2 could not."
)]
pub struct ReportArgs {
    /// The report to make
    #[command(subcommand)]
    pub report: Report,
}

/// What is made from the chain, for people or for the state.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// A district's places, equity and money, against a week and a year before: HTML and PDF
    District(district::DistrictReportArgs),
    /// The state's export: Parquet and CSV named by CEDS elements; or judge one
    State(state::StateReportArgs),
    /// What decides, how it came out for whom, and what bands and mandates changed: HTML and PDF
    Transparency(transparency::TransparencyArgs),
    /// Make what the schedules of config.toml say
    Run(run::RunArgs),
}

/// What every report for people is made by.
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// The height of the block after which it reports
    #[arg(long, value_name = "HEIGHT")]
    pub as_of: u64,
    /// Where the files go: an empty or a new folder
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// One file of each kind for each language
    #[arg(long, value_enum, default_value_t = Languages::Both)]
    pub language: Languages,
    /// What stands before the path of every proof in it: the address at which readers reach a node
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8480")]
    pub link: String,
}

impl MakeArgs {
    /// Fills the folder with what `make` gives of the chain after that block: its files, and what is told of them.
    fn run(
        &self,
        context: &Context,
        report: &str,
        make: impl FnOnce(&Chain, Height, &str) -> Result<(Vec<Made>, Value), Failure>,
    ) -> Result<Outcome, Failure> {
        let begun = Instant::now();
        let chain = Chain::of_home(&context.home)?;
        let header = chain.header(self.as_of)?;
        let out = absolute(&self.out)?;
        let (files, mut told) = folder::for_empty(&out, || {
            let (made, told) = make(&chain, header.height, self.link.trim_end_matches('/'))?;
            Ok((folder::fill(&out, &made)?, told))
        })?;
        let (height, root) = (header.height, header.state_root);
        let text = format!("{} files in {}, of height {height} ({root})", files.len(), out.display());
        let all = json!({
            "report": report, "height": height, "time_ms": header.time_ms, "state_root": root, "folder": out,
            "files": files, "seconds": begun.elapsed().as_secs_f64(),
        });
        if let (Value::Object(told), Value::Object(all)) = (&mut told, all) {
            told.extend(all);
        }
        Ok(Outcome::yes(told, text))
    }
}

/// Languages of a report; each is a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Languages {
    /// English
    En,
    /// Spanish
    Es,
    /// English and Spanish
    Both,
}

impl Languages {
    /// One file a language.
    pub fn each(self) -> &'static [aula_report::paper::Language] {
        use aula_report::paper::Language::{En, Es};
        match self {
            Self::En => &[En],
            Self::Es => &[Es],
            Self::Both => &[En, Es],
        }
    }
}

/// Makes it.
///
/// # Errors
/// When the home has no such chain or height, or a file cannot be written.
pub fn run(context: &Context, args: &ReportArgs) -> Result<Outcome, Failure> {
    match &args.report {
        Report::District(args) => district::run(context, args),
        Report::State(args) => state::run(context, args),
        Report::Run(args) => run::run(context, args),
        Report::Transparency(args) => transparency::run(context, args),
    }
}
