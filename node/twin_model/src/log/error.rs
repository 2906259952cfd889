//! Why a log is refused: which file, which line, what stands there.

use std::path::PathBuf;

use aula_twin_runtime::event::MAX_SKILLS_PER_EVENT;
use thiserror::Error;

use crate::table::TableError;

/// Why a file is not a log of responses.
#[derive(Debug, Error)]
pub enum LogError {
    /// What any table may have wrong: it cannot be opened or read, lacks a column, is empty, or holds a value that
    /// cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A student's rows are interrupted by another's.
    #[error("{path} line {line}: rows of student {student:?} are mixed with another's")]
    Mixed {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The name in the file.
        student: String,
    },
    /// The order within a student goes back, or one response stands twice.
    #[error("{path} line {line}: seq {seq} of student {student:?} does not follow {before}")]
    Order {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The name in the file.
        student: String,
        /// The number.
        seq: u64,
        /// The number before it.
        before: u64,
    },
    /// More distinct skills than numbers for them.
    #[error("{0} has more than 65,536 skills")]
    TooManySkills(PathBuf),
    /// A response names more skills than an event may carry.
    #[error(
        "{path} line {line}: the response names {count} skills, an event carries at most {MAX_SKILLS_PER_EVENT}; split it"
    )]
    TooManyOfOne {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// How many.
        count: usize,
    },
    /// A student is in the training log and in the test log.
    #[error("student {0:?} is in both logs: a test student must be new")]
    Shared(String),
}
