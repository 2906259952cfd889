//! OneRoster 1.1 and 1.2 as CSV files: who is enrolled where, and results.
//!
//! Flow: the manifest says which files are there, whole (bulk) or in part (delta) → orgs → users (1.1), users and roles
//! (1.2) → enrollments, which say who teaches whom → line items and results. Of a user the identifier, the name, the grade and the school are read; passwords, addresses,
//! telephone numbers and demographics never are. Files that the manifest does not list count as absent. Invariants: a delta row
//! has a status and a time; `tobedeleted` ends, and nothing else does. Absent: what classes and courses are about, whose rows are told as
//! not needed; the dates of roles and enrolments, which exporters fill with defaults.

use std::collections::BTreeMap;

use crate::date;
use crate::decode::decode;
use crate::error::ReadError;
use crate::reading::{Coverage, Fault, Place, Reading, Rule, Said, Unused};
use crate::table::{Cells, Layout, Table};
use crate::unpack::Input;

mod classes;
mod manifest;
mod people;
pub mod rest;
mod results;

pub use manifest::{Manifest, Mode};

/// Which column names a student.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub enum StudentId {
    /// `sourcedId`, which every row has.
    #[default]
    #[serde(rename = "sourcedId")]
    SourcedId,
    /// `identifier`, the number that people use.
    #[serde(rename = "identifier")]
    Identifier,
}

/// Reads the files of one set.
///
/// # Errors
/// A manifest or a file that cannot be read at all.
pub fn read(files: Vec<Input>, student_id: StudentId) -> Result<Reading, ReadError> {
    let mut reading = Reading::default();
    let (manifest, files) = manifest::split(files)?;
    let mut set = FileSet { manifest, files: BTreeMap::new(), identifiers: BTreeMap::new() };
    for file in files {
        let stem = manifest::stem(&file.name);
        match set.manifest.mode(&stem) {
            Mode::Absent => {
                reading.notes.push(format!("{} is not listed in the manifest: not read", file.name))
            }
            _ if set.files.contains_key(&stem) => return Err(ReadError::Twice(file.name)),
            _ => {
                set.files.insert(stem, file);
            }
        }
    }
    if let Some(missing) = set.manifest.promised().find(|stem| !set.files.contains_key(*stem)) {
        return Err(ReadError::Promised(format!("{missing}.csv")));
    }
    if set.manifest.is_silent() {
        reading
            .notes
            .push("no manifest lists the files: all are read, and nobody's enrolment ends by absence".into());
    }
    people::read(&mut set, student_id, &mut reading)?;
    classes::read(&mut set, student_id, &mut reading)?;
    results::read(&mut set, student_id, &mut reading)?;
    for (stem, file) in std::mem::take(&mut set.files) {
        let mode = set.manifest.mode(&stem);
        each(file, mode, &mut reading, |_, _, _| Ok(Some(Said::Unused(Unused::NotNeeded))))?;
    }
    Ok(reading)
}

/// The files that are there and not read yet, by their names without `.csv`.
struct FileSet {
    manifest: Manifest,
    files: BTreeMap<String, Input>,
    /// Students' identifiers by their users' `sourcedId`, once users are read.
    identifiers: BTreeMap<String, String>,
}

impl FileSet {
    fn take(&mut self, stem: &str) -> Option<(Input, Mode)> {
        let mode = self.manifest.mode(stem);
        self.files.remove(stem).map(|file| (file, mode))
    }
}

/// A row with the names of its columns.
struct Row<'a> {
    place: Place,
    columns: &'a BTreeMap<String, usize>,
    cells: &'a Cells,
    mode: Mode,
}

impl Row<'_> {
    /// A cell by its column's name in lower case, trimmed; empty when there is no such column.
    fn get(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.cells.cells.get(*at)).unwrap_or_default().trim()
    }

    fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// A cell that has to be there, by its column's name as the standard writes it.
    fn need(&self, told: &str) -> Result<&str, Fault> {
        let cell = self.get(&told.to_lowercase());
        if cell.is_empty() { Err(Fault::new(told, Rule::Missing, "")) } else { Ok(cell) }
    }

    /// The row's own fault, such as a cut end.
    fn whole(&self) -> Result<(), Fault> {
        self.cells.fault.clone().map_or(Ok(()), Err)
    }

    fn is_empty(&self) -> bool {
        self.cells.cells.iter().all(|cell| cell.trim().is_empty())
    }

    fn content(&self) -> Vec<&str> {
        self.cells.cells.iter().collect()
    }

    /// Whether the row ends what it describes, and when it was changed; a delta row has to say both.
    fn status(&self) -> Result<(bool, Option<u64>), Fault> {
        let (status, changed) = (self.get("status"), self.get("datelastmodified"));
        let ended = match status.to_ascii_lowercase().as_str() {
            "active" => false,
            "tobedeleted" => true,
            "" if self.mode == Mode::Bulk => false,
            "" => return Err(Fault::new("status", Rule::Missing, "")),
            _ => return Err(Fault::new("status", Rule::Status, status)),
        };
        if self.mode == Mode::Bulk {
            return Ok((ended, None));
        }
        let changed = match changed {
            "" => return Err(Fault::new("dateLastModified", Rule::Missing, "")),
            text => text,
        };
        let at = date::moment_ms(changed).ok_or_else(|| {
            let rule = date::parse(changed, None).err().unwrap_or(Rule::Date);
            Fault::new("dateLastModified", rule, changed)
        })?;
        Ok((ended, Some(at)))
    }
}

/// What a row becomes; none when that is said once all rows are known.
type Become = Result<Option<Said>, Fault>;

/// Goes through a file's rows; `of` also tells the student of a row that is refused, when it is known.
fn each(
    file: Input,
    mode: Mode,
    reading: &mut Reading,
    mut of: impl FnMut(&[String], &Row<'_>, &mut String) -> Become,
) -> Result<(), ReadError> {
    let index = reading.file(&file.name);
    // An empty file has no rows: some exporters write one for every name.
    if file.bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let decoded = decode(file.bytes, None)?;
    let mut table = Table::open(decoded.text, &Layout::default())
        .map_err(|why| ReadError::Table { file: file.name.clone(), why })?;
    let mut columns = BTreeMap::new();
    for (at, column) in table.header().iter().enumerate() {
        columns.entry(column.to_lowercase()).or_insert(at);
    }
    while let Some(cells) = table.next_row() {
        reading.room()?;
        let row =
            Row { place: Place { file: index, line: cells.line }, columns: &columns, cells: &cells, mode };
        if row.is_empty() && cells.fault.is_none() {
            reading.say(row.place, Said::Unused(Unused::EmptyRow));
            continue;
        }
        let mut student = String::new();
        match of(&reading.files, &row, &mut student) {
            Ok(Some(Said::Refused(fault))) | Err(fault) => reading.refuse(row.place, Some(&student), fault),
            Ok(Some(said)) => reading.say(row.place, said),
            Ok(None) => {}
        }
    }
    Ok(())
}

/// Identifiers of a cell that lists several.
fn list(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(',').map(str::trim).filter(|one| !one.is_empty())
}

/// Whether the roster's files are all whole.
fn coverage(modes: &[Option<Mode>]) -> Coverage {
    let bulk = !modes.is_empty() && modes.iter().all(|mode| *mode == Some(Mode::Bulk));
    if bulk { Coverage::Bulk } else { Coverage::Delta }
}
