//! `aula estate`: the school itself as a twin. Files in, files out, no node needed.

use std::path::Path;

use aula_estate::text::Unreadable;
use clap::{Args, Subcommand};
use rustix::time::{ClockId, clock_gettime};

use super::{Advise, Failure, Outcome, absolute};

mod timetable;

/// Arguments of `aula estate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate timetable comp01.ctt --seconds 60 -o comp01.sol\n\nFormats are described in \
                  docs/estate.md. Exit codes: 0 yes, 1 checked and the answer is no, 2 could not."
)]
pub struct EstateArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the estate.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Find a timetable for an instance
    Timetable(timetable::TimetableArgs),
}

/// Runs `aula estate`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written.
pub fn run(args: &EstateArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Timetable(args) => timetable::run(args),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).advise(format!("cannot read {}", path.display()), "name a file that you can read")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = absolute(path)?;
    std::fs::write(&path, bytes).advise(format!("cannot write {}", path.display()), "choose a folder you own")
}

/// A file that is not what it should be.
fn refused(path: &Path, error: &Unreadable) -> Failure {
    Failure::new("unreadable", format!("{}: {error}", path.display()), "correct the file there and run again")
}

/// Nanoseconds of processor time of this thread.
fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(rest.unwrap_or(0))
}
