//! `aula estate forecast`: what the next periods will ask for.

use std::path::PathBuf;

use aula_estate::forecast::{forecast, read_history, to_csv};
use clap::Args;

use super::super::{Context, Failure, Outcome};
use super::{counted, read, refused, write};

/// Arguments of `aula estate forecast`.
#[derive(Debug, Args)]
#[command(
    after_help = "The history is CSV: period (a number, YYYY-MM or a school year YYYY-YY) and value; series (or school, class; else distid and \
                  schid) and grade where there are several. Rows of one period and series are added up, and that is said. The answer is CSV: period, point, low, high (80% are within), then series and \
                  grade.\n\nExample:\n  aula estate forecast enrolment.csv --periods 3 -o next.csv"
)]
pub struct ForecastArgs {
    /// What was in each period, CSV
    pub history: PathBuf,
    /// How many periods after the history's last, 1 to 1,000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub periods: u32,
    /// Where the forecast is written
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs `aula estate forecast`.
///
/// # Errors
/// When the history cannot be read or is refused, or the forecast cannot be written.
pub fn run(context: &Context, args: &ForecastArgs) -> Result<Outcome, Failure> {
    let history = read_history(&read(&args.history)?).map_err(|error| refused(&args.history, &error))?;
    let forecasts = forecast(&history, args.periods);
    write(&args.out, to_csv(&history, &forecasts).as_bytes())?;
    if history.summed > 0 {
        let aside = match history.unused.as_slice() {
            [] => String::new(),
            names => format!("; these columns are not used: {}", names.join(", ")),
        };
        let rows = counted(history.summed, "row", "rows");
        context.tell(format_args!("{rows} summed into others of the same period and series{aside}"));
    }
    let (histories, all) = (history.cells.len(), forecasts.len());
    let json = serde_json::json!({
        "histories": histories, "forecasts": all, "summed": history.summed, "unused": history.unused,
    });
    let (forecasts, histories) =
        (counted(all, "forecast", "forecasts"), counted(histories, "history", "histories"));
    Ok(Outcome::yes(json, format!("{forecasts} of {histories}")))
}
