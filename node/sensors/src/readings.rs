//! Readings as lines of a day's file: `at,meter,value,unit`, a header first, as the lake reads them. A meter is `ROOM/QUANTITY`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aula_foreign::moment::moment;

/// A value of a room at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// When it was read, milliseconds since 1970.
    pub at_ms: u64,
    /// The room's id; the first half of the meter's name.
    pub room: String,
    /// What was measured.
    pub quantity: String,
    /// The point's unit, after scaling; empty where it has none.
    pub unit: String,
    /// After scaling, within the point's bounds.
    pub value: f64,
}

impl Reading {
    /// Its line. Values have six digits behind the point at most, as the lake keeps them.
    fn line(&self) -> String {
        let value = format!("{:.6}", self.value);
        let value = value.trim_end_matches('0').trim_end_matches('.');
        let value = if matches!(value, "-0" | "") { "0" } else { value };
        format!("{},{}/{},{value},{}\n", moment(self.at_ms), self.room, self.quantity, self.unit)
    }
}

/// Appends readings to the files of their days, each synced; gives how many lines were written.
///
/// # Errors
/// A folder that cannot be written.
pub fn append(folder: &Path, readings: &[Reading]) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut rest = readings;
    while let Some(first) = rest.first() {
        let day = first.at_ms / DAY_MS;
        let count = rest.iter().take_while(|reading| reading.at_ms / DAY_MS == day).count();
        let (own, after) = rest.split_at(count);
        let lines: String = own.iter().map(Reading::line).collect();
        append_day(&folder.join(format!("sensors-{}.csv", &moment(first.at_ms)[..10])), &lines)?;
        rest = after;
    }
    Ok(readings.len())
}

const DAY_MS: u64 = 86_400_000;

fn append_day(path: &PathBuf, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    let head = if length == 0 { "at,meter,value,unit\n" } else { "" };
    let written = file.write_all(format!("{head}{lines}").as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        // On a full disk part of the lines may be there: without it the next line would follow a cut one.
        let _ = file.set_len(length);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at_ms: u64, value: f64) -> Reading {
        Reading { at_ms, room: "B-204".into(), quantity: "co2".into(), unit: "ppm".into(), value }
    }

    #[test]
    fn days_have_files_with_one_header_each() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("aula-sensors-{}", std::process::id()));
        let midnight = 1_772_409_600_000; // 2026-03-02T00:00:00Z
        append(&folder, &[reading(midnight - 1, 412.0), reading(midnight, -0.0000001)])?;
        append(&folder, &[reading(midnight + 90_061_000, 20.1250004), reading(midnight + 61_000, 1.5)])?;
        let read = |day: &str| std::fs::read_to_string(folder.join(format!("sensors-{day}.csv")));
        let (first, second, third) = (read("2026-03-01")?, read("2026-03-02")?, read("2026-03-03")?);
        std::fs::remove_dir_all(&folder)?;
        let head = "at,meter,value,unit\n";
        assert_eq!(first, format!("{head}2026-03-01T23:59:59Z,B-204/co2,412,ppm\n"));
        assert_eq!(
            second,
            format!("{head}2026-03-02T00:00:00Z,B-204/co2,0,ppm\n2026-03-02T00:01:01Z,B-204/co2,1.5,ppm\n")
        );
        assert_eq!(third, format!("{head}2026-03-03T01:01:01Z,B-204/co2,20.125,ppm\n"));
        Ok(())
    }
}
