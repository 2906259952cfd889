//! Hourly readings and weather from CSV: the first column says when, `YYYY-MM-DD HH:MM[:SS]`, the start of the hour.

use std::collections::BTreeMap;

use super::calendar::{Date, Moment};
use crate::table::Table;
use crate::text::Unreadable;

/// One hour's reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The start of the hour, by the meter's clock.
    pub moment: Moment,
    /// What was used, in the meter's unit; above 0.
    pub value: f64,
}

/// A meter's readings in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    /// Those that say something.
    pub readings: Vec<Reading>,
    /// Zeros and empty fields.
    pub left_out: u64,
}

/// The hours of the weather: air in °C, and global radiation in W/m² where it is given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weather {
    /// By moment.
    pub hours: BTreeMap<Moment, (f64, f64)>,
}

/// Reads a meter: the second column is the reading. A moment that is there twice keeps its last reading; the headers of
/// files that were joined are read past.
///
/// # Errors
/// When a row is not one, or nothing is left.
pub fn read_meter(bytes: &[u8]) -> Result<Meter, Unreadable> {
    let table = Table::read(bytes)?;
    if table.header().len() < 2 {
        return Err(Unreadable::at("header", "a meter has a column of moments and one of readings"));
    }
    let mut by_moment: BTreeMap<Moment, Option<f64>> = BTreeMap::new();
    for (index, row) in table.rows().iter().enumerate().filter(|(_, row)| row[0].trim() != table.header()[0])
    {
        let moment =
            moment(&row[0]).map_err(|error| Unreadable::at(format_args!("row {}", index + 1), error))?;
        by_moment.insert(moment, number(index, &row[1])?.filter(|value| *value != 0.0));
    }
    let left_out = by_moment.values().filter(|value| value.is_none()).count() as u64;
    let readings: Vec<Reading> =
        by_moment.into_iter().filter_map(|(moment, value)| Some(Reading { moment, value: value? })).collect();
    if readings.is_empty() {
        return Err(Unreadable::at("file", "it has no reading above 0"));
    }
    Ok(Meter { readings, left_out })
}

/// Reads weather: a column whose name starts with `air_temperature`, and `glbl_irad_amt` where there is one.
///
/// # Errors
/// When a row is not one.
pub fn read_weather(bytes: &[u8]) -> Result<Weather, Unreadable> {
    let table = Table::read(bytes)?;
    let starts = |name: &str| table.header().iter().position(|column| column.starts_with(name));
    let missing = || Unreadable::at("header", "there is no column air_temperature [degC]");
    let air = starts("air_temperature").ok_or_else(missing)?;
    let sun = starts("glbl_irad_amt");
    let mut weather = Weather::default();
    for (index, row) in table.rows().iter().enumerate().filter(|(_, row)| row[0].trim() != table.header()[0])
    {
        let moment =
            moment(&row[0]).map_err(|error| Unreadable::at(format_args!("row {}", index + 1), error))?;
        let light = sun.map_or(Ok(None), |column| number(index, &row[column]))?;
        if let Some(air) = number(index, &row[air])? {
            weather.hours.insert(moment, (air, light.unwrap_or(0.0)));
        }
    }
    Ok(weather)
}

fn number(index: usize, text: &str) -> Result<Option<f64>, Unreadable> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value.abs() < 1e12 => Ok(Some(value)),
        _ => Err(Unreadable::at(format_args!("row {}", index + 1), format_args!("{text:?} is not a number"))),
    }
}

fn moment(text: &str) -> Result<Moment, Unreadable> {
    let text = text.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let hour = time
        .split(':')
        .next()
        .and_then(|hour| hour.parse::<i64>().ok())
        .filter(|hour| (0..24).contains(hour));
    let fault = || Unreadable::at(format_args!("{text:?}"), "it is not a moment YYYY-MM-DD HH:MM");
    Ok(Date::read(date)?.number() * 24 + hour.ok_or_else(fault)?)
}
