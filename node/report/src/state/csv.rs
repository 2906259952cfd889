//! Tables as CSV (RFC 4180): a head of names, lines that end with a line feed, an empty cell where nothing is known.

use std::io::Write;

use super::dataset::{Column, Kind, Presence};
use super::{Cell, Dataset, Head};

/// Why a table cannot be written.
pub type Error = ::csv::Error;

/// A table on its way to a file, a row in memory at most.
pub struct Writer<W: Write>(::csv::Writer<W>);

impl<W: Write> Writer<W> {
    /// A table without rows.
    ///
    /// # Errors
    /// What it is written to.
    pub fn new(out: W, columns: &[Column]) -> Result<Self, Error> {
        let mut writer = ::csv::Writer::from_writer(out);
        writer.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self(writer))
    }

    /// The next row.
    ///
    /// # Errors
    /// What it is written to; a row of another length than the head's.
    pub fn row(&mut self, row: &[Cell]) -> Result<(), Error> {
        self.0.write_record(row.iter().map(Cell::shown))
    }

    /// No more rows.
    ///
    /// # Errors
    /// What it is written to.
    pub fn finish(self) -> Result<W, Error> {
        self.0.into_inner().map_err(|error| error.into_error().into())
    }
}

/// A table's file, in memory.
///
/// # Errors
/// Never in practice: rows have the head's length.
pub fn write(dataset: &Dataset) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new(Vec::new(), dataset.columns)?;
    dataset.rows.iter().try_for_each(|row| writer.row(row))?;
    writer.finish()
}

/// The data dictionary: a line a column of every table.
///
/// # Errors
/// Never in practice.
pub fn dictionary(tables: &[Head]) -> Result<Vec<u8>, Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(["Table", "Row", "Column", "CEDS", "Type", "Empty", "Unit", "Meaning"])?;
    for table in tables {
        for column in table.columns {
            let ceds = match column.ceds {
                "" => "extension".to_owned(),
                id => format!("https://ceds.ed.gov/element/{id}"),
            };
            let kind = match column.kind {
                Kind::Text => "text",
                Kind::Integer => "integer",
            };
            let empty = match column.presence {
                Presence::Required => "never",
                Presence::Optional => "unknown or withheld",
            };
            let line = [table.name, table.of, column.name, &ceds, kind, empty, column.unit, column.meaning];
            writer.write_record(line)?;
        }
    }
    Writer(writer).finish()
}
