//! Where entries of the access log are written. The vault holds the writer; what an entry says is [`crate::access`]'s.

use aula_ledger::access::AccessEntry;
use aula_ledger::codec::Canonical;
use rocksdb::DB;

use crate::error::VaultError;
use crate::tables::{Table, family, synced};

/// Where entries go. The database's own; tests give one whose disk is full.
pub trait LogWriter: Send {
    /// Writes an entry so that it is on disk on return.
    ///
    /// # Errors
    /// When it is not: then nothing may be read.
    fn append(&mut self, db: &DB, entry: &AccessEntry) -> Result<(), VaultError>;
}

struct DatabaseLog;

impl LogWriter for DatabaseLog {
    fn append(&mut self, db: &DB, entry: &AccessEntry) -> Result<(), VaultError> {
        let table = family(db, Table::Log)?;
        Ok(db.put_cf_opt(table, entry.number.to_be_bytes(), entry.to_canonical(), &synced())?)
    }
}

/// The log in the vault's own database.
pub fn database_log() -> Box<dyn LogWriter> {
    Box::new(DatabaseLog)
}
