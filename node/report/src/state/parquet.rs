//! Tables as Parquet: version 1 data pages, plain values, no compression, no statistics, so that the bytes follow from the table
//! alone.
//!
//! Source: Apache Parquet, *parquet-format* 2.10, `parquet.thrift` and `Encodings.md`. A file is the mark `PAR1`, for each
//! group of rows the pages of each column, the head, its length and the mark again. A column that may be empty has
//! definition levels of one bit before its values, as bit-packed runs of eight.

use super::dataset::{Kind, Presence};
use super::thrift::Struct;
use super::{Cell, Column, Dataset};

/// Rows in a group.
const GROUP: usize = 65_536;
const MARK: &[u8] = b"PAR1";

/// Numbers of the format's enums.
mod format {
    pub const INT64: i32 = 2;
    pub const BYTE_ARRAY: i32 = 6;
    pub const REQUIRED: i32 = 0;
    pub const OPTIONAL: i32 = 1;
    pub const UTF8: i32 = 0;
    pub const PLAIN: i32 = 0;
    pub const RLE: i32 = 3;
    pub const UNCOMPRESSED: i32 = 0;
    pub const DATA_PAGE: i32 = 0;
}

/// A cell that is not its column's kind: a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of {table}: {column} holds another kind, or nothing")]
pub struct WrongCell {
    /// Which table.
    pub table: &'static str,
    /// Which column.
    pub column: &'static str,
    /// Which row, from 0.
    pub row: usize,
}

/// A table's file. `facts` are its key-value metadata: where its figures are from.
///
/// # Errors
/// [`WrongCell`].
pub fn write(dataset: &Dataset, facts: &[(&str, String)]) -> Result<Vec<u8>, WrongCell> {
    let mut out = MARK.to_vec();
    let mut groups = Vec::new();
    for (at, rows) in dataset.rows.chunks(GROUP).enumerate() {
        let mut chunks = Vec::new();
        let begun = out.len();
        for (number, column) in dataset.columns.iter().enumerate() {
            let wrong =
                |row: usize| WrongCell { table: dataset.name, column: column.name, row: at * GROUP + row };
            chunks.push(chunk(&mut out, column, number, rows).map_err(wrong)?);
        }
        let group =
            Struct::default().parts(1, chunks).i64(2, length(out.len() - begun)).i64(3, length(rows.len()));
        groups.push(group);
    }
    let facts = facts.iter().map(|(key, value)| Struct::default().text(1, key).text(2, value)).collect();
    let head = Struct::default()
        .i32(1, 1)
        .parts(2, schema(dataset))
        .i64(3, length(dataset.rows.len()))
        .parts(4, groups)
        .parts(5, facts)
        .text(6, "aula")
        .finish();
    out.extend_from_slice(&head);
    out.extend_from_slice(&short(head.len()).to_le_bytes());
    out.extend_from_slice(MARK);
    Ok(out)
}

fn length(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn short(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn physical(column: &Column) -> i32 {
    match column.kind {
        Kind::Text => format::BYTE_ARRAY,
        Kind::Integer => format::INT64,
    }
}

fn schema(dataset: &Dataset) -> Vec<Struct> {
    let mut all = vec![Struct::default().text(4, dataset.name).i32(5, short(dataset.columns.len()))];
    all.extend(dataset.columns.iter().map(|column| {
        let repetition = match column.presence {
            Presence::Required => format::REQUIRED,
            Presence::Optional => format::OPTIONAL,
        };
        let element = Struct::default().i32(1, physical(column)).i32(3, repetition).text(4, column.name);
        match column.kind {
            Kind::Integer => element,
            // Both ways of saying that bytes are UTF-8: the old one, and the union whose first member is STRING.
            Kind::Text => element.i32(6, format::UTF8).part(10, Struct::default().part(1, Struct::default())),
        }
    }));
    all
}

/// Writes a column of a group as one page; gives its metadata, or the row whose cell is wrong.
fn chunk(out: &mut Vec<u8>, column: &Column, number: usize, rows: &[Vec<Cell>]) -> Result<Struct, usize> {
    let mut values = Vec::new();
    let mut filled = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        match (row.get(number), column.kind) {
            (Some(Cell::Integer(n)), Kind::Integer) => values.extend_from_slice(&n.to_le_bytes()),
            (Some(Cell::Text(text)), Kind::Text) => {
                values.extend_from_slice(&short(text.len()).to_le_bytes());
                values.extend_from_slice(text.as_bytes());
            }
            (Some(Cell::Empty), _) if column.presence == Presence::Optional => {
                filled.push(false);
                continue;
            }
            _ => return Err(at),
        }
        filled.push(true);
    }
    let mut page = match column.presence {
        Presence::Required => Vec::new(),
        Presence::Optional => levels(&filled),
    };
    page.extend(values);
    let data = Struct::default()
        .i32(1, short(rows.len()))
        .i32(2, format::PLAIN)
        .i32(3, format::RLE)
        .i32(4, format::RLE);
    let head = Struct::default()
        .i32(1, format::DATA_PAGE)
        .i32(2, short(page.len()))
        .i32(3, short(page.len()))
        .part(5, data)
        .finish();
    let begins = length(out.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(&page);
    let whole = length(head.len() + page.len());
    let meta = Struct::default()
        .i32(1, physical(column))
        .i32s(2, &[format::PLAIN, format::RLE])
        .texts(3, &[column.name])
        .i32(4, format::UNCOMPRESSED)
        .i64(5, length(rows.len()))
        .i64(6, whole)
        .i64(7, whole)
        .i64(9, begins);
    Ok(Struct::default().i64(2, begins).part(3, meta))
}

/// Definition levels of one bit: their length, then one bit-packed run of groups of eight, the lowest bit first.
fn levels(filled: &[bool]) -> Vec<u8> {
    let groups = filled.len().div_ceil(8);
    let mut run = Vec::new();
    let mut header = (groups as u64) << 1 | 1;
    while header >= 0x80 {
        run.push((header & 0x7f) as u8 | 0x80);
        header >>= 7;
    }
    run.push(header as u8);
    for eight in filled.chunks(8) {
        run.push(eight.iter().enumerate().fold(0u8, |byte, (at, is)| byte | u8::from(*is) << at));
    }
    let mut out = short(run.len()).to_le_bytes().to_vec();
    out.extend(run);
    out
}
