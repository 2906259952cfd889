//! What the files of rules have in common, whichever standard they are for: the district's own before the built-in ones, the
//! same words for marks, tests and resources, the same refusals.

use aula_twin_runtime::event::Attendance;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Most bytes of a file of rules.
const MAX_RULES_BYTES: usize = 1 << 20;

/// Why rules are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Not TOML, or a key that is not known.
    #[error("the rules are refused: {0}")]
    Toml(String),
    /// A rule that cannot be one.
    #[error("rule {0} is refused: {1}")]
    Rule(usize, String),
    /// Longer than any district's rules need to be.
    #[error("the rules have more than a megabyte")]
    TooLarge,
}

/// A mark of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    Present,
    Late,
    Absent,
    Excused,
}

impl From<Mark> for Attendance {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Present => Self::Present,
            Mark::Late => Self::Late,
            Mark::Absent => Self::Absent,
            Mark::Excused => Self::Excused,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    /// The subject as a skill.
    pub(super) skill: u16,
    /// The grade, 0 = kindergarten.
    pub(super) grade: u8,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resource {
    /// Its number.
    pub(super) resource: u32,
    /// How long it was there to be used, minutes.
    pub(super) available_minutes: u16,
}

/// Reads a district's own file and the built-in one, as the same form.
pub(super) fn read<F: DeserializeOwned>(own: &str, built_in: &str) -> Result<(F, F), RulesError> {
    if own.len() > MAX_RULES_BYTES {
        return Err(RulesError::TooLarge);
    }
    let parse = |text| toml::from_str(text).map_err(|error| RulesError::Toml(error.to_string()));
    Ok((parse(own)?, parse(built_in)?))
}

/// Refuses the first rule that cannot be one, by its number from 1.
pub(super) fn check_each<R>(rules: &[R], check: impl Fn(&R) -> Result<(), String>) -> Result<(), RulesError> {
    rules
        .iter()
        .zip(1..)
        .try_for_each(|(rule, number)| check(rule).map_err(|why| RulesError::Rule(number, why)))
}
