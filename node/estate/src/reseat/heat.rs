//! The warmest school day of a year of weather: which rooms are too warm at which lessons.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::check::estate::{Closure, Estate, text};
use crate::check::schedule::Schedule;
use crate::energy::schedule::Program;
use crate::energy::simulate::run_weather;
use crate::energy::weather::Weather;
use crate::energy::{Building, Year};
use crate::in_use::{Clock, Timed, timed, week, zones};
use crate::text::Unreadable;

/// From how much on an hour is over the limit, µK.
const FELT: i64 = 1_000;

/// A room on that day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warm {
    /// Its id, as the estate has it.
    pub room: String,
    /// Kelvins over the limit, summed over the hours in which it is used.
    pub degree_hours: f64,
    /// The warmest of those hours, °C.
    pub warmest_c: f64,
}

/// A day that is too warm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WarmDay {
    /// Day of the year from 1.
    pub day_of_year: u32,
    /// Monday 0.
    pub weekday: u32,
    /// Rooms over the limit.
    pub rooms: Vec<Warm>,
    /// The same as closures of the estate.
    #[serde(skip)]
    pub closures: Vec<Closure>,
}

/// The school day with the most degree-hours over a limit (µ°C), or that day of the year (from 1); rooms without cooling unless it
/// is kept. None when no day has any.
///
/// # Errors
/// When the building has no zone for a room, or a lesson has no place on the clock.
pub fn warm_day(
    (estate, schedule): (&Estate, &Schedule),
    (building, weather): (&Building, &Weather),
    clock: Clock,
    (limit, cooled): (i64, bool),
    wanted: Option<u32>,
) -> Result<Option<WarmDay>, Unreadable> {
    let lessons = timed(schedule, clock)?;
    let (mut building, zone_of) = zones(estate.zoned(), building)?;
    for zone in building.zones.iter_mut().filter(|_| !cooled) {
        zone.control.most_cooling = 0;
    }
    let year = run_weather(&building, weather, Some(&week(&lessons, &building, &zone_of, Program::Hours)));
    let days = (weather.hours.len() / 24) as u32;
    let of_week = |day: u32| (weather.first_weekday + day) % 7;
    let over = |day: u32| -> i64 {
        let used: BTreeSet<(usize, i64)> = uses(&lessons, &zone_of, of_week(day)).collect();
        used.into_iter().map(|(zone, hour)| above(&year, zone, day, hour, limit)).sum()
    };
    let day = match wanted {
        Some(day) if (1..=days).contains(&day) => day - 1,
        Some(day) => {
            return Err(Unreadable::at("day", format_args!("{day} is not a day of a year of {days}")));
        }
        None => (0..days).max_by_key(|day| (over(*day), std::cmp::Reverse(*day))).unwrap_or(0),
    };
    if over(day) == 0 {
        return Ok(None);
    }
    let mut found =
        WarmDay { day_of_year: day + 1, weekday: of_week(day), rooms: Vec::new(), closures: Vec::new() };
    // The times of that day, each once; a closure is of the week that the lessons were taken from.
    let cells: BTreeMap<(String, String), &Timed<'_>> = (lessons.iter())
        .filter(|one| one.weekday == found.weekday)
        .map(|one| ((text(&one.lesson.day), text(&one.lesson.period)), one))
        .collect();
    for room in &estate.rooms {
        let Some(zone) = zone_of.get(room.id.as_str()).copied() else { continue };
        let hot = |hour: i64| above(&year, zone, day, hour, limit) > 0;
        for one in cells.values().filter(|one| hours(one.start, one.end).any(hot)) {
            found.closures.push(Closure {
                room: Some(room.id.clone()),
                week: one.lesson.week,
                day: one.lesson.day.clone(),
                period: Some(one.lesson.period.clone()),
            });
        }
        let used: BTreeSet<i64> = (lessons.iter())
            .filter(|one| one.weekday == found.weekday && one.lesson.room == room.id)
            .flat_map(|one| hours(one.start, one.end))
            .collect();
        let sum: i64 = used.iter().map(|hour| above(&year, zone, day, *hour, limit)).sum();
        let warmest = used.iter().map(|hour| air(&year, zone, day, *hour)).max();
        if let Some(warmest) = warmest.filter(|_| sum > 0) {
            let warmest_c = warmest as f64 / 1e6;
            found.rooms.push(Warm { room: room.id.clone(), degree_hours: sum as f64 / 1e6, warmest_c });
        }
    }
    Ok(Some(found))
}

fn hours(start: i64, end: i64) -> impl Iterator<Item = i64> {
    start / 60..(end + 59) / 60
}

fn uses<'a>(
    lessons: &'a [Timed<'a>],
    zone_of: &'a BTreeMap<&str, usize>,
    weekday: u32,
) -> impl Iterator<Item = (usize, i64)> + 'a {
    let own = lessons.iter().filter(move |one| one.weekday == weekday);
    own.filter_map(|one| Some((*zone_of.get(one.lesson.room.as_str())?, one)))
        .flat_map(|(zone, one)| hours(one.start, one.end).map(move |hour| (zone, hour)))
}

fn air(year: &Year, zone: usize, day: u32, hour: i64) -> i64 {
    let at = day as usize * 24 + hour as usize;
    year.zone(zone).get(at).map_or(i64::MIN, |hour| hour.step.air)
}

/// How far over the limit, 0 where it is not.
fn above(year: &Year, zone: usize, day: u32, hour: i64, limit: i64) -> i64 {
    let over = air(year, zone, day, hour).saturating_sub(limit);
    if over >= FELT { over } else { 0 }
}
