//! What becomes of a row.

use serde::Serialize;

use crate::reading::{Fault, Place, Unused};

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It brought something new.
    Added,
    /// It changed what was kept.
    Changed,
    /// It says what is kept.
    Unchanged,
    /// It repeats an earlier row.
    Repeats(Place),
    /// It is right and not used.
    Unused(Unused),
    /// Nothing of it is taken: a field breaks a rule.
    Refused(Fault),
}

/// How many rows met each fate; the five below `rows` add up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All rows of all files.
    pub rows: usize,
    /// Rows that brought something new.
    pub added: usize,
    /// They changed what was kept.
    pub changed: usize,
    /// As kept, or a repetition.
    pub unchanged: usize,
    /// Rows that are right and not used.
    pub ignored: usize,
    /// Rows that were refused.
    pub rejected: usize,
}

impl Counts {
    /// Of all rows of a plan; a repetition is unchanged.
    pub fn of(fates: &[(Place, Fate)]) -> Self {
        let mut counts = Self { rows: fates.len(), ..Self::default() };
        for (_, fate) in fates {
            match fate {
                Fate::Added => counts.added += 1,
                Fate::Changed => counts.changed += 1,
                Fate::Unchanged | Fate::Repeats(_) => counts.unchanged += 1,
                Fate::Unused(_) => counts.ignored += 1,
                Fate::Refused(_) => counts.rejected += 1,
            }
        }
        counts
    }

    /// Rows that were taken.
    pub const fn taken(&self) -> usize {
        self.added + self.changed + self.unchanged
    }
}
