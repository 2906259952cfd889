//! A schedule as days × periods: who uses which room when.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::estate::text;
use crate::check::schedule::{Lesson, Schedule};
use crate::check::table::{day, minute};

/// Days that a page shows: the first week.
const WEEK: i64 = 7;
/// Beyond any period of a day.
const FAR: i64 = 1_000_000;
/// Periods of a lesson from which on no more are listed.
const MOST_PERIODS: i64 = 100;

/// The first week of a schedule. Days and periods are in order of time.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// As the schedule writes them.
    pub days: Vec<String>,
    /// As the schedule writes them.
    pub periods: Vec<String>,
    /// By room: what is held at (day, period), by their places in the lists.
    pub rooms: BTreeMap<String, BTreeMap<(usize, usize), Vec<String>>>,
    /// Whether the schedule goes on after the week.
    pub more: bool,
}

/// When a lesson is: its day, and its start and end in periods or minutes.
fn when(lesson: &Lesson) -> Option<(i64, i64, i64)> {
    let day = day(&text(&lesson.day)).ok()?.0;
    let period = text(&lesson.period);
    let start = minute(&period).or_else(|| period.parse().ok().filter(|at: &i64| at.abs() < FAR))?;
    Some((day, start, start + lesson.end.saturating_sub(lesson.start).clamp(1, FAR)))
}

impl Grid {
    /// Counts schedules over the same days and periods, those of all of them. Lessons without a room, and what has a week of its
    /// own after the first, are left out.
    #[must_use]
    pub fn of(schedules: &[&Schedule]) -> Vec<Self> {
        let least = schedules.iter().flat_map(|one| &one.lessons).filter_map(|lesson| lesson.week).min();
        let placed = |schedule: &&'_ Schedule| -> Vec<(Lesson, (i64, i64, i64))> {
            let own = schedule.lessons.iter().filter(|lesson| !lesson.room.is_empty());
            own.filter_map(|lesson| Some((lesson.clone(), when(lesson)?))).collect()
        };
        let placed: Vec<_> = schedules.iter().map(placed).collect();
        let Some(first) = placed.iter().flatten().map(|(_, at)| at.0).min() else {
            return vec![Self::default(); schedules.len()];
        };
        let shown = |(lesson, at): &&(Lesson, (i64, i64, i64))| at.0 < first + WEEK && lesson.week == least;
        let mut days: BTreeMap<i64, String> = BTreeMap::new();
        let mut periods: BTreeMap<i64, String> = BTreeMap::new();
        for (lesson, (day, start, end)) in placed.iter().flatten().filter(shown) {
            days.entry(*day).or_insert_with(|| text(&lesson.day));
            let label = text(&lesson.period);
            // Numbered periods are all there; of times those at which something starts.
            if minute(&label).is_none() {
                for at in *start..(*end).min(start + MOST_PERIODS) {
                    periods.entry(at).or_insert_with(|| at.to_string());
                }
            }
            periods.insert(*start, label);
        }
        let grid = |placed: &Vec<(Lesson, (i64, i64, i64))>| {
            let mut rooms: BTreeMap<String, BTreeMap<(usize, usize), Vec<String>>> = BTreeMap::new();
            for (lesson, (day, start, end)) in placed.iter().filter(shown) {
                let held = rooms.entry(lesson.room.clone()).or_default();
                let (place, from) = (days.range(..day).count(), periods.range(..start).count());
                for offset in 0..periods.range(start..end).count() {
                    held.entry((place, from + offset)).or_default().push(lesson.name.clone());
                }
            }
            Self {
                days: days.values().cloned().collect(),
                periods: periods.values().cloned().collect(),
                rooms,
                more: placed.iter().filter(shown).count() < placed.len(),
            }
        };
        placed.iter().map(grid).collect()
    }

    /// The share of the week's periods in which a room is used.
    #[must_use]
    pub fn share(&self, room: &str) -> f64 {
        let all = self.days.len() * self.periods.len();
        let used = self.rooms.get(room).map_or(0, BTreeMap::len);
        if all == 0 { 0.0 } else { used as f64 / all as f64 }
    }

    /// The share of a day's.
    #[must_use]
    pub fn share_of_day(&self, room: &str, day: usize) -> f64 {
        let used = self.rooms.get(room).map_or(0, |held| held.keys().filter(|at| at.0 == day).count());
        if self.periods.is_empty() { 0.0 } else { used as f64 / self.periods.len() as f64 }
    }

    /// Rooms × days with a lesson, and the share of their periods that are used.
    #[must_use]
    pub fn opened(&self) -> (usize, f64) {
        let used: usize = self.rooms.values().map(BTreeMap::len).sum();
        let opened: usize =
            self.rooms.values().map(|held| held.keys().map(|at| at.0).collect::<BTreeSet<_>>().len()).sum();
        let all = opened * self.periods.len();
        (opened, if all == 0 { 0.0 } else { used as f64 / all as f64 })
    }
}
