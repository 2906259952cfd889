//! What a timetable asks of people, counted from its lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::ctt::{Instance, Lesson};

/// What a timetable is compared by beside its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Terms {
    /// Times that a curriculum changes its room from one period to the next.
    pub walks: u64,
    /// Periods without a lecture between two of a curriculum's day.
    pub gaps: u64,
    /// Students × lectures.
    pub student_periods: u64,
}

/// Counts.
#[must_use]
pub fn terms(instance: &Instance, lessons: &[Lesson]) -> Terms {
    let mut all = Terms::default();
    let mut of_course: BTreeMap<u32, Vec<&Lesson>> = BTreeMap::new();
    for lesson in lessons {
        of_course.entry(lesson.course).or_default().push(lesson);
        all.student_periods += u64::from(instance.courses[lesson.course as usize].students);
    }
    for curriculum in &instance.curricula {
        let mut rooms: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let own = curriculum.courses.iter().filter_map(|course| of_course.get(course));
        for lesson in own.flatten() {
            rooms.entry(lesson.period).or_default().insert(lesson.room);
        }
        for (one, two) in rooms.iter().zip(rooms.iter().skip(1)) {
            if one.0 / instance.periods_per_day == two.0 / instance.periods_per_day {
                all.gaps += u64::from(two.0 - one.0 - 1);
                all.walks += u64::from(two.0 - one.0 == 1 && one.1.is_disjoint(two.1));
            }
        }
    }
    all
}
