//! Enrolment and requests some periods ahead, with intervals that hold four in five.
//!
//! A class follows the class below it a year earlier (grade progression: the ratio of the two, a school's own shrunk
//! towards that of all schools); other series continue from their last values. Which continuation is taken is decided by
//! how each would have done on the periods that are known. Widths come from the same errors: each series' own, shrunk
//! towards what enrolment usually does, and scaled by how far the errors of all series went beyond.

mod history;
mod model;
#[cfg(test)]
mod tests;

pub use history::{History, Key, read_history};
pub use model::{Forecast, forecast, to_csv};
