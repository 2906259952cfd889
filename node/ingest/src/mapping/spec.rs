//! The mapping file as types; no behaviour but its checks.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::source::Source;
use crate::error::{Format, MappingError};
use crate::limits::MAX_MAPPING_BYTES;
use crate::oneroster::StudentId;
use crate::reading::Coverage;

/// How a table is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Which format the files are: `csv` or `assessment` for tables; `oneroster` and `edfi` take only their own settings.
    pub format: Format,
    /// What it is for; for people.
    #[serde(default)]
    pub about: String,
    /// Whether the files hold everybody (`bulk`) or a part (`delta`). A roster is bulk where nothing is said, results never.
    #[serde(default)]
    pub coverage: Option<Coverage>,
    /// Settings of OneRoster.
    #[serde(default)]
    pub oneroster: OneRoster,
    /// The file itself.
    #[serde(default)]
    pub file: FileSpec,
    /// Who the row is of.
    #[serde(default)]
    pub student: Option<StudentSpec>,
    /// Where the student is enrolled.
    #[serde(default)]
    pub roster: Option<RosterSpec>,
    /// Rows that are read: all conditions hold; others are left out and told.
    #[serde(default)]
    pub only: Vec<Source>,
    /// Further fields.
    #[serde(default, rename = "field")]
    pub fields: Vec<FieldSpec>,
    /// Results of assessments.
    #[serde(default, rename = "result")]
    pub results: Vec<ResultSpec>,
}

/// Settings of OneRoster.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneRoster {
    /// The column that names a student.
    #[serde(default)]
    pub student_id: StudentId,
}

/// The file itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// One character; guessed from the header where nothing is said.
    #[serde(default)]
    pub separator: Option<String>,
    /// For example `windows-1252`; guessed where nothing is said.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Lines before the header.
    #[serde(default)]
    pub skip_lines: u64,
    /// Names of the columns of a file without a header.
    #[serde(default)]
    pub header: Option<Vec<String>>,
    /// Columns by their places in the line.
    #[serde(default)]
    pub fixed: Vec<FixedSpec>,
    /// Words that mean nothing, besides the empty cell.
    #[serde(default)]
    pub missing: Vec<String>,
    /// The format of dates where no other is said.
    #[serde(default)]
    pub dates: Option<String>,
    /// The decimal sign where no other is said; a point where nothing is.
    #[serde(default)]
    pub decimal: Option<String>,
}

/// A column by its place in the line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSpec {
    /// What the mapping calls it: a line of fixed places has no header.
    pub name: String,
    /// Its first character, from 1.
    pub at: usize,
    /// Its characters.
    pub length: usize,
}

/// Who the row is of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentSpec {
    /// The district's own identifier.
    pub id: Source,
}

/// Where the student is enrolled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterSpec {
    /// Where the sending system's identifier of the school comes from.
    pub school: Source,
    /// Where the grade comes from; none: the files do not say.
    #[serde(default)]
    pub grade: Option<Source>,
    /// Rows of students who have left: one of the conditions holds.
    #[serde(default)]
    pub left: Vec<Source>,
}

/// A further field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// Its name in the vault.
    pub name: String,
    /// Its value: text, or a number with `number = true`.
    pub value: Source,
}

/// Results of one kind in a row: one, or one for each combination of `each`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultSpec {
    /// Words that stand for `{name}` in columns and constants, every combination once.
    #[serde(default)]
    pub each: BTreeMap<String, Vec<String>>,
    /// Combinations whose columns the file does not have are left out.
    #[serde(default)]
    pub optional: bool,
    /// Conditions, as for rows.
    #[serde(default)]
    pub only: Vec<Source>,
    /// The test.
    pub instrument: Source,
    /// The part of it, or the subject.
    #[serde(default)]
    pub measure: Option<Source>,
    /// The time of year: fall, winter, spring.
    #[serde(default)]
    pub window: Option<Source>,
    /// The day.
    #[serde(default)]
    pub date: Option<Source>,
    /// The school year by its first calendar year, where there is no day.
    #[serde(default)]
    pub school_year: Option<Source>,
    /// The grade in which it was taken.
    #[serde(default)]
    pub grade: Option<Source>,
    /// Numbers by name.
    #[serde(default)]
    pub scores: BTreeMap<String, Source>,
    /// Words by name.
    #[serde(default)]
    pub levels: BTreeMap<String, Source>,
    /// What tells two results of a student apart besides instrument and measure: `window` and `date`. The window where there is
    /// one, else the day, where nothing is said.
    #[serde(default)]
    pub key: Option<Vec<KeyPart>>,
}

/// What tells two results apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPart {
    /// The time of year: fall, winter, spring.
    Window,
    /// The day.
    Date,
    /// One result a year.
    SchoolYear,
    /// One result a grade.
    Grade,
}

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// [`MappingError`] with the line, or the rule in words.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > MAX_MAPPING_BYTES {
            return Err(MappingError::Rule("it has more than a megabyte".into()));
        }
        let mapping: Self = toml::from_str(text).map_err(|error| MappingError::Toml(error.to_string()))?;
        mapping.check()?;
        Ok(mapping)
    }

    /// The roster of three columns: `local_id,school,grade`.
    pub fn plain() -> Self {
        Self {
            format: Format::Csv,
            about: "a plain roster".into(),
            coverage: None,
            oneroster: OneRoster::default(),
            file: FileSpec::default(),
            student: None,
            roster: None,
            only: Vec::new(),
            fields: Vec::new(),
            results: Vec::new(),
        }
    }

    /// Who a row is of; the column `local_id` where nothing is said.
    pub(super) fn student(&self) -> StudentSpec {
        self.student.clone().unwrap_or_else(|| StudentSpec { id: Source::column("local_id") })
    }

    /// Where the student is enrolled; the columns `school` and `grade` of a roster where nothing is said.
    pub(super) fn roster(&self) -> Option<RosterSpec> {
        let usual = || RosterSpec {
            school: Source::column("school"),
            grade: Some(Source::column("grade")),
            left: Vec::new(),
        };
        match self.format {
            Format::Csv => Some(self.roster.clone().unwrap_or_else(usual)),
            _ => self.roster.clone(),
        }
    }

    /// Whether the files hold everybody.
    pub(super) fn coverage(&self) -> Coverage {
        let usual = if self.format == Format::Csv { Coverage::Bulk } else { Coverage::Delta };
        self.coverage.unwrap_or(usual)
    }

    fn check(&self) -> Result<(), MappingError> {
        let rule = |what: &str| Err(MappingError::Rule(what.to_owned()));
        let of_table = self.student.is_some()
            || self.roster.is_some()
            || !self.only.is_empty()
            || !self.fields.is_empty()
            || !self.results.is_empty();
        match self.format {
            Format::OneRoster | Format::EdFi if of_table => {
                rule("oneroster and edfi have columns of their own: only [oneroster] and coverage can be set")
            }
            Format::Assessment if self.results.is_empty() => {
                rule("an assessment needs at least one [[result]]")
            }
            Format::Assessment if self.student.is_none() => rule("an assessment needs [student] with its id"),
            Format::Assessment if self.roster.is_some() => {
                rule("a roster is format = \"csv\", which may have [[result]] too")
            }
            _ if self.file.header.is_some() && !self.file.fixed.is_empty() => {
                rule("[file] has header or fixed, not both")
            }
            _ => Ok(()),
        }
    }
}
