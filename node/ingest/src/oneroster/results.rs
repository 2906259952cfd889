//! Results of line items: the score of a student, with the item's title, range, class and days.

use std::collections::BTreeMap;

use serde_json::json;

use super::classes::MAX_WORD;
use super::{FileSet, Row, StudentId, each};
use crate::date;
use crate::decimal::Decimal;
use crate::error::ReadError;
use crate::field::{field_name, word};
use crate::reading::{Fault, Keys, Reading, Rule, Said, Set, StudentRow, Unknown, Unused, is_local_id};

struct Item {
    title: String,
    min: Option<Decimal>,
    max: Option<Decimal>,
    /// The section, as the roster names it; none of an item of no class.
    class: Option<String>,
    assigned: Option<String>,
    due: Option<String>,
}

pub(super) fn read(set: &mut FileSet, id: StudentId, reading: &mut Reading) -> Result<(), ReadError> {
    let mut items = BTreeMap::new();
    // Rows of items and of results are not the roster's: a wrong one makes nobody's absence doubtful.
    let (nameless, doubtful) = (reading.nameless, reading.doubtful.clone());
    if let Some((file, mode)) = set.take("lineitems") {
        let mut keys = Keys::default();
        each(file, mode, reading, |files, row, _| {
            row.whole()?;
            row.status()?;
            let key = row.need("sourcedId")?.to_owned();
            if let Some(said) = keys.earlier(&key, &row.content(), row.place, files) {
                return Ok(Some(said));
            }
            let bound = |column: &str| number(row, column);
            let item = Item {
                title: row.get("title").to_owned(),
                min: bound("resultValueMin")?,
                max: bound("resultValueMax")?,
                class: Some(row.get("classsourcedid"))
                    .filter(|id| !id.is_empty())
                    .map(|id| word(id, MAX_WORD)),
                assigned: day_of(row, "assigndate"),
                due: day_of(row, "duedate"),
            };
            items.insert(key, item);
            Ok(Some(Said::Unused(Unused::NotNeeded)))
        })?;
    }
    let ids = match id {
        StudentId::SourcedId => None,
        StudentId::Identifier => Some(std::mem::take(&mut set.identifiers)),
    };
    if let Some((file, mode)) = set.take("results") {
        let mut keys = Keys::default();
        each(file, mode, reading, |files, row, student| {
            let made = result(row, &items, ids.as_ref(), student)?;
            let said = keys.earlier(row.get("sourcedid"), &row.content(), row.place, files);
            Ok(Some(said.unwrap_or(made)))
        })?;
    }
    reading.nameless = nameless;
    reading.doubtful = doubtful;
    Ok(())
}

/// The day of a date or a moment; none of one that is neither: nothing hangs on it.
fn day_of(row: &Row<'_>, column: &str) -> Option<String> {
    let text = row.get(column);
    let day = text.split('T').next().unwrap_or_default();
    date::parse(day, None).ok().map(|day| day.to_string())
}

fn number(row: &Row<'_>, column: &str) -> Result<Option<Decimal>, Fault> {
    match row.get(&column.to_lowercase()) {
        "" => Ok(None),
        text => Decimal::parse(text, '.').map(Some).ok_or_else(|| Fault::new(column, Rule::Number, text)),
    }
}

fn result(
    row: &Row<'_>,
    items: &BTreeMap<String, Item>,
    ids: Option<&BTreeMap<String, String>>,
    student: &mut String,
) -> Result<Said, Fault> {
    let source = row.get("studentsourcedid");
    match ids {
        None => source.clone_into(student),
        Some(ids) => ids.get(source).cloned().unwrap_or_default().clone_into(student),
    }
    row.whole()?;
    let id = row.need("sourcedId")?;
    let (ended, modified_ms) = row.status()?;
    let source = row.need("studentSourcedId")?;
    if student.is_empty() {
        return Err(Fault::new("studentSourcedId", Rule::UnknownStudent, source));
    }
    if !is_local_id(student) {
        return Err(Fault::new("studentSourcedId", Rule::LocalId, source));
    }
    let item = row.need("lineItemSourcedId")?;
    let day = match row.get("scoredate") {
        "" => None,
        text => Some(date::parse(text, None).map_err(|rule| Fault::new("scoreDate", rule, text))?),
    };
    let known = items.get(item);
    let field = field_name("assessment", &["oneroster", id]);
    let set = match (ended, number(row, "score")?, row.get("textscore")) {
        (true, ..) => Set::gone(field),
        (_, None, "") => return Ok(Said::Unused(Unused::NoResult)),
        (_, score, text) => {
            let outside = known.is_some_and(|item| {
                score.is_some_and(|s| {
                    item.min.is_some_and(|min| s < min) || item.max.is_some_and(|max| s > max)
                })
            });
            if outside {
                return Err(Fault::new("score", Rule::Range, row.get("score")));
            }
            let mut value = json!({ "instrument": "oneroster", "measure": item });
            if let Some(known) = known.filter(|known| !known.title.is_empty()) {
                value["measure"] = json!(known.title);
            }
            if let Some((known, class)) = known.and_then(|known| Some((known, known.class.as_ref()?))) {
                value["class"] = json!(class);
                value["item"] = json!(item);
                for (name, day) in [("assigned", &known.assigned), ("due", &known.due)] {
                    if let Some(day) = day {
                        value[name] = json!(day);
                    }
                }
            }
            if let Some(day) = day {
                value["date"] = json!(day.to_string());
            }
            if let Some(score) = score {
                value["scores"] = json!({ "score": { "value": score.json() } });
            }
            if !text.is_empty() {
                value["levels"] = json!({ "score": text });
            }
            Set::new(field, value)
        }
    };
    let year = day.map(date::Date::school_year);
    let student = student.clone();
    let sets = vec![set.in_year(year)];
    Ok(Said::Student(Box::new(StudentRow {
        student,
        enrolment: None,
        unknown: Unknown::Refuse,
        modified_ms,
        sets,
    })))
}
