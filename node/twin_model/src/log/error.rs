//! Why a log is refused: which file, which line, what stands there.

use std::path::PathBuf;

use thiserror::Error;

/// Why a file is not a log of responses.
#[derive(Debug, Error)]
pub enum LogError {
    /// The file cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not CSV, or not gzip where the name ends in .gz.
    #[error("cannot read {path}")]
    Csv {
        /// Which.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A column that a log must have is not there.
    #[error("{path} has no column {missing:?}; it has {found}")]
    Column {
        /// Which file.
        path: PathBuf,
        /// The column.
        missing: String,
        /// The columns there are.
        found: String,
    },
    /// No rows.
    #[error("{0} holds no responses")]
    Empty(PathBuf),
    /// A value that cannot be read.
    #[error("{path} line {line}: {column} is {value:?}, not {want}")]
    Value {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        want: &'static str,
    },
    /// A student's rows are interrupted by another's.
    #[error("{path} line {line}: rows of student {student:?} are mixed with another's")]
    Mixed {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Who.
        student: String,
    },
    /// The order within a student goes back, or one response stands twice.
    #[error("{path} line {line}: seq {seq} of student {student:?} does not follow {before}")]
    Order {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Who.
        student: String,
        /// The number.
        seq: u64,
        /// The number before it.
        before: u64,
    },
    /// More distinct skills than numbers for them.
    #[error("{0} has more than 65,536 skills")]
    TooManySkills(PathBuf),
    /// A student is in the training log and in the test log.
    #[error("student {0:?} is in both logs: a test student must be new")]
    Shared(String),
}
