//! Exports of the API: one JSON object a line, as the resources of Ed-Fi's ODS API write them.
//!
//! A resource is known by the file's name (`studentSchoolAssociations.jsonl`), else by its properties. Names become those of
//! the interchange files: a capital first, `Descriptor` left out, lists one element each. What the API says of deleted objects and of
//! changed keys (`RESOURCE.deletes.jsonl`, `RESOURCE.keyChanges.jsonl`) becomes [`DELETED`] and [`REKEYED`] nodes.

use serde_json::{Map, Value};

use crate::error::ReadError;
use crate::limits::{MAX_DEPTH, MAX_RECORD_BYTES};
use crate::reading::{Fault, Rule};
use crate::tree::{Node, Record};

/// Stands before the name of a record that was deleted; its key lies in it.
pub(super) const DELETED: &str = "Deleted";
/// Stands before the name of a record whose key changed; `Old` and `New` lie in it.
pub(super) const REKEYED: &str = "Rekeyed";

/// What the lines of a file are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Objects,
    Deletes,
    KeyChanges,
}

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
    let named = named(file);
    let count = text.lines().count();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        take(at as u64 + 1, record(line, named, at + 1 == count))?;
    }
    Ok(())
}

/// The records of an array; none of what is no array of JSON.
pub(super) fn list(file: &str, text: &str) -> Option<Vec<Record>> {
    let Value::Array(list) = crate::json::parse(text.as_bytes(), MAX_DEPTH.saturating_add(2)).ok()? else {
        return None;
    };
    let named = named(file);
    Some(list.iter().map(|one| of_object(one, named)).collect())
}

/// What the lines of a file are, and of which resource, as far as its name says.
fn named(file: &str) -> (Lines, Option<&'static str>) {
    let mut parts = file.split('.');
    let stem = parts.next().unwrap_or_default().to_lowercase().replace(['-', '_'], "");
    let lines = match parts.next().unwrap_or_default().to_lowercase().as_str() {
        "deletes" => Lines::Deletes,
        "keychanges" => Lines::KeyChanges,
        _ => Lines::Objects,
    };
    let named = RESOURCES.iter().find(|(plural, _)| stem.ends_with(plural) && stem.len() == plural.len());
    (lines, named.map(|(_, name)| *name))
}

fn record(line: &str, named: (Lines, Option<&str>), last: bool) -> Record {
    if line.len() > MAX_RECORD_BYTES {
        return Err(Fault::new("", Rule::TooLong, "a line of more than a megabyte"));
    }
    match serde_json::from_str::<Value>(line) {
        Ok(value) => of_object(&value, named),
        Err(error) if error.is_eof() && last => {
            Err(Fault::new("", Rule::Cut, "the file ends inside this line"))
        }
        Err(error) => {
            Err(Fault::new("", Rule::Unreadable, &format!("it is not JSON (column {})", error.column())))
        }
    }
}

fn of_object(value: &Value, (lines, named): (Lines, Option<&str>)) -> Record {
    let Value::Object(object) = value else {
        return Err(Fault::new("", Rule::Unreadable, "it is not a JSON object"));
    };
    let name = named.unwrap_or_else(|| resource(object));
    let keys = |name: &str| match object.get(name) {
        Some(Value::Object(keys)) => Ok(keys),
        _ => Err(Fault::new(name, Rule::Missing, "")),
    };
    match lines {
        Lines::Objects => {
            let mut node = Node::named(name);
            fill(&mut node, object, 0)?;
            Ok(node)
        }
        Lines::Deletes => {
            let mut node = Node::named(format!("{DELETED}{name}"));
            fill(&mut node, keys("keyValues")?, 0)?;
            Ok(node)
        }
        Lines::KeyChanges => {
            let mut node = Node::named(format!("{REKEYED}{name}"));
            for (part, name) in [("Old", "oldKeyValues"), ("New", "newKeyValues")] {
                let mut keys_of = Node::named(part);
                fill(&mut keys_of, keys(name)?, 0)?;
                node.children.push(keys_of);
            }
            Ok(node)
        }
    }
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
