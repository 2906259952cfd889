//! What an audit says: checks in order, each with what it proves, and a verdict.

use serde::Serialize;

use crate::types::{ChainId, Hash, Height, TimeMs};

/// What an audit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Valid,
    /// A check failed: the bundle proves nothing.
    Invalid,
    /// A link is missing, or a version is unknown: neither yes nor no.
    CannotTell,
}

impl Verdict {
    /// 0 yes, 1 checked and no, 2 could not tell.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::CannotTell => 2,
        }
    }
}

/// Whether the decision that a bundle shows is the one in force as of the bundle's height; it stands too where the bundle
/// shows no decision.
pub use crate::state::schema::DecisionStanding as Standing;

/// One line of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, in one or two words.
    pub name: &'static str,
    /// Whether it holds. A line that only informs holds.
    pub ok: bool,
    /// What it proves or why it fails, in a sentence.
    pub detail: String,
}

/// Everything an audit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub verdict: Verdict,
    /// Whether what is shown is in force; none unless valid.
    pub standing: Option<Standing>,
    /// Which chain the genesis file founds, if it is one.
    pub chain_id: Option<ChainId>,
    /// SHA-256 of the genesis file's bytes.
    pub genesis_sha256: Hash,
    /// The height whose state the bundle proves, once that is established.
    pub height: Option<Height>,
    /// That block's time.
    pub time_ms: Option<TimeMs>,
    /// The checks, up to the first that failed.
    pub checks: Vec<Check>,
    /// What the records of a bundle of public figures say; empty of other bundles, and when a check failed.
    pub figures: Vec<serde_json::Value>,
    /// The verdict in words, with what it does not say.
    pub sentence: String,
}

impl Report {
    /// 0 valid and in force, 1 checked and no (also of a decision that no longer stands), 2 could not tell.
    pub fn exit_code(&self) -> u8 {
        match (self.verdict, self.standing) {
            (Verdict::Valid, Some(Standing::Reverted | Standing::Replaced)) => Verdict::Invalid.exit_code(),
            (verdict, _) => verdict.exit_code(),
        }
    }

    /// The report as every door gives it: the line of `aula-audit verify --output json`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut report = serde_json::json!({
            "valid": self.verdict == Verdict::Valid,
            "verdict": self.verdict,
            "standing": self.standing,
            "chain_id": self.chain_id,
            "genesis_sha256": self.genesis_sha256,
            "height": self.height,
            "time_ms": self.time_ms,
            "checks": self.checks,
            "sentence": self.sentence,
        });
        if let Some(fields) = report.as_object_mut().filter(|_| !self.figures.is_empty()) {
            fields.insert("figures".into(), self.figures.clone().into());
        }
        report
    }
}

/// Why an audit ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A check failed.
    Invalid,
    /// A link is missing.
    CannotTell,
}

impl From<Stop> for Verdict {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Invalid => Self::Invalid,
            Stop::CannotTell => Self::CannotTell,
        }
    }
}

/// Collects the lines of an audit.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) lines: Vec<Check>,
}

impl Checks {
    /// A check that holds.
    pub(super) fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.lines.push(Check { name, ok: true, detail: detail.into() });
    }

    /// A check that fails: the bundle is invalid.
    pub(super) fn fail<T>(&mut self, name: &'static str, detail: impl Into<String>) -> Result<T, Stop> {
        self.lines.push(Check { name, ok: false, detail: detail.into() });
        Err(Stop::Invalid)
    }

    /// A check that cannot be made.
    pub(super) fn unknown<T>(&mut self, name: &'static str, detail: impl Into<String>) -> Result<T, Stop> {
        self.lines.push(Check { name, ok: false, detail: detail.into() });
        Err(Stop::CannotTell)
    }

    /// Fails with the error's words, or gives the value.
    pub(super) fn need<T, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        result: Result<T, E>,
    ) -> Result<T, Stop> {
        result.or_else(|error| self.fail(name, sentence(&error.to_string())))
    }

    /// Fails with these words unless `holds`.
    pub(super) fn ensure(&mut self, name: &'static str, holds: bool, otherwise: &str) -> Result<(), Stop> {
        if holds { Ok(()) } else { self.fail(name, otherwise) }
    }
}

/// An error's words with a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// `1985-09-01 07:00:00 UTC` of milliseconds since 1970 (proleptic Gregorian, no leap seconds).
///
/// Days to a date after Howard Hinnant, *chrono-compatible low-level date algorithms* (2013).
pub fn utc(time: TimeMs) -> String {
    let seconds = time.0 / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Counted from 0000-03-01, so that a leap day ends a year; an era is 400 years of 146,097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_dates_that_date_u_prints() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_700_000_000, "2023-11-14 22:13:20 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(TimeMs(seconds * 1000 + 999)), text);
        }
        assert!(utc(TimeMs(u64::MAX)).ends_with("UTC"));
    }

    #[test]
    fn errors_become_sentences() {
        assert_eq!(sentence("the path is wrong"), "The path is wrong.");
        assert_eq!(sentence(""), ".");
    }
}
