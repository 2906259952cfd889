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
        match output {
            Output::Text => say(&self.text),
            Output::Json => say(&self.json.to_string()),
        }
        ExitCode::from(self.exit_code)
    }
}

impl Failure {
    pub(crate) fn print(self, output: Output) -> ExitCode {
        // Nothing is left to do when the streams are closed.
        let _ = writeln!(io::stderr().lock(), "aula-audit: {}.\n  next: {}", self.message, self.next);
        if output == Output::Json {
            say(&json!({ "valid": false, "error": { "message": self.message, "hint": self.next } })
                .to_string());
        }
        ExitCode::from(Verdict::CannotTell.exit_code())
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The checks as lines: `yes` or `NO`, the name, what it proves.
pub(crate) fn lines(checks: &[Check]) -> String {
    let line = |check: &Check| {
        format!("  {:<3}  {:<12} {}\n", if check.ok { "yes" } else { "NO" }, check.name, check.detail)
    };
    checks.iter().map(line).collect()
}
