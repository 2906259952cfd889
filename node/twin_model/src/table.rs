//! A table from CSV or gzipped CSV, by the names of its columns.
//!
//! Purpose: one reader with one set of errors for everything that is not a log of responses: graphs, scores,
//! student lists. Flow: [`Table::read`] names the columns it wants; cells come back as text, by column number
//! in the order asked for. Invariants: every wanted column is there, at least one row is there. Absent: types;
//! callers parse and say the line ([`Table::line`]).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Most bytes a table may unpack to; the largest here has 8 MB.
pub const MAX_BYTES: u64 = 512 << 20;

/// Why a file is not the table that is wanted.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The file as it was named.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not CSV, or not gzip where the name ends in .gz.
    #[error("cannot read {path}")]
    Csv {
        /// The file as it was named.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A wanted column is not there.
    #[error("{path} has no column {missing:?}; it has {found}")]
    Column {
        /// Which file.
        path: PathBuf,
        /// The column.
        missing: String,
        /// The columns there are.
        found: String,
    },
    /// No rows.
    #[error("{0} holds no rows")]
    Empty(PathBuf),
    /// A value that cannot be read.
    #[error("{path} line {line}: {column} is {value:?}, not {want}")]
    Value {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The heading of the column, as it was asked for.
        column: String,
        /// What stands there.
        value: String,
        /// What should.
        want: &'static str,
    },
}

/// The wanted columns of a file.
#[derive(Debug, Clone)]
pub struct Table {
    /// Where it came from.
    pub path: PathBuf,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Opens a file, unpacking it where the name ends in .gz.
///
/// # Errors
/// [`TableError::Open`].
pub fn open(path: &Path) -> Result<Box<dyn Read>, TableError> {
    let file = File::open(path).map_err(|source| TableError::Open { path: path.into(), source })?;
    let zipped = path.extension().is_some_and(|e| e == "gz");
    let buffered = BufReader::with_capacity(1 << 16, file);
    if zipped {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)));
    }
    Ok(Box::new(buffered))
}

impl Table {
    /// Reads the named columns of a file; others are ignored.
    ///
    /// # Errors
    /// Any [`TableError`] but [`TableError::Value`].
    pub fn read(path: &Path, columns: &[&str]) -> Result<Self, TableError> {
        Self::parse(open(path)?.take(MAX_BYTES), path, columns)
    }

    /// Reads from anywhere; `path` names it in errors.
    ///
    /// # Errors
    /// Any [`TableError`] but [`TableError::Value`].
    pub fn parse(reader: impl Read, path: &Path, columns: &[&str]) -> Result<Self, TableError> {
        let csv_error = |source| TableError::Csv { path: path.into(), source };
        let mut csv = csv::Reader::from_reader(reader);
        let header = csv.headers().map_err(csv_error)?.clone();
        let mut places = Vec::with_capacity(columns.len());
        for name in columns {
            let place = header.iter().position(|h| h.trim_start_matches('\u{feff}').trim() == *name);
            places.push(place.ok_or_else(|| TableError::Column {
                path: path.into(),
                missing: (*name).to_owned(),
                found: header.iter().collect::<Vec<_>>().join(", "),
            })?);
        }
        let mut rows = Vec::new();
        for record in csv.records() {
            let record = record.map_err(csv_error)?;
            rows.push(
                places.iter().map(|at| record.get(*at).unwrap_or_default().trim().to_owned()).collect(),
            );
        }
        if rows.is_empty() {
            return Err(TableError::Empty(path.into()));
        }
        let columns = columns.iter().map(|c| (*c).to_owned()).collect();
        Ok(Self { path: path.into(), columns, rows })
    }

    /// The rows: cells in the order of the columns asked for.
    pub fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// The line of a row in a file without quoted line ends: the header is line 1.
    #[must_use]
    pub const fn line(row: usize) -> usize {
        row + 2
    }

    /// A cell as a number; `None` where it is empty or "NA".
    ///
    /// # Errors
    /// [`TableError::Value`] for other text.
    pub fn number(&self, row: usize, column: usize) -> Result<Option<f64>, TableError> {
        let cell = self.rows.get(row).and_then(|r| r.get(column)).map_or("", String::as_str);
        if cell.is_empty() || cell == "NA" {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(TableError::Value {
                path: self.path.clone(),
                line: Self::line(row),
                column: self.columns.get(column).cloned().unwrap_or_default(),
                value: cell.to_owned(),
                want: "a number",
            }),
        }
    }
}
