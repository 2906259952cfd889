//! Why a snapshot is not made, or not used.

use std::path::{Path, PathBuf};

use aula_ledger::codec::CodecError;
use aula_ledger::state::StoreError;
use aula_ledger::types::Height;

use crate::StorageError;

/// Why a snapshot is not made, or not used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is none.
    #[error("there is no snapshot in {0}")]
    Absent(PathBuf),
    /// Of the genesis nothing needs to be kept.
    #[error("the chain has no block yet, so there is nothing to snapshot")]
    NoBlock,
    /// The list is not one of this program's.
    #[error("the manifest is refused: {0}")]
    Manifest(#[from] CodecError),
    /// The snapshot belongs to another chain.
    #[error("the snapshot belongs to another chain than this genesis file")]
    OtherChain,
    /// A chunk is missing, cut or changed.
    #[error("chunk {index} of the snapshot of height {height} {why}")]
    Chunk {
        /// The snapshot's height.
        height: Height,
        /// The chunk's number, from 0.
        index: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The header is not final, as far as the snapshot shows.
    #[error("the snapshot's block is not certified: {0}")]
    Chain(String),
    /// The records are not the ones of the certified state root.
    #[error("the snapshot's state is refused: {0}")]
    State(String),
    /// The database failed beneath it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file system said no.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What could not be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl SnapshotError {
    /// What the operator does next.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Absent(_) => "make one with `aula snapshot create`, or name the folder of one",
            Self::NoBlock => "wait for the first block",
            Self::Manifest(_) | Self::Chunk { .. } | Self::Chain(_) | Self::State(_) => {
                "do not use it: take another snapshot, or fetch the blocks instead"
            }
            Self::OtherChain => "give the genesis file of that chain, or take another snapshot",
            Self::Storage(error) => error.hint(),
            Self::Io { .. } => "check the folder's owner and the space left",
        }
    }

    /// True when the snapshot is at fault, and neither this machine nor its database.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Manifest(_) | Self::OtherChain | Self::Chunk { .. } | Self::Chain(_) | Self::State(_)
        )
    }

    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        Self::Storage(match error {
            StoreError::Damaged(text) => StorageError::Damaged(text),
            StoreError::Failed(text) => StorageError::Failed(text),
        })
    }
}
