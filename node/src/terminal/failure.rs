//! How a [`Failure`] is printed.

use std::io::{self, Write};

pub use aula_home::{Advise, DEFECT, Failure, OUTDATED, with_causes};

use super::OutputFormat;

/// Prints the sentence on stderr, and with JSON the one line on stdout. Exit 2 follows, or 3.
pub fn print(failure: &Failure, output: OutputFormat) {
    // Nothing is left to do when the streams are closed.
    let (message, hint) = (failure.message.trim_end_matches('.'), &failure.hint);
    let _ = writeln!(io::stderr().lock(), "aula: {message}.\n  next: {hint}");
    if output == OutputFormat::Json {
        let line = serde_json::json!({ "error": failure });
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
