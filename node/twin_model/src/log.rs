//! A log of responses, read from CSV or gzipped CSV.
//!
//! Columns student, seq, item, skills (joined by `;`), correct; others are ignored. Rows may stand in any order: they are put
//! student by student, by `seq`, equal ones as in the file, whose order stays known. Names become numbers in order of first appearance; a test log is read
//! with the training log's [`Names`], and what it adds gets numbers behind them, which the model does not know.
//! A [`Reading`] may take some students only, and keep further columns as [`Labels`] for reports.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;

use aula_twin_runtime::event::{ItemId, MAX_SKILLS_PER_EVENT, SkillId};

use crate::table::{self, TableError};

mod error;
mod labels;
mod order;

pub use error::LogError;
pub use labels::{Labels, Reading};

/// Columns a log must have.
pub const COLUMNS: [&str; 5] = ["student", "seq", "item", "skills", "correct"];

/// Numbers of items and skills by name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    items: HashMap<String, u32>,
    skills: HashMap<String, u16>,
    /// Item names in the order of their numbers.
    pub item_names: Vec<String>,
    /// Skill names in the order of their numbers.
    pub skill_names: Vec<String>,
}

impl Names {
    /// Names in the order of their numbers, as a model file holds them.
    #[must_use]
    pub fn from_lists(item_names: Vec<String>, skill_names: Vec<String>) -> Self {
        let items = (0..).zip(&item_names).map(|(n, name)| (name.clone(), n)).collect();
        let skills = (0..).zip(&skill_names).map(|(n, name)| (name.clone(), n)).collect();
        Self { items, skills, item_names, skill_names }
    }

    fn item(&mut self, name: &str) -> ItemId {
        if let Some(n) = self.items.get(name) {
            return ItemId(*n);
        }
        let n = u32::try_from(self.item_names.len()).unwrap_or(u32::MAX);
        self.items.insert(name.to_owned(), n);
        self.item_names.push(name.to_owned());
        ItemId(n)
    }

    /// The number of a skill; `None` when numbers are used up.
    fn skill(&mut self, name: &str) -> Option<SkillId> {
        if let Some(n) = self.skills.get(name) {
            return Some(SkillId(*n));
        }
        let n = u16::try_from(self.skill_names.len()).ok()?;
        self.skills.insert(name.to_owned(), n);
        self.skill_names.push(name.to_owned());
        Some(SkillId(n))
    }
}

/// One response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Place in the student's order, as the file has it.
    pub seq: u64,
    /// Its number by order of first appearance.
    pub item: ItemId,
    /// Where its skills begin in [`Log::skill_pool`], and how many there are.
    skills: (u32, u8),
    /// Whether it was right.
    pub correct: bool,
}

/// One student's rows: a range of [`Log::rows`].
#[derive(Debug, Clone)]
pub struct Student {
    /// Name as in the file.
    pub name: String,
    /// First row and the row after the last.
    pub range: (usize, usize),
}

/// A whole log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Students in the order of their first rows in the file.
    pub students: Vec<Student>,
    /// Student by student, each in order.
    pub rows: Vec<Row>,
    /// Skills of all rows, one after another.
    pub skill_pool: Vec<SkillId>,
    /// Further columns that were asked for.
    pub labels: Vec<Labels>,
    /// For each row of the file, its place in [`Self::rows`].
    pub of_file: Vec<u32>,
}

impl Log {
    /// The skills of a row, ascending.
    #[must_use]
    pub fn skills(&self, row: &Row) -> &[SkillId] {
        let start = row.skills.0 as usize;
        self.skill_pool.get(start..start + usize::from(row.skills.1)).unwrap_or_default()
    }

    /// A student's rows, in order.
    #[must_use]
    pub fn rows_of(&self, student: &Student) -> &[Row] {
        self.rows.get(student.range.0..student.range.1).unwrap_or_default()
    }

    /// Reads a file; names it adds are added to `names`.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn read(path: &Path, names: &mut Names) -> Result<Self, LogError> {
        Self::read_some(path, names, Reading::ALL)
    }

    /// Reads a file, taking what `reading` says.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn read_some(path: &Path, names: &mut Names, reading: Reading<'_>) -> Result<Self, LogError> {
        Self::parse_some(table::open(path)?, path, names, reading)
    }

    /// Reads CSV from anywhere; `path` names it in errors.
    ///
    /// # Errors
    /// Any [`LogError`].
    pub fn parse(reader: impl Read, path: &Path, names: &mut Names) -> Result<Self, LogError> {
        Self::parse_some(reader, path, names, Reading::ALL)
    }

    fn parse_some(
        reader: impl Read,
        path: &Path,
        names: &mut Names,
        reading: Reading<'_>,
    ) -> Result<Self, LogError> {
        let mut csv = csv::ReaderBuilder::new().buffer_capacity(1 << 16).from_reader(reader);
        let csv_error = |source| TableError::Csv { path: path.into(), source };
        let header = csv.headers().map_err(csv_error)?.clone();
        if header.is_empty() {
            return Err(TableError::Empty(path.into()).into());
        }
        let mut columns = Vec::with_capacity(COLUMNS.len() + reading.labels.len());
        for name in COLUMNS.into_iter().chain(reading.labels.iter().map(String::as_str)) {
            let place = header.iter().position(|h| h.trim_start_matches('\u{feff}').trim() == name);
            columns.push(place.ok_or_else(|| TableError::Column {
                path: path.into(),
                missing: name.to_owned(),
                found: header.iter().collect::<Vec<_>>().join(", "),
            })?);
        }
        let log = Self { labels: reading.labels.iter().map(|n| Labels::new(n)).collect(), ..Self::default() };
        let mut builder = Builder { path, names, log, numbers: HashMap::new(), places: Vec::new() };
        let mut record = csv::StringRecord::new();
        while csv.read_record(&mut record).map_err(csv_error)? {
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |at: usize| columns.get(at).and_then(|c| record.get(*c)).unwrap_or_default().trim();
            if (reading.keep)(cell(0)) {
                builder.push(line, cell(0), cell(1), cell(2), cell(3), cell(4))?;
                for (n, labels) in builder.log.labels.iter_mut().enumerate() {
                    labels.push(cell(COLUMNS.len() + n));
                }
            }
        }
        if builder.log.rows.is_empty() {
            Err(TableError::Empty(path.into()).into())
        } else {
            builder.finish()
        }
    }

    /// Names of students that `other` has too, in this log's order.
    #[must_use]
    pub fn shared(&self, other: &Self) -> Vec<&str> {
        let names: BTreeSet<&str> = other.students.iter().map(|s| s.name.as_str()).collect();
        self.students.iter().map(|s| s.name.as_str()).filter(|name| names.contains(name)).collect()
    }
}

struct Builder<'a> {
    path: &'a Path,
    names: &'a mut Names,
    log: Log,
    /// Places of students in [`Log::students`] by name.
    numbers: HashMap<String, u32>,
    /// Of each row, its student's place and its line.
    places: Vec<(u32, u64)>,
}

impl Builder<'_> {
    fn push(
        &mut self,
        line: u64,
        student: &str,
        seq: &str,
        item: &str,
        skills: &str,
        correct: &str,
    ) -> Result<(), LogError> {
        let bad = |column: &str, value: &str, want| TableError::Value {
            path: self.path.into(),
            line: usize::try_from(line).unwrap_or(usize::MAX),
            column: column.into(),
            value: value.into(),
            want,
        };
        let seq: u64 = seq.parse().map_err(|_| bad("seq", seq, "a whole number"))?;
        let correct = match correct {
            "1" | "1.0" => true,
            "0" | "0.0" => false,
            _ => return Err(bad("correct", correct, "0 or 1").into()),
        };
        if student.is_empty() {
            return Err(bad("student", student, "a name").into());
        }
        if item.is_empty() {
            return Err(bad("item", item, "a name").into());
        }
        let item = self.names.item(item);
        let student = self.student(student);
        let skills = self.skills(line, skills)?;
        self.log.rows.push(Row { seq, item, skills, correct });
        self.places.push((student, line));
        Ok(())
    }

    /// The place of a student, who is entered when new.
    fn student(&mut self, name: &str) -> u32 {
        if let Some((last, _)) = self.places.last()
            && self.log.students.get(*last as usize).is_some_and(|student| student.name == name)
        {
            return *last;
        }
        if let Some(found) = self.numbers.get(name) {
            return *found;
        }
        let place = u32::try_from(self.log.students.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), place);
        self.log.students.push(Student { name: name.to_owned(), range: (0, 0) });
        place
    }

    /// A row without skills exercises the skill with the empty name.
    fn skills(&mut self, line: u64, joined: &str) -> Result<(u32, u8), LogError> {
        let start = self.log.skill_pool.len();
        let mut list = Vec::with_capacity(4);
        for name in joined.split(';').map(str::trim) {
            if name.is_empty() && joined.trim() != "" {
                continue;
            }
            list.push(self.names.skill(name).ok_or_else(|| LogError::TooManySkills(self.path.into()))?);
        }
        list.sort_unstable();
        list.dedup();
        if list.is_empty() {
            list.push(self.names.skill("").ok_or_else(|| LogError::TooManySkills(self.path.into()))?);
        }
        if list.len() > MAX_SKILLS_PER_EVENT {
            let (path, count) = (self.path.into(), list.len());
            return Err(LogError::TooManyOfOne { path, line, count });
        }
        let count = u8::try_from(list.len()).unwrap_or(u8::MAX);
        self.log.skill_pool.extend(list);
        Ok((u32::try_from(start).unwrap_or(u32::MAX), count))
    }
}
