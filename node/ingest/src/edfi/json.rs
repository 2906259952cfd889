//! Exports of the API: one JSON object a line, as the resources of Ed-Fi's ODS API write them.
//!
//! A resource is known by the file's name (`studentSchoolAssociations.jsonl`), else by its properties. Names become those of
//! the interchange files: a capital first, `Descriptor` left out, lists one element each.

use serde_json::{Map, Value};

use super::Record;
use super::node::Node;
use crate::error::ReadError;
use crate::limits::{MAX_DEPTH, MAX_RECORD_BYTES};
use crate::reading::{Fault, Rule};

/// Resources by the plural in file names.
const RESOURCES: [(&str, &str); 7] = [
    ("schools", "School"),
    ("students", "Student"),
    ("studentschoolassociations", "StudentSchoolAssociation"),
    ("studentassessments", "StudentAssessment"),
    ("studentschoolattendanceevents", "StudentSchoolAttendanceEvent"),
    ("studentprogramassociations", "StudentProgramAssociation"),
    ("studentspecialeducationprogramassociations", "StudentSpecialEducationProgramAssociation"),
];

/// Gives each line's record.
pub(super) fn records(
    file: &str,
    text: &str,
    mut take: impl FnMut(u64, Record) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let stem = file.split('.').next().unwrap_or_default().to_lowercase().replace(['-', '_'], "");
    let named = RESOURCES.iter().find(|(plural, _)| stem.ends_with(plural) && stem.len() == plural.len());
    let count = text.lines().count();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        take(at as u64 + 1, record(line, named.map(|(_, name)| *name), at + 1 == count))?;
    }
    Ok(())
}

fn record(line: &str, named: Option<&str>, last: bool) -> Record {
    if line.len() > MAX_RECORD_BYTES {
        return Err(Fault::new("", Rule::TooLong, "a line of more than a megabyte"));
    }
    let object = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(Fault::new("", Rule::Unreadable, "it is not a JSON object")),
        Err(error) if error.is_eof() && last => {
            return Err(Fault::new("", Rule::Cut, "the file ends inside this line"));
        }
        Err(error) => {
            return Err(Fault::new(
                "",
                Rule::Unreadable,
                &format!("it is not JSON (column {})", error.column()),
            ));
        }
    };
    let mut node = Node::named(named.unwrap_or_else(|| resource(&object)));
    fill(&mut node, &object, 0)?;
    Ok(node)
}

/// The resource that has these properties.
fn resource(object: &Map<String, Value>) -> &'static str {
    let has = |name: &str| object.contains_key(name);
    let of_student = has("studentReference");
    if of_student && has("schoolReference") && has("entryDate") {
        "StudentSchoolAssociation"
    } else if has("studentAssessmentIdentifier") {
        "StudentAssessment"
    } else if of_student
        && has("attendanceEventCategoryDescriptor")
        && has("schoolReference")
        && !has("sectionReference")
    {
        "StudentSchoolAttendanceEvent"
    } else if of_student && has("programReference") && has("beginDate") {
        "StudentProgramAssociation"
    } else if has("studentUniqueId") && has("firstName") {
        "Student"
    } else if has("schoolId") && has("nameOfInstitution") {
        "School"
    } else {
        "Other"
    }
}

fn fill(node: &mut Node, object: &Map<String, Value>, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::new("", Rule::Unreadable, "objects lie too deep in each other"));
    }
    for (key, value) in object {
        let name = name_of(key);
        match value {
            Value::Array(list) => {
                let singular = name.strip_suffix('s').unwrap_or(&name).to_owned();
                for one in list {
                    node.children.push(child(&singular, one, depth)?);
                }
            }
            other => node.children.push(child(&name, other, depth)?),
        }
    }
    Ok(())
}

fn child(name: &str, value: &Value, depth: usize) -> Result<Node, Fault> {
    let mut node = Node::named(name);
    match value {
        Value::Object(object) => fill(&mut node, object, depth + 1)?,
        Value::String(text) => node.text.clone_from(text),
        Value::Null | Value::Array(_) => {}
        Value::Bool(_) | Value::Number(_) => node.text = value.to_string(),
    }
    Ok(node)
}

fn name_of(key: &str) -> String {
    let key = key.strip_suffix("Descriptor").filter(|rest| !rest.is_empty()).unwrap_or(key);
    let mut letters = key.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
