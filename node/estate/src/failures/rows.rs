//! Rows from a table or an event log.

use std::collections::{BTreeMap, BTreeSet};

use crate::fit::Date;
use crate::table::Table;
use crate::text::Unreadable;

/// Columns that are the answer.
const ANSWERS: [&str; 5] = ["failure", "machine failure", "failed", "failure_24h", "fails_within_24h"];
/// Columns that name a row rather than describe it.
const NAMES: [&str; 7] = ["uid", "udi", "id", "product id", "equipment", "machine", "row"];
/// Kinds of failure that AI4I tells beside the answer: known only once it failed.
const AFTERWARDS: [&str; 5] = ["twf", "hdf", "pwf", "osf", "rnf"];
/// Different texts up to which a column is a category.
const MOST_CATEGORIES: usize = 30;
const MOST_ROWS: usize = 2_000_000;
/// Days that an event log is looked back over.
const WINDOWS: [i64; 3] = [1, 7, 28];
const MOST_MACHINE_DAYS: i64 = 2_000_000;
/// Days before a log's end within which a machine was heard of whose day to come is told.
const HEARD_WITHIN: i64 = 30;
/// Kind of event with which a machine ends: sold, scrapped, out of use.
const REMOVED: &str = "removed";

/// What is known of each row, and what came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// What each row is called.
    pub names: Vec<String>,
    /// What each column is called.
    pub columns: Vec<String>,
    /// By row: numbers, categories as 0 and 1.
    pub values: Vec<Vec<f64>>,
    /// Whether it failed.
    pub failed: Vec<bool>,
    /// By row: the day of a log, the place in a table, which are taken to be in order of time.
    pub moments: Vec<i64>,
    /// Columns that were left out because they are known only afterwards, or name the row.
    pub left_out: Vec<String>,
}

/// Rows whose answer has come, and rows whose answer is still to come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Read {
    /// What is learnt from and judged by.
    pub known: Rows,
    /// What is told ahead, with the same columns.
    pub ahead: Rows,
}

/// Reads rows.
///
/// # Errors
/// When there is no answer column and no event log, or a field is not what its column is.
pub fn read_rows(bytes: &[u8]) -> Result<Read, Unreadable> {
    let table = Table::read(bytes)?;
    if table.rows().len() > MOST_ROWS {
        return Err(Unreadable::at("file", format_args!("more than {MOST_ROWS} rows")));
    }
    let find = |wanted: &[&str]| table.find_any(wanted);
    match (
        find(&["equipment", "machine"])?,
        find(&["time", "date"])?,
        find(&["kind", "event"])?,
        find(&ANSWERS)?,
    ) {
        (_, _, _, Some(answer)) => {
            let (rows, known) = from_table(&table, answer, &NAMES, &AFTERWARDS)?;
            Ok(rows.split(&known))
        }
        (Some(equipment), Some(time), Some(kind), None) => from_log(&table, equipment, time, kind),
        _ => {
            let what = format!(
                "there is neither an answer (one of {}) nor equipment, time and kind",
                ANSWERS.join(", ")
            );
            Err(Unreadable::at("header", what))
        }
    }
}

fn answer_fault(row: usize) -> Unreadable {
    Unreadable::at(format_args!("row {}", row + 1), "the answer is 0 or 1")
}

/// Rows of a table by its answer column, and which of them have an answer: an empty one is still to come. All columns are read.
pub(crate) fn from_table(
    table: &Table,
    answer: usize,
    names: &[&str],
    afterwards: &[&str],
) -> Result<(Rows, Vec<bool>), Unreadable> {
    table.each_once()?;
    let mut rows = Rows::default();
    let mut known = Vec::with_capacity(table.rows().len());
    for (index, row) in table.rows().iter().enumerate() {
        let text = row[answer].trim().to_ascii_lowercase();
        known.push(!text.is_empty());
        rows.failed.push(match text.as_str() {
            "1" | "1.0" | "true" | "yes" => true,
            "0" | "0.0" | "false" | "no" | "" => false,
            _ => return Err(answer_fault(index)),
        });
    }
    rows.values = vec![Vec::new(); table.rows().len()];
    rows.moments = (0i64..).take(table.rows().len()).collect();
    rows.names = (1..=table.rows().len()).map(|row| row.to_string()).collect();
    for (index, name) in table.header().iter().enumerate().filter(|(index, _)| *index != answer) {
        let lower = name.to_ascii_lowercase();
        if names.contains(&lower.as_str()) {
            rows.names.iter_mut().zip(table.rows()).for_each(|(name, row)| {
                if lower == "uid" || lower == "udi" || lower == "id" {
                    name.clone_from(&row[index]);
                }
            });
            rows.left_out.push(name.clone());
        } else if afterwards.contains(&lower.as_str()) || tells(table, index, &rows.failed, &known) {
            rows.left_out.push(name.clone());
        } else {
            column(table, index, &mut rows);
        }
    }
    Ok((rows, known))
}

/// Whether a column of 0 and 1 is 1 only where it failed: then it is an answer in other words.
fn tells(table: &Table, index: usize, failed: &[bool], known: &[bool]) -> bool {
    let mut ones = 0;
    for ((row, failed), _) in table.rows().iter().zip(failed).zip(known).filter(|(_, known)| **known) {
        match row[index].trim() {
            "0" => {}
            "1" if *failed => ones += 1,
            _ => return false,
        }
    }
    ones > 0
}

fn column(table: &Table, index: usize, rows: &mut Rows) {
    let name = &table.header()[index];
    let numbers: Option<Vec<f64>> = (table.rows().iter())
        .map(|row| row[index].trim().parse::<f64>().ok().filter(|value| value.is_finite()))
        .collect();
    if let Some(numbers) = numbers {
        rows.columns.push(name.clone());
        rows.values.iter_mut().zip(numbers).for_each(|(row, value)| row.push(value));
        return;
    }
    let categories: BTreeSet<&str> = table.rows().iter().map(|row| row[index].trim()).collect();
    if categories.len() > MOST_CATEGORIES {
        rows.left_out.push(name.clone());
        return;
    }
    for category in categories {
        category_column(table, index, category, rows);
    }
}

fn category_column(table: &Table, index: usize, category: &str, rows: &mut Rows) {
    rows.columns.push(format!("{}={category}", table.header()[index]));
    for (values, row) in rows.values.iter_mut().zip(table.rows()) {
        values.push(f64::from(u8::from(row[index].trim() == category)));
    }
}

impl Rows {
    /// Adds a column's texts as categories, numbers too.
    pub(crate) fn add_categories(&mut self, table: &Table, index: usize) {
        let categories: BTreeSet<&str> = table.rows().iter().map(|row| row[index].trim()).collect();
        for category in categories.into_iter().take(MOST_CATEGORIES) {
            category_column(table, index, category, self);
        }
    }

    /// Rows with an answer, and those without.
    fn split(self, known: &[bool]) -> Read {
        let columns: Vec<usize> = (0..self.columns.len()).collect();
        let part = |wanted: bool| {
            let own: Vec<usize> = (0..known.len()).filter(|row| known[*row] == wanted).collect();
            self.part(&own, &columns)
        };
        let ahead = part(false);
        let known = if ahead.names.is_empty() { self } else { part(true) };
        Read { known, ahead }
    }

    /// Some of the rows, with some of the columns.
    pub(crate) fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let values = |row: &usize| columns.iter().map(|column| self.values[*row][*column]).collect();
        Self {
            names: rows.iter().map(|row| self.names[*row].clone()).collect(),
            columns: columns.iter().map(|column| self.columns[*column].clone()).collect(),
            values: rows.iter().map(values).collect(),
            failed: rows.iter().map(|row| self.failed[*row]).collect(),
            moments: rows.iter().map(|row| self.moments[*row]).collect(),
            left_out: self.left_out.clone(),
        }
    }
}

/// A row for each machine and day from its first event to its last, whose answer its own events tell, and the log's last day, whose
/// answer is still to come. After a machine's own last event nobody knows whether it ran or stood in a cellar, so those days are nobody's
/// "did not fail"; told ahead are machines that were heard of within [`HEARD_WITHIN`] days and were not removed.
fn from_log(table: &Table, equipment: usize, time: usize, kind: usize) -> Result<Read, Unreadable> {
    let mut events: BTreeMap<&str, Vec<(i64, &str)>> = BTreeMap::new();
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for (index, row) in table.rows().iter().enumerate() {
        let date = Date::read(row[time].trim().get(..10).unwrap_or(""));
        let day = date.map_err(|error| Unreadable::at(format_args!("row {}", index + 1), error))?.number();
        kinds.insert(row[kind].trim());
        events.entry(row[equipment].trim()).or_default().push((day, row[kind].trim()));
    }
    if !kinds.contains("failure") {
        return Err(Unreadable::at("kind", "no event is a \"failure\""));
    }
    // It says that a machine is no more, not how one is that still is.
    kinds.remove(REMOVED);
    let (mut rows, mut known) = (Rows::default(), Vec::new());
    for kind in &kinds {
        rows.columns.extend(WINDOWS.map(|window| format!("{kind} in {window} d")));
        rows.columns.push(format!("days since {kind}"));
    }
    let days: i64 = events.values().filter_map(|own| Some(own.iter().max()?.0 - own.iter().min()?.0)).sum();
    if days > MOST_MACHINE_DAYS {
        return Err(Unreadable::at(
            "file",
            format_args!("{days} days of machines are more than {MOST_MACHINE_DAYS}"),
        ));
    }
    let end = events.values().flatten().map(|event| event.0).max().unwrap_or_default();
    for (machine, own) in &mut events {
        own.sort_unstable();
        let (first, last) = (own[0].0, own[own.len() - 1].0);
        let is_removed = own.contains(&(last, REMOVED));
        let is_told = !is_removed && end - last <= HEARD_WITHIN;
        for day in (first..last).chain(is_told.then_some(end)) {
            rows.names.push(format!("{machine} {}", iso(day)));
            rows.moments.push(day);
            known.push(day < last);
            rows.failed.push(own.iter().any(|event| *event == (day + 1, "failure")));
            rows.values.push(values_at(own, &kinds, day));
        }
    }
    Ok(rows.split(&known))
}

/// By kind of event: how many within each window up to a day, and for how long none, a year at most.
fn values_at(own: &[(i64, &str)], kinds: &BTreeSet<&str>, day: i64) -> Vec<f64> {
    let mut values = Vec::with_capacity(kinds.len() * (WINDOWS.len() + 1));
    for kind in kinds {
        let past = own.iter().filter(|event| event.1 == *kind && event.0 <= day);
        let since = past.clone().next_back().map_or(365, |event| (day - event.0).min(365));
        values
            .extend(WINDOWS.map(|window| past.clone().filter(|event| event.0 > day - window).count() as f64));
        values.push(since as f64);
    }
    values
}

fn iso(day: i64) -> String {
    let date = Date::of(day);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}
