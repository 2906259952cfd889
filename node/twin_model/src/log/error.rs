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
    /// One response stands twice: the same student, `seq` and item.
    #[error("{path} line {line}: the response {seq} of student {student:?} to this item stands twice")]
    Twice {
        /// Which file.
        path: PathBuf,
        /// Line of the second one, from 1.
        line: u64,
        /// The name in the file.
        student: String,
        /// The number.
        seq: u64,
    },
    /// More rows than can be counted.
    #[error("{0} has more than 4,294,967,295 rows")]
    TooManyRows(PathBuf),
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
}
