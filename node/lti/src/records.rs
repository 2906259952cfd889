//! What the district lets a launching user see: asked of whoever has the vault.

use serde::Serialize;

/// Whose a session is, as the district's roster matched the launching user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The platform's name: the access log lists it as the reader.
    pub platform: String,
    /// Who.
    pub who: Who,
    /// The course's roster at the platform, of a teacher.
    pub roster_url: Option<String>,
}

/// A student or a teacher of the district.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The student of this identifier.
    Student(String),
    /// The teacher of this name on the roster.
    Teacher(String),
}

/// Facts of one student, for that student.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StudentFacts {
    /// Events by kind.
    pub events: Vec<(String, u64)>,
    /// When the newest happened, milliseconds since 1970.
    pub newest_ms: Option<u64>,
    /// Skills that were practised.
    pub practised: u64,
    /// Skills of these whose mastery is at least 85 of 100.
    pub mastered: u64,
}

/// A teacher's own section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SectionFacts {
    /// Its name on the roster.
    pub section: String,
    /// The identifiers of its students.
    pub students: Vec<String>,
}

/// Why nothing is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// Nobody of the district.
    #[error("nobody of this identifier is on the district's roster")]
    Unknown,
    /// The vault is with somebody else for a moment.
    #[error("the district's vault is busy: try again in a few seconds")]
    Busy,
    /// The vault refuses; why stands in the node's log.
    #[error("the district's vault refuses")]
    Refused,
}

/// Whoever has the vault.
pub trait Records: Send + Sync {
    /// Whether a student of this identifier is on the roster.
    ///
    /// # Errors
    /// [`NotTold`].
    fn is_student(&self, id: &str) -> Result<bool, NotTold>;

    /// Facts of a student, for that student; the read is listed first.
    ///
    /// # Errors
    /// [`NotTold`].
    fn student(&self, platform: &str, id: &str) -> Result<StudentFacts, NotTold>;

    /// The sections that a reader of this name teaches; none of nobody.
    ///
    /// # Errors
    /// [`NotTold`].
    fn sections(&self, reader: &str) -> Result<Vec<SectionFacts>, NotTold>;
}

/// A moment as the standards' services write it: `2026-03-02T09:30:00Z`.
pub fn moment(ms: u64) -> String {
    let (days, seconds) = (ms / 86_400_000, ms / 1_000 % 86_400);
    // Civil days from 1970 (proleptic Gregorian), counted from 1 March of the year 0.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_written_as_services_read_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_772_443_800_000, "2026-03-02T09:30:00Z"),
        ] {
            assert_eq!(moment(ms), text);
        }
    }
}
