//! `aula report`: what people get, made from the chain of a home.

use clap::{Args, Subcommand, ValueEnum};

use super::{Context, Failure, Outcome};

mod district;
mod run;
mod state;
mod transparency;

/// Arguments of `aula report`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula report district --district 12 --as-of 4200 -o out/ --home /srv/district-12\n\nReports are \
                  aggregate: no file names a student. The same height gives the same bytes. Stop the node first, or let it make \
                  them by its schedule. docs/reports.md describes every file.\n\nExit codes: 0 done, 1 checked and it differs, 2 could not."
)]
pub struct ReportArgs {
    /// Which
    #[command(subcommand)]
    pub report: Report,
}

/// The reports.
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

/// In which languages.
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
