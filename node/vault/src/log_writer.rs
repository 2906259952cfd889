//! Where entries of the access log are written. The vault holds the writer; what an entry says is [`crate::access`]'s.

use aula_ledger::access::AccessEntry;
use aula_ledger::codec::Canonical;
use rocksdb::WriteBatch;

use crate::error::VaultError;
use crate::pair::Way;
use crate::tables::{Table, family};

/// Where entries go. The database's own; tests give one whose disk is full.
pub trait LogWriter: Send {
    /// Writes an entry so that it is on disk on return.
    ///
    /// # Errors
    /// When it is not: then nothing may be read.
    fn append(&mut self, way: &Way<'_>, entry: &AccessEntry) -> Result<(), VaultError>;

    /// Writes several so that all are on disk on return.
    ///
    /// # Errors
    /// When one is not.
    fn append_all(&mut self, way: &Way<'_>, entries: &[AccessEntry]) -> Result<(), VaultError> {
        entries.iter().try_for_each(|entry| self.append(way, entry))
    }
}

struct DatabaseLog;

impl LogWriter for DatabaseLog {
    fn append(&mut self, way: &Way<'_>, entry: &AccessEntry) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(family(way.db, Table::Log)?, entry.number.to_be_bytes(), entry.to_canonical());
        way.write(batch)
    }

    fn append_all(&mut self, way: &Way<'_>, entries: &[AccessEntry]) -> Result<(), VaultError> {
        if let [entry] = entries {
            return self.append(way, entry);
        }
        let (table, mut batch) = (family(way.db, Table::Log)?, WriteBatch::default());
        for entry in entries {
            batch.put_cf(table, entry.number.to_be_bytes(), entry.to_canonical());
        }
        if batch.is_empty() { Ok(()) } else { way.write(batch) }
    }
}

/// The log in the vault's own database.
pub fn database_log() -> Box<dyn LogWriter> {
    Box::new(DatabaseLog)
}
