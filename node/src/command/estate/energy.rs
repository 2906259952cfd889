//! `aula estate energy`: what a building needs to be kept warm and cool, hour by hour.

use std::path::PathBuf;

use aula_estate::energy::schedule::Schedule;
use aula_estate::energy::simulate::{run_inputs, run_weather};
use aula_estate::energy::weather::read_epw;
use aula_estate::energy::{Building, Year, read_building, read_inputs};
use clap::Args;
use serde::Serialize;

use super::super::processor::thread_cpu_ns;
use super::super::{Failure, Outcome};
use super::{counted, read, refused, write};

/// Arguments of `aula estate energy`.
#[derive(Debug, Args)]
#[command(
    after_help = "The simple hourly method of ISO 13790 annex C (5R1C), in integers. It has no moisture, no plant \
                  dynamics and no air between zones.\n\nExamples:\n  aula estate energy school.json --weather zurich.epw \
                  --schedule week.csv -o hours.csv\n  aula estate energy office.json --inputs office.csv -o hours.csv"
)]
pub struct EnergyArgs {
    /// The building, JSON: its zones and what they are made of (docs/estate.md)
    pub building: PathBuf,
    /// A year of weather, EPW
    #[arg(long, value_name = "FILE.epw", required_unless_present = "inputs", conflicts_with = "inputs")]
    pub weather: Option<PathBuf>,
    /// Who is in which zone when, CSV: zone, day, start, end, people [default: every zone is in use all the time, and empty]
    #[arg(long, value_name = "FILE", requires = "weather")]
    pub schedule: Option<PathBuf>,
    /// Hours as CSV instead of weather and schedule: `t_out_c`, `internal_gains_w`, `solar_gains_w` and, where zones differ, zone
    #[arg(long, value_name = "HOURS_IN.csv")]
    pub inputs: Option<PathBuf>,
    /// Where the hours are written: hour, zone, heating_w, cooling_w, t_air_mc, t_mass_mc
    #[arg(short = 'o', long = "out", value_name = "HOURS.csv")]
    pub out: PathBuf,
}

/// The one line of the answer; cooling is at most 0.
#[derive(Debug, Serialize)]
struct Answer {
    heating_kwh: f64,
    cooling_kwh: f64,
    electricity_kwh: f64,
    cpu_ms: f64,
    zones: usize,
    hours: usize,
}

/// Runs `aula estate energy`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &EnergyArgs) -> Result<Outcome, Failure> {
    let building = read_building(&read(&args.building)?).map_err(|error| refused(&args.building, &error))?;
    let (year, cpu_ns) = year(args, &building)?;
    let sums = year.sums(&building);
    write(&args.out, year.to_csv(&building).as_bytes())?;
    let kwh = |milliwatt_hours: i64| milliwatt_hours as f64 / 1e6;
    let answer = Answer {
        heating_kwh: kwh(sums.heating),
        cooling_kwh: kwh(sums.cooling),
        electricity_kwh: kwh(sums.electricity),
        cpu_ms: cpu_ns as f64 / 1e6,
        zones: building.zones.len(),
        hours: year.hours,
    };
    let text = format!(
        "heating      {:.1} kWh\ncooling      {:.1} kWh\nelectricity  {:.1} kWh\n{}, {} hours in {:.1} ms of processor \
         time",
        answer.heating_kwh,
        answer.cooling_kwh,
        answer.electricity_kwh,
        counted(answer.zones, "zone", "zones"),
        answer.hours,
        answer.cpu_ms
    );
    Ok(Outcome::yes(answer, text))
}

/// The year and the processor time of the method, reading excluded.
fn year(args: &EnergyArgs, building: &Building) -> Result<(Year, u64), Failure> {
    if let Some(path) = &args.inputs {
        let inputs = read_inputs(&read(path)?, building).map_err(|error| refused(path, &error))?;
        return Ok(timed(|| run_inputs(building, &inputs)));
    }
    let Some(path) = &args.weather else {
        return Err(Failure::because(
            "no weather is given",
            "give --weather FILE.epw or --inputs HOURS_IN.csv",
        ));
    };
    let weather = read_epw(&read(path)?).map_err(|error| refused(path, &error))?;
    let zones: Vec<&str> = building.zones.iter().map(|zone| zone.id.as_str()).collect();
    let schedule = match &args.schedule {
        None => None,
        Some(path) => Some(Schedule::read(&read(path)?, &zones).map_err(|error| refused(path, &error))?),
    };
    Ok(timed(|| run_weather(building, &weather, schedule.as_ref())))
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let started = thread_cpu_ns();
    let result = work();
    (result, thread_cpu_ns().saturating_sub(started))
}
