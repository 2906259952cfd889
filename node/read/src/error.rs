//! Why a row could not be read: the database, or what it holds.

use aula_ledger::state::StoreError;
use aula_store::StorageError;

/// A read of this node's own chain failed; neither the asker nor the question is at fault.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state holds what this program cannot decode.
    #[error(transparent)]
    State(#[from] StoreError),
}
