//! Hourly weather from EnergyPlus's EPW: eight lines of header, then a line an hour.

use crate::decimal::scaled;
use crate::text::Unreadable;

const HEADER_LINES: usize = 8;
const DRY_BULB: usize = 6;
const GLOBAL: usize = 13;
const DIRECT: usize = 14;
const DIFFUSE: usize = 15;

/// Where the station is: 10⁻⁶ degrees north and east, and hours × 10⁶ ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Degrees north × 10⁶.
    pub latitude: i64,
    /// Degrees east × 10⁶.
    pub longitude: i64,
    /// Hours × 10⁶ that its clock is ahead of UTC.
    pub zone_hours: i64,
}

/// One hour of weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sky {
    /// Temperature of the air outside, µ°C.
    pub air: i64,
    /// Global horizontal, W/m² × 1000.
    pub global: i64,
    /// Direct normal, W/m² × 1000.
    pub direct: i64,
    /// Diffuse horizontal, W/m² × 1000.
    pub diffuse: i64,
}

/// A year of weather.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weather {
    /// Where it was measured; the sun's height follows from it.
    pub site: Site,
    /// Weekday of the first day, Monday 0.
    pub first_weekday: u32,
    /// Hours from the first of January.
    pub hours: Vec<Sky>,
}

/// Reads an EPW file.
///
/// # Errors
/// When a line is not what EPW has there.
pub fn read_epw(bytes: &[u8]) -> Result<Weather, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let header = |index: usize, key: &str| -> Result<Vec<&str>, Unreadable> {
        let fields: Vec<&str> = lines.get(index).unwrap_or(&"").split(',').map(str::trim).collect();
        let found = fields.first().is_some_and(|first| first.eq_ignore_ascii_case(key));
        found.then_some(fields).ok_or_else(|| Unreadable::line(index + 1, format_args!("EPW has {key} here")))
    };
    let location = header(0, "LOCATION")?;
    let place = |index: usize, name: &str, most: i64| {
        let value = location.get(index).and_then(|field| scaled(field, 6));
        let range = || Unreadable::line(1, format_args!("the {name} is a number from -{most} to {most}"));
        value.filter(|value| value.abs() <= most * 1_000_000).ok_or_else(range)
    };
    let site = Site {
        latitude: place(6, "latitude", 90)?,
        longitude: place(7, "longitude", 180)?,
        zone_hours: place(8, "time zone", 14)?,
    };
    let periods = header(HEADER_LINES - 1, "DATA PERIODS")?;
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let named = periods.get(4).map(|day| day.to_ascii_lowercase()).unwrap_or_default();
    let first_weekday = days.iter().position(|day| *day == named).unwrap_or(0) as u32;
    let mut hours = Vec::new();
    for (index, line) in
        lines.iter().enumerate().skip(HEADER_LINES).filter(|(_, line)| !line.trim().is_empty())
    {
        hours.push(sky(index + 1, line)?);
    }
    if hours.len() != 8760 && hours.len() != 8784 {
        let what = format!("{} hours; a year has 8760 or 8784", hours.len());
        return Err(Unreadable::at("end of file", what));
    }
    Ok(Weather { site, first_weekday, hours })
}

fn sky(line: usize, text: &str) -> Result<Sky, Unreadable> {
    let fields: Vec<&str> = text.split(',').collect();
    let number = |index: usize, name: &str, places: u32, least: i64, most: i64| {
        let scale = 10i64.pow(places);
        let value = fields.get(index).and_then(|field| scaled(field, places));
        let range = || {
            Unreadable::line(
                line,
                format_args!("the {name} is a number from {least} to {most}, 9999 not included"),
            )
        };
        value.filter(|value| (least * scale..=most * scale).contains(value)).ok_or_else(range)
    };
    Ok(Sky {
        air: number(DRY_BULB, "dry bulb temperature", 6, -90, 70)?,
        global: number(GLOBAL, "global radiation", 3, 0, 2000)?,
        direct: number(DIRECT, "direct radiation", 3, 0, 2000)?,
        diffuse: number(DIFFUSE, "diffuse radiation", 3, 0, 2000)?,
    })
}
