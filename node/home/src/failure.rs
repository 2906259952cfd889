//! Why something that a person asked for could not be done: one sentence, and what to do next.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::{NextStep, with_causes};

/// The sentence, a stable code for programs, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Lower-case words joined by underscores; stable.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What to do about something that this program made itself and cannot use.
pub const DEFECT: &str = "report it: this is a defect";

/// What to do about an answer of a node that this program cannot read.
pub const OTHER_VERSION: &str = "use the same version of the program as the node";

/// The code of the failure that the chain goes by rules which this program does not have: `aula start` ends with 3 then.
pub const OUTDATED: &str = "outdated";

impl Failure {
    /// A failure with a code of its own.
    pub fn new(code: &str, message: impl Display, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), hint: hint.into() }
    }

    /// A failure of the general code `failed`.
    pub fn because(message: impl Display, hint: impl Into<String>) -> Self {
        Self::new("failed", message, hint)
    }

    /// An error's own words and those of its causes, with what to do next.
    pub fn telling(error: &dyn std::error::Error, hint: impl Into<String>) -> Self {
        Self::because(with_causes(error), hint)
    }

    /// What an error says of itself, that knows its next step.
    pub fn of(error: &impl NextStep) -> Self {
        Self::new(error.code(), with_causes(error), error.next_step())
    }

    /// The same under another code.
    #[must_use]
    pub fn named(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl<E: NextStep> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// Turns an error into a [`Failure`] with a sentence and advice.
pub trait Advise<T> {
    /// `what` says what could not be done; the error's own words and those of its causes follow. `next` says what to do.
    ///
    /// # Errors
    /// The failure, when `self` is an error.
    fn advise(self, what: impl Display, next: impl Into<String>) -> Result<T, Failure>;

    /// Where the error's own words and those of its causes are enough: `next` says what to do.
    ///
    /// # Errors
    /// The failure, when `self` is an error.
    fn hint(self, next: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: std::error::Error> Advise<T> for Result<T, E> {
    fn advise(self, what: impl Display, next: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::because(format!("{what}: {}", with_causes(&error)), next))
    }

    fn hint(self, next: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::telling(&error, next))
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot use {path}")]
    struct Unusable {
        path: &'static str,
        source: io::Error,
    }

    #[test]
    fn advice_carries_every_cause_once() {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let refused: Result<(), _> = Err(Unusable { path: "keys/account.json", source });
        let told = refused.advise("cannot sign", "check the owner").err().map(|failure| failure.message);
        assert_eq!(
            told.as_deref(),
            Some("cannot sign: cannot use keys/account.json: permission denied"),
            "the source's words are told, and once"
        );
    }
}
