//! What a timetable costs and which hard constraints it breaks, counted from the instance and the lines alone. Plain on
//! purpose: the search is judged by this and shares no code with it.

use std::collections::{BTreeMap, BTreeSet};

use super::instance::Instance;
use super::solution::Lesson;

/// Students without a seat count 1 each.
pub const SEAT: u64 = 1;
/// A day too few over which a course is spread.
pub const MISSING_DAY: u64 = 5;
/// A lecture of a curriculum with no other of it beside.
pub const ISOLATED: u64 = 2;
/// A further room of a course.
pub const FURTHER_ROOM: u64 = 1;

/// The count of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Lectures that are missing, too many, or at the same time as another of their course.
    pub lectures: u64,
    /// Pairs of lectures at the same time that share a teacher or a curriculum.
    pub conflicts: u64,
    /// Lectures when their course is unavailable.
    pub unavailable: u64,
    /// Lectures in a room that another one holds already.
    pub occupancy: u64,
    /// Students without a seat, over all lectures.
    pub seats_short: u64,
    /// Days too few, over all courses.
    pub missing_days: u64,
    /// Isolated lectures, over all curricula.
    pub isolated: u64,
    /// Rooms beyond the first, over all courses.
    pub further_rooms: u64,
    /// Pairs of a room and a day with at least one lecture.
    pub opened_room_days: u64,
}

impl Score {
    /// Hard constraints broken.
    #[must_use]
    pub fn hard(&self) -> u64 {
        self.lectures + self.conflicts + self.unavailable + self.occupancy
    }

    /// The cost of formulation UD2.
    #[must_use]
    pub fn cost(&self) -> u64 {
        SEAT * self.seats_short
            + MISSING_DAY * self.missing_days
            + ISOLATED * self.isolated
            + FURTHER_ROOM * self.further_rooms
    }
}

/// Counts what a timetable breaks, hard constraints and soft ones apart.
#[must_use]
pub fn evaluate(instance: &Instance, lessons: &[Lesson]) -> Score {
    let mut score = Score::default();
    hard(instance, lessons, &mut score);
    courses(instance, lessons, &mut score);
    curricula(instance, lessons, &mut score);
    let open: BTreeSet<(u32, u32)> =
        lessons.iter().map(|lesson| (lesson.room, lesson.period / instance.periods_per_day)).collect();
    score.opened_room_days = open.len() as u64;
    score
}

fn hard(instance: &Instance, lessons: &[Lesson], score: &mut Score) {
    let mut held: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut taken: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let unavailable: BTreeSet<(u32, u32)> = instance.unavailable.iter().copied().collect();
    for lesson in lessons {
        *held.entry((lesson.course, lesson.period)).or_default() += 1;
        *taken.entry((lesson.room, lesson.period)).or_default() += 1;
        score.unavailable += u64::from(unavailable.contains(&(lesson.course, lesson.period)));
    }
    score.occupancy = taken.values().map(|count| count - 1).sum();
    for (course, index) in instance.courses.iter().zip(0u32..) {
        let times: Vec<u64> = held.range((index, 0)..=(index, u32::MAX)).map(|(_, count)| *count).collect();
        let (distinct, placed) = (times.len() as u64, times.iter().sum::<u64>());
        let wanted = u64::from(course.lectures);
        score.lectures += wanted.saturating_sub(placed) + placed.saturating_sub(wanted) + (placed - distinct);
    }
    let conflicting = conflicting(instance);
    let mut at: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for lesson in lessons {
        at.entry(lesson.period).or_default().push(lesson.course);
    }
    for courses in at.values() {
        for (place, one) in courses.iter().enumerate() {
            let others = &courses[place + 1..];
            score.conflicts +=
                others.iter().filter(|two| conflicting.contains(&(*one.min(two), *one.max(two)))).count()
                    as u64;
        }
    }
}

/// Pairs of different courses that share a teacher or a curriculum, the smaller index first.
fn conflicting(instance: &Instance) -> BTreeSet<(u32, u32)> {
    let mut pairs = BTreeSet::new();
    let mut all_pairs = |courses: &[u32]| {
        for one in courses {
            for two in courses.iter().filter(|two| *two > one) {
                pairs.insert((*one, *two));
            }
        }
    };
    instance.curricula.iter().for_each(|curriculum| all_pairs(&curriculum.courses));
    for teacher in 0..instance.teachers.len() as u32 {
        let taught: Vec<u32> = (0u32..)
            .zip(&instance.courses)
            .filter(|(_, c)| c.teacher == teacher)
            .map(|(index, _)| index)
            .collect();
        all_pairs(&taught);
    }
    pairs
}

fn courses(instance: &Instance, lessons: &[Lesson], score: &mut Score) {
    let mut days: BTreeSet<(u32, u32)> = BTreeSet::new();
    let mut rooms: BTreeSet<(u32, u32)> = BTreeSet::new();
    for lesson in lessons {
        days.insert((lesson.course, lesson.period / instance.periods_per_day));
        rooms.insert((lesson.course, lesson.room));
        let students = instance.courses[lesson.course as usize].students;
        let seats = instance.rooms[lesson.room as usize].capacity;
        score.seats_short += u64::from(students.saturating_sub(seats));
    }
    for (course, index) in instance.courses.iter().zip(0u32..) {
        let all = (index, 0)..=(index, u32::MAX);
        score.missing_days +=
            u64::from(course.min_days).saturating_sub(days.range(all.clone()).count() as u64);
        score.further_rooms += (rooms.range(all).count() as u64).saturating_sub(1);
    }
}

fn curricula(instance: &Instance, lessons: &[Lesson], score: &mut Score) {
    for curriculum in &instance.curricula {
        let mut held = vec![0u64; instance.periods() as usize];
        for lesson in lessons.iter().filter(|lesson| curriculum.courses.contains(&lesson.course)) {
            held[lesson.period as usize] += 1;
        }
        for day in held.chunks(instance.periods_per_day as usize) {
            for period in 0..day.len() {
                let before = period > 0 && day[period - 1] > 0;
                let after = period + 1 < day.len() && day[period + 1] > 0;
                if !before && !after {
                    score.isolated += day[period];
                }
            }
        }
    }
}
