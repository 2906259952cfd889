//! What a district gives: asked of whoever has the vault.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Names a student within one roster, for the list of reads; says nothing of who it is.
pub type Key = [u8; 32];

/// A school as the roster knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// The sending system's identifier, else its number.
    pub id: String,
    /// Its number on the ledger.
    pub number: u32,
    /// Its name; its identifier where none is known.
    pub name: String,
}

/// A student on the roster.
#[derive(Clone, PartialEq, Eq)]
pub struct Student {
    /// For the list of reads.
    pub key: Key,
    /// The district's own identifier.
    pub id: String,
    /// Given and family name as one text; empty when it is not known.
    pub name: String,
    /// The grade as OneRoster writes it (`KG`, `05`).
    pub grade: Option<String>,
    /// The school, by [`School::id`].
    pub school: Option<String>,
    /// Whether the student is enrolled.
    pub enrolled: bool,
    /// When something of it was changed last, milliseconds since 1970.
    pub changed_ms: u64,
    /// Names of the sections that the student sits in.
    pub sections: BTreeSet<String>,
}

/// Shows that there is one, and not whose.
impl std::fmt::Debug for Student {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Student").field("enrolled", &self.enrolled).finish_non_exhaustive()
    }
}

/// Who teaches or counsels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// As the vault's roster names it.
    pub id: String,
    /// The sections that are taught.
    pub sections: BTreeSet<String>,
    /// The schools whose students are counselled, by number.
    pub schools: BTreeSet<u32>,
}

/// What a result of a class is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The section that it is a result of.
    pub class: String,
    /// The line item, by the sending system's identifier.
    pub item: String,
    /// The days on which it was given and due, `YYYY-MM-DD`; none where it is not known.
    pub assigned: Option<String>,
    /// See `assigned`.
    pub due: Option<String>,
}

/// A score or level of a student.
#[derive(Clone, PartialEq)]
pub struct Score {
    /// For the list of reads.
    pub key: Key,
    /// The student, by the district's identifier.
    pub student: String,
    /// The record's own name: with the score's name it is one of its kind.
    pub record: String,
    /// What was measured, in words: instrument, measure, window, name of the score.
    pub title: String,
    /// The score, where it is a number.
    pub score: Option<serde_json::Number>,
    /// The score, where it is a word.
    pub text: Option<String>,
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// Of which class and line item it is; none of a result of no class.
    pub given: Option<Given>,
    /// When it was changed last, milliseconds since 1970.
    pub changed_ms: u64,
}

/// Shows that there is one, and not whose.
impl std::fmt::Debug for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Score").finish_non_exhaustive()
    }
}

/// A district's roster of one school year.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roster {
    /// The district's number on the ledger.
    pub district: u16,
    /// What people call the district.
    pub district_name: String,
    /// The school year, by the calendar year in which it begins.
    pub year: u16,
    /// When anything was changed last, milliseconds since 1970.
    pub changed_ms: u64,
    /// The schools, by identifier.
    pub schools: Vec<School>,
    /// The students, by identifier.
    pub students: Vec<Student>,
    /// Who teaches or counsels, by name.
    pub staff: Vec<Staff>,
}

/// What leaves of a student, for the list of reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The place on the roster: name, grade, school, sections.
    Place,
    /// Scores, of classes and of assessments.
    Results,
}

/// Why nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGiven {
    /// The vault is with somebody else for a moment.
    Busy,
    /// The vault refuses; why stands in the log.
    Refused,
}

/// Whoever has the vault.
pub trait Records: Send + Sync {
    /// The roster of the present school year.
    ///
    /// # Errors
    /// [`NotGiven`].
    fn roster(&self) -> Result<Arc<Roster>, NotGiven>;

    /// The results of those who are on it, by student and record.
    ///
    /// # Errors
    /// [`NotGiven`].
    fn scores(&self) -> Result<Arc<Vec<Score>>, NotGiven>;

    /// Lists that a client reads this of these students, on disk on return; gives those of whom it may.
    ///
    /// # Errors
    /// [`NotGiven`]: nothing may be given then.
    fn list(&self, client: &str, what: What, students: &BTreeSet<Key>) -> Result<BTreeSet<Key>, NotGiven>;
}
