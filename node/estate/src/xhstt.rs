//! High school timetabling (XHSTT-2014): archives in and out.
//!
//! [`read`] makes an [`Instance`] of an archive (sets of [`times`] in it as wide as they must be), [`read_solutions`] its timetables; [`cost`] counts each constraint at each
//! place where it applies; [`search`] finds a timetable, [`Archive::search`] of whichever width. Constraints handled: all of the format's sixteen. An unknown one
//! is refused by name.

pub mod bound;
mod constraints;
pub mod cost;
mod instance;
mod names;
mod read;
pub mod search;
mod solution;
mod solve;
#[cfg(test)]
mod tests;
pub mod times;

pub use instance::{Event, Instance, Slot, Sub};
pub use read::{Archive, read, read_as};
pub use solution::{joined, read_solutions, write_archive};
pub use solve::Judged;
