//! Which format files are in, and reading them.

use crate::date::Date;
use crate::error::{Format, ReadError};
use crate::mapping::{self, Mapping};
use crate::reading::{Coverage, Reading};
use crate::unpack::{Input, unpack};
use crate::{edfi, oneroster, sif};

/// Reads files of one import. The format is the one asked for, else the mapping's, else told from the files; `today` says which
/// withdrawals are past.
///
/// # Errors
/// [`ReadError`]: nothing of the files counts then. What is wrong with single rows stands in the reading.
pub fn read(
    inputs: Vec<Input>,
    format: Option<Format>,
    mapping: Option<&Mapping>,
    today: Date,
) -> Result<(Format, Reading), ReadError> {
    let files = unpack(inputs)?;
    if files.is_empty() {
        return Err(ReadError::Nothing);
    }
    let format = match (format, mapping.map(|mapping| mapping.format)) {
        (Some(asked), Some(mapping)) if asked != mapping => {
            return Err(ReadError::OtherFormat { mapping, asked });
        }
        (Some(format), _) | (None, Some(format)) => format,
        (None, None) => guess(&files),
    };
    let mut reading = match format {
        Format::OneRoster => {
            oneroster::read(files, mapping.map_or_else(Default::default, |m| m.oneroster.student_id))?
        }
        Format::EdFi => edfi::read(files, today)?,
        Format::Sif => sif::read(files, today)?,
        Format::Assessment => mapping::read(files, mapping.ok_or(ReadError::NoMapping)?)?,
        Format::Csv => mapping::read(files, mapping.unwrap_or(&Mapping::plain()))?,
    };
    let coverage = mapping.and_then(|mapping| mapping.coverage);
    if let (Format::OneRoster | Format::EdFi | Format::Sif, Some(coverage)) = (format, coverage) {
        reading.coverage = coverage;
    }
    if let (Format::Sif, Some(Coverage::Bulk), 0) = (format, coverage, reading.refused()) {
        reading.sections = reading.sections.map(|_| Coverage::Bulk);
    }
    reading.rows.sort_by_key(|row| row.place);
    Ok((format, reading))
}

/// The format that files look like.
fn guess(files: &[Input]) -> Format {
    let named = |name: &str| files.iter().any(|file| file.name.eq_ignore_ascii_case(name));
    let ends = |end: &str| files.iter().any(|file| file.name.to_lowercase().ends_with(end));
    if named("manifest.csv") || (named("users.csv") && named("orgs.csv")) {
        Format::OneRoster
    } else if files.iter().any(sif::is_one) {
        Format::Sif
    } else if ends(".xml") || ends(".jsonl") || ends(".ndjson") || ends(".json") {
        Format::EdFi
    } else {
        Format::Csv
    }
}
