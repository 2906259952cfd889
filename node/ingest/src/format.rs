//! Which format files are in, and reading them.

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::decode::UnknownEncoding;
use crate::mapping::{self, Mapping, MappingError};
use crate::reading::{Reading, TooManyRows};
use crate::table::TableError;
use crate::unpack::{Input, UnpackError, unpack};
use crate::{edfi, oneroster};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OneRoster 1.1 or 1.2, CSV.
    OneRoster,
    /// Ed-Fi interchange XML or API exports as JSON lines.
    EdFi,
    /// A vendor's results, by a mapping.
    Assessment,
    /// A roster as a table: `local_id,school,grade`, or by a mapping.
    Csv,
}

impl Format {
    /// The word in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneRoster => "oneroster",
            Self::EdFi => "edfi",
            Self::Assessment => "assessment",
            Self::Csv => "csv",
        }
    }
}

/// Files that cannot be read at all; nothing is taken then.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing was given.
    #[error("there are no files to read")]
    Nothing,
    /// They cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Not a table.
    #[error("{file} is no table: {why}")]
    Table {
        /// Which.
        file: String,
        /// Why.
        why: TableError,
    },
    /// The mapping does not fit.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// No such encoding.
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    /// More rows than an import may have.
    #[error(transparent)]
    Rows(#[from] TooManyRows),
    /// The manifest cannot be read.
    #[error("manifest.csv, line {line}: {what}")]
    Manifest {
        /// The line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The manifest lists a file that is not there.
    #[error("the manifest lists {0}, which is not there: the set is not whole")]
    Promised(String),
    /// A file stands twice.
    #[error("there are two files named {0}")]
    Twice(String),
    /// Not an interchange file.
    #[error("{file} cannot be read: {what}")]
    Xml {
        /// Which.
        file: String,
        /// Why.
        what: edfi::XmlError,
    },
    /// Neither XML nor JSON lines.
    #[error("{0} is neither an interchange file (XML) nor an export of one JSON object a line")]
    NotEdFi(String),
    /// An assessment without its mapping.
    #[error("results of assessments are read by a mapping: give it with --map")]
    NoMapping,
    /// The mapping is for another format.
    #[error("the mapping is for {}, and the files were called {}", .mapping.name(), .asked.name())]
    OtherFormat {
        /// The mapping's.
        mapping: Format,
        /// The one asked for.
        asked: Format,
    },
}

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
        Format::Assessment => mapping::read(files, mapping.ok_or(ReadError::NoMapping)?)?,
        Format::Csv => mapping::read(files, mapping.unwrap_or(&Mapping::plain()))?,
    };
    if let (Format::OneRoster | Format::EdFi, Some(coverage)) =
        (format, mapping.and_then(|mapping| mapping.coverage))
    {
        reading.coverage = coverage;
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
    } else if ends(".xml") || ends(".jsonl") || ends(".ndjson") || ends(".json") {
        Format::EdFi
    } else {
        Format::Csv
    }
}
