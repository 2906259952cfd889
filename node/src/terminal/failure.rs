//! Why a subcommand could not do its work: one sentence, and what to do next.

use std::fmt::Display;
use std::io::{self, Write};

use aula_client::ClientError;
use aula_district::disclosure::DisclosureError;
use aula_home::NextStep;
use serde::Serialize;

pub use aula_home::with_causes;

use super::OutputFormat;

/// Exit 2: the sentence, a stable code for programs, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Lower-case words joined by underscores; stable.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl Failure {
    /// A failure with a code of its own.
    pub fn new(code: &str, message: impl Display, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), hint: hint.into() }
    }

    /// A failure of the general code `failed`.
    pub fn because(message: impl Display, hint: impl Into<String>) -> Self {
        Self::new("failed", message, hint)
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

    /// Prints the sentence on stderr, and with JSON the one line on stdout.
    pub fn print(&self, output: OutputFormat) {
        // Nothing is left to do when the streams are closed.
        let _ = writeln!(
            io::stderr().lock(),
            "aula: {}.\n  next: {}",
            self.message.trim_end_matches('.'),
            self.hint
        );
        if output == OutputFormat::Json {
            let line = serde_json::json!({ "error": self });
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    }
}

/// Errors that say their next step themselves.
macro_rules! with_advice {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(&error)
            }
        }
    )*};
}

with_advice!(ClientError, DisclosureError);

/// Errors that know no next step. Shrinks: whoever adds a `?` says what to do, with [`Advise`].
macro_rules! without_advice {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::because(with_causes(&error), "run again with --log debug to see what led to it")
            }
        }
    )*};
}

without_advice!(
    std::io::Error,
    serde_json::Error,
    aula_ledger::names::TextError,
    crate::config::ConfigError,
    crate::keys::KeyError,
);

/// Turns an error into a [`Failure`] with a sentence and advice.
pub trait Advise<T> {
    /// `what` says what could not be done; the error's own words and those of its causes follow. `next` says what to do.
    ///
    /// # Errors
    /// The failure, when `self` is an error.
    fn advise(self, what: impl Display, next: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: std::error::Error> Advise<T> for Result<T, E> {
    fn advise(self, what: impl Display, next: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure::because(format!("{what}: {}", with_causes(&error)), next))
    }
}

#[cfg(test)]
mod tests {
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
