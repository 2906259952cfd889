//! `aula estate move`: one lecture to another time, and as few others as can be.

use std::path::PathBuf;

use aula_estate::budget::Budget;
use aula_estate::ctt::evaluate::evaluate;
use aula_estate::ctt::repair::{Wish, repair};
use aula_estate::ctt::{self, Instance, Lesson};
use clap::Args;
use serde::Serialize;

use super::super::processor::thread_cpu_ns;
use super::super::{Failure, Outcome};
use super::{counted, courses, read, refused, write};

/// Arguments of `aula estate move`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula estate move comp01.ctt comp01.sol --course c0001 --from 0,3 --to 2,1 -o moved.sol\n\nDays and periods \
                  are counted from 0, as timetables write them. First as few others move as can be, then the cost is least.\nExit codes: \
                  0 done and every hard constraint kept, 1 no such timetable was found (`complete` says whether there is none), 2 could not."
)]
pub struct MoveArgs {
    /// The instance, .ctt (ITC-2007)
    pub instance: PathBuf,
    /// The timetable in use: lines `course room day period`
    pub timetable: PathBuf,
    /// The course whose lecture moves
    #[arg(long, value_name = "NAME")]
    pub course: String,
    /// When the lecture is now, both counted from 0
    #[arg(long, value_name = "DAY,PERIOD", value_parser = cell)]
    pub from: (u32, u32),
    /// When it is to be, both counted from 0
    #[arg(long, value_name = "DAY,PERIOD", value_parser = cell)]
    pub to: (u32, u32),
    /// The room it is to be in [default: wherever it costs least]
    #[arg(long, value_name = "NAME")]
    pub room: Option<String>,
    /// How many other lectures may move, 0 to 6
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=6))]
    pub most: u8,
    /// Seconds of processor time that the search may take
    #[arg(long, default_value_t = 1.0, value_parser = super::timetable::seconds)]
    pub seconds: f64,
    /// Where the timetable is written
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub out: PathBuf,
}

fn cell(text: &str) -> Result<(u32, u32), String> {
    let parsed = text
        .split_once(',')
        .and_then(|(day, period)| Some((day.trim().parse().ok()?, period.trim().parse().ok()?)));
    parsed.ok_or_else(|| "write DAY,PERIOD from 0, for example 2,1".to_owned())
}

/// A lecture that moved.
#[derive(Debug, Serialize)]
struct Moved {
    course: String,
    from: Cell,
    to: Cell,
}

#[derive(Debug, Serialize)]
struct Cell {
    room: String,
    day: u32,
    period: u32,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Answer {
    found: bool,
    complete: bool,
    hard: u64,
    cost_before: u64,
    cost: u64,
    others: usize,
    moved: Vec<Moved>,
    placements: u64,
    cpu_ms: f64,
}

/// Runs `aula estate move`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written, there is no such lecture, time or room, or the course is held then
/// already.
pub fn run(args: &MoveArgs) -> Result<Outcome, Failure> {
    let instance = courses(&args.instance)?;
    let lessons = ctt::read_solution(&instance, &read(&args.timetable)?)
        .map_err(|error| refused(&args.timetable, &error))?;
    let wish = wish(args, &instance, &lessons)?;
    let started = thread_cpu_ns();
    let limit = (args.seconds * 1e9) as u64;
    let mut expired = || thread_cpu_ns().saturating_sub(started) >= limit;
    let budget = &mut Budget { iterations: u64::MAX, expired: &mut expired };
    let found = repair(&instance, &lessons, wish, args.most.into(), budget);
    let cpu_ms = thread_cpu_ns().saturating_sub(started) as f64 / 1e6;
    let before = evaluate(&instance, &lessons);
    let (complete, placements) = (found.complete, found.placements);
    let Some(now) = found.lessons else {
        let (hard, cost) = (before.hard(), before.cost());
        let text = match complete {
            true => format!("no timetable has it there with {} others moved or fewer", args.most),
            false => "none was found in that time; give more --seconds".to_owned(),
        };
        let (others, moved) = (0, Vec::new());
        let answer = Answer {
            found: false,
            complete,
            hard,
            cost_before: cost,
            cost,
            others,
            moved,
            placements,
            cpu_ms,
        };
        return Ok(Outcome::no(answer, text));
    };
    write(&args.out, &ctt::write_solution(&instance, &now))?;
    let after = evaluate(&instance, &now);
    let others = found.moved.len();
    let cell = |lesson: &Lesson| Cell {
        room: instance.rooms[lesson.room as usize].name.to_string(),
        day: lesson.period / instance.periods_per_day,
        period: lesson.period % instance.periods_per_day,
    };
    let moved = [wish.lesson].into_iter().chain(found.moved).map(|at| Moved {
        course: instance.courses[lessons[at].course as usize].name.to_string(),
        from: cell(&lessons[at]),
        to: cell(&now[at]),
    });
    let moved: Vec<Moved> = moved.collect();
    let line = |one: &Moved| {
        let Moved { course, from, to } = one;
        format!(
            "{course}: {} day {} period {} -> {} day {} period {}",
            from.room, from.day, from.period, to.room, to.day, to.period
        )
    };
    let mut lines: Vec<String> = moved.iter().map(line).collect();
    lines.push(format!(
        "{} moved; cost {} -> {}, hard {}",
        counted(others, "other", "others"),
        before.cost(),
        after.cost(),
        after.hard()
    ));
    let answer = Answer {
        found: true,
        complete,
        hard: after.hard(),
        cost_before: before.cost(),
        cost: after.cost(),
        others,
        moved,
        placements,
        cpu_ms,
    };
    Ok(match after.hard() {
        0 => Outcome::yes(answer, lines.join("\n")),
        _ => Outcome::no(answer, lines.join("\n")),
    })
}

fn wish(args: &MoveArgs, instance: &Instance, lessons: &[Lesson]) -> Result<Wish, Failure> {
    let period = |(day, period): (u32, u32)| {
        let there = day < instance.days && period < instance.periods_per_day;
        there.then_some(day * instance.periods_per_day + period).ok_or_else(|| {
            let message = format!("the instance has no period {period} on day {day}");
            let hint =
                format!("it has {} days of {} periods, from 0", instance.days, instance.periods_per_day);
            Failure::new("unknown_period", message, hint)
        })
    };
    let (from, to) = (period(args.from)?, period(args.to)?);
    let named = |course: u32| instance.courses[course as usize].name.to_string() == args.course;
    let lesson = lessons.iter().position(|one| one.period == from && named(one.course)).ok_or_else(|| {
        let message = format!("the timetable has no lecture of {:?} then", args.course);
        Failure::new("unknown_lecture", message, "take course, day and period from a line of the timetable")
    })?;
    let room = match &args.room {
        None => None,
        Some(name) => {
            let at = instance.rooms.iter().position(|room| room.name.to_string() == *name);
            let at = at.and_then(|at| u32::try_from(at).ok()).ok_or_else(|| {
                Failure::new(
                    "unknown_room",
                    format!("the instance has no room {name:?}"),
                    "name one of its rooms",
                )
            })?;
            Some(at)
        }
    };
    // Two lectures of one course that change places are the same timetable: nothing would have moved.
    let there = |(at, one): (usize, &Lesson)| {
        one.period == to
            && one.course == lessons[lesson].course
            && (at != lesson || room.is_none_or(|room| room == one.room))
    };
    if lessons.iter().enumerate().any(there) {
        let message =
            format!("{:?} is held on day {} at period {} already", args.course, args.to.0, args.to.1);
        return Err(Failure::new(
            "held_then",
            message,
            "take a time at which the timetable has none of the course",
        ));
    }
    Ok(Wish { lesson, period: to, room })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "Name: T\nCourses: 2\nRooms: 2\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 0\n\nCOURSES:\n\
        a t 2 1 20\nb u 1 1 10\n\nROOMS:\nR 30\nS 30\n\nCURRICULA:\nq 1 a\n\nUNAVAILABILITY_CONSTRAINTS:\n\nEND.\n";

    #[test]
    fn an_archive_is_told_to_be_none_of_courses() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let code = |name: &str, text: &str| -> std::io::Result<Option<String>> {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            Ok(courses(&path).err().map(|failure| failure.code))
        };
        assert_eq!(code("a.xml", " <HighSchoolTimetableArchive/>")?.as_deref(), Some("not_of_archives"));
        assert_eq!(code("b.XML", "")?.as_deref(), Some("not_of_archives"));
        assert_eq!((code("c.ctt", INSTANCE)?, code("d.ctt", "")?.as_deref()), (None, Some("unreadable")));
        Ok(())
    }

    #[test]
    fn a_course_that_is_held_then_already_is_not_moved_there() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (instance, timetable) = (folder.path().join("a.ctt"), folder.path().join("a.sol"));
        std::fs::write(&instance, INSTANCE)?;
        std::fs::write(&timetable, "a R 0 0\na R 1 1\nb S 0 1\n")?;
        let moved = |to: (u32, u32), room: Option<&str>| {
            let args = MoveArgs {
                instance: instance.clone(),
                timetable: timetable.clone(),
                course: "a".to_owned(),
                from: (0, 0),
                to,
                room: room.map(str::to_owned),
                most: 3,
                seconds: 1.0,
                out: folder.path().join("moved.sol"),
            };
            run(&args).map(drop).map_err(|failure| failure.code)
        };
        let held: Result<(), String> = Err("held_then".to_owned());
        // Where its other lecture is, and where it is itself.
        assert_eq!((moved((1, 1), None), moved((1, 1), Some("S"))), (held.clone(), held.clone()));
        assert_eq!((moved((0, 0), None), moved((0, 0), Some("R"))), (held.clone(), held));
        assert!(!folder.path().join("moved.sol").exists());
        assert_eq!((moved((0, 0), Some("S")), moved((1, 0), None)), (Ok(()), Ok(())));
        Ok(())
    }
}
