//! How few room-days any timetable opens that keeps the hard constraints.

use std::collections::BTreeSet;

use super::instance::Instance;

/// A proved bound, at least ⌈lectures / periods a day⌉.
///
/// At a period there are at most as many lectures as teachers with a course that is available then, since a teacher is in
/// one place. So k rooms of a day hold at most min(k, that number) lectures at each of its periods, and the k-th room adds
/// one for each period where the number is k or more. These additions fall with k: the greatest of all rooms and days,
/// taken until they hold every lecture, are as many room-days as any timetable needs.
#[must_use]
pub fn room_days(instance: &Instance) -> u64 {
    let unavailable: BTreeSet<(u32, u32)> = instance.unavailable.iter().copied().collect();
    let rooms = instance.rooms.len();
    let mut adds: Vec<u64> = Vec::new();
    for day in 0..instance.days {
        let mut of_day = vec![0u64; rooms];
        for period in day * instance.periods_per_day..(day + 1) * instance.periods_per_day {
            let available = (0u32..)
                .zip(&instance.courses)
                .filter(|(course, whole)| whole.lectures > 0 && !unavailable.contains(&(*course, period)));
            let teachers: BTreeSet<u32> = available.map(|(_, course)| course.teacher).collect();
            of_day.iter_mut().take(teachers.len()).for_each(|adds| *adds += 1);
        }
        adds.extend(of_day);
    }
    adds.sort_unstable_by(|one, two| two.cmp(one));
    let (mut left, mut days) = (u64::from(instance.lectures()), 0);
    for add in adds.into_iter().take_while(|add| *add > 0) {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(add);
        days += 1;
    }
    // What no room-day can hold is in no timetable that keeps the hard constraints; the plain count then stands.
    days.max(u64::from(instance.lectures()).div_ceil(u64::from(instance.periods_per_day)))
}
