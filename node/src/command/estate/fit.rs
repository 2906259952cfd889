//! `aula estate fit`: what a meter should read by calendar and weather, judged on the time after it was fitted.

use std::fmt::Write;
use std::path::PathBuf;

use aula_estate::fit::{Date, judge, read_meter, read_weather};
use clap::Args;
use serde::Serialize;

use super::super::{Failure, Outcome};
use super::{read, refused, write};

/// Arguments of `aula estate fit`.
#[derive(Debug, Args)]
#[command(
    after_help = "The meter is CSV: when (YYYY-MM-DD HH:MM:SS, start of the hour) and the reading; the weather has a column \
                  `air_temperature [degC]` and may have `glbl_irad_amt [W/m2]`. Readings of zero are left out and \
                  counted.\n\nExample:\n  aula estate fit meter.csv --weather weather.csv --train-until 2016-12-31"
)]
pub struct FitArgs {
    /// Hourly readings of the meter, CSV
    pub meter: PathBuf,
    /// Hourly weather, CSV, over the readings' whole time
    #[arg(long, value_name = "FILE.csv")]
    pub weather: PathBuf,
    /// The last day whose readings are fitted to, YYYY-MM-DD; later ones are judged
    #[arg(long, value_name = "DATE")]
    pub train_until: String,
    /// Write each judged hour here: hour, reading, expected
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The one line of the answer; both measures are shares of the mean reading.
#[derive(Debug, Serialize)]
struct Answer {
    cv_rmse: f64,
    nmbe: f64,
    hours: usize,
    left_out: u64,
}

/// Runs `aula estate fit`.
///
/// # Errors
/// When a file cannot be read or is refused, or one side of the date has no readings.
pub fn run(args: &FitArgs) -> Result<Outcome, Failure> {
    let until = Date::read(&args.train_until).map_err(|error| {
        Failure::new("bad_date", format!("--train-until: {error}"), "give a date as 2016-12-31")
    })?;
    let meter = read_meter(&read(&args.meter)?).map_err(|error| refused(&args.meter, &error))?;
    let weather = read_weather(&read(&args.weather)?).map_err(|error| refused(&args.weather, &error))?;
    let judged = judge(&meter, &weather, until).map_err(|error| refused(&args.meter, &error))?;
    if let Some(path) = &args.out {
        write(path, hours(&judged.expected).as_bytes())?;
    }
    let answer = Answer {
        cv_rmse: judged.cv_rmse,
        nmbe: judged.nmbe,
        hours: judged.expected.len(),
        left_out: meter.left_out,
    };
    let text = format!(
        "CV(RMSE)  {:.4}\nNMBE      {:+.4}\n{} hours judged; {} readings of zero or nothing left out",
        answer.cv_rmse, answer.nmbe, answer.hours, answer.left_out
    );
    Ok(Outcome::yes(answer, text))
}

fn hours(expected: &[(aula_estate::fit::Reading, f64)]) -> String {
    let mut text = String::from("hour,reading,expected\n");
    for (reading, expected) in expected {
        let date = Date::of(reading.moment.div_euclid(24));
        let _ = writeln!(
            text,
            "{:04}-{:02}-{:02} {:02}:00:00,{},{expected:.3}",
            date.year,
            date.month,
            date.day,
            reading.moment.rem_euclid(24),
            reading.value
        );
    }
    text
}
