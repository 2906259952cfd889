//! Readings of meters and sensors from CSV files: `at,meter,value,unit`, a header first, `at` as RFC 3339 with its zone.

use std::path::{Path, PathBuf};

use aula_ingest::decimal::Decimal;
use aula_ingest::event::instant::instant_ms;
use aula_lake::rows::{Cell, Row, RowId};
use aula_lake::tables::READINGS;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::command::{Advise, Failure};

const HINT: &str = "a line is at,meter,value,unit, as 2026-11-29T07:00:00Z,main,12.5,kWh; unit may be empty";
/// Longest name of a meter or unit, bytes.
const MAX_NAME: usize = 128;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at: String,
    meter: String,
    value: String,
    #[serde(default)]
    unit: String,
}

/// The readings of every CSV file in a folder; none without a folder.
pub(super) fn rows(folder: Option<&Path>) -> Result<Vec<(RowId, Row)>, Failure> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let unreadable = format!("cannot read {}", folder.display());
    let hint = "correct [lake] readings in config.toml";
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).advise(&unreadable, hint)? {
        let path = entry.advise(&unreadable, hint)?.path();
        if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) {
            files.push(path);
        }
    }
    files.sort();
    let mut rows = Vec::new();
    for path in &files {
        let mut reader =
            csv::Reader::from_path(path).advise(format!("cannot read {}", path.display()), hint)?;
        for (line, at) in reader.deserialize::<Line>().zip(2..) {
            let wrong = || {
                Failure::new("bad_reading", format!("{} line {at} is not a reading", path.display()), HINT)
            };
            rows.push(row(&line.map_err(|_| wrong())?).ok_or_else(wrong)?);
        }
    }
    Ok(rows)
}

fn row(line: &Line) -> Option<(RowId, Row)> {
    let at_ms = instant_ms(line.at.trim())?;
    let (meter, unit) = (line.meter.trim(), line.unit.trim());
    let named = |text: &str| text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    let value = Decimal::parse(&line.value, '.')?.micros();
    if meter.is_empty() || !named(meter) || !named(unit) {
        return None;
    }
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(format!("{at_ms}\n{meter}\n{value}\n{unit}"))[..16]);
    let mut row = Row::new(&READINGS, &id);
    row.set(&READINGS, "at", Cell::Time(i64::try_from(at_ms).ok()?.checked_mul(1_000)?));
    row.set(&READINGS, "meter", Cell::Text(meter.into()));
    row.set(&READINGS, "value_e6", Cell::Long(value));
    row.set(&READINGS, "unit", if unit.is_empty() { Cell::None } else { Cell::Text(unit.into()) });
    Some((id, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(RowId, Row)>, Failure> {
        let folder = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        std::fs::write(folder.path().join("a.csv"), text).hint("write")?;
        rows(Some(folder.path()))
    }

    #[test]
    fn lines_are_readings_or_named() -> Result<(), Failure> {
        let good =
            "at,meter,value,unit\n2026-11-29T07:00:00Z,main,12.5,kWh\n2026-11-29T08:00:00+01:00,main,-3,\n";
        let found = read(good)?;
        assert_eq!(found.len(), 2);
        assert_ne!(found[0].0, found[1].0);
        assert_eq!(read(good)?[0].0, found[0].0, "the same line is the same row");
        for bad in [
            "2026-11-29T07:00:00,main,1,kWh",
            "2026-11-29T07:00:00Z,,1,",
            "2026-11-29T07:00:00Z,main,x,",
            "2026-11-29T07:00:00Z",
        ] {
            let refused = read(&format!("at,meter,value,unit\n{bad}\n")).map_err(|refused| refused.message);
            assert!(refused.is_err_and(|told| told.contains("line 2")), "{bad}");
        }
        assert!(rows(None)?.is_empty());
        Ok(())
    }
}
