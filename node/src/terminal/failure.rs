//! How a [`Failure`] is printed.

use std::io::{self, Write};

pub use aula_home::{Advise, DEFECT, Failure, OTHER_VERSION, OUTDATED, with_causes};

use super::{Answer, Outcome, OutputFormat, Verdict};

/// Prints the sentence on stderr, and with JSON the one line on stdout. Exit 2 follows, or 3.
pub fn print(failure: &Failure, output: OutputFormat) {
    // Nothing is left to do when the streams are closed.
    let (message, hint) = (failure.message.trim_end_matches('.'), &failure.hint);
    let _ = writeln!(io::stderr().lock(), "aula: {message}.\n  next: {hint}");
    if output == OutputFormat::Json {
        line(failure);
    }
}

/// The one line on stdout.
pub fn line(failure: &Failure) {
    let line = serde_json::json!({ "error": failure });
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Exit 2 with the sentence on stderr, and on stdout the fields that the answer would have had, and the error among them.
pub fn unanswered(failure: &Failure, mut fields: serde_json::Value) -> Outcome {
    print(failure, OutputFormat::Text);
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("error".to_owned(), serde_json::json!(failure));
    }
    Outcome { verdict: Verdict::CannotTell, answer: Some(Answer::new(fields, "")) }
}
