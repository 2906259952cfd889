//! What the API says of records that are no more, and of those whose key changed.
//!
//! A delete takes away what the record had set, found by its key; a key change takes it away under the old key, and the record itself
//! brings it under the new one. A result's school year stands in no key: it is looked for in as many years as a student goes to school.
//! Of an enrolment whose key changed nothing is said: whoever asks the API brings the enrolments as they stand. A student's own identifier
//! that changed is refused: nobody here says that two identifiers are one student.

use super::NOT_NEEDED;
use super::records::{Enrolled, Said, descriptor, need, needed_day, of_student};
use crate::date::Date;
use crate::field::field_name;
use crate::reading::{Enrolment, Fault, Rule, Set, StudentRow, Unknown};
use crate::tree::Node;

/// School years in which a result may stand.
const YEARS: u16 = 15;

pub(super) fn deleted(name: &str, node: &Node, today: Date) -> Result<Said, Fault> {
    match name {
        "Student" => {
            let row = of_student(node, Unknown::Skip)?;
            Ok(Said::Student(row.student.clone(), StudentRow { enrolment: Some(Enrolment::Left), ..row }))
        }
        "StudentSchoolAssociation" => {
            let row = of_student(node, Unknown::Skip)?;
            let school = need(node, &["SchoolId"])?.to_owned();
            let since = needed_day(node, "EntryDate")?.to_string();
            let key = format!("{}\u{1f}{school}\u{1f}{since}", row.student);
            Ok(Said::Enrolled(key, Enrolled { row, school, ended: true, primary: false, since }))
        }
        _ => taken_away(name, node, today),
    }
}

pub(super) fn rekeyed(name: &str, node: &Node, today: Date) -> Result<Said, Fault> {
    let part = |name: &str| node.find(name).ok_or_else(|| Fault::new(name, Rule::Missing, ""));
    let (old, new) = (part("Old")?, part("New")?);
    match name {
        "Student" => {
            let (old, new) = (need(old, &["StudentUniqueId"])?, need(new, &["StudentUniqueId"])?);
            Err(Fault::new("StudentUniqueId", Rule::Renamed, &format!("{old} is {new} now")))
        }
        "School" | "StudentSchoolAssociation" => Ok(NOT_NEEDED),
        _ => taken_away(name, old, today),
    }
}

/// What a record had set, by its key, without a value any more.
fn taken_away(name: &str, node: &Node, today: Date) -> Result<Said, Fault> {
    let mut row = match name {
        "StudentAssessment" | "StudentSchoolAttendanceEvent" => of_student(node, Unknown::Skip)?,
        name if name.starts_with("Student") && name.ends_with("ProgramAssociation") => {
            of_student(node, Unknown::Skip)?
        }
        _ => return Ok(NOT_NEEDED),
    };
    let field = match name {
        "StudentAssessment" => {
            let instrument = need(node, &["AssessmentIdentifier"])?;
            field_name("assessment", &[instrument, need(node, &["StudentAssessmentIdentifier"])?])
        }
        "StudentSchoolAttendanceEvent" => {
            let day = needed_day(node, "EventDate")?.to_string();
            let category = descriptor(need(node, &["AttendanceEventCategory"])?);
            let session = node.text(&["SessionName"]).unwrap_or_default();
            field_name("attendance", &[&day, need(node, &["SchoolId"])?, category, session])
        }
        _ => {
            let kind = descriptor(need(node, &["ProgramType"])?);
            let from = needed_day(node, "BeginDate")?.to_string();
            field_name("program", &[kind, need(node, &["ProgramName"])?, &from])
        }
    };
    let gone = Set::gone(&field);
    match name {
        "StudentAssessment" => {
            let this = today.school_year();
            let years = (this.saturating_sub(YEARS)..=this).map(|year| gone.clone().in_year(Some(year)));
            row.sets.extend(years);
        }
        "StudentSchoolAttendanceEvent" => {
            row.sets.push(gone.in_year(Some(needed_day(node, "EventDate")?.school_year())));
        }
        _ => row.sets.push(gone),
    }
    Ok(Said::Student(format!("{}\u{1f}{field}", row.student), row))
}
