//! Lessons by the clock and rooms by the zones of the energy model: what a schedule means for a building's hours.

use std::collections::BTreeMap;

use crate::check::schedule::{Lesson, Schedule};
use crate::check::table::minute;
use crate::energy::Building;
use crate::energy::building::{Airing, SetBack, ZoneInUse};
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

/// A zone for each room, given with the zone that it names: that one, else one of its own name, else the building's single zone
/// for each. What a zone does not say of its airing, of its lights in an empty room and of how it is left while closed is as
/// rooms of classes have it; zones without a room are left out.
///
/// # Errors
/// When the building has several zones and none for some room.
pub fn zones<'a>(
    rooms: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    building: &Building,
) -> Result<(Building, BTreeMap<&'a str, usize>), Unreadable> {
    let named = |id: &str| building.zones.iter().position(|zone| zone.id == id);
    let (mut zones, mut of) = (Vec::new(), BTreeMap::new());
    // Where a zone of the building stands among those that are made, so that rooms may share it.
    let mut made: BTreeMap<usize, usize> = BTreeMap::new();
    for (room, zone) in rooms {
        let own = zone.and_then(named).or_else(|| named(room));
        let place = match own {
            Some(own) => *made.entry(own).or_insert_with(|| {
                zones.push(as_class(&building.zones[own], &building.zones[own].id));
                zones.len() - 1
            }),
            None if building.zones.len() == 1 => {
                zones.push(as_class(&building.zones[0], room));
                zones.len() - 1
            }
            None => {
                let what = format!(
                    "no zone is named like the room {room:?} or its zone; give one, or one zone for all"
                );
                return Err(Unreadable::at("zones", what));
            }
        };
        of.insert(room, place);
    }
    Ok((Building { zones }, of))
}

/// Share of a class room's lights that stays on while it is empty between lessons, × 10⁶. By EN 15193-1 switches worked by hand
/// leave .95 of the light's hours where a room is empty for a quarter of its day: four fifths of that quarter.
pub const CLASS_IDLE_LOAD: i64 = 800_000;

fn as_class(zone: &ZoneInUse, id: &str) -> ZoneInUse {
    ZoneInUse {
        id: id.to_owned(),
        airing: zone.airing.or(Airing::CLASSES),
        set_back: zone.set_back.or(SetBack::CLASSES),
        idle_load: zone.idle_load.or(Some(CLASS_IDLE_LOAD)),
        ..zone.clone()
    }
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
