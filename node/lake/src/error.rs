//! Why the lake cannot be read or written.

use std::path::{Path, PathBuf};

/// Why the lake cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// Another process has it open.
    #[error("another command is at work in {0}")]
    Busy(PathBuf),
    /// The folder cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A table, its files or its catalog refuse.
    #[error("the lake's table or catalog refuses: {0}")]
    Iceberg(#[from] iceberg::Error),
    /// Rows that do not fit their table.
    #[error("rows do not fit their table: {0}")]
    Rows(String),
    /// A rewrite that does not hold what it should; the table is as it was.
    #[error("{table} written anew has {found} rows where {expected} remain; nothing was changed")]
    Count {
        /// The name of the table that was being rewritten.
        table: &'static str,
        /// Rows that should remain.
        expected: u64,
        /// Rows that the new table has.
        found: u64,
    },
}

impl LakeError {
    /// A failure of the file system at a path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |error| Self::Io { path: path.to_owned(), error }
    }
}

impl From<arrow_schema::ArrowError> for LakeError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Rows(error.to_string())
    }
}
