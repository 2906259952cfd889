//! What a search is to leave where it is: pinned lectures, and a timetable in use that is changed as little as can be.

use std::collections::BTreeSet;

use super::instance::Instance;
use super::solution::Lesson;
use crate::text::Unreadable;

/// Most that a moved lecture may weigh beside the cost.
pub const MOST_WEIGHT: u32 = 1_000;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keep {
    /// The timetable in use; the search begins with it.
    pub given: Vec<Lesson>,
    /// What a lecture weighs that is held at a time when its course was not; in a room that its course was not in, half of that.
    pub weight: u32,
    /// Lectures that stay at their time and in their room.
    pub pins: Vec<Lesson>,
}

impl Keep {
    /// Whether it can be kept: no room is pinned twice at a time and no course has more pins than lectures.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self, instance: &Instance) -> Result<(), Unreadable> {
        let (mut cells, mut counts) = (BTreeSet::new(), vec![0u32; instance.courses.len()]);
        for pin in &self.pins {
            let course = &instance.courses[pin.course as usize];
            if !cells.insert((pin.room, pin.period)) {
                let (day, period) =
                    (pin.period / instance.periods_per_day, pin.period % instance.periods_per_day);
                let room = &instance.rooms[pin.room as usize].name;
                let what = format!("room {room} is pinned twice on day {day}, period {period}");
                return Err(Unreadable::at("pins", what));
            }
            let count = &mut counts[pin.course as usize];
            *count += 1;
            if *count > course.lectures {
                let what = format!("{} has {} lectures and more pins", course.name, course.lectures);
                return Err(Unreadable::at("pins", what));
            }
        }
        match self.weight <= MOST_WEIGHT {
            true => Ok(()),
            false => Err(Unreadable::at("weight", format_args!("it is at most {MOST_WEIGHT}"))),
        }
    }
}
