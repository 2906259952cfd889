//! Curriculum-based course timetabling (ITC-2007, formulation UD2): `.ctt` in, `course room day period` out.
//!
//! [`read`] makes an [`Instance`] of a file; [`search`] finds a timetable; [`repair`]
//! moves one lecture and as few others as can be; [`evaluate`] counts its cost and every hard
//! constraint again, from the instance and the lines alone, sharing no code with the search.

pub mod bound;
pub mod burden;
pub mod evaluate;
mod instance;
pub mod keep;
mod read;
pub mod repair;
pub mod search;
mod solution;
#[cfg(test)]
mod tests;

pub use instance::{Course, Curriculum, Instance, Room};
pub use read::read;
pub use solution::{Lesson, read_solution, write_solution};
