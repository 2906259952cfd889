//! Text to rows: separators, quotes, line ends, a header, and each row's own line.
//!
//! RFC 4180 as it is really written: the separator is declared or is the one that the header has most of; lines end in LF,
//! CRLF or CR; quoted cells may hold separators and line ends. Invariants: every row that is not blank is given once, whole or
//! with a fault; a row in which the file ends inside quotes is told as cut. Absent: what columns mean.

use csv::{ReaderBuilder, StringRecord};

use crate::decode::UNREADABLE;
use crate::limits::{MAX_CELL_BYTES, MAX_COLUMNS};
use crate::reading::{Fault, Rule};

/// Put behind the text: it comes back as a row of its own unless a quote is still open.
const END: &str = "\u{1}aula: end of file\u{1}";
/// Separators that are looked for.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a table is laid out, where its file does not say it.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// One character between cells.
    pub separator: Option<u8>,
    /// Lines before the header.
    pub skip_lines: u64,
    /// Names of the columns of a file without a header.
    pub header: Option<Vec<String>>,
    /// Columns by their places in the line, for files without separators: name, first character from 1, characters.
    pub fixed: Vec<(String, usize, usize)>,
}

/// A file that is not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Nothing in it.
    #[error("it has no header row")]
    Empty,
    /// Too many columns.
    #[error("its header has more than {MAX_COLUMNS} columns")]
    Wide,
    /// Control characters that no table has.
    #[error("it holds control characters that no table has")]
    Binary,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells, trimmed of nothing.
    pub cells: StringRecord,
    /// Why it is not whole.
    pub fault: Option<Fault>,
}

/// A table that is being read.
pub struct Table {
    header: Vec<String>,
    rows: Rows,
}

enum Rows {
    Separated { reader: csv::Reader<std::io::Cursor<Vec<u8>>>, ends: Vec<u64>, passed: usize, done: bool },
    Fixed { text: String, at: usize, line: u64, columns: Vec<(usize, usize)> },
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("columns", &self.header.len()).finish_non_exhaustive()
    }
}

/// One byte in so many may be zero in a text.
const ZEROS_ONE_IN: usize = 1_000;

impl Table {
    /// Reads the header.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn open(mut text: String, layout: &Layout) -> Result<Self, TableError> {
        // A zero here and there is one row's fault; many are no text.
        let zeros = text.bytes().filter(|byte| *byte == 0).count();
        if text.contains(END) || zeros.saturating_mul(ZEROS_ONE_IN) > text.len() {
            return Err(TableError::Binary);
        }
        if has_bare_returns(&text) {
            // Also inside quotes, where one line end is as good as another.
            text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
        let mut skipped = layout.skip_lines;
        let mut start = nth_line(&text, skipped);
        let mut separator = layout.separator;
        // What spreadsheets write for their own use.
        let first = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        if let Some(named) = first.strip_prefix("sep=").and_then(|rest| rest.trim().bytes().next()) {
            separator = separator.or(Some(named));
            skipped += 1;
            start = nth_line(&text, skipped);
        }
        if !layout.fixed.is_empty() {
            let header = layout.fixed.iter().map(|(name, ..)| name.clone()).collect();
            let columns = layout.fixed.iter().map(|(_, at, length)| (*at, *length)).collect();
            return Ok(Self { header, rows: Rows::Fixed { text, at: start, line: skipped + 1, columns } });
        }
        let separator = separator.unwrap_or_else(|| likely(text.get(start..).unwrap_or_default()));
        // Where lines end, for the number of the line on which a row begins: rows may have several lines.
        let ends: Vec<u64> =
            text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at as u64).collect();
        text.push('\n');
        text.push_str(END);
        let mut cursor = std::io::Cursor::new(text.into_bytes());
        cursor.set_position(start as u64);
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(cursor);
        let rows = Rows::Separated { reader, ends, passed: start, done: false };
        let mut table = Self { header: Vec::new(), rows };
        table.header = match &layout.header {
            Some(names) => names.clone(),
            None => table
                .next_row()
                .ok_or(TableError::Empty)?
                .cells
                .iter()
                .map(|cell| cell.trim().to_owned())
                .collect(),
        };
        while table.header.last().is_some_and(String::is_empty) {
            table.header.pop();
        }
        match table.header.len() {
            0 => Err(TableError::Empty),
            columns if columns > MAX_COLUMNS => Err(TableError::Wide),
            _ => Ok(table),
        }
    }

    /// Names of the columns, trimmed; none empty at the end.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row that is not blank.
    pub fn next_row(&mut self) -> Option<Cells> {
        let mut row = match &mut self.rows {
            Rows::Fixed { text, at, line, columns } => fixed_row(text, at, line, columns)?,
            Rows::Separated { reader, ends, passed, done } => separated_row(reader, ends, *passed, done)?,
        };
        if row.fault.is_none() && !self.header.is_empty() {
            row.fault = fault(&row.cells, &self.header);
        }
        Some(row)
    }
}

fn has_bare_returns(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

/// Where the line after so many lines begins.
fn nth_line(text: &str, count: u64) -> usize {
    let mut at = 0;
    for _ in 0..count {
        match text.get(at..).and_then(|rest| rest.find('\n')) {
            Some(end) => at += end + 1,
            None => return text.len(),
        }
    }
    at
}

/// The separator that the first line that is not blank has most of, outside quotes; a comma where it has none.
fn likely(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let (mut counts, mut quoted) = ([0usize; 4], false);
    for byte in first.bytes() {
        if byte == b'"' {
            quoted = !quoted;
        }
        if let Some(which) = SEPARATORS.iter().position(|one| !quoted && *one == byte) {
            counts[which] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let which = counts.iter().position(|count| *count == most).filter(|_| most > 0);
    which.map_or(b',', |which| SEPARATORS[which])
}

fn separated_row(
    reader: &mut csv::Reader<std::io::Cursor<Vec<u8>>>,
    ends: &[u64],
    start: usize,
    done: &mut bool,
) -> Option<Cells> {
    if *done {
        return None;
    }
    let before = reader.position().byte().saturating_add(start as u64);
    let mut cells = StringRecord::new();
    // The text is UTF-8 in memory: nothing else can be wrong with a row of a table that may have any number of cells.
    if !reader.read_record(&mut cells).unwrap_or(false) {
        *done = true;
        return None;
    }
    let bytes = reader.get_ref().get_ref();
    let mut at = before;
    while usize::try_from(at)
        .ok()
        .and_then(|at| bytes.get(at))
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        at += 1;
    }
    let line = ends.partition_point(|end| *end < at) as u64 + 1;
    let mut fault = None;
    if cells.iter().any(|cell| cell.ends_with(END)) {
        *done = true;
        if cells.len() == 1 && cells.get(0) == Some(END) {
            return None;
        }
        let open = cells
            .get(cells.len().saturating_sub(1))
            .unwrap_or_default()
            .trim_end_matches(END)
            .trim_end()
            .to_owned();
        fault = Some(Fault::new("", Rule::Cut, &open));
        let kept = cells.len().saturating_sub(1);
        cells.truncate(kept);
    }
    Some(Cells { line, cells, fault })
}

fn fixed_row(text: &str, at: &mut usize, line: &mut u64, columns: &[(usize, usize)]) -> Option<Cells> {
    loop {
        let rest = text.get(*at..).filter(|rest| !rest.is_empty())?;
        let end = rest.find('\n').unwrap_or(rest.len());
        let own = rest.get(..end).unwrap_or_default().trim_end_matches('\r');
        *at += end + 1;
        let number = *line;
        *line += 1;
        if own.trim().is_empty() {
            continue;
        }
        let cell = |(from, length): &(usize, usize)| -> String {
            own.chars().skip(from.saturating_sub(1)).take(*length).collect::<String>().trim().to_owned()
        };
        let cells: StringRecord = columns.iter().map(cell).collect::<Vec<_>>().into();
        return Some(Cells { line: number, cells, fault: None });
    }
}

/// What is wrong with a row whatever its columns mean.
fn fault(cells: &StringRecord, header: &[String]) -> Option<Fault> {
    for (index, cell) in cells.iter().enumerate() {
        let column = || header.get(index).cloned().unwrap_or_default();
        if cell.len() > MAX_CELL_BYTES {
            return Some(Fault::new(column(), Rule::TooLong, cell));
        }
        if cell.contains(UNREADABLE)
            || cell.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Some(Fault::new(column(), Rule::Encoding, cell));
        }
        if index >= header.len() && !cell.trim().is_empty() {
            return Some(Fault::new(
                "",
                Rule::Columns,
                &format!("{} cells of {}", cells.len(), header.len()),
            ));
        }
    }
    // Exporters leave out cells of columns that they gave no name.
    let lacking = header.iter().skip(cells.len()).any(|name| !name.is_empty());
    lacking.then(|| Fault::new("", Rule::Columns, &format!("{} cells of {}", cells.len(), header.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Vec<String>, Option<Rule>)> {
        let mut table = Table::open(text.to_owned(), &Layout::default()).expect("a table");
        let mut rows = Vec::new();
        while let Some(row) = table.next_row() {
            let cells = row.cells.iter().map(str::to_owned).collect();
            rows.push((row.line, cells, row.fault.map(|fault| fault.rule)));
        }
        rows
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>, Option<Rule>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect(), None)
    }

    #[test]
    fn line_ends_separators_and_quotes_of_every_habit() {
        let want = [row(2, &["1", "x,y"]), row(4, &["2", "two\nlines"]), row(6, &["3", "z"])];
        for text in [
            "a,b\n1,\"x,y\"\n\n2,\"two\nlines\"\n3,z\n",
            "a;b\n1;x,y\n\n2;\"two\nlines\"\n3;z",
            "a\tb\r1\tx,y\r\r2\t\"two\rlines\"\r3\tz\r",
        ] {
            assert_eq!(read(text), want, "{text:?}");
        }
        let crlf = read("a|b\r\n1|x,y\r\n\r\n2|\"two\nlines\"\r\n3|z\r\n");
        assert_eq!(crlf, want);
        assert_eq!(read("sep=;\na,b;c\n1;2\n"), [row(3, &["1", "2"])]);
    }

    #[test]
    fn a_cut_end_and_crooked_rows_are_told() {
        let rows = read("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,\"open,3\n4,5,6\n");
        let rules: Vec<_> = rows.iter().map(|(line, _, rule)| (*line, *rule)).collect();
        assert_eq!(
            rules,
            [(2, Some(Rule::Columns)), (3, Some(Rule::Columns)), (4, None), (5, Some(Rule::Cut))]
        );
        assert_eq!(read("a,,\n1\n"), [row(2, &["1"])]);
        assert!(matches!(Table::open(String::new(), &Layout::default()), Err(TableError::Empty)));
        assert!(matches!(Table::open("a\0".into(), &Layout::default()), Err(TableError::Binary)));
        let long = format!("a,b\n1,2\n3,4\0\n{}", "5,6\n".repeat(1_000));
        let mut table = Table::open(long, &Layout::default()).expect("a table");
        let faults: Vec<_> = std::iter::from_fn(|| table.next_row())
            .filter_map(|row| Some((row.line, row.fault?.rule)))
            .collect();
        assert_eq!(faults, [(3, Rule::Encoding)], "a zero is its row's fault");
    }

    #[test]
    fn columns_by_their_places() {
        let fixed = vec![("id".to_owned(), 1, 4), ("score".to_owned(), 6, 3)];
        let layout = Layout { fixed, skip_lines: 1, ..Layout::default() };
        let mut table = Table::open("made today\n1001 041\r\n\n1002 07".into(), &layout).expect("a table");
        let rows: Vec<_> = std::iter::from_fn(|| table.next_row()).collect();
        let told: Vec<_> = rows.iter().map(|row| (row.line, row.cells.iter().collect::<Vec<_>>())).collect();
        assert_eq!(told, [(2, vec!["1001", "041"]), (4, vec!["1002", "07"])]);
    }
}
