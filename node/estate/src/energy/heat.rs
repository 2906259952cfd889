//! Which zones become too warm in a year, and by how much: degree-hours over a limit, without cooling unless it is kept.

use super::building::Building;
use super::schedule::Schedule;
use super::simulate::{Year, run_weather};
use super::weather::Weather;

/// From how much on an hour is over the limit, µK: a zone that cooling holds there is not.
const FELT: i64 = 1_000;

/// A zone's year above the limit.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Warmth {
    /// Its id, as in the building's file.
    pub zone: String,
    /// Kelvins over the limit, summed over hours.
    pub degree_hours: f64,
    /// Hours of the year in which its air was warmer than the limit.
    pub hours_over: u32,
    /// The warmest hour's air, °C.
    pub warmest_c: f64,
    /// Which hour of the year that was, from 0.
    pub warmest_hour: u32,
}

/// Runs the year and counts the hours in which a zone is open; without a schedule every hour.
#[must_use]
pub fn warmth(
    building: &Building,
    weather: &Weather,
    schedule: Option<&Schedule>,
    limit: i64,
    cooled: bool,
) -> Vec<Warmth> {
    let mut building = building.clone();
    if !cooled {
        for zone in &mut building.zones {
            zone.control.most_cooling = 0;
        }
    }
    let year = run_weather(&building, weather, schedule);
    let of_zone = |(index, zone): (usize, &super::building::ZoneInUse)| {
        let open = |hour: usize| {
            schedule.is_none_or(|week| week.at(&zone.id, weather.first_weekday as usize * 24 + hour).open)
        };
        count(&zone.id, &year, index, limit, open)
    };
    building.zones.iter().enumerate().map(of_zone).collect()
}

fn count(id: &str, year: &Year, index: usize, limit: i64, open: impl Fn(usize) -> bool) -> Warmth {
    let mut over = (0i64, 0u32);
    let mut warmest = (i64::MIN, 0u32);
    for (hour, step) in year.zone(index).iter().enumerate().filter(|(hour, _)| open(*hour)) {
        let air = step.step.air;
        if air - limit >= FELT {
            over = (over.0 + (air - limit), over.1 + 1);
        }
        warmest = warmest.max((air, hour as u32));
    }
    let (air, hour) = if warmest.0 == i64::MIN { (0, 0) } else { warmest };
    Warmth {
        zone: id.to_owned(),
        degree_hours: over.0 as f64 / 1e6,
        hours_over: over.1,
        warmest_c: air as f64 / 1e6,
        warmest_hour: hour,
    }
}
