//! What each kind of record says.

use serde_json::{Map, Value, json};

use super::NOT_NEEDED;
use crate::date::{self, Date};
use crate::decimal::Decimal;
use crate::field::field_name;
use crate::grade::Grade;
use crate::reading::{Fault, LocalSchool, Rule, Set, StudentRow, Unknown, Unused, is_local_id};
use crate::tree::Node;

/// The word of a descriptor: what stands behind its `#`.
pub(super) fn descriptor(text: &str) -> &str {
    text.rsplit('#').next().unwrap_or(text).trim()
}

/// What a record says, with the key by which two records are one.
pub(super) enum Said {
    School(String, LocalSchool),
    Student(String, StudentRow),
    Enrolled(String, Enrolled),
    Unused(Unused),
}

pub(super) struct Enrolled {
    pub row: StudentRow,
    pub school: String,
    pub ended: bool,
    pub primary: bool,
    pub since: String,
}

pub(super) fn read(node: &Node, today: Date) -> Result<Said, Fault> {
    match node.name.as_str() {
        "School" => school(node),
        "Student" => student(node),
        "StudentSchoolAssociation" => enrolled(node, today),
        "StudentAssessment" => assessment(node),
        "StudentSchoolAttendanceEvent" => attendance(node),
        name if name.starts_with("Student") && name.ends_with("ProgramAssociation") => program(node),
        _ => Ok(NOT_NEEDED),
    }
}

pub(super) fn need<'a>(node: &'a Node, path: &[&str]) -> Result<&'a str, Fault> {
    let field = path.last().copied().unwrap_or_default();
    node.text(path).ok_or_else(|| Fault::new(field, Rule::Missing, ""))
}

fn day(node: &Node, field: &str) -> Result<Option<Date>, Fault> {
    let read = |text: &str| date::parse(text, None).map_err(|rule| Fault::new(field, rule, text));
    node.text(&[field]).map(read).transpose()
}

pub(super) fn needed_day(node: &Node, field: &str) -> Result<Date, Fault> {
    day(node, field)?.ok_or_else(|| Fault::new(field, Rule::Missing, ""))
}

/// The row of a record that belongs to a student.
pub(super) fn of_student(node: &Node, unknown: Unknown) -> Result<StudentRow, Fault> {
    let id = need(node, &["StudentUniqueId"])?;
    if !is_local_id(id) {
        return Err(Fault::new("StudentUniqueId", Rule::LocalId, id));
    }
    Ok(StudentRow { student: id.to_owned(), unknown, ..StudentRow::default() })
}

fn school(node: &Node) -> Result<Said, Fault> {
    let id = need(node, &["SchoolId"])?.to_owned();
    let name = node.text(&["NameOfInstitution"]).unwrap_or_default().to_owned();
    let identifier = node.text(&["EducationOrganizationIdentificationCode", "IdentificationCode"]);
    Ok(Said::School(id, LocalSchool { name, identifier: identifier.unwrap_or_default().to_owned() }))
}

fn student(node: &Node) -> Result<Said, Fault> {
    let mut row = of_student(node, Unknown::Enter)?;
    let part = |name: &str| node.text(&[name]).unwrap_or_default();
    let name = format!("{} {}", part("FirstName"), part("LastSurname"));
    if !name.trim().is_empty() {
        row.sets.push(Set::new("name", name.trim()));
    }
    Ok(Said::Student(row.student.clone(), row))
}

fn enrolled(node: &Node, today: Date) -> Result<Said, Fault> {
    let mut row = of_student(node, Unknown::Enter)?;
    let school = need(node, &["SchoolReference", "SchoolId"])?.to_owned();
    let (since, until) = (needed_day(node, "EntryDate")?, day(node, "ExitWithdrawDate")?);
    let ended = until.is_some_and(|until| until <= today);
    if let (Some(text), false) = (node.text(&["EntryGradeLevel"]), ended) {
        let grade = Grade::parse(text).ok_or_else(|| Fault::new("EntryGradeLevel", Rule::Grade, text))?;
        row.sets.push(Set::new("grade", grade.json()));
    }
    if ended {
        row.unknown = Unknown::Skip;
    }
    // Where nothing is said, the school is the primary one.
    let primary = !matches!(node.text(&["PrimarySchool"]), Some("false" | "0"));
    let key = format!("{}\u{1f}{school}\u{1f}{since}", row.student);
    Ok(Said::Enrolled(key, Enrolled { row, school, ended, primary, since: since.to_string() }))
}

fn assessment(node: &Node) -> Result<Said, Fault> {
    let mut row = of_student(node, Unknown::Refuse)?;
    let id = need(node, &["StudentAssessmentIdentifier"])?;
    let instrument = need(node, &["AssessmentReference", "AssessmentIdentifier"])?;
    let day = day(node, "AdministrationDate")?;
    let (mut scores, mut levels) = (Map::new(), Map::new());
    for result in node.all("ScoreResult") {
        let method = method(result);
        let text = need(result, &["Result"])?;
        match Decimal::parse(text, '.') {
            Some(score) => scores.insert(method, json!({ "value": score.json() })),
            None => levels.insert(method, json!(text)),
        };
    }
    for level in node.all("PerformanceLevel") {
        let word = descriptor(need(level, &["PerformanceLevel"])?);
        levels.insert(method(level), json!(word));
    }
    if scores.is_empty() && levels.is_empty() {
        return Ok(Said::Unused(Unused::NoResult));
    }
    let mut value = json!({ "instrument": instrument });
    if let Some(day) = day {
        value["date"] = json!(day.to_string());
    }
    if let Some(grade) = node.text(&["WhenAssessedGradeLevel"]).and_then(Grade::parse) {
        value["grade"] = grade.json();
    }
    put(&mut value, "scores", scores);
    put(&mut value, "levels", levels);
    let year = day.map(Date::school_year);
    row.sets.push(Set::new(field_name("assessment", &[instrument, id]), value).in_year(year));
    Ok(Said::Student(format!("{}\u{1f}{instrument}\u{1f}{id}", row.student), row))
}

fn put(value: &mut Value, name: &str, map: Map<String, Value>) {
    if !map.is_empty() {
        value[name] = Value::Object(map);
    }
}

fn method(node: &Node) -> String {
    descriptor(node.text(&["AssessmentReportingMethod"]).unwrap_or("score")).to_lowercase()
}

fn attendance(node: &Node) -> Result<Said, Fault> {
    let mut row = of_student(node, Unknown::Refuse)?;
    let day = needed_day(node, "EventDate")?;
    let category = descriptor(need(node, &["AttendanceEventCategory"])?);
    let school = need(node, &["SchoolReference", "SchoolId"])?;
    let mut value = json!({ "date": day.to_string(), "category": category, "school": school });
    if let Some(reason) = node.text(&["AttendanceEventReason"]) {
        value["reason"] = json!(reason);
    }
    if let Some(duration) = node.text(&["EventDuration"]) {
        let read = Decimal::parse(duration, '.')
            .ok_or_else(|| Fault::new("EventDuration", Rule::Number, duration))?;
        value["days"] = read.json();
    }
    let year = Some(day.school_year());
    let text = day.to_string();
    let session = node.text(&["SessionReference", "SessionName"]).unwrap_or_default();
    row.sets
        .push(Set::new(field_name("attendance", &[&text, school, category, session]), value).in_year(year));
    Ok(Said::Student(
        format!("{}\u{1f}{text}\u{1f}{school}\u{1f}{category}\u{1f}{session}", row.student),
        row,
    ))
}

fn program(node: &Node) -> Result<Said, Fault> {
    let mut row = of_student(node, Unknown::Refuse)?;
    let name = need(node, &["ProgramReference", "ProgramName"])?;
    let kind = descriptor(need(node, &["ProgramReference", "ProgramType"])?);
    let (from, until) = (needed_day(node, "BeginDate")?, day(node, "EndDate")?);
    let mut value = json!({ "program": name, "type": kind, "from": from.to_string() });
    if let Some(until) = until {
        value["until"] = json!(until.to_string());
    }
    // A programme lasts: it stands in the year of the import.
    row.sets.push(Set::new(field_name("program", &[kind, name, &from.to_string()]), value));
    Ok(Said::Student(format!("{}\u{1f}{kind}\u{1f}{name}\u{1f}{from}", row.student), row))
}
