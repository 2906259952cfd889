//! What a district's students wish for, from an operator's file: `local_id,mandate,kinds`.
//!
//! `local_id` is the district's own identifier; `mandate` is `yes` for a student whose plan makes a place mandatory, else `no`
//! or empty; `kinds` names kinds of the class, best first, separated by `;`. Columns may stand in any order; UTF-8, with or
//! without a byte order mark. A row that cannot be used is told with its line and rule, and takes nothing from the others; of two
//! rows of one student the first counts.

use std::collections::BTreeMap;

use aula_ledger::names::Name;
use aula_ledger::params::MAX_KINDS;
use aula_ledger::tx::Mandate;
use aula_ledger::types::KindId;
use serde::Deserialize;

/// The columns, all needed.
pub const COLUMNS: [&str; 3] = ["local_id", "mandate", "kinds"];

/// What one student wishes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The row's line in the file, from 1; 0 when it comes from no file.
    pub line: u64,
    /// The district's own identifier.
    pub local_id: String,
    /// Whether a place is mandatory.
    pub mandate: Mandate,
    /// Kinds by number, best first.
    pub kinds: Vec<KindId>,
}

/// A row that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its line in the file, from 1; 0 when it comes from no file.
    pub line: u64,
    /// Whose, as far as it can be read.
    pub local_id: String,
    /// Which rule: stable, lower case.
    pub rule: &'static str,
    /// What breaks it.
    pub value: String,
}

fn unreadable(line: u64, error: &csv::Error) -> Refused {
    Refused { line, local_id: String::new(), rule: "unreadable", value: error.to_string() }
}

/// A file of which no row can be read.
#[derive(Debug, thiserror::Error)]
pub enum WishesError {
    /// A column is missing or unknown.
    #[error("the first line must name the columns local_id, mandate, kinds: {0}")]
    Columns(String),
}

#[derive(Deserialize)]
struct Row {
    local_id: String,
    mandate: String,
    kinds: String,
}

/// Reads a file's rows against the kinds of a class.
///
/// # Errors
/// [`WishesError`] when its columns are others.
pub fn read(bytes: &[u8], kinds: &[Name]) -> Result<(Vec<Wish>, Vec<Refused>), WishesError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headers = reader.headers().map_err(|error| WishesError::Columns(error.to_string()))?;
    let missing: Vec<&str> =
        COLUMNS.into_iter().filter(|wanted| headers.iter().all(|found| found != *wanted)).collect();
    if !missing.is_empty() {
        return Err(WishesError::Columns(format!("{} is missing", missing.join(", "))));
    }
    let unknown: Vec<&str> = headers.iter().filter(|found| !COLUMNS.contains(found)).collect();
    if !unknown.is_empty() {
        return Err(WishesError::Columns(format!("{} is unknown", unknown.join(", "))));
    }
    let headers = headers.clone();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let (mut wishes, mut refused) = (Vec::new(), Vec::new());
    let mut first_lines: BTreeMap<String, u64> = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                refused.push(unreadable(lines.of(error.position()), &error));
                continue;
            }
        };
        let line = lines.of(record.position());
        let row: Row = match record.deserialize(Some(&headers)) {
            Ok(row) => row,
            Err(error) => {
                refused.push(unreadable(line, &error));
                continue;
            }
        };
        if let Some(first) = first_lines.get(&row.local_id) {
            let value = format!("line {first} counts");
            refused.push(Refused { line, local_id: row.local_id, rule: "repeated", value });
            continue;
        }
        first_lines.insert(row.local_id.clone(), line);
        match wish(line, &row, kinds) {
            Ok(wish) => wishes.push(wish),
            Err((rule, value)) => refused.push(Refused { line, local_id: row.local_id, rule, value }),
        }
    }
    Ok((wishes, refused))
}

/// Counts lines as an editor does: the reader's own count is one short where lines end in CR LF.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a record begins; 0 when its place is not known. Records are asked for in their order.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let Some(byte) = position.and_then(|position| usize::try_from(position.byte()).ok()) else {
            return 0;
        };
        // A record's place may be that of the line's end before it.
        let ends = self
            .bytes
            .get(byte..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        let start = byte.saturating_add(ends).min(self.bytes.len());
        let between = self.bytes.get(self.at..start).unwrap_or_default();
        let ended = between.iter().enumerate().filter(|(at, byte)| {
            **byte == b'\n' || (**byte == b'\r' && between.get(at + 1).is_none_or(|next| *next != b'\n'))
        });
        self.line += ended.count() as u64;
        self.at = start.max(self.at);
        self.line
    }
}

fn wish(line: u64, row: &Row, kinds: &[Name]) -> Result<Wish, (&'static str, String)> {
    let mandate = match row.mandate.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Mandate::Mandated,
        "" | "no" | "false" | "0" => Mandate::None,
        _ => return Err(("bad_mandate", row.mandate.clone())),
    };
    let mut ranked = Vec::new();
    for text in row.kinds.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let number = kinds.iter().position(|kind| kind.as_str() == text).and_then(|at| u8::try_from(at).ok());
        let kind = KindId(number.ok_or_else(|| ("unknown_kind", text.to_owned()))?);
        if ranked.contains(&kind) {
            return Err(("kind_twice", text.to_owned()));
        }
        ranked.push(kind);
    }
    match ranked.len() {
        0 => Err(("no_kind", row.kinds.clone())),
        1..=MAX_KINDS => Ok(Wish { line, local_id: row.local_id.clone(), mandate, kinds: ranked }),
        _ => Err(("too_many_kinds", format!("{} kinds", ranked.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> Vec<Name> {
        ["reading", "math"].into_iter().filter_map(|name| Name::new(name).ok()).collect()
    }

    #[test]
    fn rows_are_read_in_any_order_of_columns() -> Result<(), WishesError> {
        let text = "\u{feff}kinds,local_id,mandate\nmath; reading,S-1,yes\nreading,\"S,2\",\n";
        for end in ["\n", "\r\n", "\r"] {
            let (wishes, refused) = read(text.replace('\n', end).as_bytes(), &kinds())?;
            assert_eq!(refused, []);
            let told: Vec<_> =
                wishes.iter().map(|w| (w.line, w.local_id.as_str(), w.mandate, w.kinds.as_slice())).collect();
            let (reading, math) = (KindId(0), KindId(1));
            assert_eq!(
                told,
                [
                    (2, "S-1", Mandate::Mandated, &[math, reading][..]),
                    (3, "S,2", Mandate::None, &[reading][..])
                ],
                "lines that end in {end:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn each_rule_refuses_its_row_alone() -> Result<(), WishesError> {
        let text = "local_id,mandate,kinds\na,maybe,math\nb,no,swimming\nc,no,\nd,no,math;math\ne,no,math\ne,yes,math\nf,no\n";
        let (wishes, refused) = read(text.as_bytes(), &kinds())?;
        assert_eq!(wishes.iter().map(|wish| wish.local_id.as_str()).collect::<Vec<_>>(), ["e"]);
        let rules: Vec<_> = refused.iter().map(|one| (one.line, one.rule)).collect();
        assert_eq!(
            rules,
            [
                (2, "bad_mandate"),
                (3, "unknown_kind"),
                (4, "no_kind"),
                (5, "kind_twice"),
                (7, "repeated"),
                (8, "unreadable")
            ]
        );
        Ok(())
    }

    #[test]
    fn other_columns_are_refused_by_name() {
        for text in ["", "local_id,kinds\n", "local_id,mandate,kinds,need\n", "\u{fffd}\u{0}"] {
            assert!(read(text.as_bytes(), &kinds()).is_err(), "{text:?}");
        }
    }
}
