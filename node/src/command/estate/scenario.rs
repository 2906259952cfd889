//! `aula estate scenario`: what other schedules would do to a building's year, beside the one in use.

use std::path::{Path, PathBuf};

use aula_estate::energy::schedule::Schedule;
use aula_estate::energy::{Building, read_building};
use aula_estate::plan::{Load, curve, load};
use clap::Args;
use serde::Serialize;

use super::super::processor::thread_cpu_ns;
use super::super::{Failure, Outcome};
use super::outside::{Outside, OutsideArgs};
use super::{read, refused, write};

/// Arguments of `aula estate scenario`.
#[derive(Debug, Args)]
#[command(
    after_help = "Schedules are CSV: zone, day, start, end, people. A zone without a row on a day is closed then.\n\nExample:\
                  \n  aula estate scenario school.json --weather zurich.epw --now week.csv --then four-days.csv -o \
                  load.csv\n\nExit codes: 0 compared, 2 could not."
)]
pub struct ScenarioArgs {
    /// The building: zones and what they are made of
    pub building: PathBuf,
    #[command(flatten)]
    pub outside: OutsideArgs,
    /// The schedule in use
    #[arg(long, value_name = "SCHEDULE.csv")]
    pub now: PathBuf,
    /// A schedule to compare; may be given several times
    #[arg(long, value_name = "SCHEDULE.csv", required = true)]
    pub then: Vec<PathBuf>,
    /// Where the building's hours are written: `hour,now_w,then1_w,…`, heating, cooling, lights and plugs together
    #[arg(short = 'o', long = "out", value_name = "LOAD.csv")]
    pub out: Option<PathBuf>,
}

/// One other schedule.
#[derive(Debug, Serialize)]
struct Change {
    schedule: String,
    #[serde(flatten)]
    load: Load,
    heating_change_ppm: i64,
    cooling_change_ppm: i64,
    energy_change_kwh: f64,
    energy_change_ppm: i64,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Answer {
    now: Load,
    then: Vec<Change>,
    zones: usize,
    hours: usize,
    cpu_ms: f64,
}

/// Runs `aula estate scenario`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &ScenarioArgs) -> Result<Outcome, Failure> {
    let building = read_building(&read(&args.building)?).map_err(|error| refused(&args.building, &error))?;
    let outside = args.outside.read(&building)?;
    let now = schedule(&args.now, &building)?;
    let then = args.then.iter().map(|path| schedule(path, &building)).collect::<Result<Vec<_>, _>>()?;
    let started = thread_cpu_ns();
    let (before, year) = load(&building, outside.hours(), &now);
    let mut years = vec![year];
    let mut changes = Vec::new();
    for (path, schedule) in args.then.iter().zip(&then) {
        let (after, year) = load(&building, outside.hours(), schedule);
        changes.push(change(path, &before, after));
        years.push(year);
    }
    let cpu_ms = thread_cpu_ns().saturating_sub(started) as f64 / 1e6;
    if let Some(out) = &args.out {
        write(out, curve(&years, &building).as_bytes())?;
    }
    let hours = years[0].hours;
    let answer = Answer { now: before, then: changes, zones: building.zones.len(), hours, cpu_ms };
    let text = text(&answer, &outside);
    Ok(Outcome::yes(answer, text))
}

fn schedule(path: &Path, building: &Building) -> Result<Schedule, Failure> {
    let zones: Vec<&str> = building.zones.iter().map(|zone| zone.id.as_str()).collect();
    Schedule::read(&read(path)?, &zones).map_err(|error| refused(path, &error))
}

fn change(path: &Path, now: &Load, then: Load) -> Change {
    let ppm = |now: f64, then: f64| if now > 0.0 { ((then - now) / now * 1e6) as i64 } else { 0 };
    Change {
        schedule: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        heating_change_ppm: ppm(now.heating_kwh, then.heating_kwh),
        cooling_change_ppm: ppm(now.cooling_kwh, then.cooling_kwh),
        energy_change_kwh: then.energy_kwh - now.energy_kwh,
        energy_change_ppm: ppm(now.energy_kwh, then.energy_kwh),
        load: then,
    }
}

fn text(answer: &Answer, outside: &Outside) -> String {
    let source = match outside {
        Outside::Weather(_) => "weather",
        Outside::Inputs(_) => "hours of air and sun",
    };
    let row = |name: &str, load: &Load| {
        format!(
            "{name}: {:.0} kWh a year (heating {:.0}, cooling {:.0}, electricity {:.0})",
            load.energy_kwh, load.heating_kwh, load.cooling_kwh, load.electricity_kwh
        )
    };
    let mut lines = vec![row("now", &answer.now)];
    for change in &answer.then {
        let change_percent = change.energy_change_ppm as f64 / 1e4;
        lines.push(format!("{}, {change_percent:+.1}%", row(&change.schedule, &change.load)));
    }
    lines.push(format!(
        "{} zones, {} hours by {source} in {:.0} ms of processor time; 5R1C: no moisture, no plant dynamics",
        answer.zones, answer.hours, answer.cpu_ms
    ));
    lines.join("\n")
}
