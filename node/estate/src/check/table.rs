//! Schedules from CSV: a lesson a row, by week, day and period, or by date, start and end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schedule::{Lesson, MOST_LESSONS, Schedule, slot};
use crate::fit::Date;
use crate::table::Table;
use crate::text::Unreadable;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

struct Columns {
    name: Option<usize>,
    room: Option<usize>,
    teacher: Option<usize>,
    group: Option<usize>,
    students: Option<usize>,
    capacity: Option<usize>,
    needs: Option<usize>,
    week: Option<usize>,
    day: usize,
    period: Option<usize>,
    length: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
}

/// Reads a schedule. Columns: day (a number, mon to sun, or YYYY-MM-DD; `date` too) and period, or start and end (HH:MM);
/// optional week, length (periods), lesson (course, subject, name), room, teacher, group (class, curriculum), students,
/// capacity, needs. Teachers, groups and needs may be several, joined by `;`.
///
/// # Errors
/// When a column is missing or a field is not what its column is.
pub fn read_csv(bytes: &[u8]) -> Result<Schedule, Unreadable> {
    let table = Table::read(bytes)?;
    if table.rows().len() > MOST_LESSONS {
        return Err(Unreadable::at("file", format_args!("more than {MOST_LESSONS} lessons")));
    }
    let columns = Columns::of(&table)?;
    let mut labels: BTreeMap<&str, i64> = BTreeMap::new();
    let mut schedule = Schedule::default();
    for (index, row) in table.rows().iter().enumerate() {
        let lesson = columns.lesson(row, &mut labels);
        schedule
            .lessons
            .push(lesson.map_err(|what| Unreadable::at(format_args!("row {}", index + 1), what))?);
    }
    Ok(schedule)
}

impl Columns {
    fn of(table: &Table) -> Result<Self, Unreadable> {
        let find = |names: &[&str]| table.find_any(names);
        let has = || {
            Unreadable::at(
                "header",
                format_args!(
                    "a schedule has day and period, or day, start and end; here are {}",
                    table.header().join(", ")
                ),
            )
        };
        let columns = Self {
            name: find(&["lesson", "course", "subject", "name", "event"])?,
            room: find(&["room", "location"])?,
            teacher: find(&["teacher", "teachers"])?,
            group: find(&["group", "groups", "class", "curriculum"])?,
            students: find(&["students", "size", "people"])?,
            capacity: find(&["capacity", "seats"])?,
            needs: find(&["needs", "features"])?,
            week: find(&["week"])?,
            day: find(&["day", "date"])?.ok_or_else(has)?,
            period: find(&["period", "slot"])?,
            length: find(&["length", "duration", "periods"])?,
            start: find(&["start"])?,
            end: find(&["end"])?,
        };
        match columns.period.is_some() || (columns.start.is_some() && columns.end.is_some()) {
            true => Ok(columns),
            false => Err(has()),
        }
    }

    fn lesson<'a>(&self, row: &'a [String], labels: &mut BTreeMap<&'a str, i64>) -> Result<Lesson, String> {
        let text = |column: Option<usize>| column.map_or("", |column| row[column].trim());
        let several = |column: Option<usize>| -> Vec<String> {
            text(column)
                .split(';')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let count = |column: Option<usize>, what: &str| match text(column) {
            "" => Ok(None),
            digits => digits.parse::<u32>().map(Some).map_err(|_| format!("{what} is a whole number")),
        };
        let (day, day_value) = day(text(Some(self.day)))?;
        let day = count(self.week, "week")?.map_or(0, i64::from) * 7 + day;
        let (start, end, hours, period) = match self.period {
            Some(period) => {
                let label = text(Some(period));
                let next = 5_000 + labels.len() as i64;
                let place = match label.parse::<i64>() {
                    Ok(number) if (0..5_000).contains(&number) => number,
                    Ok(_) => return Err("a period is from 0 to 4999".to_owned()),
                    Err(_) if label.is_empty() => return Err("the period is missing".to_owned()),
                    Err(_) if next >= 10_000 => return Err("more than 5000 kinds of period".to_owned()),
                    Err(_) => *labels.entry(label).or_insert(next),
                };
                let length = count(self.length, "length")?.unwrap_or(1).clamp(1, 1_000);
                let value = label.parse::<i64>().map_or_else(|_| label.into(), Value::from);
                (slot(day, place), slot(day, place) + i64::from(length), f64::from(length), value)
            }
            None => {
                let (Some(start), Some(end)) = (minute(text(self.start)), minute(text(self.end))) else {
                    return Err("start and end are HH:MM up to 24:00".to_owned());
                };
                if start >= end {
                    return Err("start is not before end".to_owned());
                }
                (slot(day, start), slot(day, end), (end - start) as f64 / 60.0, text(self.start).into())
            }
        };
        Ok(Lesson {
            name: text(self.name).to_owned(),
            room: text(self.room).to_owned(),
            teachers: several(self.teacher),
            groups: several(self.group),
            students: count(self.students, "students")?,
            capacity: count(self.capacity, "capacity")?,
            needs: several(self.needs),
            start,
            end,
            hours,
            week: count(self.week, "week")?,
            day: day_value,
            period,
        })
    }
}

/// A day's number and how it is shown.
pub fn day(text: &str) -> Result<(i64, Value), String> {
    if let Ok(number) = text.parse::<i64>()
        && number.abs() < 1_000_000
    {
        return Ok((number, number.into()));
    }
    if let Some(day) = weekday(text) {
        return Ok((day, text.into()));
    }
    let date = Date::read(text).map_err(|_| format!("the day {text:?} is not a number, weekday or date"))?;
    Ok((date.number(), text.into()))
}

/// A weekday's number, Monday 0.
pub fn weekday(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    (0..).zip(WEEKDAYS).find(|(_, day)| lower.starts_with(day)).map(|(number, _)| number)
}

/// Minutes of HH:MM.
pub fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let minutes = minutes.split(':').next()?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    ((0..60).contains(&minutes) && (0..=24 * 60).contains(&(hours * 60 + minutes)) && hours >= 0)
        .then_some(hours * 60 + minutes)
}
