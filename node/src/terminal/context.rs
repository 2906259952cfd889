//! What every subcommand is given, and how it speaks as it goes.

use std::io::{self, Write};

use aula_home::Home;

use super::{Answer, OutputFormat};

/// What every subcommand is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The node's folder, absolute; it need not exist.
    pub home: Home,
    /// How answers are printed.
    pub output: OutputFormat,
    /// The log filter from flag or environment, if one was given.
    pub log: Option<String>,
}

impl Context {
    /// Prints one answer on stdout and flushes: for subcommands that print lines as they go.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn print(&self, answer: &Answer) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.output {
            OutputFormat::Json => writeln!(out, "{}", answer.json)?,
            OutputFormat::Text if answer.text.is_empty() => {}
            OutputFormat::Text => writeln!(out, "{}", answer.text)?,
        }
        out.flush()
    }

    /// Prints a line of the story on stderr.
    pub fn tell(&self, line: impl std::fmt::Display) {
        // A closed stderr must not stop the work.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}
