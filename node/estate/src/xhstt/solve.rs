//! A timetable for an archive, for whoever does not ask how wide its sets of times are.
//!
//! The search is compiled for both widths here, with this crate: at a caller's it would be as quick as the caller is optimized, which commands are
//! not (decision 0123).

use super::instance::Instance;
use super::read::Archive;
use super::search::{Found, Options};
use super::solution::write_archive;
use super::times::Times;
use super::{bound, cost, search};
use crate::budget::Budget;

/// What is said of a timetable that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Hard and soft cost, counted anew.
    pub cost: (i64, i64),
    /// Rooms × days in use, the times used in them, and the times that those days have.
    pub room_days: (u64, u64, u64),
    /// No timetable has fewer rooms × days in use.
    pub room_days_bound: u64,
}

impl Archive {
    /// Searches until the budget ends.
    pub fn search(&self, options: Options, budget: &mut Budget<'_>) -> Found {
        match self {
            Self::Week(instance) => search::search(instance, options, budget),
            Self::Long(instance) => search::search(instance, options, budget),
        }
    }

    /// What a timetable costs, and how many rooms' days it opens.
    #[must_use]
    pub fn judged(&self, found: &Found) -> Judged {
        match self {
            Self::Week(instance) => judged(instance, found),
            Self::Long(instance) => judged(instance, found),
        }
    }

    /// The archive, of which these are the bytes, with a timetable.
    #[must_use]
    pub fn written(&self, bytes: &[u8], found: &Found) -> String {
        match self {
            Self::Week(instance) => write_archive(bytes, instance, &found.subs),
            Self::Long(instance) => write_archive(bytes, instance, &found.subs),
        }
    }
}

fn judged<T: Times>(instance: &Instance<T>, found: &Found) -> Judged {
    Judged {
        cost: cost::evaluate(instance, &found.subs),
        room_days: cost::room_days(instance, &found.subs),
        room_days_bound: bound::room_days(instance),
    }
}
