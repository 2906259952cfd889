//! Histories from CSV: period and value, and where there are several, what they are of.

use std::collections::BTreeMap;

use crate::table::Table;
use crate::text::Unreadable;

/// What a history is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Key {
    /// The school or class of things; empty where the file has one history.
    pub series: String,
    /// The grade, where the file has them.
    pub grade: Option<i64>,
}

/// How periods are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// A whole number.
    Number,
    /// YYYY-MM, counted in months.
    Months,
    /// YYYY-YY, counted in years.
    SchoolYears,
}

/// All histories of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Values by period.
    pub cells: BTreeMap<Key, BTreeMap<i64, f64>>,
    /// How periods are written.
    pub calendar: Calendar,
    /// Rows that were added to an earlier one of the same period and series.
    pub summed: usize,
    /// Columns that nothing was taken from.
    pub unused: Vec<String>,
}

const VALUES: [&str; 6] = ["value", "enrol", "enrolment", "enrollment", "requests", "count"];
const SERIES: [&str; 3] = ["series", "school", "class"];
/// Ids that are a series together, where no column of those above is there: schools are numbered within their districts.
const IDS: [&str; 2] = ["distid", "schid"];

/// Reads histories: columns period (or year) and value (or enrol, enrolment, enrollment, requests, count); series (or
/// school, class; else distid and schid) and grade where there are several. Empty values are read past; rows of one period and
/// series are added up and counted.
///
/// # Errors
/// When a column is missing, a period or value is not valid, or nothing is left.
pub fn read_history(bytes: &[u8]) -> Result<History, Unreadable> {
    let table = Table::read(bytes)?;
    let (period, value) = (table.any_column(&["period", "year"])?, table.any_column(&VALUES)?);
    let (series, grade) = (series(&table)?, table.find_any(&["grade"])?);
    let calendar = calendar(table.rows().iter().map(|row| row[period].trim()));
    let mut cells: BTreeMap<Key, BTreeMap<i64, f64>> = BTreeMap::new();
    let mut summed = 0;
    let used = |column: &usize| {
        [period, value].contains(column) || grade == Some(*column) || series.contains(column)
    };
    let unused = (0..table.header().len()).filter(|column| !used(column));
    let unused = unused.map(|column| table.header()[column].clone()).collect();
    for (index, row) in table.rows().iter().enumerate() {
        let fault = |what: &str| Unreadable::at(format_args!("row {}", index + 1), what);
        let text = row[value].trim();
        if text.is_empty() || text.eq_ignore_ascii_case("na") {
            continue;
        }
        let amount =
            text.parse::<f64>().ok().filter(|amount| amount.is_finite() && (0.0..=1e12).contains(amount));
        let amount = amount.ok_or_else(|| fault("the value is a number from 0"))?;
        let number = calendar
            .number(row[period].trim())
            .ok_or_else(|| fault("the period is not written as the others"))?;
        let grade = match grade.map(|grade| row[grade].trim()) {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("k") => Some(0),
            Some(text) => Some(
                text.parse::<i64>()
                    .ok()
                    .filter(|grade| grade.abs() < 100)
                    .ok_or_else(|| fault("the grade is a whole number or K"))?,
            ),
        };
        let ids: Vec<&str> = series.iter().map(|column| row[*column].trim()).collect();
        let own = cells.entry(Key { series: ids.join("-"), grade }).or_default();
        summed += usize::from(own.contains_key(&number));
        *own.entry(number).or_default() += amount;
    }
    if cells.is_empty() {
        return Err(Unreadable::at("file", "it has no value"));
    }
    Ok(History { cells, calendar, summed, unused })
}

/// The columns that name a series.
fn series(table: &Table) -> Result<Vec<usize>, Unreadable> {
    match table.find_any(&SERIES)? {
        Some(named) => Ok(vec![named]),
        None => IDS.iter().filter_map(|id| table.find_any(&[*id]).transpose()).collect(),
    }
}

fn calendar<'a>(periods: impl Iterator<Item = &'a str> + Clone) -> Calendar {
    let all = |calendar: Calendar| periods.clone().all(|period| calendar.number(period).is_some());
    [Calendar::SchoolYears, Calendar::Months]
        .into_iter()
        .find(|calendar| all(*calendar))
        .unwrap_or(Calendar::Number)
}

impl Calendar {
    fn number(self, text: &str) -> Option<i64> {
        let parts = || {
            let (year, rest) = text.split_once(['-', '/'])?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let four = year.len() == 4 && rest.len() == 2 && digits(year) && digits(rest);
            four.then(|| Some((year.parse::<i64>().ok()?, rest.parse::<i64>().ok()?)))?
        };
        match self {
            Self::Number => {
                let text = text.strip_suffix(".0").unwrap_or(text);
                text.parse::<i64>().ok().filter(|number| number.abs() < 1_000_000_000)
            }
            Self::Months => parts()
                .filter(|(_, month)| (1..=12).contains(month))
                .map(|(year, month)| year * 12 + month - 1),
            Self::SchoolYears => {
                parts().filter(|(year, next)| (year + 1) % 100 == *next).map(|(year, _)| year)
            }
        }
    }

    /// A period as the file writes it.
    #[must_use]
    pub fn text(self, number: i64) -> String {
        match self {
            Self::Number => number.to_string(),
            Self::Months => format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1),
            Self::SchoolYears => format!("{number:04}-{:02}", (number + 1).rem_euclid(100)),
        }
    }
}
