//! Fates as CSV: `file,line,field,rule,value`.

use crate::plan::{Fate, Plan};
use crate::reading::Reading;

/// The header of both files, in their order.
pub const COLUMNS: [&str; 5] = ["file", "line", "field", "rule", "value"];

/// The rows that were refused.
pub fn refused(reading: &Reading, plan: &Plan) -> String {
    table(reading, plan, |fate| matches!(fate, Fate::Refused(_)))
}

/// Every row's fate. `rule` is `added`, `changed`, `unchanged`, why the row was not used, or the rule that refused it.
pub fn all(reading: &Reading, plan: &Plan) -> String {
    table(reading, plan, |_| true)
}

/// Everything that is written: `student,school_year,field,value`; an empty value takes the field away.
pub fn changes(plan: &Plan) -> String {
    let mut out = "student,school_year,field,value\n".to_owned();
    for ((student, year), change) in &plan.changes {
        let (student, year) = (quoted(student), year.to_string());
        for (field, json) in &change.fields {
            let value = quoted(json.as_deref().unwrap_or_default());
            out.push_str(&format!("{student},{year},{},{value}\n", quoted(field)));
        }
        if change.fields.is_empty() {
            out.push_str(&format!("{student},{year},,\n"));
        }
    }
    out
}

fn table(reading: &Reading, plan: &Plan, wanted: impl Fn(&Fate) -> bool) -> String {
    let mut out = COLUMNS.join(",");
    out.push('\n');
    for (place, fate) in plan.fates.iter().filter(|(_, fate)| wanted(fate)) {
        let file = reading.files.get(place.file).map_or("", String::as_str);
        let (field, rule, value) = match fate {
            Fate::Added => ("", "added", String::new()),
            Fate::Changed => ("", "changed", String::new()),
            Fate::Unchanged => ("", "unchanged", String::new()),
            Fate::Repeats(first) => {
                let of = reading.files.get(first.file).map_or("", String::as_str);
                ("", "unchanged", format!("repeats line {} of {of}", first.line))
            }
            Fate::Unused(why) => ("", why.name(), String::new()),
            Fate::Refused(fault) => (fault.field.as_str(), fault.rule.name(), fault.value.clone()),
        };
        let line = place.line.to_string();
        let cells = [file, &line, field, rule, &value].map(quoted);
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

/// A cell as RFC 4180 wants it.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
