//! Inputs of the need rule from an operator's file, `local_id,input,value`, as events.
//!
//! `local_id` is the district's own identifier; `input` is the name that the voted rule gives it; `value` is `yes`, `no`, 0 or 1
//! for a flag, 0 to 65,535 for a position, which the rule brought to at most 255 when it is read. A row that cannot be used is told
//! with its line and rule, and takes nothing from the others. Absent: what the rule computes from other events.

use aula_ledger::twin::{InputKind, InputSource, NeedRule};
use aula_ledger::types::Handle;
use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Event, EventBody, EventKey, SourceId};
use aula_vault::vault::EventIn;
use aula_vault::{Vault, VaultError};
use serde::Deserialize;

use crate::event_place::{EventPlace, place};
pub use crate::wishes::Refused;

/// The columns, all needed.
pub const COLUMNS: [&str; 3] = ["local_id", "input", "value"];

/// One value of one student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The row's line, from 1.
    pub line: u64,
    /// The district's own identifier.
    pub local_id: String,
    /// Which input, by the number that the rule reads.
    pub input: u16,
    /// 0 or 1 of a flag, 0 to 65,535 of a position.
    pub value: u16,
}

/// A file of which no row can be read.
#[derive(Debug, thiserror::Error)]
#[error("the first line must name the columns local_id, input, value: {0}")]
pub struct InputsError(String);

#[derive(Deserialize)]
struct Row {
    local_id: String,
    input: String,
    value: String,
}

impl Refused {
    /// Of a student whom the vault does not have.
    pub fn unknown_student(row: Recorded) -> Self {
        let value = "import the student's record for this school year".to_owned();
        Self { line: row.line, local_id: row.local_id, rule: "unknown_student", value }
    }
}

/// Reads a file's rows against a rule.
///
/// # Errors
/// [`InputsError`] when its columns are others.
pub fn read(bytes: &[u8], rule: &NeedRule) -> Result<(Vec<Recorded>, Vec<Refused>), InputsError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headers = reader.headers().map_err(|error| InputsError(error.to_string()))?.clone();
    let all = COLUMNS.iter().all(|wanted| headers.iter().any(|found| found == *wanted));
    if !all || headers.len() != COLUMNS.len() {
        return Err(InputsError(format!("they are {}", headers.iter().collect::<Vec<_>>().join(", "))));
    }
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    // The header is line 1; no cell of these columns spans lines.
    for (line, record) in (2u64..).zip(reader.records()) {
        let row: Row = match record.and_then(|record| record.deserialize(Some(&headers))) {
            Ok(row) => row,
            Err(error) => {
                let value = error.to_string();
                refused.push(Refused { line, local_id: String::new(), rule: "unreadable", value });
                continue;
            }
        };
        match input(&row, rule) {
            Ok((input, value)) => rows.push(Recorded { line, local_id: row.local_id, input, value }),
            Err((rule, value)) => refused.push(Refused { line, local_id: row.local_id, rule, value }),
        }
    }
    Ok((rows, refused))
}

fn input(row: &Row, rule: &NeedRule) -> Result<(u16, u16), (&'static str, String)> {
    let named = rule.inputs.iter().find(|one| one.name.as_str() == row.input);
    let named = named.ok_or_else(|| ("unknown_input", row.input.clone()))?;
    let InputSource::Recorded(number) = named.source else {
        return Err(("not_recorded", format!("{} is computed from {}", row.input, named.source)));
    };
    let word = row.value.to_ascii_lowercase();
    let value = match (named.kind, word.as_str()) {
        (InputKind::Flag, "yes" | "true" | "1") => Some(1),
        (InputKind::Flag, "no" | "false" | "0") => Some(0),
        (InputKind::Flag, _) => None,
        (InputKind::Position, _) => word.parse().ok(),
    };
    Ok((number, value.ok_or_else(|| ("bad_value", row.value.clone()))?))
}

/// Seals the rows as events of this moment, in one synced batch. A source's rows are told apart by their lines.
///
/// # Errors
/// A vault that refuses.
pub fn keep(vault: &Vault, source: u64, now_ms: u64, rows: &[(Handle, Recorded)]) -> Result<(), VaultError> {
    let damaged = |_| VaultError::Damaged("this machine's clock is beyond any event's".into());
    let stamp = Stamp::new(now_ms, 0).map_err(damaged)?;
    let event = |(handle, row): &(Handle, Recorded)| -> (Handle, EventPlace, Vec<u8>) {
        let key = EventKey { stamp, source: SourceId(source), sequence: row.line };
        let body = EventBody::InputRecorded { input: row.input, value: row.value };
        (*handle, place(&key), Event { key, skew: Skew::Within, body }.encode())
    };
    let events: Vec<_> = rows.iter().map(event).collect();
    let events: Vec<EventIn<'_>> =
        events.iter().map(|(handle, key, event)| EventIn { handle: *handle, key, event }).collect();
    if events.is_empty() { Ok(()) } else { vault.put_events(&events) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::names::{Name, TextError};
    use aula_ledger::twin::NeedInput;

    fn rule() -> Result<NeedRule, TextError> {
        let input = |name: &str, kind, source| {
            Ok::<_, TextError>(NeedInput { name: Name::new(name)?, kind, source, weight: 1, unrecorded: 0 })
        };
        let inputs = vec![
            input("lunch", InputKind::Flag, InputSource::Recorded(4))?,
            input("reading", InputKind::Position, InputSource::Recorded(7))?,
            input("interest", InputKind::Position, InputSource::Engagement)?,
        ];
        Ok(NeedRule { constant: 0, inputs })
    }

    #[test]
    fn rows_become_values_and_each_rule_refuses_its_row_alone() -> Result<(), Box<dyn std::error::Error>> {
        let text = "\u{feff}value,local_id,input\nyes,a,lunch\n300,b,reading\n2,c,lunch\n-1,d,reading\n9,e,interest\n9,f,need\n9\n";
        let (rows, refused) = read(text.as_bytes(), &rule()?)?;
        let told: Vec<_> = rows.iter().map(|r| (r.line, r.local_id.as_str(), r.input, r.value)).collect();
        assert_eq!(told, [(2, "a", 4, 1), (3, "b", 7, 300)]);
        let rules: Vec<_> = refused.iter().map(|one| (one.line, one.rule)).collect();
        assert_eq!(
            rules,
            [
                (4, "bad_value"),
                (5, "bad_value"),
                (6, "not_recorded"),
                (7, "unknown_input"),
                (8, "unreadable")
            ]
        );
        Ok(())
    }

    #[test]
    fn other_columns_are_refused() -> Result<(), Box<dyn std::error::Error>> {
        for text in ["", "local_id,input\n", "local_id,input,value,need\n"] {
            assert!(read(text.as_bytes(), &rule()?).is_err(), "{text:?}");
        }
        Ok(())
    }
}
