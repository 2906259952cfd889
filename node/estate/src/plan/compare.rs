//! How two timetables differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::ctt::evaluate::evaluate;
use crate::ctt::{Instance, Lesson};

/// A room on a day of the week, from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct RoomDay {
    /// The room as the instance names it.
    pub room: String,
    /// Day of the instance's week, from 0.
    pub day: u32,
}

/// Rooms and days with a lesson.
pub(super) fn open(instance: &Instance, lessons: &[Lesson]) -> BTreeSet<(u32, u32)> {
    lessons.iter().map(|lesson| (lesson.room, lesson.period / instance.periods_per_day)).collect()
}

/// Rooms' days that `before` opens and `after` does not.
#[must_use]
pub fn closed(instance: &Instance, before: &[Lesson], after: &[Lesson]) -> Vec<RoomDay> {
    let (before, after) = (open(instance, before), open(instance, after));
    let named = |(room, day): &(u32, u32)| RoomDay {
        room: instance.rooms[*room as usize].name.to_string(),
        day: *day,
    };
    before.difference(&after).map(named).collect()
}

/// A plan as it was found, or the given timetable where the plan breaks more hard constraints, or as many and leaves more students
/// without a seat: no energy pays for that. Whether it is the given one.
#[must_use]
pub fn no_worse(instance: &Instance, given: &[Lesson], found: Vec<Lesson>) -> (Vec<Lesson>, bool) {
    let faults = |lessons: &[Lesson]| {
        let score = evaluate(instance, lessons);
        (score.hard(), score.seats_short)
    };
    if faults(&found) > faults(given) { (given.to_vec(), true) } else { (found, false) }
}

/// Lectures that are held at another time, and lectures at the same time in another room.
#[must_use]
pub fn moved(before: &[Lesson], after: &[Lesson]) -> (usize, usize) {
    let mut left: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
    for lesson in before {
        left.entry((lesson.course, lesson.period)).or_default().push(lesson.room);
    }
    let (mut times, mut rooms) = (0, 0);
    for lesson in after {
        match left.get_mut(&(lesson.course, lesson.period)).and_then(Vec::pop) {
            None => times += 1,
            Some(room) => rooms += usize::from(room != lesson.room),
        }
    }
    (times, rooms)
}
