//! How few room-days any timetable opens.

use super::instance::Instance;

/// A proved bound: a room's day holds at most as many lectures as a day has periods.
#[must_use]
pub fn room_days(instance: &Instance) -> u64 {
    u64::from(instance.lectures()).div_ceil(u64::from(instance.periods_per_day))
}
