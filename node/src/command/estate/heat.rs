//! `aula estate heat`: which rooms become too warm under a year of weather.

use std::fmt::Write;
use std::path::PathBuf;

use aula_estate::decimal::scaled;
use aula_estate::energy::heat::{Warmth, warmth};
use aula_estate::energy::read_building;
use aula_estate::energy::schedule::Schedule;
use aula_estate::energy::weather::read_epw;
use clap::Args;
use serde_json::json;

use super::super::{Failure, Outcome};
use super::{counted, read, refused, write};

/// Arguments of `aula estate heat`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula estate heat school.json --weather zurich.epw --schedule week.csv -o heat.csv\n\nWithout --cooled the rooms \
                  have no cooling, whatever the file says; of the rest the building is as its file has it (bypass and fresh_air_per_person, too). Only hours in which a zone is open count; without --schedule all.\nExit codes: \
                  0 no room is over the limit, 1 some are, 2 could not."
)]
pub struct HeatArgs {
    /// The building, JSON, as for `aula estate energy`
    pub building: PathBuf,
    /// A year of weather, EPW
    #[arg(long, value_name = "FILE.epw")]
    pub weather: PathBuf,
    /// Who is in which zone when, as for `aula estate energy`
    #[arg(long, value_name = "FILE")]
    pub schedule: Option<PathBuf>,
    /// Above how many degrees Celsius a room is too warm
    #[arg(long, default_value = "26", value_name = "DEGREES", value_parser = degrees)]
    pub limit: i64,
    /// Keep the building's own cooling, instead of none
    #[arg(long)]
    pub cooled: bool,
    /// Where the table of rooms is written
    #[arg(short = 'o', long = "out", value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
}

pub(super) fn degrees(text: &str) -> Result<i64, String> {
    let value = scaled(text, 6).filter(|value| (-50_000_000..=100_000_000).contains(value));
    value.ok_or_else(|| "degrees are a number from -50 to 100".to_owned())
}

/// Runs `aula estate heat`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &HeatArgs) -> Result<Outcome, Failure> {
    let building = read_building(&read(&args.building)?).map_err(|error| refused(&args.building, &error))?;
    let weather = read_epw(&read(&args.weather)?).map_err(|error| refused(&args.weather, &error))?;
    let zones: Vec<&str> = building.zones.iter().map(|zone| zone.id.as_str()).collect();
    let schedule = match &args.schedule {
        None => None,
        Some(path) => Some(Schedule::read(&read(path)?, &zones).map_err(|error| refused(path, &error))?),
    };
    let found = warmth(&building, &weather, schedule.as_ref(), args.limit, args.cooled);
    if let Some(out) = &args.out {
        let mut text = String::from("zone,degree_hours,hours_over,warmest_c,warmest_hour\n");
        for one in &found {
            let Warmth { zone, degree_hours, hours_over, warmest_c, warmest_hour } = one;
            let _ = writeln!(text, "{zone},{degree_hours:.3},{hours_over},{warmest_c:.3},{warmest_hour}");
        }
        write(out, text.as_bytes())?;
    }
    let over = found.iter().filter(|one| one.hours_over > 0).count();
    let line = |one: &Warmth| {
        let Warmth { zone, degree_hours, hours_over, warmest_c, .. } = one;
        format!("{zone:20}{degree_hours:>12.0} Kh{hours_over:>8} h  warmest {warmest_c:.1} °C")
    };
    let limit_c = args.limit as f64 / 1e6;
    let mut lines: Vec<String> = found.iter().map(line).collect();
    let zones = counted(found.len(), "zone is", "zones are");
    lines.push(format!("{over} of {zones} warmer than {limit_c} °C at times"));
    let fields = json!({ "limit_c": limit_c, "cooled": args.cooled, "over": over, "zones": found });
    let text = lines.join("\n");
    Ok(if over == 0 { Outcome::yes(fields, text) } else { Outcome::no(fields, text) })
}
