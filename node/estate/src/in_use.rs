//! Lessons by the clock and rooms by the zones of the energy model: what a schedule means for a building's hours.

use std::collections::BTreeMap;

use crate::check::estate::{Estate, Room};
use crate::check::schedule::{Lesson, Schedule};
use crate::check::table::minute;
use crate::energy::Building;
use crate::energy::schedule::{Program, Row, Schedule as Week};
use crate::fit::{Date, weekday};
use crate::text::Unreadable;

const DAY_MINUTES: i64 = 24 * 60;
/// As `check` counts: a day's places on a schedule's line of time.
const PLACES: i64 = 10_000;
/// Periods with a label instead of a number start here.
const LABELS: i64 = 5_000;

/// When numbered periods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Minutes after midnight at which period 0 starts.
    pub day_start: u32,
    /// Minutes from one period's start to the next.
    pub period_minutes: u32,
}

/// One lesson by the clock of a week.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    /// The lesson as the schedule has it.
    pub lesson: &'a Lesson,
    /// Monday 0.
    pub weekday: u32,
    /// Minutes after midnight.
    pub start: i64,
    /// After `start`, at most 1440.
    pub end: i64,
}

/// The week of lessons in their rooms' zones; lessons in rooms without one are left out.
#[must_use]
pub fn week(
    lessons: &[Timed<'_>],
    building: &Building,
    zone_of: &BTreeMap<&str, usize>,
    program: Program,
) -> Week {
    let row = |one: &Timed<'_>| {
        let zone = *zone_of.get(one.lesson.room.as_str())?;
        let people = one.lesson.students.unwrap_or(0);
        let (start, end) = (one.start as usize, one.end as usize);
        Some(Row { zone: building.zones[zone].id.clone(), day: one.weekday as usize, start, end, people })
    };
    Week::run_by(lessons.iter().filter_map(row), program)
}

/// A zone for each room: by its `zone`, by its own name, or the building's single zone for each.
///
/// # Errors
/// When it has several zones and none for some room.
pub fn zones<'a>(
    estate: &'a Estate,
    building: &Building,
) -> Result<(Building, BTreeMap<&'a str, usize>), Unreadable> {
    let (mut zones, mut stands_in) = (building.zones.clone(), false);
    let mut of = BTreeMap::new();
    let place = |room: &Room| {
        let named = |id: &str| building.zones.iter().position(|zone| zone.id == id);
        room.zone.as_deref().and_then(named).or_else(|| named(&room.id))
    };
    for room in &estate.rooms {
        match place(room) {
            Some(zone) => {
                of.insert(room.id.as_str(), zone);
            }
            None if building.zones.len() == 1 => {
                let mut own = building.zones[0].clone();
                own.id.clone_from(&room.id);
                of.insert(room.id.as_str(), zones.len());
                zones.push(own);
                stands_in = true;
            }
            None => {
                let what = format!("no zone is named like the room {:?} or its zone", room.id);
                return Err(Unreadable::at("zones", what));
            }
        }
    }
    // A zone that only stands in for others is none itself.
    if stands_in && !of.values().any(|zone| *zone == 0) {
        zones.remove(0);
        of.values_mut().for_each(|zone| *zone -= 1);
    }
    Ok((Building { zones }, of))
}

/// The lessons of the schedule's first week by the clock.
///
/// # Errors
/// When a lesson has no place on it.
pub fn timed(schedule: &Schedule, clock: Clock) -> Result<Vec<Timed<'_>>, Unreadable> {
    let dated = |lesson: &Lesson| lesson.day.as_str().is_some_and(|day| Date::read(day).is_ok());
    let monday = |lesson: &Lesson| {
        let day = lesson.start.div_euclid(PLACES);
        if dated(lesson) { day - i64::from(weekday(day)) } else { day - day.rem_euclid(7) }
    };
    let first = schedule.lessons.iter().map(monday).min().unwrap_or(0);
    let mut all = Vec::new();
    for lesson in schedule.lessons.iter().filter(|lesson| monday(lesson) == first) {
        let (day, place) = (lesson.start.div_euclid(PLACES), lesson.start.rem_euclid(PLACES));
        let length = lesson.end - lesson.start;
        let by_clock = lesson.period.as_str().is_some_and(|period| minute(period).is_some());
        let (start, end) = match by_clock {
            true => (place, place + length),
            false if place < LABELS => {
                let at = |place: i64| i64::from(clock.day_start) + place * i64::from(clock.period_minutes);
                (at(place), at(place + length))
            }
            false => {
                let what =
                    format!("the period {} of {:?} has no place on the clock", lesson.period, lesson.name);
                return Err(Unreadable::at("schedule", what));
            }
        };
        if start < 0 || end > DAY_MINUTES || start >= end {
            let what = format!(
                "period {} of {:?} is not within a day; give another day start",
                lesson.period, lesson.name
            );
            return Err(Unreadable::at("schedule", what));
        }
        all.push(Timed { lesson, weekday: (day - first) as u32 % 7, start, end });
    }
    Ok(all)
}
