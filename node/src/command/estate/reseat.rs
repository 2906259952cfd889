//! `aula estate reseat`: where lessons sit whose rooms are taken out.

use std::path::PathBuf;

use aula_estate::check::estate::{Estate, read_estate};
use aula_estate::check::schedule::{Schedule, of_instance};
use aula_estate::ctt;
use aula_estate::energy::read_building;
use aula_estate::energy::weather::read_epw;
use aula_estate::in_use::Clock;
use aula_estate::reseat::{Moved, WarmDay, closures, reseat, to_csv, warm_day};
use aula_server::estate_files;
use clap::Args;
use serde_json::json;

use super::super::{Failure, Outcome};
use super::{counted, read, refused, write};

/// Lessons that the text for people lists.
const SHOWN: usize = 40;

/// Arguments of `aula estate reseat`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is taken out: the estate's own closures; --close ROOM, building:ID, site:ID or all, each with @DAY or @DAY,PERIOD behind it \
                  or for every day; with --heat and --weather the rooms that are over --limit on the year's warmest school day, or on \
                  --day. Lessons that start together are seated at once by the allocation optimizer: as many students as can be, then the \
                  shortest ways. Nothing is changed by it.\n\nExamples:\n  aula estate reseat week.csv --estate school.json --close \
                  building:A@mon -o moved.csv\n  aula estate reseat week.csv --estate school.json --heat school-rooms.json --weather \
                  zurich.epw\n\nExit codes: 0 all sit, 1 some do not, 2 could not."
)]
pub struct ReseatArgs {
    /// The schedule in use, as for `aula estate check`
    pub schedule: PathBuf,
    /// The estate: rooms, seats, features, closures
    #[arg(long, value_name = "ESTATE.json")]
    pub estate: PathBuf,
    /// The instance of a .ctt timetable
    #[arg(long, value_name = "FILE.ctt")]
    pub instance: Option<PathBuf>,
    /// What else is closed, for example A1@mon; may be given several times
    #[arg(long, value_name = "WHAT[@DAY[,PERIOD]]")]
    pub close: Vec<String>,
    /// The building's zones, as `aula estate energy` takes them: rooms that are too warm are taken out
    #[arg(long, value_name = "BUILDING.json", requires = "weather")]
    pub heat: Option<PathBuf>,
    /// A year of weather, EPW
    #[arg(long, value_name = "FILE.epw", requires = "heat")]
    pub weather: Option<PathBuf>,
    /// Above how many degrees Celsius a room is too warm
    #[arg(long, default_value = "26", value_name = "DEGREES", value_parser = super::heat::degrees)]
    pub limit: i64,
    /// Keep the rooms' own cooling, instead of none
    #[arg(long)]
    pub cooled: bool,
    /// Which day of the year, from 1 [default: the school day with the most degree-hours]
    #[arg(long, value_name = "N")]
    pub day: Option<u32>,
    /// When period 0 starts, where periods are numbers
    #[arg(long, value_name = "HH:MM", default_value = "08:00", value_parser = super::plan::clock)]
    pub day_start: u32,
    /// Minutes from one period's start to the next, 1 to 1,440
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub period_minutes: u32,
    /// Where the lessons that move are written
    #[arg(short = 'o', long = "out", value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
}

/// Runs `aula estate reseat`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written, or what is closed is not in the estate.
pub fn run(args: &ReseatArgs) -> Result<Outcome, Failure> {
    let mut estate = read_estate(&read(&args.estate)?).map_err(|error| refused(&args.estate, &error))?;
    let bytes = read(&args.schedule)?;
    let schedule = match &args.instance {
        None => estate_files::schedule(&args.schedule, &bytes),
        Some(path) => {
            let instance = ctt::read(&read(path)?).map_err(|error| refused(path, &error))?;
            ctt::read_solution(&instance, &bytes).map(|lectures| of_instance(&instance, &lectures))
        }
    };
    let schedule = schedule.map_err(|error| refused(&args.schedule, &error))?;
    for wish in &args.close {
        let more = closures(wish, &estate, &schedule).map_err(|error| {
            Failure::new(
                "unknown_closure",
                error.to_string(),
                "name rooms of the estate and days of the schedule",
            )
        })?;
        estate.closures.extend(more);
    }
    let warm = warm(args, &mut estate, &schedule)?;
    let found = reseat(&schedule, &estate).map_err(|error| refused(&args.schedule, &error))?;
    if let Some(out) = &args.out {
        write(out, to_csv(&found.moved).as_bytes())?;
    }
    let mut lines = vec![format!(
        "{} lessons cannot stay: {} sit in another room, {} in several, {} nowhere",
        found.displaced, found.seated, found.spread, found.without
    )];
    if let Some(day) = &warm {
        lines.insert(
            0,
            format!(
                "day {} of the year: {} too warm",
                day.day_of_year,
                counted(day.rooms.len(), "room is", "rooms are")
            ),
        );
    }
    lines.extend(found.moved.iter().take(SHOWN).map(line));
    let all = found.without == 0;
    let (displaced, seated, spread, without) = (found.displaced, found.seated, found.spread, found.without);
    let fields = json!({
        "displaced": displaced, "seated": seated, "spread": spread, "without": without,
        "seats_missing": found.seats_missing, "warm_day": warm, "moved": found.moved,
    });
    let text = lines.join("\n");
    Ok(if all { Outcome::yes(fields, text) } else { Outcome::no(fields, text) })
}

/// The day that is too warm, its rooms closed in the estate.
fn warm(args: &ReseatArgs, estate: &mut Estate, schedule: &Schedule) -> Result<Option<WarmDay>, Failure> {
    let (Some(building), Some(weather)) = (&args.heat, &args.weather) else { return Ok(None) };
    let zones = read_building(&read(building)?).map_err(|error| refused(building, &error))?;
    let year = read_epw(&read(weather)?).map_err(|error| refused(weather, &error))?;
    let clock = Clock { day_start: args.day_start, period_minutes: args.period_minutes };
    let day = warm_day((estate, schedule), (&zones, &year), clock, (args.limit, args.cooled), args.day)
        .map_err(|error| refused(if error.place == "zones" { building } else { &args.schedule }, &error))?;
    if let Some(day) = &day {
        estate.closures.extend(day.closures.iter().cloned());
    }
    Ok(day)
}

pub(super) fn line(one: &Moved) -> String {
    let to = if one.to.is_empty() { "nowhere".to_owned() } else { one.to.join(" and ") };
    let metres = one.metres.map(|metres| format!(", {metres} m")).unwrap_or_default();
    let week = one.week.map(|week| format!("week {week} ")).unwrap_or_default();
    format!(
        "{} {week}day {} period {}: {} -> {to} ({} seats{metres})",
        one.lesson, one.day, one.period, one.from, one.seats
    )
}
