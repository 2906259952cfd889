//! Finding: each resource's lessons in order of time, each beside the one that lasts longest so far.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::estate::{Closure, Estate, Room};
use super::schedule::{Lesson, Schedule};

/// One conflict, named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// room, teacher, group, capacity, closed, feature, unknown_room or energy.
    pub kind: &'static str,
    /// Who or what, in words.
    pub what: String,
    /// As the schedule writes it.
    pub day: Value,
    /// As the schedule writes it; null for a whole day.
    pub period: Value,
}

/// Every conflict, in order of kind and time; an estate adds what is known of rooms.
#[must_use]
pub fn find(schedule: &Schedule, estate: Option<&Estate>) -> Vec<Conflict> {
    let lessons = &schedule.lessons;
    let mut found = Vec::new();
    twice(lessons, "room", &mut found, |lesson| std::slice::from_ref(&lesson.room));
    twice(lessons, "teacher", &mut found, |lesson| &lesson.teachers);
    twice(lessons, "group", &mut found, |lesson| &lesson.groups);
    let rooms: BTreeMap<&str, &Room> =
        estate.iter().flat_map(|estate| &estate.rooms).map(|room| (room.id.as_str(), room)).collect();
    for lesson in lessons {
        places(lesson, rooms.get(lesson.room.as_str()).copied(), &mut found);
    }
    if let Some(estate) = estate {
        known(lessons, estate, &rooms, &mut found);
    }
    found
}

/// Conflicts of `after` that `before` does not have, as many times as it has them more.
#[must_use]
pub fn new_ones(before: &[Conflict], after: &[Conflict]) -> Vec<Conflict> {
    let key = |one: &Conflict| (one.kind, one.what.clone(), one.day.to_string(), one.period.to_string());
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    before.iter().for_each(|one| *known.entry(key(one)).or_default() += 1);
    let is_new = |one: &&Conflict| match known.get_mut(&key(one)) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    after.iter().filter(is_new).cloned().collect()
}

/// Lessons of one resource that are at the same time.
fn twice<'a>(
    lessons: &'a [Lesson],
    kind: &'static str,
    found: &mut Vec<Conflict>,
    of: impl Fn(&'a Lesson) -> &'a [String],
) {
    let mut uses: Vec<(&str, i64, i64, usize)> = Vec::with_capacity(lessons.len());
    for (index, lesson) in lessons.iter().enumerate() {
        for resource in of(lesson).iter().filter(|resource| !resource.is_empty()) {
            uses.push((resource, lesson.start, lesson.end, index));
        }
    }
    uses.sort_unstable();
    let mut lasting: Option<(&str, i64, usize)> = None;
    for (resource, start, end, index) in uses {
        match lasting {
            Some((same, until, other)) if same == resource && start < until => {
                // A lesson that names its teacher twice is one lesson.
                if other != index {
                    found.push(both(kind, resource, &lessons[other], &lessons[index]));
                }
                if end > until {
                    lasting = Some((resource, end, index));
                }
            }
            _ => lasting = Some((resource, end, index)),
        }
    }
}

fn both(kind: &'static str, resource: &str, one: &Lesson, two: &Lesson) -> Conflict {
    let named =
        |lesson: &Lesson| if lesson.name.is_empty() { "a lesson".to_owned() } else { lesson.name.clone() };
    let what = match kind {
        "room" => format!("{resource}: {} and {}", named(one), named(two)),
        _ => format!("{resource}: {} in {} and {} in {}", named(one), one.room, named(two), two.room),
    };
    at(kind, what, two)
}

/// A conflict at a lesson's time; its week, where there are several, is in words.
fn at(kind: &'static str, what: String, lesson: &Lesson) -> Conflict {
    let what = lesson.week.map_or(what.clone(), |week| format!("{what} (week {week})"));
    Conflict { kind, what, day: lesson.day.clone(), period: lesson.period.clone() }
}

fn places(lesson: &Lesson, room: Option<&Room>, found: &mut Vec<Conflict>) {
    let seats = room.map(|room| room.capacity).or(lesson.capacity);
    if let (Some(students), Some(seats)) = (lesson.students, seats)
        && students > seats
        && !lesson.room.is_empty()
    {
        let what = format!("{}: {} has {students} students, {seats} seats", lesson.room, lesson.name);
        found.push(Conflict {
            kind: "capacity",
            what,
            day: lesson.day.clone(),
            period: lesson.period.clone(),
        });
    }
    let lacking = |need: &&String| room.is_some_and(|room| !room.features.contains(need));
    for need in lesson.needs.iter().filter(lacking) {
        let what = format!("{}: {} needs {need}", lesson.room, lesson.name);
        found.push(Conflict {
            kind: "feature",
            what,
            day: lesson.day.clone(),
            period: lesson.period.clone(),
        });
    }
}

/// What only the estate knows: closures, rooms that are not there, a day's energy.
fn known(lessons: &[Lesson], estate: &Estate, rooms: &BTreeMap<&str, &Room>, found: &mut Vec<Conflict>) {
    let mut energy: BTreeMap<(Option<u32>, String), (f64, &Value)> = BTreeMap::new();
    // Closures by room, so that a year of lessons is not held against each.
    let mut closed: BTreeMap<Option<&str>, Vec<&Closure>> = BTreeMap::new();
    for closure in &estate.closures {
        closed.entry(closure.room.as_deref()).or_default().push(closure);
    }
    for lesson in lessons.iter().filter(|lesson| !lesson.room.is_empty()) {
        let Some(room) = rooms.get(lesson.room.as_str()) else {
            found.push(at(
                "unknown_room",
                format!("{}: {} is not in the estate", lesson.name, lesson.room),
                lesson,
            ));
            continue;
        };
        let own = [None, Some(lesson.room.as_str())];
        if own.iter().filter_map(|key| closed.get(key)).flatten().any(|closure| closure.hits(lesson)) {
            found.push(at("closed", format!("{}: closed for {}", lesson.room, lesson.name), lesson));
        }
        energy.entry((lesson.week, lesson.day.to_string())).or_insert((0.0, &lesson.day)).0 +=
            room.kwh_per_hour * lesson.hours;
    }
    let Some(budget) = estate.energy_budget_kwh_per_day else { return };
    for ((week, _), (used, day)) in energy.into_iter().filter(|(_, (used, _))| *used > budget) {
        let week = week.map_or(String::new(), |week| format!(" (week {week})"));
        let what = format!("rooms in use take {used:.1} kWh, the day's budget is {budget:.1}{week}");
        found.push(Conflict { kind: "energy", what, day: day.clone(), period: Value::Null });
    }
}
