//! Tables as CSV (RFC 4180): a head of names, lines that end with a line feed, an empty cell where nothing is known.

use super::Dataset;
use super::dataset::{Kind, Presence};

/// Why a table cannot be written.
pub type Error = ::csv::Error;

fn finish(writer: ::csv::Writer<Vec<u8>>) -> Result<Vec<u8>, Error> {
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// A table's file.
///
/// # Errors
/// Never in practice: rows have the head's length.
pub fn write(dataset: &Dataset) -> Result<Vec<u8>, Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(dataset.columns.iter().map(|column| column.name))?;
    for row in &dataset.rows {
        writer.write_record(row.iter().map(super::Cell::shown))?;
    }
    finish(writer)
}

/// The data dictionary: a line a column of every table.
///
/// # Errors
/// Never in practice.
pub fn dictionary(datasets: &[Dataset]) -> Result<Vec<u8>, Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(["Table", "Row", "Column", "CEDS", "Type", "Empty", "Unit", "Meaning"])?;
    for dataset in datasets {
        for column in dataset.columns {
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
            let line =
                [dataset.name, dataset.of, column.name, &ceds, kind, empty, column.unit, column.meaning];
            writer.write_record(line)?;
        }
    }
    finish(writer)
}
