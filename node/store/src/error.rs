//! What can be wrong with the database, in sentences with a next step.

use std::path::PathBuf;

use aula_ledger::state::StoreError;
use aula_ledger::types::{Hash, Height};

/// Why the database cannot be used. All but `Absent` and `Busy` are reasons to stop.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is no database in this folder.
    #[error("there is no database in {0}")]
    Absent(PathBuf),
    /// There is one already.
    #[error("{0} holds a database already")]
    Present(PathBuf),
    /// Another process has it open.
    #[error("the database in {0} is in use by another process")]
    Busy(PathBuf),
    /// Nothing more can be written; the database's own words.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// The file system takes no writes.
    #[error("the disk is read-only: {0}")]
    ReadOnly(String),
    /// RocksDB found damage.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another layout than this program's.
    #[error("the database has layout {found:?}, this program reads layout {expected}")]
    Format {
        /// What this program reads.
        expected: u8,
        /// The version byte that it has; none when there is none.
        found: Option<u8>,
    },
    /// The database belongs to another chain.
    #[error("the database belongs to the genesis {found}, not to {expected}")]
    OtherChain {
        /// SHA-256 of the genesis given.
        expected: Hash,
        /// SHA-256 of the genesis in the database.
        found: Hash,
    },
    /// A commit that does not follow the tip.
    #[error("height {given} does not follow the last decided height {tip}")]
    NotNext {
        /// The height given.
        given: Height,
        /// The last height that was decided here.
        tip: Height,
    },
    /// The genesis gives no first state.
    #[error("the first state cannot be computed: {0}")]
    FirstState(String),
    /// The file system said no.
    #[error("{what} {path}: {source}")]
    Io {
        /// What could not be done, as the beginning of a sentence.
        what: &'static str,
        /// The database's folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else of RocksDB.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StorageError {
    /// What the operator does next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Absent(_) => "run `aula join` or `aula start` in this home first, or give another --home",
            Self::Present(_) => "start the node with `aula start`, or choose an empty --home",
            Self::Busy(_) => {
                "stop the node that runs in this home first; what only reads may be given a copy's home instead: `aula node backup`, then `aula \
                 node restore` with another --home"
            }
            Self::DiskFull(_) => "free space and start again: nothing final is lost",
            Self::ReadOnly(_) => {
                "have it mounted for writing and start again: nothing final is lost; a system that did this by itself found the disk \
                 failing, and its log says so"
            }
            Self::Damaged(_) => {
                "move the folder `data` away and start as a follower to fetch the chain again from the peers"
            }
            Self::Format { .. } => "use the version of the program that wrote it, or fetch the chain again",
            Self::OtherChain { .. } => "give the genesis file of this chain, or another --home",
            Self::Io { .. } => "check the folder's owner and the space left, then start again",
            Self::FirstState(_) => "report it together with the genesis file",
            Self::NotNext { .. } | Self::Failed(_) => "start again; if it repeats, report it with the log",
        }
    }
}

impl From<rocksdb::Error> for StorageError {
    fn from(error: rocksdb::Error) -> Self {
        let text = error.to_string();
        match error.kind() {
            rocksdb::ErrorKind::Corruption => Self::Damaged(text),
            // RocksDB has no kind of its own for it.
            _ if text.contains("No space left") => Self::DiskFull(text),
            _ if text.contains("Read-only file system") => Self::ReadOnly(text),
            // A table that the list of files names and that is not there.
            _ if text.contains("No such file") && text.contains(".sst") => Self::Damaged(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        let text = format!("{error}; {}", error.hint());
        if matches!(error, StorageError::Damaged(_)) { Self::Damaged(text) } else { Self::Failed(text) }
    }
}

/// Bytes in the database that do not decode: damage, since this program wrote them.
pub(super) fn damaged(what: &str, error: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("{what}: {error}"))
}
