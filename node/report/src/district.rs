//! The district's report: its figures at one height, compared with a week and a year before.
//!
//! Flow: who has the state makes [`DistrictFigures`] of it → [`paper::of`] says them in a language → HTML and PDF.
//! Aggregate only, so that erasing a student leaves every report as it is.

pub mod figures;
pub mod paper;
mod sections;
#[cfg(test)]
pub(crate) mod tests;

pub use figures::DistrictFigures;

/// The figures with those to compare them with; none where the chain is younger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// As of the report's height.
    pub now: DistrictFigures,
    /// After the last block that is at least seven days older.
    pub week: Option<DistrictFigures>,
    /// After the last block that is at least 365 days older.
    pub year: Option<DistrictFigures>,
}
