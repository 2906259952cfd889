//! The difference between what files say and what a district has: what is written, who leaves, and each row's fate.
//!
//! Flow: schools are matched ([`Schools`]) → each row against what is kept ([`Kept`]) → who is enrolled and in no row → [`Plan`].
//! Rules: a bulk file ends the enrolment of those it omits, and erases nobody; only if every row of it was read and fewer than
//! one in twenty would leave, else only when that is confirmed; a student of whom a row was refused never leaves, and while it is
//! not known whose a refused row is, nobody does. A delta row older than what is kept is refused. Absent: writing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::reading::{
    Coverage, Enrolment, Fault, Place, Reading, Rule, Said, Set, StudentRow, Unknown, Unused,
};

mod fates;
mod links;
mod schools;

pub use fates::{Counts, Fate};
pub use links::{Tie, Ties};
pub use schools::{LedgerSchool, Schools};

/// One in so many may leave without being confirmed.
const ONE_IN: usize = 20;

/// A student as the district keeps it in the year of the import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptStudent {
    /// The school's number on the ledger; none while no school is known.
    pub school: Option<u32>,
    /// The sending system's identifier of it.
    pub local_school: String,
    /// Whether the student is enrolled.
    pub enrolled: bool,
    /// When the sending system changed the enrolment last, milliseconds since 1970; 0 when it never said.
    pub modified_ms: u64,
}

/// How a value stands to the one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// None is kept.
    Absent,
    /// The value that is kept says the same.
    Same,
    /// Another.
    Other,
}

/// What a district has.
pub trait Kept {
    /// Why it cannot be read.
    type Error;

    /// The school year of the import, by its first calendar year.
    fn year(&self) -> u16;

    /// The student on the roster of the import's year.
    ///
    /// # Errors
    /// When it cannot be read.
    fn student(&self, id: &str) -> Result<Option<KeptStudent>, Self::Error>;

    /// Whether the district knows the student at all, in whatever year.
    ///
    /// # Errors
    /// When it cannot be read.
    fn is_known(&self, id: &str) -> Result<bool, Self::Error>;

    /// Compares a field's value in a year.
    ///
    /// # Errors
    /// When it cannot be read.
    fn compare(&self, id: &str, year: u16, field: &str, json: &str) -> Result<Compared, Self::Error>;

    /// Who reads whom in the year of the import.
    ///
    /// # Errors
    /// When it cannot be read.
    fn ties(&self) -> Result<Ties, Self::Error>;

    /// Everybody who is enrolled in the year of the import.
    ///
    /// # Errors
    /// When it cannot be read.
    fn enrolled(&self) -> Result<Vec<String>, Self::Error>;
}

/// What is written of one student and year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new place on the roster, when it changes.
    pub roster: Option<KeptStudent>,
    /// Fields by name; none takes one away.
    pub fields: BTreeMap<String, Option<String>>,
    /// By reader, all that ties it to the student from now on; nothing where nothing does any more.
    pub ties: BTreeMap<String, BTreeSet<Tie>>,
    /// Where the row of each field stands that may be an event of the student.
    pub from: BTreeMap<String, Place>,
}

/// Whether a field may be an event of the student: a result, or a mark of a day.
pub fn may_be_an_event(field: &str) -> bool {
    field.starts_with("assessment:") || field.starts_with("attendance:")
}

/// Why nobody's enrolment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// A row of the files was refused.
    RowsRefused,
    /// One in twenty or more would leave.
    TooMany,
    /// Whose a refused row is cannot be read, so that it may be anybody's.
    UnknownRows,
}

/// Who is enrolled and in no row of a bulk file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Leavers {
    /// How many are enrolled before the import.
    pub enrolled: usize,
    /// How many of them no row names.
    pub omitted: usize,
    /// Whose enrolment ends.
    pub ended: Vec<String>,
    /// Why nobody's does, though some are omitted.
    pub held: Option<Held>,
}

/// What an import does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files' names.
    pub files: Vec<String>,
    /// Each row's fate, in the order of the rows.
    pub fates: Vec<(Place, Fate)>,
    /// What is written, by student and year.
    pub changes: BTreeMap<(String, u16), Change>,
    /// Students whom a row that was taken names.
    pub students: BTreeSet<String>,
    /// Schools at which those rows enrol, by number.
    pub schools: BTreeSet<u32>,
    /// Schools by the sending system's identifier that are new or other than what is kept.
    pub new_schools: BTreeMap<String, u32>,
    /// Whose enrolment ends because no row names them, or why nobody's does.
    pub leavers: Leavers,
}

impl Plan {
    /// How many rows met each fate.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.fates)
    }

    /// True when nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.new_schools.is_empty()
    }
}

/// Compares a reading with what a district has. `confirmed` lets any number leave.
///
/// # Errors
/// When what is kept cannot be read.
pub fn plan<K: Kept>(
    reading: &Reading,
    schools: &Schools,
    kept: &K,
    confirmed: bool,
    mut progress: impl FnMut(usize),
) -> Result<Plan, K::Error> {
    let plan = Plan { files: reading.files.clone(), ..Plan::default() };
    let first = Place { file: 0, line: 0 };
    let mut making =
        Making { schools, kept, plan, present: BTreeSet::new(), roster_refused: false, at: first };
    making.plan.fates = reading.rows.iter().map(|row| (row.place, Fate::Unchanged)).collect();
    // Those who enter first: a file of results may stand before the file of students.
    let mut done = 0;
    for later in [false, true] {
        for (at, row) in reading.rows.iter().enumerate().filter(|(_, row)| needs_others(&row.said) == later) {
            making.at = row.place;
            let fate = making.fate(reading, &row.said)?;
            if let Some(slot) = making.plan.fates.get_mut(at) {
                slot.1 = fate;
            }
            done += 1;
            progress(done);
        }
    }
    if reading.coverage == Coverage::Bulk {
        making.leavers(reading, confirmed)?;
    }
    making.links(reading)?;
    Ok(making.plan)
}

/// Whether a row is refused of a student whom no row and no vault knows.
fn needs_others(said: &Said) -> bool {
    matches!(said, Said::Student(row) if row.unknown == Unknown::Refuse)
}

struct Making<'a, K> {
    schools: &'a Schools,
    kept: &'a K,
    plan: Plan,
    /// Students whom a row names as enrolled, or whose row was refused.
    present: BTreeSet<String>,
    roster_refused: bool,
    /// Where the row that is looked at stands.
    at: Place,
}

impl<K: Kept> Making<'_, K> {
    fn fate(&mut self, reading: &Reading, said: &Said) -> Result<Fate, K::Error> {
        Ok(match said {
            Said::Refused(fault) => Fate::Refused(fault.clone()),
            Said::Unused(why) => Fate::Unused(*why),
            Said::Repeats(first) => Fate::Repeats(*first),
            Said::School(id) => self.school(reading, id),
            // Told once all rows are known: a teacher's row means the students of the others.
            Said::Links { .. } => Fate::Unchanged,
            Said::Student(row) => {
                let fate = self.student(reading, row)?;
                if matches!(fate, Fate::Refused(_)) && row.enrolment.is_some() {
                    self.roster_refused = true;
                    self.present.insert(row.student.clone());
                }
                fate
            }
        })
    }

    fn school(&mut self, reading: &Reading, id: &str) -> Fate {
        match self.schools.find(id, reading.schools.get(id)) {
            None => Fate::Unused(Unused::NotASchool),
            Some(number) if self.schools.kept(id) == Some(number) => Fate::Unchanged,
            Some(number) => {
                let new = self.schools.kept(id).is_none();
                self.plan.new_schools.insert(id.to_owned(), number);
                if new { Fate::Added } else { Fate::Changed }
            }
        }
    }

    fn student(&mut self, reading: &Reading, row: &StudentRow) -> Result<Fate, K::Error> {
        let import_year = self.kept.year();
        let here = (row.student.clone(), import_year);
        let kept = self.kept.student(&row.student)?;
        let pending = self.plan.changes.get(&here).and_then(|change| change.roster.clone());
        let known = kept.is_some() || pending.is_some() || self.kept.is_known(&row.student)?;
        if !known {
            match row.unknown {
                Unknown::Enter => {}
                Unknown::Skip => return Ok(Fate::Unused(Unused::NothingToEnd)),
                Unknown::Refuse => {
                    return Ok(Fate::Refused(Fault::new("", Rule::UnknownStudent, &row.student)));
                }
            }
        }
        let standing = pending.or_else(|| kept.clone());
        if let (Some(modified), Some(standing)) = (row.modified_ms, &standing)
            && row.enrolment.is_some()
            && modified < standing.modified_ms
        {
            return Ok(Fate::Refused(Fault::new("dateLastModified", Rule::Stale, &modified.to_string())));
        }
        let roster = match self.place(reading, row, standing.as_ref()) {
            Err(fate) => return Ok(*fate),
            Ok(roster) => roster,
        };
        let mut sets = row.sets.clone();
        if let Some(roster) = &roster {
            sets.extend(roster_fields(roster));
        }
        let mut fate = self.compare(row, &sets)?;
        let is_new = kept.is_none() && (roster.is_some() || row.unknown == Unknown::Enter);
        // The time alone is not a change that anybody would see, and is kept for the next delta all the same.
        let moved = roster.as_ref().is_some_and(|roster| kept.as_ref() != Some(roster));
        if is_new {
            fate = Fate::Added;
        } else if moved && fate == Fate::Unchanged && !same_place(roster.as_ref(), kept.as_ref()) {
            fate = Fate::Changed;
        }
        if is_new || moved {
            let entry = roster.or(standing).unwrap_or_default();
            self.plan.changes.entry(here).or_default().roster = Some(entry);
        }
        self.plan.students.insert(row.student.clone());
        Ok(fate)
    }

    /// Where the row puts its student, if it says so.
    fn place(
        &mut self,
        reading: &Reading,
        row: &StudentRow,
        standing: Option<&KeptStudent>,
    ) -> Result<Option<KeptStudent>, Box<Fate>> {
        let modified_ms =
            row.modified_ms.unwrap_or(0).max(standing.map_or(0, |standing| standing.modified_ms));
        let unused = Err(Box::new(Fate::Unused(Unused::NothingToEnd)));
        match (&row.enrolment, standing) {
            (None, _) => Ok(None),
            (Some(Enrolment::At(local)), _) => {
                let Some(number) = self.schools.find(local, reading.schools.get(local)) else {
                    return Err(Box::new(Fate::Refused(Fault::new("school", Rule::UnknownSchool, local))));
                };
                self.present.insert(row.student.clone());
                self.plan.schools.insert(number);
                if self.schools.kept(local) != Some(number) {
                    self.plan.new_schools.insert(local.clone(), number);
                }
                Ok(Some(KeptStudent {
                    school: Some(number),
                    local_school: local.clone(),
                    enrolled: true,
                    modified_ms,
                }))
            }
            (Some(Enrolment::LeftSchool(local)), Some(standing)) if standing.local_school != *local => unused,
            (Some(Enrolment::Left | Enrolment::LeftSchool(_)), Some(standing)) => {
                // Told by the file itself: no absence that anybody would have to confirm.
                self.present.insert(row.student.clone());
                Ok(Some(KeptStudent { enrolled: false, modified_ms, ..standing.clone() }))
            }
            (Some(_), None) => unused,
        }
    }

    /// Compares fields, and notes what is to be written.
    fn compare(&mut self, row: &StudentRow, sets: &[Set]) -> Result<Fate, K::Error> {
        let (mut absent, mut same, mut other) = (0, 0, 0);
        for set in sets {
            let year = set.year.unwrap_or_else(|| self.kept.year());
            let found =
                self.kept.compare(&row.student, year, &set.field, set.json.as_deref().unwrap_or("null"))?;
            match (found, &set.json) {
                (Compared::Same, Some(_)) | (Compared::Absent, None) => {
                    same += 1;
                    // What an earlier row would change is as it was: taken away, and brought again.
                    let key = (row.student.clone(), year);
                    if let Some(change) = self.plan.changes.get_mut(&key) {
                        change.fields.remove(&set.field);
                        change.from.remove(&set.field);
                        if *change == Change::default() {
                            self.plan.changes.remove(&key);
                        }
                    }
                    continue;
                }
                (Compared::Absent, Some(_)) => absent += 1,
                (Compared::Other | Compared::Same, _) => other += 1,
            }
            let change = self.plan.changes.entry((row.student.clone(), year)).or_default();
            change.fields.insert(set.field.clone(), set.json.clone());
            if may_be_an_event(&set.field) {
                change.from.insert(set.field.clone(), self.at);
            }
        }
        Ok(match (absent, same, other) {
            (0, _, 0) => Fate::Unchanged,
            (_, 0, 0) => Fate::Added,
            _ => Fate::Changed,
        })
    }

    fn leavers(&mut self, reading: &Reading, confirmed: bool) -> Result<(), K::Error> {
        let enrolled = self.kept.enrolled()?;
        let mut leavers = Leavers { enrolled: enrolled.len(), ..Leavers::default() };
        let is_gone = |id: &String| !self.present.contains(id) && !reading.doubtful.contains(id);
        let gone: Vec<String> = enrolled.into_iter().filter(is_gone).collect();
        leavers.omitted = gone.len();
        let refused = self.roster_refused || !reading.doubtful.is_empty();
        leavers.held = if gone.is_empty() {
            None
        } else if reading.nameless > 0 {
            Some(Held::UnknownRows)
        } else if confirmed {
            None
        } else if refused {
            Some(Held::RowsRefused)
        } else {
            (gone.len() * ONE_IN >= leavers.enrolled).then_some(Held::TooMany)
        };
        if leavers.held.is_none() {
            let year = self.kept.year();
            for id in &gone {
                let Some(kept) = self.kept.student(id)? else { continue };
                let ended = KeptStudent { enrolled: false, ..kept };
                let change = self.plan.changes.entry((id.clone(), year)).or_default();
                for Set { field, json, .. } in roster_fields(&ended) {
                    change.fields.insert(field, json);
                }
                change.roster = Some(ended);
            }
            leavers.ended = gone;
        }
        self.plan.leavers = leavers;
        Ok(())
    }
}

/// The fields by which readers see a place on the roster.
fn roster_fields(roster: &KeptStudent) -> Vec<Set> {
    let mut sets = vec![Set::new("enrolment", if roster.enrolled { "enrolled" } else { "left" })];
    if let Some(school) = roster.school {
        sets.push(Set::new("home_school", school));
        sets.push(Set::new("local:school", roster.local_school.as_str()));
    }
    sets
}

/// True when two places differ in their times only.
fn same_place(one: Option<&KeptStudent>, other: Option<&KeptStudent>) -> bool {
    let plain = |student: &KeptStudent| KeptStudent { modified_ms: 0, ..student.clone() };
    one.map(plain) == other.map(plain)
}
