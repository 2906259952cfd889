//! The answer of a command: text, JSON and an exit code; and why there is none.

use std::io::{self, Write};
use std::process::ExitCode;

use aula_ledger::audit::{Check, Verdict};
use serde_json::{Value, json};

use crate::Output;

/// What a command found.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit_code: u8,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// Why a command could not do its work: a sentence and what to do next. Exit code 2.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) next: &'static str,
}

impl Answer {
    pub(crate) fn print(self, output: Output) -> ExitCode {
        let said = match output {
            Output::Text => say(&self.text),
            Output::Json => say(&self.json.to_string()),
        };
        if let Err(error) = said {
            // An answer that nobody got is none, whatever it was.
            let _ = writeln!(
                io::stderr().lock(),
                "aula-audit: the answer cannot be written: {error}.\n  next: give standard output a place that can take it"
            );
            return ExitCode::from(Verdict::CannotTell.exit_code());
        }
        ExitCode::from(self.exit_code)
    }
}

impl Failure {
    /// Prints the sentence on stderr and, as JSON, what the command's answer has (`unanswered`) with the error in it.
    pub(crate) fn print(self, output: Output, unanswered: Value) -> ExitCode {
        // Nothing is left to do when the streams are closed.
        let _ = writeln!(io::stderr().lock(), "aula-audit: {}.\n  next: {}", self.message, self.next);
        if output == Output::Json {
            say_failed("unreadable", &self.message, self.next, unanswered);
        }
        ExitCode::from(Verdict::CannotTell.exit_code())
    }
}

/// The one line of JSON about what could not be done.
pub(crate) fn say_failed(code: &str, message: &str, next: &str, mut unanswered: Value) {
    if let Some(fields) = unanswered.as_object_mut() {
        let error = json!({ "code": code, "message": message, "hint": next });
        fields.insert("error".to_owned(), error);
    }
    let _ = say(&unanswered.to_string());
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// The checks as lines: `yes` or `NO`, the name, what it proves.
pub(crate) fn lines(checks: &[Check]) -> String {
    let line = |check: &Check| {
        format!("  {:<3}  {:<12} {}\n", if check.ok { "yes" } else { "NO" }, check.name, check.detail)
    };
    checks.iter().map(line).collect()
}
