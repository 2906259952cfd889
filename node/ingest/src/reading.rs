//! What every format gives: each input row, once, with what it says or why it is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::limits::{MAX_ROWS, MAX_TOLD_CHARS};

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Index into [`Reading::files`].
    pub file: usize,
    /// Line on which the row begins, from 1; the header counts.
    pub line: u64,
}

/// Why a row is refused. The names stand in reports and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A value that has to be there is not.
    Missing,
    /// The student's identifier is not 1 to 128 bytes of plain text.
    LocalId,
    /// No school of the district is known by this identifier.
    UnknownSchool,
    /// The district has no such student.
    UnknownStudent,
    /// Not a grade that is known.
    Grade,
    /// Not a date.
    Date,
    /// A date that reads as two different days.
    AmbiguousDate,
    /// Not a number.
    Number,
    /// A number outside its range.
    Range,
    /// A word that the mapping does not list.
    Value,
    /// Another number of cells than the header has.
    Columns,
    /// The file ends inside this row.
    Cut,
    /// Bytes that are not text in the file's encoding, or control characters.
    Encoding,
    /// More bytes than a value may have.
    TooLong,
    /// Another row of the same key says something else; the first stays.
    Contradicts,
    /// A status that is not known.
    Status,
    /// Not a record of its format.
    Unreadable,
    /// A delta row older than what is kept.
    Stale,
    /// The sending system gave a student another identifier: nobody here says that two identifiers are one student.
    Renamed,
}

impl Rule {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::LocalId => "local_id",
            Self::UnknownSchool => "unknown_school",
            Self::UnknownStudent => "unknown_student",
            Self::Grade => "grade",
            Self::Date => "date",
            Self::AmbiguousDate => "ambiguous_date",
            Self::Number => "number",
            Self::Range => "range",
            Self::Value => "value",
            Self::Columns => "columns",
            Self::Cut => "cut",
            Self::Encoding => "encoding",
            Self::TooLong => "too_long",
            Self::Contradicts => "contradicts",
            Self::Status => "status",
            Self::Unreadable => "unreadable",
            Self::Stale => "stale",
            Self::Renamed => "renamed",
        }
    }
}

/// A row that is refused: which field, by which rule, what stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The column or element.
    pub field: String,
    /// The rule that it breaks, whose word stands in the report.
    pub rule: Rule,
    /// What stood there, cut to 200 characters.
    pub value: String,
}

impl Fault {
    /// A fault; the value is cut.
    pub fn new(field: impl Into<String>, rule: Rule, value: &str) -> Self {
        Self { field: field.into(), rule, value: value.chars().take(MAX_TOLD_CHARS).collect() }
    }
}

/// Why a row that is right is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unused {
    /// Of a teacher, a parent, staff.
    NotAStudent,
    /// Of a kind that nothing here is made of, such as classes and courses.
    NotNeeded,
    /// Left out by the mapping's conditions.
    LeftOut,
    /// No score and no level in it.
    NoResult,
    /// All cells are empty.
    EmptyRow,
    /// Another school of a student whose home school another row names.
    OtherSchool,
    /// An organisation that is not a school of the district.
    NotASchool,
    /// Takes away what is not there.
    NothingToEnd,
}

impl Unused {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAStudent => "not_a_student",
            Self::NotNeeded => "not_needed",
            Self::LeftOut => "left_out",
            Self::NoResult => "no_result",
            Self::EmptyRow => "empty_row",
            Self::OtherSchool => "other_school",
            Self::NotASchool => "not_a_school",
            Self::NothingToEnd => "nothing_to_end",
        }
    }
}

/// What a row says of where a student is enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolment {
    /// At this school, by the identifier of the sending system.
    At(String),
    /// No longer at this school.
    LeftSchool(String),
    /// No longer in the district.
    Left,
}

/// One field that a row sets or takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The vault's name of the field.
    pub field: String,
    /// Its value, JSON; none takes it away.
    pub json: Option<String>,
    /// The school year it belongs to, by its first calendar year; none is that of the import.
    pub year: Option<u16>,
}

impl Set {
    /// A field with a value.
    pub fn new(field: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        Self { field: field.into(), json: Some(value.into().to_string()), year: None }
    }

    /// A field without a value any more.
    pub fn gone(field: impl Into<String>) -> Self {
        Self { field: field.into(), json: None, year: None }
    }

    /// The same in a school year.
    #[must_use]
    pub fn in_year(self, year: Option<u16>) -> Self {
        Self { year, ..self }
    }
}

/// What a row of a student whom the district does not know does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Enters the student: a roster's row.
    Enter,
    /// Is refused: a result belongs to a student.
    #[default]
    Refuse,
    /// Is not used: it may be of somebody who is not a student.
    Skip,
}

/// What a row says of one student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudentRow {
    /// The district's own identifier.
    pub student: String,
    /// Where the student is enrolled, if the row says so.
    pub enrolment: Option<Enrolment>,
    /// What it does when the student is not known.
    pub unknown: Unknown,
    /// When the sending system changed it last, milliseconds since 1970, where that decides.
    pub modified_ms: Option<u64>,
    /// Fields.
    pub sets: Vec<Set>,
}

/// What ties a reader to students, or a student to a section.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// A reader teaches a section.
    Teaches {
        /// The reader's name.
        reader: String,
        /// The section's name.
        section: String,
    },
    /// A student is in a section.
    Attends {
        /// The district's own identifier.
        student: String,
        /// The section's name.
        section: String,
    },
    /// A reader counsels the students of a school.
    Counsels {
        /// The reader's name.
        reader: String,
        /// The school, by the sending system's identifier.
        school: String,
    },
}

/// What is said of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It says something of a student.
    Student(Box<StudentRow>),
    /// It says who reads whom, or, when `ended`, no longer does.
    Links {
        /// What it ties.
        links: Vec<Link>,
        /// Whether it takes that away.
        ended: bool,
    },
    /// It describes a school, by the sending system's identifier.
    School(String),
    /// It repeats an earlier row.
    Repeats(Place),
    /// It is right and not used.
    Unused(Unused),
    /// Nothing of it is taken: a field breaks a rule.
    Refused(Fault),
}

/// A row with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// What is said of it.
    pub said: Said,
}

/// A school as the sending system describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalSchool {
    /// Its name there; empty where the system gives none.
    pub name: String,
    /// Its other identifier, for people.
    pub identifier: String,
}

/// Whether the files are the whole roster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Everybody who is enrolled: who is not in it has left.
    Bulk,
    /// What is new, changed or ended.
    #[default]
    Delta,
}

/// More rows than an import may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_ROWS} rows: import the files one by one")]
pub struct TooManyRows;

/// What the files of an import say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The files' names, as reports tell them.
    pub files: Vec<String>,
    /// Every row of every file, once.
    pub rows: Vec<Row>,
    /// Whether they are the whole roster.
    pub coverage: Coverage,
    /// Whether they are all sections of the district, in full; none when they say nothing of sections.
    pub sections: Option<Coverage>,
    /// Whether they are all counselors of the district; none when they say nothing of counselors.
    pub counselors: Option<Coverage>,
    /// The schools they describe.
    pub schools: BTreeMap<String, LocalSchool>,
    /// Students of whom a row was refused: nobody takes their absence for leaving.
    pub doubtful: BTreeSet<String>,
    /// Rows that were refused before it was known whose they are.
    pub nameless: usize,
    /// What the operator should know, in sentences.
    pub notes: Vec<String>,
}

impl Reading {
    /// Refuses more rows than an import may have.
    pub(crate) fn room(&self) -> Result<(), TooManyRows> {
        if self.rows.len() < MAX_ROWS { Ok(()) } else { Err(TooManyRows) }
    }

    /// Adds a file; gives its index.
    pub(crate) fn file(&mut self, name: &str) -> usize {
        self.files.push(name.to_owned());
        self.files.len() - 1
    }

    /// Adds a row.
    pub(crate) fn say(&mut self, place: Place, said: Said) {
        self.rows.push(Row { place, said });
    }

    /// Refuses a row, of this student if that is known. Where the row itself is broken the identifier in it may be cut or another
    /// cell's: it is then anybody's.
    pub(crate) fn refuse(&mut self, place: Place, student: Option<&str>, fault: Fault) {
        let broken = matches!(fault.rule, Rule::Columns | Rule::Cut | Rule::TooLong | Rule::Unreadable);
        let student = student.filter(|id| is_local_id(id) && !id.contains(crate::decode::UNREADABLE));
        if let Some(student) = student {
            self.doubtful.insert(student.to_owned());
        }
        self.nameless += usize::from(broken || student.is_none());
        self.say(place, Said::Refused(fault));
    }

    /// Rows that are refused.
    pub fn refused(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.said, Said::Refused(_))).count()
    }
}

/// Rows by key: the first of a key stays, what repeats it is told, what contradicts it is refused.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<String, (Place, [u8; 16])>);

/// How a row stands to an earlier one of its key.
enum Earlier {
    None,
    Same(Place),
    Other(Place),
}

impl Keys {
    /// Notes a row; what is to be said of it when it is not the first of its key.
    pub fn earlier(&mut self, key: &str, content: &[&str], place: Place, files: &[String]) -> Option<Said> {
        match self.note(key, content, place) {
            Earlier::None => None,
            Earlier::Same(first) => Some(Said::Repeats(first)),
            Earlier::Other(first) => Some(contradicts(place, first, files)),
        }
    }

    /// Notes a row that is refused by none of its keys: its keys with what each says. One that says another thing than an
    /// earlier row refuses it, and then none of them is noted.
    pub fn all_earlier(&mut self, said: &[(String, &str)], place: Place, files: &[String]) -> Option<Said> {
        let known: Vec<_> = said.iter().map(|(key, content)| (self.0.get(key), digest(&[content]))).collect();
        let other = known.iter().find_map(|(known, own)| known.filter(|(_, digest)| digest != own));
        if let Some((first, _)) = other {
            return Some(contradicts(place, *first, files));
        }
        let first = known.iter().map(|(known, _)| known.map(|(first, _)| first)).collect::<Option<Vec<_>>>();
        if let Some(first) = first.as_ref().and_then(|places| places.first().copied()) {
            return Some(Said::Repeats(*first));
        }
        for (key, content) in said {
            self.note(key, &[content], place);
        }
        None
    }

    /// Notes a row by its key and all that it says.
    fn note(&mut self, key: &str, content: &[&str], place: Place) -> Earlier {
        let digest = digest(content);
        match self.0.get(key) {
            None => {
                self.0.insert(key.to_owned(), (place, digest));
                Earlier::None
            }
            Some((first, same)) if *same == digest => Earlier::Same(*first),
            Some((first, _)) => Earlier::Other(*first),
        }
    }
}

fn contradicts(place: Place, first: Place, files: &[String]) -> Said {
    let file = files.get(first.file).map_or("", String::as_str);
    let told = format!("line {} contradicts line {} of {file}, which stays", place.line, first.line);
    Said::Refused(Fault::new("", Rule::Contradicts, &told))
}

/// Sixteen bytes that say whether two rows are the same.
fn digest(content: &[&str]) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in content {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

/// True for an identifier that a vault takes: 1 to 128 bytes, no control characters, no outer spaces.
pub(crate) fn is_local_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}
