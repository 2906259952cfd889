//! An hourly meter explained by calendar and weather, judged on the time after it was fitted.
//!
//! The expectation of an hour is a profile (what the meter read at this hour on days of the same kind near this time of
//! the year, weighted by how near) corrected by boosted trees over weather and calendar, fitted to what the profile
//! misses on days that it was not made of. Readings of zero are failures of the meter: left out and counted.

mod calendar;
mod meter;
mod model;
#[cfg(test)]
mod tests;

pub(crate) use calendar::weekday;
pub use calendar::{Date, Moment};
pub use meter::{Meter, Reading, Weather, read_meter, read_weather};
pub use model::{Judged, judge};
