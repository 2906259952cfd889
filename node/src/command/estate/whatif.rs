//! `aula estate whatif`: what closures, other numbers or other staff would do to the estate as it stands in a folder.
//!
//! The folder is the one that a node shows (`[estate]` in config.toml), with what a year of energy and of staff takes beside it. `aula twin
//! whatif --estate` runs the same on a fork of the chain.

use std::path::{Path, PathBuf};

use aula_estate::check::estate::{Estate, read_estate};
use aula_estate::check::schedule::{Schedule, of_instance};
use aula_estate::ctt;
use aula_estate::energy::schedule::Program;
use aula_estate::energy::weather::read_epw;
use aula_estate::energy::{Building, read_building, read_inputs};
use aula_estate::in_use::Clock;
use aula_estate::plan::Load;
use aula_estate::staffing::{Course, Need, Staff, read_sections, read_staff};
use aula_estate::text::Unreadable;
use aula_estate::whatif::{Change, Compared, Present, Side, compare};
use aula_server::estate_files;
use clap::Args;

use super::super::{Failure, Outcome};
use super::outside::Outside;
use super::{read, refused, reseat};

/// Moves and conflicts that the text for people lists.
const SHOWN: usize = 20;

/// Arguments of `aula estate whatif`.
#[derive(Debug, Args)]
#[command(
    after_help = "FOLDER holds estate.json and schedule.csv (or .ics, or .sol beside instance.ctt); building.json with weather.epw or hours.csv for \
                  the year's energy; forecast.csv, sections.csv and staff.csv for teachers; each also as .gz.\n\nChanges: close=WHAT[@DAY[,PERIOD]] with a \
                  ROOM, building:ID, site:ID or all; room.R.capacity=N; students=P% (so many of today's: 110% is a tenth more); staff.SUBJECT=N; energy_budget=KWH.\n\nExamples:\n  \
                  aula estate whatif school --set close=building:A@fri\n  aula estate whatif school --set students=110% --set \
                  staff.maths=12\n\nNothing is changed by it. Exit codes: 0 no new conflict and everybody sits, 1 not so, 2 could not."
)]
pub struct WhatIfArgs {
    /// The estate's folder; what it may hold is listed below
    pub folder: PathBuf,
    /// A change, for example students=110%; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", required = true)]
    pub changes: Vec<String>,
    #[command(flatten)]
    pub day: DayArgs,
}

/// When numbered periods are.
#[derive(Debug, Args)]
pub struct DayArgs {
    /// When period 0 starts, where periods are numbers
    #[arg(long, value_name = "HH:MM", default_value = "08:00", value_parser = super::plan::clock)]
    pub day_start: u32,
    /// Minutes from one period's start to the next, 1 to 1,440
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub period_minutes: u32,
}

impl DayArgs {
    fn clock(&self) -> Clock {
        Clock { day_start: self.day_start, period_minutes: self.period_minutes }
    }
}

/// What a folder holds.
pub(in crate::command) struct Folder {
    pub estate: Estate,
    schedule: Schedule,
    energy: Option<(Building, Outside)>,
    staffing: Option<(Vec<u8>, Vec<Course>, Vec<Staff>)>,
    clock: Clock,
}

/// Reads a change.
///
/// # Errors
/// When it is not a change.
pub(in crate::command) fn parse(text: &str) -> Result<Change, Failure> {
    Change::parse(text).map_err(|error| {
        Failure::new("bad_set", error.to_string(), "write NAME=VALUE with one of these names")
    })
}

impl Folder {
    /// Reads a folder.
    ///
    /// # Errors
    /// When a file is missing, cannot be read or is refused.
    pub(in crate::command) fn read(folder: &Path, clock: &DayArgs) -> Result<Self, Failure> {
        let named = |name: &str| {
            [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
        };
        let must = |name: &str| {
            let missing = || {
                let what = format!("{} has no {name}", folder.display());
                Failure::new("no_file", what, "put it there; aula estate whatif --help names the files")
            };
            named(name).ok_or_else(missing)
        };
        let estate = parsed(&must("estate.json")?, read_estate)?;
        let path = ["csv", "ics", "sol"].iter().find_map(|ending| named(&format!("schedule.{ending}")));
        let path = path.map_or_else(|| must("schedule.csv"), Ok)?;
        let schedule = match named("instance.ctt") {
            None => parsed(&path, |bytes| estate_files::schedule(&path, bytes))?,
            Some(instance) => {
                let instance = parsed(&instance, ctt::read)?;
                parsed(&path, |bytes| Ok(of_instance(&instance, &ctt::read_solution(&instance, bytes)?)))?
            }
        };
        let energy = match named("building.json") {
            None => None,
            Some(path) => {
                let building = parsed(&path, read_building)?;
                let outside = match named("weather.epw") {
                    Some(path) => Outside::Weather(parsed(&path, read_epw)?),
                    None => {
                        Outside::Inputs(parsed(&must("hours.csv")?, |bytes| read_inputs(bytes, &building))?)
                    }
                };
                Some((building, outside))
            }
        };
        let staffing = match named("forecast.csv") {
            None => None,
            Some(path) => Some((
                read(&path)?,
                parsed(&must("sections.csv")?, read_sections)?,
                parsed(&must("staff.csv")?, read_staff)?,
            )),
        };
        Ok(Self { estate, schedule, energy, staffing, clock: clock.clock() })
    }

    /// Both sides of some changes.
    ///
    /// # Errors
    /// When a change names what is not there, or the present cannot be counted.
    pub(in crate::command) fn compare(&self, changes: &[Change]) -> Result<Compared, Failure> {
        let energy = self.energy.as_ref();
        let staffing = self.staffing.as_ref();
        let present = Present {
            estate: &self.estate,
            schedule: &self.schedule,
            energy: energy.map(|(building, outside)| (building, outside.hours(), self.clock, Program::Day)),
            staffing: staffing.map(|(forecast, sections, staff)| (&forecast[..], &sections[..], &staff[..])),
        };
        compare(present, changes).map_err(|error| {
            Failure::new(
                "bad_scenario",
                error.to_string(),
                "correct the change, or the file of the folder that it names",
            )
        })
    }
}

fn parsed<T>(path: &Path, make: impl FnOnce(&[u8]) -> Result<T, Unreadable>) -> Result<T, Failure> {
    make(&read(path)?).map_err(|error| refused(path, &error))
}

/// Whether a change hurts nobody.
pub(in crate::command) fn harmless(found: &Compared) -> bool {
    found.new_conflicts.is_empty() && found.reseated.without == 0
}

/// Runs `aula estate whatif`.
///
/// # Errors
/// When a change is not valid, or a file is missing, cannot be read or is refused.
pub fn run(args: &WhatIfArgs) -> Result<Outcome, Failure> {
    let changes = args.changes.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    let found = Folder::read(&args.folder, &args.day)?.compare(&changes)?;
    let text = lines(&found).join("\n");
    Ok(if harmless(&found) { Outcome::yes(found, text) } else { Outcome::no(found, text) })
}

/// For people.
pub(in crate::command) fn lines(found: &Compared) -> Vec<String> {
    let Compared { now, then, new_conflicts, reseated, students_percent, energy_change_ppm } = found;
    let conflicts = |side: &Side| side.conflicts.values().sum::<usize>();
    let mut lines = vec![
        format!(
            "lessons {} -> {}, room-days {} -> {}",
            now.lessons, then.lessons, now.opened_room_days, then.opened_room_days
        ),
        format!("conflicts {} -> {}, {} new", conflicts(now), conflicts(then), new_conflicts.len()),
    ];
    let shown = |one: &aula_estate::check::Conflict| {
        format!("  {} day {} period {}: {}", one.kind, one.day, one.period, one.what)
    };
    if *students_percent != 100 {
        lines.insert(0, format!("students at {students_percent}% of today's"));
    }
    lines.extend(new_conflicts.iter().take(SHOWN).map(shown));
    if reseated.displaced > 0 {
        lines.push(format!(
            "{} lessons lose their room: {} sit in another, {} in several, {} nowhere",
            reseated.displaced, reseated.seated, reseated.spread, reseated.without
        ));
        lines.extend(reseated.moved.iter().take(SHOWN).map(|one| format!("  {}", reseat::line(one))));
    }
    if let (Some(before), Some(after)) = (&now.energy, &then.energy) {
        let year = |load: &Load| format!("{:.0} kWh", load.energy_kwh);
        let percent = energy_change_ppm.unwrap_or(0) as f64 / 1e4;
        lines.push(format!("energy a year {} -> {} ({percent:+.1}%)", year(before), year(after)));
    }
    if let (Some(before), Some(after)) = (&now.staff, &then.staff) {
        let one = |(before, after): (&Need, &Need)| {
            let Need { period, subject, teachers, there, .. } = after;
            format!("{period} {subject}: {:.1} -> {teachers:.1} teachers, {there:.1} there", before.teachers)
        };
        lines.extend(before.staff.iter().zip(&after.staff).map(one));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_students_is_told_as_a_share_of_todays() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let estate = r#"{"sites":[{"id":"s"}],"rooms":[{"id":"A1","capacity":30}]}"#;
        std::fs::write(folder.path().join("estate.json"), estate)?;
        std::fs::write(folder.path().join("schedule.csv"), "day,period,room,students\nmon,1,A1,20\n")?;
        let text = |change: &str| {
            let args = WhatIfArgs {
                folder: folder.path().to_owned(),
                changes: vec![change.to_owned()],
                day: DayArgs { day_start: 480, period_minutes: 60 },
            };
            let told = run(&args).map(|outcome| outcome.answer.map(|answer| answer.text).unwrap_or_default());
            told.map_err(|failure| std::io::Error::other(failure.message))
        };
        assert!(text("students=10%")?.starts_with("students at 10% of today's\n"));
        assert!(!text("room.A1.capacity=20")?.contains("students at"));
        Ok(())
    }
}
