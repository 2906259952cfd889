//! Tables as Parquet: version 1 data pages, plain values, no compression, no statistics, so that the bytes follow from the table
//! alone.
//!
//! Source: Apache Parquet, *parquet-format* 2.10, `parquet.thrift` and `Encodings.md`. A file is the mark `PAR1`, for each
//! group of rows the pages of each column, the head, its length and the mark again. A column that may be empty has
//! definition levels of one bit before its values, as bit-packed runs of eight.

use std::io::Write;

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
    /// The name of the table.
    pub table: &'static str,
    /// The heading of the column.
    pub column: &'static str,
    /// Which row, from 0.
    pub row: usize,
}

/// Why a table is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A defect.
    #[error(transparent)]
    Cell(#[from] WrongCell),
    /// What it is written to.
    #[error("cannot write a table: {0}")]
    Io(#[from] std::io::Error),
}

/// A table on its way to a file, a group of rows in memory at most.
pub struct Writer<W: Write> {
    out: W,
    table: &'static str,
    columns: &'static [Column],
    /// Bytes that were written.
    at: usize,
    groups: Vec<Struct>,
    /// Rows that were written.
    rows: usize,
    waiting: Vec<Vec<Cell>>,
}

impl<W: Write> Writer<W> {
    /// A table without rows.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn new(mut out: W, table: &'static str, columns: &'static [Column]) -> Result<Self, WriteError> {
        out.write_all(MARK)?;
        Ok(Self { out, table, columns, at: MARK.len(), groups: Vec::new(), rows: 0, waiting: Vec::new() })
    }

    /// The next row.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn row(&mut self, row: Vec<Cell>) -> Result<(), WriteError> {
        self.waiting.push(row);
        if self.waiting.len() < GROUP { Ok(()) } else { self.all_waiting() }
    }

    fn all_waiting(&mut self) -> Result<(), WriteError> {
        let rows = std::mem::take(&mut self.waiting);
        self.group(&rows)
    }

    fn group(&mut self, rows: &[Vec<Cell>]) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (mut chunks, begun) = (Vec::new(), self.at);
        for (number, column) in self.columns.iter().enumerate() {
            let (table, before) = (self.table, self.rows);
            let wrong =
                |row: usize| WrongCell { table, column: column.name, row: before.saturating_add(row) };
            let mut page = Vec::new();
            chunks.push(chunk(&mut page, self.at, (column, number), rows).map_err(wrong)?);
            self.out.write_all(&page)?;
            self.at = self.at.saturating_add(page.len());
        }
        let group = Struct::default()
            .parts(1, chunks)
            .i64(2, length(self.at.saturating_sub(begun)))
            .i64(3, length(rows.len()));
        self.groups.push(group);
        self.rows = self.rows.saturating_add(rows.len());
        Ok(())
    }

    /// No more rows. `facts` are the file's key-value metadata: where its figures are from.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn finish(mut self, facts: &[(&str, String)]) -> Result<W, WriteError> {
        self.all_waiting()?;
        let facts = facts.iter().map(|(key, value)| Struct::default().text(1, key).text(2, value)).collect();
        let head = Struct::default()
            .i32(1, 1)
            .parts(2, schema(self.table, self.columns))
            .i64(3, length(self.rows))
            .parts(4, self.groups)
            .parts(5, facts)
            .text(6, "aula")
            .finish();
        self.out.write_all(&head)?;
        self.out.write_all(&short(head.len()).to_le_bytes())?;
        self.out.write_all(MARK)?;
        Ok(self.out)
    }
}

/// A table's file, in memory.
///
/// # Errors
/// [`WriteError::Cell`].
pub fn write(dataset: &Dataset, facts: &[(&str, String)]) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::new(Vec::new(), dataset.name, dataset.columns)?;
    for rows in dataset.rows.chunks(GROUP) {
        writer.group(rows)?;
    }
    writer.finish(facts)
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

fn schema(table: &str, columns: &[Column]) -> Vec<Struct> {
    let mut all = vec![Struct::default().text(4, table).i32(5, short(columns.len()))];
    all.extend(columns.iter().map(|column| {
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

/// Writes a column of a group as one page that stands at a place of the file; gives its metadata, or the row whose cell is wrong.
fn chunk(
    out: &mut Vec<u8>,
    at: usize,
    (column, number): (&Column, usize),
    rows: &[Vec<Cell>],
) -> Result<Struct, usize> {
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
    let begins = length(at);
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
