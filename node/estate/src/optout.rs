//! Who will leave a course, from enrolment and sections: boosted trees beside logistic regression, judged on rows that they were not
//! fitted to, and by subgroup.
//!
//! A row is a student in a course. Columns that name groups of people can be set aside: the models do not see them, and it is
//! judged by them whether risks are as high as departures are many. Rows without an answer are still to come and are told by models
//! of all others.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::failures::{self, Judged, Rows, Told, from_table, judge_and_tell};
use crate::table::{Table, quoted};
use crate::text::Unreadable;
use crate::trees::ONE;

/// Columns that are the answer.
const ANSWERS: [&str; 5] = ["opted_out", "optout", "dropped", "withdrawn", "left"];
/// Columns that name a row rather than describe it.
const NAMES: [&str; 6] = ["id", "row", "student", "id_student", "handle", "name"];
/// Columns that are known only once somebody left.
const AFTERWARDS: [&str; 5] = ["result", "final_result", "final_grade", "date_unregistration", "left_on"];
/// The course's column.
const COURSES: [&str; 4] = ["course", "class", "subject", "code_module"];
const MOST_ROWS: usize = 2_000_000;

/// A table of enrolments as the models read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolments {
    /// What the models see, of rows with an answer.
    pub known: Rows,
    /// The same of rows whose answer is still to come.
    pub ahead: Rows,
    /// Rows with an answer by the groups that were set aside, and by what the models see.
    by_group: Rows,
    /// Course of each row with an answer, and of each still to come; empty where there is none.
    courses: (Vec<String>, Vec<String>),
    /// Columns set aside.
    pub set_aside: Vec<String>,
}

/// Departures of some rows beside what their risks add up to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// What the rows have in common, as the report writes it.
    pub group: String,
    /// Enrolments of the group that have an answer.
    pub rows: usize,
    /// Who left.
    pub opted_out: usize,
    /// The sum of their risks.
    pub expected: f64,
    /// More left than expected, in standard errors; beyond 3 on either side is not chance.
    pub apart: f64,
}

impl From<failures::Group> for Group {
    fn from(group: failures::Group) -> Self {
        let failures::Group { group, rows, failures, expected, apart } = group;
        Self { group, rows, opted_out: failures, expected, apart }
    }
}

/// A course's departures beside what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Course {
    /// As the course's column has it.
    pub course: String,
    /// Enrolments with an answer.
    pub rows: usize,
    /// Who left.
    pub opted_out: usize,
    /// What the models of other rows expected.
    pub expected: f64,
    /// Enrolments still to come.
    pub ahead: usize,
    /// How many of those are expected to leave.
    pub expected_ahead: f64,
}

/// Both models' answers.
#[derive(Debug, Clone, PartialEq)]
pub struct OptOut {
    /// Rows with an answer.
    pub judged: Judged,
    /// Rows still to come.
    pub told: Vec<Told>,
    /// All rows, tenths by risk, and each group of thirty rows or more; groups that were set aside first.
    pub calibration: Vec<Group>,
    /// The earlier half of the rows beside the later.
    pub drift: failures::Drift,
    /// One line a course; empty where the table has no such column.
    pub courses: Vec<Course>,
}

/// Reads enrolments: an answer column (opted_out, dropped, withdrawn; 0, 1, or empty while it is to come), a course, whatever else
/// is known of student and section when the course begins. Columns in `aside` are kept from the models.
///
/// # Errors
/// When there is no answer column, an answer is not valid, or a column to be set aside is not there.
pub fn read_enrolments(bytes: &[u8], aside: &[String]) -> Result<Enrolments, Unreadable> {
    let table = Table::read(bytes)?;
    if table.rows().len() > MOST_ROWS {
        return Err(Unreadable::at("file", format_args!("more than {MOST_ROWS} rows")));
    }
    let answer = table.any_column(&ANSWERS)?;
    let set_aside = aside.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
    if set_aside.contains(&answer) {
        return Err(Unreadable::at("header", "the answer cannot be set aside"));
    }
    let (mut all, known) = from_table(&table, answer, &NAMES, &AFTERWARDS)?;
    let own =
        |name: &str| aside.iter().any(|column| name == column || name.starts_with(&format!("{column}=")));
    let seen: Vec<usize> = (0..all.columns.len()).filter(|column| !own(&all.columns[*column])).collect();
    let first_group = all.columns.len();
    set_aside.iter().for_each(|column| all.add_categories(&table, *column));
    let by_group: Vec<usize> = (first_group..all.columns.len()).chain(seen.iter().copied()).collect();
    let rows = |wanted: bool| (0..known.len()).filter(|row| known[*row] == wanted).collect::<Vec<usize>>();
    let (with, without) = (rows(true), rows(false));
    let course = table.find_any(&COURSES)?;
    let named = |of: &[usize]| -> Vec<String> {
        of.iter().map(|row| course.map_or("", |at| table.rows()[*row][at].trim()).to_owned()).collect()
    };
    Ok(Enrolments {
        known: all.part(&with, &seen),
        ahead: all.part(&without, &seen),
        by_group: all.part(&with, &by_group),
        courses: (named(&with), named(&without)),
        set_aside: aside.to_vec(),
    })
}

/// Fits, judges and tells.
///
/// # Errors
/// When fewer than ten left or fewer than ten stayed.
pub fn opt_out(enrolments: &Enrolments) -> Result<OptOut, Unreadable> {
    let left = enrolments.known.failed.iter().filter(|left| **left).count();
    let stayed = enrolments.known.failed.len() - left;
    if left < 10 || stayed < 10 {
        let what = format!("{left} left and {stayed} stayed; ten of either are needed to learn from");
        return Err(Unreadable::at("file", what));
    }
    let (judged, told) = judge_and_tell(&enrolments.known, &enrolments.ahead, &failures::GENTLE)?;
    let calibration = failures::calibration(&enrolments.by_group, &judged.trees);
    let drift = failures::drift(&enrolments.known, &judged.trees);
    let courses = courses(enrolments, &judged, &told);
    Ok(OptOut {
        calibration: calibration.into_iter().map(Group::from).collect(),
        drift,
        courses,
        judged,
        told,
    })
}

fn risk(p: i64) -> f64 {
    p as f64 / ONE as f64
}

fn courses(enrolments: &Enrolments, judged: &Judged, told: &[Told]) -> Vec<Course> {
    let mut by: BTreeMap<&str, Course> = BTreeMap::new();
    let (known, ahead) = &enrolments.courses;
    let mut all = known.iter().chain(ahead).filter(|course| !course.is_empty());
    all.by_ref().for_each(|course| {
        by.entry(course).or_insert_with(|| Course {
            course: course.clone(),
            rows: 0,
            opted_out: 0,
            expected: 0.0,
            ahead: 0,
            expected_ahead: 0.0,
        });
    });
    for (row, course) in known.iter().enumerate() {
        if let Some(own) = by.get_mut(course.as_str()) {
            own.rows += 1;
            own.opted_out += usize::from(enrolments.known.failed[row]);
            own.expected += risk(judged.trees[row]);
        }
    }
    for (told, course) in told.iter().zip(ahead) {
        if let Some(own) = by.get_mut(course.as_str()) {
            own.ahead += 1;
            own.expected_ahead += risk(told.trees);
        }
    }
    by.into_values().collect()
}

/// row, course, opted_out (empty while it is to come), p_trees_ppm, p_logistic_ppm, reason.
#[must_use]
pub fn to_csv(enrolments: &Enrolments, found: &OptOut) -> String {
    let mut text = String::from("row,course,opted_out,p_trees_ppm,p_logistic_ppm,reason\n");
    let mut line = |name: &str, course: &str, answer: &str, p: (i64, i64), reason: &str| {
        let ppm = |p: i64| p * 1_000_000 / ONE;
        let (name, course, reason) = (quoted(name), quoted(course), quoted(reason));
        let _ = writeln!(text, "{name},{course},{answer},{},{},{reason}", ppm(p.0), ppm(p.1));
    };
    let (known, ahead) = &enrolments.courses;
    for (row, course) in known.iter().enumerate() {
        let answer = if enrolments.known.failed[row] { "1" } else { "0" };
        let p = (found.judged.trees[row], found.judged.line[row]);
        line(&enrolments.known.names[row], course, answer, p, &found.judged.reasons[row]);
    }
    for (row, (course, told)) in ahead.iter().zip(&found.told).enumerate() {
        line(&enrolments.ahead.names[row], course, "", (told.trees, told.line), &told.reason);
    }
    text
}
