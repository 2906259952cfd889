//! `aula estate check`: the conflicts of a schedule, named.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aula_estate::check::estate::read_estate;
use aula_estate::check::schedule::of_instance;
use aula_estate::check::{Conflict, find, new_ones};
use aula_estate::ctt;
use aula_server::estate_files::schedule;
use clap::Args;

use super::super::{Answer, Context, Failure, Outcome};
use super::{counted, read, refused};

/// Conflicts that the text for people lists.
const SHOWN: usize = 50;

/// How often files are looked at that are watched.
const EVERY: Duration = Duration::from_millis(500);

/// Arguments of `aula estate check`.
#[derive(Debug, Args)]
#[command(
    after_help = "A schedule is CSV (day, period or start and end; room, teacher, group, students, capacity, needs), \
                  iCalendar, or the lines of a .ctt timetable. Exit codes: 0 no conflict, 1 conflicts, 2 could \
                  not.\n\nExamples:\n  aula estate check week.csv\n  aula estate check week.ics --estate school.json\n  \
                  aula estate check comp01.sol --instance comp01.ctt\n  aula estate check week.csv --estate school.json --watch --output json"
)]
pub struct CheckArgs {
    /// The schedule: .csv, .ics, or the lines of a .ctt timetable
    pub schedule: PathBuf,
    /// What is known of rooms: seats, features, closures, the day's energy (docs/estate.md)
    #[arg(long, value_name = "FILE.json")]
    pub estate: Option<PathBuf>,
    /// The instance of a .ctt timetable: its teachers, curricula and seats
    #[arg(long, value_name = "FILE.ctt")]
    pub instance: Option<PathBuf>,
    /// Stay, and print what conflicts come and go whenever one of the files changes
    #[arg(long)]
    pub watch: bool,
}

/// Runs `aula estate check`.
///
/// # Errors
/// When a file cannot be read or is refused.
pub fn run(context: &Context, args: &CheckArgs) -> Result<Outcome, Failure> {
    let (seen, first) = with_state_before(args, || found(args));
    let (conflicts, lessons) = first?;
    if args.watch {
        return Ok(watch(context, args, seen, (conflicts, lessons)));
    }
    let text = text(&conflicts, lessons);
    let json = serde_json::json!({ "conflicts": conflicts });
    Ok(if conflicts.is_empty() { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// Tells every change until nobody listens. A file that is half written is told and read again when it changes.
fn watch(context: &Context, args: &CheckArgs, mut seen: State, first: (Vec<Conflict>, usize)) -> Outcome {
    let answer = serde_json::json!({ "conflicts": first.0, "new": first.0, "gone": [] });
    let mut known = first.0;
    let mut next = Some(Answer::new(answer, text(&known, first.1)));
    loop {
        if let Some(answer) = next.take()
            && context.print(&answer).is_err()
        {
            return Outcome::printed();
        }
        std::thread::sleep(EVERY);
        let now = state(args);
        if now == seen {
            continue;
        }
        seen = now;
        match found(args) {
            Ok((conflicts, lessons)) => {
                let (new, gone) = (new_ones(&known, &conflicts), new_ones(&conflicts, &known));
                let lines: Vec<String> = (new.iter().map(|one| format!("new   {}", line(one))))
                    .chain(gone.iter().map(|one| format!("gone  {}", line(one))))
                    .collect();
                let head = head(lessons, conflicts.len());
                let told = [vec![head], lines].concat().join("\n");
                let json = serde_json::json!({ "conflicts": conflicts, "new": new, "gone": gone });
                next = Some(Answer::new(json, told));
                known = conflicts;
            }
            Err(failure) => context.tell(failure.message),
        }
    }
}

/// Which files there are, and as of when.
type State = Vec<Option<(SystemTime, u64)>>;

/// What is read, and the files' state before it: who changes one meanwhile is seen at the next look.
fn with_state_before<T>(args: &CheckArgs, read: impl FnOnce() -> T) -> (State, T) {
    let seen = state(args);
    (seen, read())
}

fn state(args: &CheckArgs) -> State {
    let files = [Some(&args.schedule), args.estate.as_ref(), args.instance.as_ref()];
    let of = |path: &PathBuf| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    files.into_iter().flatten().map(of).collect()
}

/// The conflicts, and how many lessons there are.
fn found(args: &CheckArgs) -> Result<(Vec<Conflict>, usize), Failure> {
    let bytes = read(&args.schedule)?;
    let estate = match &args.estate {
        None => None,
        Some(path) => Some(read_estate(&read(path)?).map_err(|error| refused(path, &error))?),
    };
    Ok(match &args.instance {
        Some(path) => {
            let instance = ctt::read(&read(path)?).map_err(|error| refused(path, &error))?;
            let lectures =
                ctt::read_solution(&instance, &bytes).map_err(|error| refused(&args.schedule, &error))?;
            let mut conflicts = find(&of_instance(&instance, &lectures), estate.as_ref());
            conflicts.extend(only_instances_know(&instance, &lectures));
            (conflicts, lectures.len())
        }
        None => {
            let schedule =
                schedule(&args.schedule, &bytes).map_err(|error| refused(&args.schedule, &error))?;
            // Nothing was looked at: that is no answer.
            if schedule.lessons.is_empty() {
                let message = format!("{} has no lessons", args.schedule.display());
                return Err(Failure::new("no_lessons", message, "give the whole schedule: export it again"));
            }
            (find(&schedule, estate.as_ref()), schedule.lessons.len())
        }
    })
}

/// Lectures at unavailable times, missing or too many.
fn only_instances_know(instance: &ctt::Instance, lectures: &[ctt::Lesson]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let of_day = instance.periods_per_day;
    for lecture in lectures {
        if instance.unavailable.binary_search(&(lecture.course, lecture.period)).is_ok() {
            let what = format!("{} is unavailable", instance.courses[lecture.course as usize].name);
            let (day, period) = ((lecture.period / of_day).into(), (lecture.period % of_day).into());
            conflicts.push(Conflict { kind: "unavailable", what, day, period });
        }
    }
    for (course, index) in instance.courses.iter().zip(0u32..) {
        let placed = lectures.iter().filter(|lecture| lecture.course == index).count();
        if placed != course.lectures as usize {
            let what = format!("{} has {placed} of {} lectures", course.name, course.lectures);
            let null = serde_json::Value::Null;
            conflicts.push(Conflict { kind: "lectures", what, day: null.clone(), period: null });
        }
    }
    conflicts
}

fn text(conflicts: &[Conflict], lessons: usize) -> String {
    let mut lines = vec![head(lessons, conflicts.len())];
    lines.extend(conflicts.iter().take(SHOWN).map(line));
    if conflicts.len() > SHOWN {
        lines.push(format!("and {} more: --output json lists all", conflicts.len() - SHOWN));
    }
    lines.join("\n")
}

fn head(lessons: usize, conflicts: usize) -> String {
    let lessons = counted(lessons, "lesson", "lessons");
    format!("{lessons}, {}", counted(conflicts, "conflict", "conflicts"))
}

fn line(conflict: &Conflict) -> String {
    let Conflict { kind, what, day, period } = conflict;
    format!("{kind:9} day {day} period {period}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_while_files_are_read_is_seen_afterwards() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let schedule = folder.path().join("week.csv");
        std::fs::write(&schedule, "day,period,room\nmon,1,R\n")?;
        let args = CheckArgs { schedule: schedule.clone(), estate: None, instance: None, watch: true };
        let (seen, written) = with_state_before(&args, || {
            let read = found(&args).map(|(conflicts, _)| conflicts.len());
            std::fs::write(&schedule, "day,period,room\nmon,1,R\nmon,1,R\n").map(|()| read)
        });
        assert_eq!(written?.ok(), Some(0));
        assert_ne!(state(&args), seen);
        let (seen, read) = with_state_before(&args, || found(&args).map(|(conflicts, _)| conflicts.len()));
        assert_eq!((read.ok(), state(&args)), (Some(1), seen));
        Ok(())
    }

    #[test]
    fn a_schedule_without_lessons_is_no_yes() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        for (name, text) in [("week.csv", ""), ("head.csv", "day,period,room\n"), ("plan.txt", "")] {
            let schedule = folder.path().join(name);
            std::fs::write(&schedule, text)?;
            let args = CheckArgs { schedule, estate: None, instance: None, watch: false };
            assert!(found(&args).is_err(), "{name}");
        }
        Ok(())
    }
}
