//! Conflicts of a schedule, named: who or what is in two places at once, which room is too small, closed or lacks what a
//! lesson needs, which day uses more energy than its budget.
//!
//! [`schedule`] is what every format becomes: lessons on one line of time. [`table`] reads CSV, [`ical`] iCalendar; a
//! `.ctt` solution is read by its instance or line by line. [`estate`] says what is known of rooms.

pub mod estate;
mod find;
pub mod ical;
pub mod rooms;
pub mod schedule;
pub mod table;
#[cfg(test)]
mod tests;

pub use find::{Conflict, find, new_ones};
