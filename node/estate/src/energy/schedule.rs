//! Who is in which zone at which hour of the week.
//!
//! CSV with columns zone, day (0 to 6 from Monday, or mon to sun), start and end (HH:MM), people. Rows add up. A zone is
//! kept at its set points from an hour before the first to the end of the last row of a day, and set back otherwise; a
//! day without a row is closed. [`Program`] says whether that is by the zone's own hours or the house's.

use std::collections::BTreeMap;

use crate::table::Table;
use crate::text::Unreadable;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const HOURS: usize = 7 * 24;
const MOST_PEOPLE: u32 = 100_000;

/// An hour of the week in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// People × minutes.
    pub person_minutes: u32,
    /// Minutes with anybody, at most 60.
    pub minutes: u32,
    /// Minutes without anybody between the day's first and last use.
    pub idle: u32,
    /// Whether the zone is kept at its set points.
    pub open: bool,
}

/// A week by zone; a zone without a row is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    weeks: BTreeMap<String, Vec<Use>>,
}

/// People in a zone on a day of the week, from a minute of the day until before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The zone's id.
    pub zone: String,
    /// 0 to 6 from Monday.
    pub day: usize,
    /// Minutes after midnight.
    pub start: usize,
    /// At most 1440.
    pub end: usize,
    /// How many are in it.
    pub people: u32,
}

/// How long a room that is used on a day is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Program {
    /// By its own hours: from an hour before its first use of the day to the end of its last.
    #[default]
    Hours,
    /// By the house's day: whatever room is opened is run from an hour before the week's earliest use to the end of the
    /// latest, as time switches and caretakers do it.
    Day,
}

impl Schedule {
    /// The schedule of rows; what of one lies outside the week is left out.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        Self::run_by(rows, Program::Hours)
    }

    /// The same with rooms run by a program.
    #[must_use]
    pub fn run_by(rows: impl IntoIterator<Item = Row>, program: Program) -> Self {
        let mut weeks: BTreeMap<String, Vec<Use>> = BTreeMap::new();
        for row in rows.into_iter().filter(|row| row.day < 7 && row.start < row.end && row.end <= 24 * 60) {
            let week = weeks.entry(row.zone).or_insert_with(|| vec![Use::default(); HOURS]);
            occupy(week, row.day, row.start, row.end, row.people.min(MOST_PEOPLE));
        }
        let all = weeks.values().flat_map(|week| week.chunks(24)).filter_map(span);
        let house = all.reduce(|(a, b), (first, last)| (a.min(first), b.max(last)));
        let house = house.filter(|_| program == Program::Day);
        weeks.values_mut().for_each(|week| open(week, house));
        Self { weeks }
    }

    /// Reads a schedule.
    ///
    /// # Errors
    /// When a row is not one, or names a zone that the building does not have.
    pub fn read(bytes: &[u8], zones: &[&str]) -> Result<Self, Unreadable> {
        let table = Table::read(bytes)?;
        let columns = ["zone", "day", "start", "end", "people"].map(|name| table.column(name));
        let [zone, day, start, end, people] = columns;
        let (zone, day, start, end, people) = (zone?, day?, start?, end?, people?);
        let mut rows = Vec::with_capacity(table.rows().len());
        for (index, row) in table.rows().iter().enumerate() {
            let place = || format!("row {}", index + 1);
            let fault = |what: &str| Unreadable::at(place(), what);
            if !zones.contains(&row[zone].as_str()) {
                return Err(Unreadable::at(
                    place(),
                    format_args!("the building has no zone {:?}", row[zone]),
                ));
            }
            let day = weekday(&row[day]).ok_or_else(|| fault("day is 0 to 6 or mon to sun"))?;
            let (Some(start), Some(end)) = (minute(&row[start]), minute(&row[end])) else {
                return Err(fault("start and end are HH:MM up to 24:00"));
            };
            let count = row[people].trim().parse::<u32>().ok().filter(|count| *count <= MOST_PEOPLE);
            let count = count.ok_or_else(|| fault("people is a whole number up to 100000"))?;
            if start >= end {
                return Err(fault("start is not before end"));
            }
            rows.push(Row { zone: row[zone].clone(), day, start, end, people: count });
        }
        Ok(Self::of(rows))
    }

    /// The use of a zone at an hour of the week.
    #[must_use]
    pub fn at(&self, zone: &str, hour: usize) -> Use {
        self.weeks.get(zone).map_or(Use::default(), |week| week[hour % HOURS])
    }
}

fn occupy(week: &mut [Use], day: usize, start: usize, end: usize, people: u32) {
    for hour in start / 60..end.div_ceil(60) {
        let minutes = (end.min(hour * 60 + 60) - start.max(hour * 60)) as u32;
        let slot = &mut week[day * 24 + hour];
        slot.person_minutes = slot.person_minutes.saturating_add(minutes * people);
        slot.minutes = (slot.minutes + minutes).min(60);
    }
}

/// The first and last hour of a day in which somebody is there.
fn span(day: &[Use]) -> Option<(usize, usize)> {
    let used = |slot: &Use| slot.minutes > 0;
    day.iter().position(used).zip(day.iter().rposition(used))
}

fn open(week: &mut [Use], house: Option<(usize, usize)>) {
    for day in week.chunks_mut(24) {
        if let Some(own) = span(day) {
            let (first, last) = house.unwrap_or(own);
            day[first.saturating_sub(1)..=last].iter_mut().for_each(|slot| slot.open = true);
            day[first..=last].iter_mut().for_each(|slot| slot.idle = 60 - slot.minutes);
        }
    }
}

fn weekday(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    DAYS.iter().position(|day| *day == text).or_else(|| text.parse().ok().filter(|day| *day < 7))
}

fn minute(text: &str) -> Option<usize> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes) = (hours.parse::<usize>().ok()?, minutes.parse::<usize>().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60 && hours <= 24).then_some(hours * 60 + minutes)
}
