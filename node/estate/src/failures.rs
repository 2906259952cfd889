//! Which equipment will fail, from work orders and events: boosted trees beside logistic regression, both judged on rows
//! that they were not fitted to, each warning with what speaks for it, and whether risks are as high as failures are many.
//!
//! Rows are machines at moments (a table whose answer column says whether it failed) or come from an event log
//! (equipment, time, kind): then a row is a machine at a day, and the answer is whether it fails within the day after. Rows
//! whose answer is still to come (a log's last day, an empty answer of a table) are told by models of all others.

mod calibrate;
mod judge;
mod rows;
#[cfg(test)]
mod tests;

pub use calibrate::{Drift, Group, calibration, drift};
pub use judge::{GENTLE, Judged, SHARP, Told, judge, judge_and_tell, to_csv};
pub(crate) use rows::from_table;
pub use rows::{Read, Rows, read_rows};
