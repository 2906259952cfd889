//! `aula estate page`: the estate as one page that loads nothing.

use std::path::PathBuf;

use aula_server::estate_files::{Look, Sources};
use clap::Args;

use super::super::{Failure, Outcome, absolute};
use super::write;

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
    /// A proposal to show beside it, of the same form
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
    /// How many periods after the history's last, 1 to 100
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
/// When nothing is given, a file cannot be read or is refused, or the page cannot be written.
pub fn run(args: &PageArgs) -> Result<Outcome, Failure> {
    if [&args.estate, &args.schedule, &args.load, &args.history].iter().all(|given| given.is_none()) {
        let hint = "give at least one of --estate, --schedule, --load and --history";
        return Err(Failure::new("nothing_given", "the page would show nothing", hint));
    }
    let sources = Sources {
        estate: args.estate.clone(),
        schedule: args.schedule.clone(),
        plan: args.plan.clone(),
        instance: args.instance.clone(),
        load: args.load.clone(),
        history: args.history.clone(),
    };
    let made = sources.page(Look { title: &args.title, periods: args.periods, names: true })?;
    let html = &made.html;
    let out = absolute(&args.out)?;
    write(&out, html.as_bytes())?;
    let told = serde_json::json!({
        "file": out, "bytes": html.len(), "conflicts": made.conflicts, "forecasts": made.forecasts,
    });
    Ok(Outcome::yes(told, format!("{}, {} bytes", out.display(), html.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_nothing_is_refused() {
        let out = PathBuf::from("nowhere/page.html");
        let (estate, schedule, plan, instance, load, history) = (None, None, None, None, None, None);
        let title = "The estate".to_owned();
        let args = PageArgs { estate, schedule, plan, instance, load, history, periods: 1, title, out };
        assert_eq!(run(&args).err().map(|failure| failure.code).as_deref(), Some("nothing_given"));
    }
}
