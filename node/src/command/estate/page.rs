//! `aula estate page`: the estate as one page that loads nothing.

use std::path::{Path, PathBuf};

use aula_estate::check::estate::{Estate, read_estate};
use aula_estate::check::find;
use aula_estate::check::schedule::{Schedule, of_instance};
use aula_estate::ctt;
use aula_estate::forecast::{forecast, read_history};
use aula_estate::page::{Content, page, read_curves};
use clap::Args;

use super::super::{Failure, Outcome, absolute};
use super::{check, read, refused, write};

/// Arguments of `aula estate page`.
#[derive(Debug, Args)]
#[command(
    after_help = "The page is one HTML file without scripts that loads nothing: give it to anybody, or put it on a server. Each part is \
                  there when what it shows is given.\n\nExamples:\n  aula estate page --estate school.json --schedule week.csv -o \
                  school.html\n  aula estate page --instance comp01.ctt --schedule today.sol --plan plan.sol --load load.csv \
                  --history enrolment.csv -o school.html\n\nExit codes: 0 written, 2 could not."
)]
pub struct PageArgs {
    /// Sites, buildings, rooms and where they are on their floors
    #[arg(long, value_name = "ESTATE.json")]
    pub estate: Option<PathBuf>,
    /// The schedule in use, as for `aula estate check`
    #[arg(long, value_name = "FILE")]
    pub schedule: Option<PathBuf>,
    /// A proposal beside it
    #[arg(long, value_name = "FILE", requires = "schedule")]
    pub plan: Option<PathBuf>,
    /// The instance of .ctt timetables
    #[arg(long, value_name = "FILE.ctt", requires = "schedule")]
    pub instance: Option<PathBuf>,
    /// The load under both, from `aula estate plan --load` or `aula estate scenario`
    #[arg(long, value_name = "LOAD.csv")]
    pub load: Option<PathBuf>,
    /// What was, as for `aula estate forecast`; what is to come is worked out
    #[arg(long, value_name = "HISTORY.csv")]
    pub history: Option<PathBuf>,
    /// How many periods after the history's last
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub periods: u32,
    /// What the page is called
    #[arg(long, default_value = "The estate")]
    pub title: String,
    /// Where the page is written
    #[arg(short = 'o', long = "out", value_name = "FILE.html")]
    pub out: PathBuf,
}

/// Runs `aula estate page`.
///
/// # Errors
/// When a file cannot be read or is refused, or the page cannot be written.
pub fn run(args: &PageArgs) -> Result<Outcome, Failure> {
    let instance = optional(args.instance.as_deref(), ctt::read)?;
    let estate: Option<Estate> = optional(args.estate.as_deref(), read_estate)?;
    let schedule = |path: Option<&Path>| -> Result<Option<Schedule>, Failure> {
        match &instance {
            None => optional(path, |bytes| check::schedule(path.unwrap_or(Path::new("")), bytes)),
            Some(instance) => {
                optional(path, |bytes| Ok(of_instance(instance, &ctt::read_solution(instance, bytes)?)))
            }
        }
    };
    let (today, plan) = (schedule(args.schedule.as_deref())?, schedule(args.plan.as_deref())?);
    let load = optional(args.load.as_deref(), read_curves)?;
    let history = optional(args.history.as_deref(), read_history)?;
    let forecasts = history.as_ref().map(|history| forecast(history, args.periods)).unwrap_or_default();
    let conflicts = today.as_ref().map(|today| find(today, estate.as_ref())).unwrap_or_default();
    let html = page(&Content {
        title: &args.title,
        estate: estate.as_ref(),
        today: today.as_ref(),
        plan: plan.as_ref(),
        load: load.as_ref(),
        ahead: history.as_ref().map(|history| (history, forecasts.as_slice())),
        conflicts: &conflicts,
    });
    let out = absolute(&args.out)?;
    write(&out, html.as_bytes())?;
    let told = serde_json::json!({
        "file": out, "bytes": html.len(), "conflicts": conflicts.len(), "forecasts": forecasts.len(),
    });
    Ok(Outcome::yes(told, format!("{}, {} bytes", out.display(), html.len())))
}

fn optional<T>(
    path: Option<&Path>,
    make: impl FnOnce(&[u8]) -> Result<T, aula_estate::text::Unreadable>,
) -> Result<Option<T>, Failure> {
    let Some(path) = path else { return Ok(None) };
    make(&read(path)?).map(Some).map_err(|error| refused(path, &error))
}
