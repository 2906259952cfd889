//! `aula estate needs`: what a forecast of students takes, by a table that a district edits.

use std::path::PathBuf;

use aula_estate::needs::{BASELINES, Need, needs, read_baselines, to_csv};
use clap::Args;

use super::super::{Failure, Outcome};
use super::{read, refused, write};

/// Arguments of `aula estate needs`.
#[derive(Debug, Args)]
#[command(
    after_help = "The forecast is what `aula estate forecast` writes. A table's line says what so many students take: resource, students, \
                  amount, and any columns named factor…, which multiply. Each series and grade is rounded up by itself.\n\nExamples:\n  \
                  aula estate needs next.csv -o needs.csv\n  aula estate needs next.csv --print-table > table.csv\n  aula estate needs \
                  next.csv --table table.csv -o needs.csv"
)]
pub struct NeedsArgs {
    /// The forecast, CSV
    pub forecast: PathBuf,
    /// The district's own table, CSV [default: a unit per 25 students, a device each and 5% spare, 30 hours of a room a week for a unit]
    #[arg(long, value_name = "TABLE.csv")]
    pub table: Option<PathBuf>,
    /// Print the table that is used, to be edited, and nothing else
    #[arg(long, conflicts_with = "out")]
    pub print_table: bool,
    /// Where the needs are written
    #[arg(short = 'o', long = "out", value_name = "FILE", required_unless_present = "print_table")]
    pub out: Option<PathBuf>,
}

/// Runs `aula estate needs`.
///
/// # Errors
/// When a file cannot be read or is refused, or the needs cannot be written.
pub fn run(args: &NeedsArgs) -> Result<Outcome, Failure> {
    let table = match &args.table {
        None => BASELINES.as_bytes().to_vec(),
        Some(path) => read(path)?,
    };
    let place = args.table.as_ref().unwrap_or(&args.forecast);
    let baselines = read_baselines(&table).map_err(|error| refused(place, &error))?;
    if args.print_table {
        let text = String::from_utf8_lossy(&table).trim_end().to_owned();
        return Ok(Outcome::yes(serde_json::json!({ "table": text }), text));
    }
    let all = needs(&read(&args.forecast)?, &baselines).map_err(|error| refused(&args.forecast, &error))?;
    if let Some(out) = &args.out {
        write(out, to_csv(&all).as_bytes())?;
    }
    let totals = totals(&all);
    let line =
        |one: &Need| format!("{} {}: {} ({} to {})", one.period, one.resource, one.point, one.low, one.high);
    let text = totals.iter().map(line).collect::<Vec<_>>().join("\n");
    Ok(Outcome::yes(serde_json::json!({ "needs": totals, "lines": all.len() }), text))
}

/// Over all series; ends of intervals add up as if all were off together.
fn totals(all: &[Need]) -> Vec<Need> {
    let mut totals: Vec<Need> = Vec::new();
    for one in all {
        match totals.iter_mut().find(|sum| (&sum.period, &sum.resource) == (&one.period, &one.resource)) {
            None => totals.push(Need { series: String::new(), ..one.clone() }),
            Some(sum) => {
                sum.point = sum.point.saturating_add(one.point);
                sum.low = sum.low.saturating_add(one.low);
                sum.high = sum.high.saturating_add(one.high);
            }
        }
    }
    totals
}
