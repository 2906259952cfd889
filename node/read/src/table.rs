//! Registers as tables: one list of columns and rows, from which an export's CSV and JSON are both made.
//!
//! Invariants: a row has as many cells as there are columns; both forms have the same rows in the same order; a
//! withheld count is empty in CSV and `null` in JSON. Texts that a spreadsheet would run as a formula get a quote in
//! front, as OWASP's advice on CSV injection has it.

use aula_ledger::state::StoreError;
use serde_json::{Map, Value};

/// A register's rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What each cell of a row is.
    pub columns: &'static [&'static str],
    /// The rows, in the register's order.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// The rows as objects.
    pub fn objects(&self) -> Vec<Value> {
        self.rows.iter().map(|row| object(self.columns, row)).collect()
    }

    /// The whole table as CSV with a header line (RFC 4180, UTF-8).
    ///
    /// # Errors
    /// When a row has another number of cells than there are columns: a defect.
    pub fn csv(&self) -> Result<Vec<u8>, StoreError> {
        let failed = |error: csv::Error| StoreError::Failed(format!("cannot write CSV: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns).map_err(failed)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(cell)).map_err(failed)?;
        }
        writer.into_inner().map_err(|error| StoreError::Failed(format!("cannot write CSV: {error}")))
    }
}

fn object(columns: &[&str], row: &[Value]) -> Value {
    let fields = columns.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A value as CSV shows it.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        other => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula: with a quote in front where it begins like one, behind spaces too.
pub fn harmless(text: &str) -> String {
    let begins = |first: char| text.trim_start_matches(' ').starts_with(first);
    if ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'].into_iter().any(begins) {
        return format!("'{text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_have_the_same_rows_and_formulas_are_defused() -> Result<(), StoreError> {
        let rows = vec![vec![json!(1), json!("=1+1")], vec![Value::Null, json!("a,\"b\"")]];
        let table = Table { columns: &["n", "text"], rows };
        let text = String::from_utf8(table.csv()?).unwrap_or_default();
        assert_eq!(text, "n,text\n1,'=1+1\n,\"a,\"\"b\"\"\"\n");
        assert_eq!(table.objects()[1], json!({ "n": null, "text": "a,\"b\"" }));
        Ok(())
    }

    #[test]
    fn texts_that_begin_like_a_formula_are_quoted_and_others_left() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["North", "3-4", "a=b", ""] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let rows = vec![vec![json!(1)], vec![json!(1), json!(2)]];
        assert!(Table { columns: &["n"], rows }.csv().is_err());
    }
}
