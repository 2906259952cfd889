//! `aula estate plan`: a timetable with few opened room-days, and what it does to the year's energy before it is made.

use std::path::PathBuf;

use aula_estate::ctt::burden::Burden;
use aula_estate::ctt::keep::Keep;
use aula_estate::ctt::{self, Lesson, evaluate::evaluate};
use aula_estate::energy::schedule::Program;
use aula_estate::energy::{Building, Year, read_building};
use aula_estate::plan::{
    self, Load, RoomDay, Terms, Week, closed, curve, load, moved, no_worse, picture, schedule, terms, zones,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::processor::thread_cpu_ns;
use super::super::{Failure, Outcome};
use super::outside::OutsideArgs;
use super::timetable::Effort;
use super::{courses, read, refused, write};

/// Arguments of `aula estate plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "The plan is a proposal: nothing is changed. Without --given the timetable beside it is our own without \
                  --close-rooms, by the same seed and effort.\n\nExample:\n  aula estate plan comp01.ctt --building \
                  office.json --weather zurich.epw --seconds 30 -o plan.sol --picture plan.svg\n\nExit codes: 0 the plan \
                  keeps every hard constraint, leaves no more students without a seat and needs less energy, 1 it does not, 2 could not."
)]
pub struct PlanArgs {
    /// The instance, .ctt (ITC-2007)
    pub instance: PathBuf,
    /// The building: zones named like the rooms, or one zone that stands for each
    #[arg(long, value_name = "BUILDING.json")]
    pub building: PathBuf,
    #[command(flatten)]
    pub outside: OutsideArgs,
    /// The timetable in use: lines `course room day period`
    #[arg(long, value_name = "TIMETABLE")]
    pub given: Option<PathBuf>,
    #[command(flatten)]
    pub effort: Effort,
    /// When period 0 starts
    #[arg(long, value_name = "HH:MM", default_value = "08:00", value_parser = clock)]
    pub day_start: u32,
    /// Minutes from one period's start to the next, 1 to 1,440
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub period_minutes: u32,
    /// For how long a room that is opened on a day is heated, cooled and lit
    #[arg(long, value_enum, default_value = "day")]
    pub program: RunBy,
    /// How much a student at a dear time weighs in the search beside opened room-days, in hundredths of the year's energy; 0: room-days alone
    #[arg(long, default_value_t = 100, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub energy_weight: u32,
    /// Where both weeks are drawn by room
    #[arg(long, value_name = "FILE.svg")]
    pub picture: Option<PathBuf>,
    /// Where both loads are written hour by hour, for `aula estate page`
    #[arg(long, value_name = "LOAD.csv")]
    pub load: Option<PathBuf>,
    /// Where the plan is written, as `aula estate timetable` writes one
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub out: PathBuf,
}

/// How long rooms are run.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RunBy {
    /// From an hour before the week's earliest lesson to the end of the latest, whatever room is opened
    Day,
    /// From an hour before the room's own first lesson of the day to the end of its last
    Hours,
}

impl RunBy {
    fn program(self) -> Program {
        match self {
            Self::Day => Program::Day,
            Self::Hours => Program::Hours,
        }
    }
}

pub(super) fn clock(text: &str) -> Result<u32, String> {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        Some((hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?)).filter(|(h, m)| *h < 24 && *m < 60)
    });
    parsed.map(|(hours, minutes)| hours * 60 + minutes).ok_or_else(|| "a time is HH:MM".to_owned())
}

/// One timetable of the two.
#[derive(Debug, Serialize)]
struct Side {
    hard: u64,
    cost: u64,
    opened_room_days: u64,
    utilisation_ppm: u64,
    seats_short: u64,
    missing_days: u64,
    isolated: u64,
    further_rooms: u64,
    #[serde(flatten)]
    terms: Terms,
    #[serde(flatten)]
    load: Load,
    kwh_per_student_hour: f64,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Answer {
    given: Side,
    plan: Side,
    /// Energy that the plan saves of the given timetable's, in millionths.
    saved_ppm: i64,
    /// The same if rooms were run by their own hours.
    saved_by_hours_ppm: i64,
    closed: Vec<RoomDay>,
    opened: Vec<RoomDay>,
    moved_lectures: usize,
    other_room: usize,
    room_days_bound: u64,
    seed: u64,
    iterations: u64,
    cpu_s: f64,
    energy_ms: f64,
    /// Whether the plan is the given timetable, because what was found broke more hard constraints or left more without a seat.
    nothing_better: bool,
}

/// Runs `aula estate plan`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &PlanArgs) -> Result<Outcome, Failure> {
    let instance = courses(&args.instance)?;
    let building = read_building(&read(&args.building)?).map_err(|error| refused(&args.building, &error))?;
    let outside = args.outside.read(&building)?;
    let building = zones(&building, &instance).map_err(|error| refused(&args.building, &error))?;
    let week = Week {
        day_start: args.day_start,
        period_minutes: args.period_minutes,
        program: args.program.program(),
    };
    schedule(&instance, &[], week).map_err(|error| refused(&args.instance, &error))?;
    let search = |close_rooms, burden: &Burden| {
        let options = ctt::search::Options { seed: args.effort.seed, close_rooms };
        args.effort.within(thread_cpu_ns(), |budget| {
            ctt::search::search_weighing(&instance, options, &Keep::default(), burden, budget)
        })
    };
    let started = thread_cpu_ns();
    let given = match &args.given {
        None => search(false, &Burden::default()).lessons,
        Some(path) => ctt::read_solution(&instance, &read(path)?).map_err(|error| refused(path, &error))?,
    };
    let weighed = thread_cpu_ns();
    let burden = match args.energy_weight {
        0 => Burden::default(),
        percent => Burden { percent, ..plan::burden(&instance, &building, outside.hours(), &given, week) },
    };
    let weighing = thread_cpu_ns().saturating_sub(weighed);
    let found = search(true, &burden);
    let cpu_s = thread_cpu_ns().saturating_sub(started + weighing) as f64 / 1e9;
    let iterations = found.iterations;
    let (lessons, nothing_better) = no_worse(&instance, &given, found.lessons);
    write(&args.out, &ctt::write_solution(&instance, &lessons))?;
    if let Some(path) = &args.picture {
        write(path, picture(&instance, &given, &lessons).as_bytes())?;
    }
    let started = thread_cpu_ns();
    let side = |lessons: &[Lesson], week: Week| {
        side(&instance, &building, outside.hours(), lessons, week)
            .map_err(|error| refused(&args.instance, &error))
    };
    let ((before, year), (after, planned)) = (side(&given, week)?, side(&lessons, week)?);
    let by_hours = Week { program: Program::Hours, ..week };
    let saved_by_hours_ppm = saved_ppm(&side(&given, by_hours)?.0, &side(&lessons, by_hours)?.0);
    if let Some(path) = &args.load {
        write(path, curve(&[year, planned], &building).as_bytes())?;
    }
    let energy_ms = (weighing + thread_cpu_ns().saturating_sub(started)) as f64 / 1e6;
    let (moved_lectures, other_room) = moved(&given, &lessons);
    Ok(outcome(Answer {
        saved_ppm: saved_ppm(&before, &after),
        saved_by_hours_ppm,
        closed: closed(&instance, &given, &lessons),
        opened: closed(&instance, &lessons, &given),
        moved_lectures,
        other_room,
        room_days_bound: ctt::bound::room_days(&instance),
        seed: args.effort.seed,
        iterations,
        cpu_s,
        energy_ms,
        nothing_better,
        given: before,
        plan: after,
    }))
}

fn saved_ppm(before: &Side, after: &Side) -> i64 {
    let (before, after) = (before.load.energy_kwh, after.load.energy_kwh);
    if before > 0.0 { ((before - after) / before * 1e6) as i64 } else { 0 }
}

fn side(
    instance: &ctt::Instance,
    building: &Building,
    hours: plan::Hours<'_>,
    lessons: &[Lesson],
    week: Week,
) -> Result<(Side, Year), aula_estate::text::Unreadable> {
    let (score, terms) = (evaluate(instance, lessons), terms(instance, lessons));
    let (load, year) = load(building, hours, &schedule(instance, lessons, week)?);
    let weeks = year.hours as f64 / (7.0 * 24.0);
    let student_hours = terms.student_periods as f64 * f64::from(week.period_minutes) / 60.0 * weeks;
    let periods = score.opened_room_days * u64::from(instance.periods_per_day);
    let side = Side {
        hard: score.hard(),
        cost: score.cost(),
        opened_room_days: score.opened_room_days,
        utilisation_ppm: (lessons.len() as u64 * 1_000_000).checked_div(periods).unwrap_or(0),
        seats_short: score.seats_short,
        missing_days: score.missing_days,
        isolated: score.isolated,
        further_rooms: score.further_rooms,
        terms,
        load,
        kwh_per_student_hour: if student_hours > 0.0 { load.energy_kwh / student_hours } else { 0.0 },
    };
    Ok((side, year))
}

fn outcome(answer: Answer) -> Outcome {
    let row = |name: &str, of: &dyn Fn(&Side) -> f64, places: usize| {
        format!("{name:22}{:>12.places$}{:>12.places$}", of(&answer.given), of(&answer.plan))
    };
    let mut lines = vec![
        format!("{:22}{:>12}{:>12}", "", "given", "plan"),
        row("hard", &|side| side.hard as f64, 0),
        row("room-days opened", &|side| side.opened_room_days as f64, 0),
        row("periods used, %", &|side| side.utilisation_ppm as f64 / 1e4, 1),
        row("energy, kWh a year", &|side| side.load.energy_kwh, 0),
        row("  heating", &|side| side.load.heating_kwh, 0),
        row("  cooling", &|side| side.load.cooling_kwh, 0),
        row("  electricity", &|side| side.load.electricity_kwh, 0),
        row("Wh a student and hour", &|side| side.kwh_per_student_hour * 1e3, 1),
        row("seats short", &|side| side.seats_short as f64, 0),
        row("walks of curricula", &|side| side.terms.walks as f64, 0),
        row("gaps of curricula", &|side| side.terms.gaps as f64, 0),
        row("isolated lectures", &|side| side.isolated as f64, 0),
        row("days too few", &|side| side.missing_days as f64, 0),
        row("further rooms", &|side| side.further_rooms as f64, 0),
        format!(
            "saves {:.1}% ({:.1}% if rooms ran by their own hours); {} lectures at another time, {} in another room at the same",
            answer.saved_ppm as f64 / 1e4,
            answer.saved_by_hours_ppm as f64 / 1e4,
            answer.moved_lectures,
            answer.other_room
        ),
    ];
    let list = |days: &[RoomDay]| {
        days.iter().map(|one| format!("{} day {}", one.room, one.day)).collect::<Vec<_>>().join(", ")
    };
    lines.push(format!("closes {}: {}", answer.closed.len(), list(&answer.closed)));
    lines.push(format!("opens {}: {}", answer.opened.len(), list(&answer.opened)));
    if answer.nothing_better {
        let why = "nothing better was found: the plan is the given timetable, for what was found broke more hard constraints or \
                   left more students without a seat; give more --seconds";
        lines.push(why.to_owned());
    }
    let text = lines.join("\n");
    let seated = answer.plan.seats_short <= answer.given.seats_short;
    if answer.plan.hard == 0 && seated && answer.saved_ppm > 0 {
        Outcome::yes(answer, text)
    } else {
        Outcome::no(answer, text)
    }
}
