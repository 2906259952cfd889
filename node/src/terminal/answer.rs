//! How a subcommand ends: yes or no, and one answer in the form that was asked for.

use clap::ValueEnum;
use serde::Serialize;

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// Exactly one flushed line of JSON.
    Json,
}

/// Whether the question asked was answered with yes, with no, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exit 0.
    Yes,
    /// Exit 1: checked, and the answer is no.
    No,
    /// Exit 2: checked as far as could be, and something is not to be had.
    CannotTell,
}

/// The end of a subcommand that could do its work.
#[derive(Debug)]
pub struct Outcome {
    /// Yes or no.
    pub verdict: Verdict,
    /// What is printed on stdout; none when the subcommand printed its lines as it went.
    pub answer: Option<Answer>,
}

/// One answer in both forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The one line of `--output json`.
    pub json: serde_json::Value,
    /// The text for people, without a final newline.
    pub text: String,
}

impl Answer {
    /// An answer from a serializable value and its text.
    pub fn new(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { json: serde_json::to_value(json).unwrap_or_default(), text: text.into() }
    }
}

impl Outcome {
    /// Exit 0 with an answer.
    pub fn yes(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Yes, answer: Some(Answer::new(json, text)) }
    }

    /// Exit 1 with an answer: it was checked, and it is not so.
    pub fn no(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::No, answer: Some(Answer::new(json, text)) }
    }

    /// Exit 0; everything was printed already with [`super::Context::print`].
    pub fn printed() -> Self {
        Self { verdict: Verdict::Yes, answer: None }
    }
}
