//! A copy of the database while it is written.

use std::path::Path;

use rocksdb::checkpoint::Checkpoint;

use super::chain::ChainDb;
use super::error::StorageError;

impl ChainDb {
    /// Makes a copy of the database in a folder that is not there yet, as of one height: RocksDB's checkpoint, which flushes
    /// what is in memory and links the tables (copies them on another file system). Deciding goes on meanwhile.
    ///
    /// # Errors
    /// [`StorageError::Present`] when the folder is there; otherwise when it cannot be written.
    pub fn checkpoint(&self, into: &Path) -> Result<(), StorageError> {
        if into.exists() {
            return Err(StorageError::Present(into.to_owned()));
        }
        Ok(Checkpoint::new(self.db())?.create_checkpoint(into)?)
    }
}
