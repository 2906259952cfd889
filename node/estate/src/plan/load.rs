//! A timetable's year in its rooms: who is where by the clock, and what the rooms then need.

use crate::ctt::{Instance, Lesson};
use crate::energy::schedule::{Program, Row, Schedule};
use crate::energy::simulate::{Inputs, run_inputs_in_use, run_weather};
use crate::energy::weather::Weather;
use crate::energy::{Building, Year};
use crate::in_use;
use crate::text::Unreadable;

/// When a timetable's periods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Minutes after midnight at which period 0 starts.
    pub day_start: u32,
    /// Minutes from one period's start to the next.
    pub period_minutes: u32,
    /// How long a room that is opened on a day is run.
    pub program: Program,
}

/// The year outside: weather, or hours of outdoor air and sun on a zone.
#[derive(Debug, Clone, Copy)]
pub enum Hours<'a> {
    /// A year of weather; sun falls on each zone's own windows.
    Weather(&'a Weather),
    /// Hours from a Monday on, the internal gains left aside.
    Inputs(&'a Inputs),
}

/// What a year needs, in kWh.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Load {
    /// Heat into the rooms.
    pub heating_kwh: f64,
    /// Heat out of them, above 0.
    pub cooling_kwh: f64,
    /// Lights and plugs, and what heats and cools where a zone's COP or EER says so.
    pub electricity_kwh: f64,
    /// Electricity, and heating and cooling that are not made of it.
    pub energy_kwh: f64,
}

/// A timetable as a week of people in rooms.
///
/// # Errors
/// When the days do not fit a week, or the periods a day.
pub fn schedule(instance: &Instance, lessons: &[Lesson], week: Week) -> Result<Schedule, Unreadable> {
    let end =
        u64::from(week.day_start) + u64::from(week.period_minutes) * u64::from(instance.periods_per_day);
    if instance.days > 7 || end > 24 * 60 || week.period_minutes == 0 {
        let what = format!(
            "{} days of {} periods of {} minutes from minute {} do not fit a week; give another day start or period",
            instance.days, instance.periods_per_day, week.period_minutes, week.day_start
        );
        return Err(Unreadable::at("DAYS", what));
    }
    let row = |lesson: &Lesson| {
        let people = instance.courses[lesson.course as usize].students;
        row(instance, week, (lesson.room, lesson.period), people)
    };
    Ok(Schedule::run_by(lessons.iter().map(row), week.program))
}

/// So many people in a room at a period.
pub(super) fn row(instance: &Instance, week: Week, (room, period): (u32, u32), people: u32) -> Row {
    let start = week.day_start + period % instance.periods_per_day * week.period_minutes;
    Row {
        zone: instance.rooms[room as usize].name.to_string(),
        day: (period / instance.periods_per_day) as usize,
        start: start as usize,
        end: (start + week.period_minutes) as usize,
        people,
    }
}

/// The zones of an instance's rooms, as [`crate::in_use::zones`] makes them.
///
/// # Errors
/// When the building has several zones and none for some room.
pub fn zones(building: &Building, instance: &Instance) -> Result<Building, Unreadable> {
    let names: Vec<String> = instance.rooms.iter().map(|room| room.name.to_string()).collect();
    in_use::zones(names.iter().map(|name| (name.as_str(), None)), building).map(|(building, _)| building)
}

/// Runs the year of a schedule.
#[must_use]
pub fn load(building: &Building, hours: Hours<'_>, schedule: &Schedule) -> (Load, Year) {
    let year = run(building, hours, schedule);
    let sums = year.sums(building);
    let energy: i64 = (0..building.zones.len()).map(|index| energy_of(building, &year, index)).sum();
    // Added up in whole mWh: sums of fractions would have digits that nobody measured.
    let kwh = |milliwatt_hours: i64| milliwatt_hours as f64 / 1e6;
    let load = Load {
        heating_kwh: kwh(sums.heating),
        cooling_kwh: kwh(-sums.cooling),
        electricity_kwh: kwh(sums.electricity),
        energy_kwh: kwh(energy),
    };
    (load, year)
}

pub(super) fn run(building: &Building, hours: Hours<'_>, schedule: &Schedule) -> Year {
    match hours {
        Hours::Weather(weather) => run_weather(building, weather, Some(schedule)),
        Hours::Inputs(inputs) => run_inputs_in_use(building, inputs, schedule),
    }
}

/// What a zone's year takes, mWh: electricity, and heating and cooling that are not made of it.
pub(super) fn energy_of(building: &Building, year: &Year, index: usize) -> i64 {
    let (zone, sums) = (&building.zones[index], year.sums_of(building, index));
    let heating = if zone.heating_cop.is_none() { sums.heating } else { 0 };
    let cooling = if zone.cooling_eer.is_none() { -sums.cooling } else { 0 };
    sums.electricity + heating + cooling
}

/// The building's hours under each of some years as CSV: hour, now_w, then1_w, …: heating, cooling, lights and plugs of all zones.
#[must_use]
pub fn curve(years: &[Year], building: &Building) -> String {
    let mut text = String::from("hour,now_w");
    (1..years.len()).for_each(|index| text.push_str(&format!(",then{index}_w")));
    text.push('\n');
    for hour in 0..years.first().map_or(0, |year| year.hours) {
        text.push_str(&hour.to_string());
        for year in years {
            let of_zone = |zone: usize| {
                let hour = year.zone(zone)[hour];
                hour.step.demand.abs() + hour.electricity
            };
            let milliwatts: i64 = (0..building.zones.len()).map(of_zone).sum();
            text.push_str(&format!(",{}.{:03}", milliwatts / 1000, milliwatts % 1000));
        }
        text.push('\n');
    }
    text
}
