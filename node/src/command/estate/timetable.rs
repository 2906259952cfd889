//! `aula estate timetable`: an instance in, a timetable out. Time decides only when the search stops.

use std::path::PathBuf;

use aula_estate::budget::Budget;
use aula_estate::{ctt, xhstt};
use clap::Args;
use serde::Serialize;

use super::super::processor::thread_cpu_ns;
use super::super::{Failure, Outcome};
use super::{is_archive, read, refused, write};

/// Arguments of `aula estate timetable`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate timetable comp01.ctt --seconds 60 --seed 1 -o comp01.sol\n  \
                        aula estate timetable comp01.ctt --iterations 50000000 --close-rooms -o few.sol --output \
                        json\n  aula estate timetable changed.ctt --given week.sol --pins fixed.sol -o next.sol\n  aula estate timetable school.xml --seconds 300 -o solved.xml\n\nThe answer depends on instance, seed, --close-rooms and the number of iterations alone: \
                        --iterations with the number printed gives the same bytes.\nExit codes: 0 every hard constraint \
                        is kept, 1 some are not (the timetable is written), 2 could not."
)]
pub struct TimetableArgs {
    /// The instance: .ctt (ITC-2007) or an XHSTT archive
    pub instance: PathBuf,
    #[command(flatten)]
    pub effort: Effort,
    /// Open as few rooms on as few days as can be, before the cost
    #[arg(long)]
    pub close_rooms: bool,
    /// A timetable in use, of a .ctt instance: the search begins with it and changes as little as pays
    #[arg(long, value_name = "TIMETABLE")]
    pub given: Option<PathBuf>,
    /// What it costs, in units of the format's cost, that a lecture is at a time at which --given has none of its course
    #[arg(long, default_value_t = 10, requires = "given", value_name = "N")]
    pub change_weight: u32,
    /// Lectures of a .ctt instance that stay at their time and in their room: lines `course room day period`
    #[arg(long, value_name = "TIMETABLE")]
    pub pins: Option<PathBuf>,
    /// Where the timetable is written
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub out: PathBuf,
}

/// How long a search may go on, and by which seed.
#[derive(Debug, Args)]
pub struct Effort {
    /// Seconds of processor time that the search may take
    #[arg(long, default_value_t = 10.0, conflicts_with = "iterations", value_parser = seconds)]
    pub seconds: f64,
    /// How many iterations the search makes, instead of a time; the same number gives the same timetable everywhere
    #[arg(long)]
    pub iterations: Option<u64>,
    /// Where the search's random choices begin; equal seeds give equal timetables
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && (0.0..=1e6).contains(&value) => Ok(value),
        _ => Err("seconds are a number from 0 to 1000000".to_owned()),
    }
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Hard constraints broken.
    pub hard: u64,
    /// The cost as the format counts it.
    pub cost: u64,
    /// As given; with `iterations` it gives the same timetable again.
    pub seed: u64,
    /// Iterations made.
    pub iterations: u64,
    /// Processor time of the search, in seconds.
    pub cpu_s: f64,
    /// Rooms × days with a lesson.
    pub opened_room_days: u64,
    /// No timetable has fewer.
    pub room_days_bound: u64,
    /// Lessons over the periods of the opened room-days, in millionths.
    pub utilisation_ppm: u64,
    /// Lectures at another time than in the given timetable, and at the same time in another room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_lectures: Option<usize>,
    /// See `moved_lectures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_room: Option<usize>,
    /// What makes up `hard` and `cost`.
    pub parts: serde_json::Value,
}

/// Runs `aula estate timetable`.
///
/// # Errors
/// When the instance cannot be read or the timetable cannot be written.
pub fn run(args: &TimetableArgs) -> Result<Outcome, Failure> {
    let bytes = read(&args.instance)?;
    let answer =
        if is_archive(&args.instance, &bytes) { archive(args, &bytes)? } else { courses(args, &bytes)? };
    Ok(outcome(answer))
}

/// Curriculum-based course timetabling.
fn courses(args: &TimetableArgs, bytes: &[u8]) -> Result<Answer, Failure> {
    let instance = ctt::read(bytes).map_err(|error| refused(&args.instance, &error))?;
    let options = ctt::search::Options { seed: args.effort.seed, close_rooms: args.close_rooms };
    let keep = keep(args, &instance)?;
    let started = thread_cpu_ns();
    let found =
        args.effort.within(started, |budget| ctt::search::search_keeping(&instance, options, &keep, budget));
    let cpu_s = thread_cpu_ns().saturating_sub(started) as f64 / 1e9;
    write(&args.out, &ctt::write_solution(&instance, &found.lessons))?;
    let score = ctt::evaluate::evaluate(&instance, &found.lessons);
    let periods = score.opened_room_days * u64::from(instance.periods_per_day);
    let moved = args.given.as_ref().map(|_| aula_estate::plan::moved(&keep.given, &found.lessons));
    Ok(Answer {
        moved_lectures: moved.map(|(times, _)| times),
        other_room: moved.map(|(_, rooms)| rooms),
        hard: score.hard(),
        cost: score.cost(),
        seed: args.effort.seed,
        iterations: found.iterations,
        cpu_s,
        opened_room_days: score.opened_room_days,
        room_days_bound: ctt::bound::room_days(&instance),
        utilisation_ppm: (found.lessons.len() as u64 * 1_000_000).checked_div(periods).unwrap_or(0),
        parts: serde_json::json!({
            "lectures": score.lectures, "conflicts": score.conflicts, "unavailable": score.unavailable,
            "occupancy": score.occupancy, "seats_short": score.seats_short, "missing_days": score.missing_days,
            "isolated": score.isolated, "further_rooms": score.further_rooms,
        }),
    })
}

/// What is to stay.
fn keep(args: &TimetableArgs, instance: &ctt::Instance) -> Result<ctt::keep::Keep, Failure> {
    let lessons = |path: &Option<PathBuf>| match path {
        None => Ok(Vec::new()),
        Some(path) => ctt::read_solution(instance, &read(path)?).map_err(|error| refused(path, &error)),
    };
    let keep = ctt::keep::Keep {
        given: lessons(&args.given)?,
        weight: if args.given.is_some() { args.change_weight } else { 0 },
        pins: lessons(&args.pins)?,
    };
    let hint = "correct --pins or --change-weight";
    keep.check(instance).map_err(|error| Failure::new("bad_pins", error.to_string(), hint))?;
    Ok(keep)
}

/// High school timetabling. Rooms are resources of a type called Room.
fn archive(args: &TimetableArgs, bytes: &[u8]) -> Result<Answer, Failure> {
    if args.given.is_some() || args.pins.is_some() {
        let message = "--given and --pins are for .ctt instances";
        let hint = "an archive gives an event its time and its resources where they are to stay";
        return Err(Failure::new("not_of_archives", message, hint));
    }
    let archive = xhstt::read(bytes).map_err(|error| refused(&args.instance, &error))?;
    let started = thread_cpu_ns();
    let options = xhstt::search::Options { seed: args.effort.seed, close_rooms: args.close_rooms };
    let found = args.effort.within(started, |budget| archive.search(options, budget));
    let cpu_s = thread_cpu_ns().saturating_sub(started) as f64 / 1e9;
    write(&args.out, archive.written(bytes, &found).as_bytes())?;
    let judged = archive.judged(&found);
    let (opened, held, offered) = judged.room_days;
    Ok(Answer {
        hard: judged.cost.0.unsigned_abs(),
        cost: judged.cost.1.unsigned_abs(),
        seed: args.effort.seed,
        iterations: found.iterations,
        cpu_s,
        opened_room_days: opened,
        room_days_bound: judged.room_days_bound,
        utilisation_ppm: (held * 1_000_000).checked_div(offered).unwrap_or(0),
        moved_lectures: None,
        other_room: None,
        parts: serde_json::json!({}),
    })
}

impl Effort {
    /// Runs a search within what was asked.
    pub fn within<T>(&self, started: u64, search: impl FnOnce(&mut Budget<'_>) -> T) -> T {
        let end = started.saturating_add((self.seconds * 1e9) as u64);
        let timed = self.iterations.is_none();
        let mut expired = || timed && thread_cpu_ns() >= end;
        search(&mut Budget { iterations: self.iterations.unwrap_or(u64::MAX), expired: &mut expired })
    }
}

fn outcome(answer: Answer) -> Outcome {
    let text = format!(
        "hard   {}\ncost   {}\nrooms  {} room-days opened, no timetable opens fewer than {}; {:.1}% of their periods used\n\
         seed {}, {} iterations, {:.1} s of processor time",
        answer.hard,
        answer.cost,
        answer.opened_room_days,
        answer.room_days_bound,
        answer.utilisation_ppm as f64 / 1e4,
        answer.seed,
        answer.iterations,
        answer.cpu_s
    );
    if answer.hard == 0 { Outcome::yes(answer, text) } else { Outcome::no(answer, text) }
}
