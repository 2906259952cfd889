//! A year, zone by zone, and its sums.

use std::fmt::Write;

use super::air::Aired;
use super::building::{Building, ZoneInUse};
use super::schedule::Schedule;
use super::sun;
use super::weather::Weather;
use super::zone::{Gains, Step};
use crate::decimal::scaled;
use crate::table::Table;
use crate::text::Unreadable;

const MOST_HOURS: usize = 1_000_000;

/// One hour of one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hour {
    /// What the method gives.
    pub step: Step,
    /// Lights and plugs, mW.
    pub electricity: i64,
}

/// A year of a building: by zone, then by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    /// How many each zone has, at least 1.
    pub hours: usize,
    /// Zone after zone.
    pub steps: Vec<Hour>,
}

/// Hourly inputs from a file: the same for all zones, or a list of its own for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Zones whose hours differ, as the building orders them; empty where all have the same.
    zones: Vec<String>,
    gains: Vec<Vec<Gains>>,
}

impl Inputs {
    /// The hours of a zone; of one that stands for the building's only zone, that one's.
    fn of(&self, zone: &ZoneInUse) -> &[Gains] {
        let own = self.zones.iter().position(|known| *known == zone.id);
        &self.gains[own.unwrap_or(0)]
    }
}

/// Sums over the year, in mWh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Heat that was put in, above 0.
    pub heating: i64,
    /// Heat that was taken out, below 0.
    pub cooling: i64,
    /// Lights and plugs, and what heats and cools where a zone's COP or EER says so.
    pub electricity: i64,
}

/// Reads inputs: columns t_out_c, internal_gains_w, solar_gains_w, and zone where zones differ.
///
/// # Errors
/// When a column is missing, a field is not a number, or a zone's hours are not as many as the others'.
pub fn read_inputs(bytes: &[u8], building: &Building) -> Result<Inputs, Unreadable> {
    let table = Table::read(bytes)?;
    let [outdoor, internal, solar] =
        ["t_out_c", "internal_gains_w", "solar_gains_w"].map(|name| table.column(name));
    let (outdoor, internal, solar) = (outdoor?, internal?, solar?);
    let zone = table.find("zone")?;
    let mut gains = vec![Vec::new(); if zone.is_some() { building.zones.len() } else { 1 }];
    for (index, row) in table.rows().iter().enumerate() {
        let place = || format!("row {}", index + 1);
        let number = |column: usize, places: u32, most: i64| {
            let range = || {
                let name = &table.header()[column];
                Unreadable::at(place(), format_args!("{name} is a number from -{most} to {most}"))
            };
            let within = |value: &i64| value.abs() <= most * 10i64.pow(places);
            scaled(&row[column], places).filter(within).ok_or_else(range)
        };
        let to = match zone {
            None => 0,
            Some(zone) => {
                building.zones.iter().position(|known| known.id == row[zone].trim()).ok_or_else(|| {
                    Unreadable::at(place(), format_args!("the building has no zone {:?}", row[zone]))
                })?
            }
        };
        gains[to].push(Gains {
            outdoor: number(outdoor, 6, 200)?,
            internal: number(internal, 3, 1_000_000_000)?,
            solar: number(solar, 3, 1_000_000_000)?,
        });
    }
    let hours = gains[0].len();
    if hours == 0 || hours > MOST_HOURS || gains.iter().any(|zone| zone.len() != hours) {
        let what = format!("every zone needs the same number of hours, from 1 to {MOST_HOURS}");
        return Err(Unreadable::at("end of file", what));
    }
    let zones = match zone {
        None => Vec::new(),
        Some(_) => building.zones.iter().map(|zone| zone.id.clone()).collect(),
    };
    Ok(Inputs { zones, gains })
}

/// Runs inputs as they stand; every zone is always in use.
#[must_use]
pub fn run_inputs(building: &Building, inputs: &Inputs) -> Year {
    let hours = inputs.gains[0].len();
    let mut steps = Vec::with_capacity(building.zones.len() * hours);
    for zone in &building.zones {
        let mut mass = zone.start;
        for gains in inputs.of(zone) {
            let step = zone.zone.step(mass, gains, &zone.control);
            mass = step.mass;
            steps.push(Hour { step, electricity: 0 });
        }
    }
    Year { hours, steps }
}

/// Runs the outdoor air and sun of inputs from a Monday on, with a schedule's people, lights and plugs inside.
#[must_use]
pub fn run_inputs_in_use(building: &Building, inputs: &Inputs, schedule: &Schedule) -> Year {
    let hours = inputs.gains[0].len();
    let mut steps = Vec::with_capacity(building.zones.len() * hours);
    for zone in &building.zones {
        let (mut mass, mut aired) = (zone.start, Aired::new(zone));
        for (hour, outside) in inputs.of(zone).iter().enumerate() {
            let slot = schedule.at(&zone.id, hour);
            let (internal, electricity) = inside(zone, slot);
            let gains = Gains { internal, ..*outside };
            let step = aired.step(mass, &gains, Some(slot));
            mass = step.mass;
            steps.push(Hour { step, electricity });
        }
    }
    Year { hours, steps }
}

/// Runs a year of weather; without a schedule every zone is always in use and empty.
#[must_use]
pub fn run_weather(building: &Building, weather: &Weather, schedule: Option<&Schedule>) -> Year {
    let hours = weather.hours.len();
    // The middle of each hour stands for it; EPW's hour 1 ends at 01:00.
    let suns: Vec<[i64; 3]> =
        (0..hours as u32).map(|hour| sun::position(&weather.site, hour / 24, hour % 24 * 60 + 30)).collect();
    let mut steps = Vec::with_capacity(building.zones.len() * hours);
    for zone in &building.zones {
        let (mut mass, mut aired) = (zone.start, Aired::new(zone));
        for (hour, sky) in weather.hours.iter().enumerate() {
            let in_use = schedule.map(|week| week.at(&zone.id, weather.first_weekday as usize * 24 + hour));
            let (internal, electricity) = inside(zone, in_use.unwrap_or_default());
            let shine = |window: &sun::Window| window.gain(&suns[hour], sky.direct, sky.diffuse, sky.global);
            let gains = Gains { outdoor: sky.air, internal, solar: zone.windows.iter().map(shine).sum() };
            let step = aired.step(mass, &gains, in_use);
            mass = step.mass;
            steps.push(Hour { step, electricity });
        }
    }
    Year { hours, steps }
}

/// Internal gains and the electricity among them, mW.
fn inside(zone: &ZoneInUse, slot: super::schedule::Use) -> (i64, i64) {
    let lit = i64::from(slot.minutes) * 1_000_000 + i64::from(slot.idle) * zone.idle_load.unwrap_or(0);
    let electricity = (i128::from(zone.lights + zone.plugs) * i128::from(lit) / 60_000_000) as i64;
    (electricity + zone.person * i64::from(slot.person_minutes) / 60, electricity)
}

impl Year {
    /// The hours of a zone.
    #[must_use]
    pub fn zone(&self, index: usize) -> &[Hour] {
        &self.steps[index * self.hours..(index + 1) * self.hours]
    }

    /// The sums over all zones.
    #[must_use]
    pub fn sums(&self, building: &Building) -> Sums {
        let of_zones = (0..building.zones.len()).map(|index| self.sums_of(building, index));
        of_zones.fold(Sums::default(), |all, own| Sums {
            heating: all.heating + own.heating,
            cooling: all.cooling + own.cooling,
            electricity: all.electricity + own.electricity,
        })
    }

    /// The sums of a zone.
    #[must_use]
    pub fn sums_of(&self, building: &Building, index: usize) -> Sums {
        let (mut sums, zone) = (Sums::default(), &building.zones[index]);
        for hour in self.zone(index) {
            let (heating, cooling) = (hour.step.demand.max(0), hour.step.demand.min(0));
            let by = |power: i64, factor: Option<i64>| {
                factor.map_or(0, |factor| (i128::from(power) * 1_000_000 / i128::from(factor)) as i64)
            };
            sums.heating += heating;
            sums.cooling += cooling;
            sums.electricity +=
                hour.electricity + by(heating, zone.heating_cop) + by(-cooling, zone.cooling_eer);
        }
        sums
    }

    /// Every hour of every zone as CSV: hour, zone, heating_w, cooling_w (at most 0), t_air_mc, t_mass_mc.
    #[must_use]
    pub fn to_csv(&self, building: &Building) -> String {
        let mut text = String::with_capacity(self.steps.len() * 48);
        text.push_str("hour,zone,heating_w,cooling_w,t_air_mc,t_mass_mc\n");
        for hour in 0..self.hours {
            for (index, zone) in building.zones.iter().enumerate() {
                let Step { demand, air, mass } = self.zone(index)[hour].step;
                let _ = write!(text, "{hour},{},", zone.id);
                watts(&mut text, demand.max(0));
                text.push(',');
                watts(&mut text, demand.min(0));
                let _ = writeln!(text, ",{},{}", milli(air), milli(mass));
            }
        }
        text
    }
}

fn watts(text: &mut String, milliwatts: i64) {
    let (sign, size) = (if milliwatts < 0 { "-" } else { "" }, milliwatts.unsigned_abs());
    let _ = write!(text, "{sign}{}.{:03}", size / 1000, size % 1000);
}

/// Thousandths from millionths, rounded half away from zero.
fn milli(micro: i64) -> i64 {
    (micro + 500 * micro.signum()) / 1000
}
