//! The access log: numbered entries, one synced write each, and the tree over them that is anchored.
//!
//! The tree is computed from the entries when it is needed (0.2 s for a million); nothing else is kept of it, so that
//! nothing can disagree. An entry is never changed or removed, not even by an erasure: it holds no record, and the
//! family's proofs rest on it.

use aula_ledger::access::{AccessEntry, AccessProof};
use aula_ledger::chain::TreeHead;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::{consistency, merkle};
use aula_ledger::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{DB, IteratorMode, WriteBatch};
use serde::Serialize;

use crate::tables::{Table, family, synced};
use crate::vault::{Vault, VaultError};

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

/// A head that the ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Anchor {
    /// Entries and root.
    pub head: TreeHead,
    /// The transaction that anchored it.
    pub transaction: Hash,
    /// In which block.
    pub height: Height,
}

/// What a RecordAccess needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanchored {
    /// The log now.
    pub head: TreeHead,
    /// The proof that it extends the one anchored last.
    pub consistency: Vec<Hash>,
}

impl Vault {
    /// The newest entry; none of an empty log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn last_entry(&self) -> Result<Option<AccessEntry>, VaultError> {
        let mut newest = self.db.iterator_cf(family(&self.db, Table::Log)?, IteratorMode::End);
        newest.next().transpose()?.map(|(key, bytes)| entry(&key, &bytes)).transpose()
    }

    /// All entries, oldest first. Numbers without a gap, or the log is damaged.
    ///
    /// # Errors
    /// When the log cannot be read or an entry is missing.
    pub fn entries(&self) -> Result<Vec<AccessEntry>, VaultError> {
        let mut found = Vec::new();
        for row in self.db.iterator_cf(family(&self.db, Table::Log)?, IteratorMode::Start) {
            let (key, bytes) = row?;
            let entry = entry(&key, &bytes)?;
            if entry.number != found.len() as u64 {
                return Err(VaultError::Damaged(format!("the access log has no entry {}", found.len())));
            }
            found.push(entry);
        }
        Ok(found)
    }

    /// The head that was anchored last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn anchored(&self) -> Result<Option<Anchor>, VaultError> {
        let mut newest = self.db.iterator_cf(family(&self.db, Table::Anchors)?, IteratorMode::End);
        let row = newest.next().transpose()?;
        let damaged = |_| VaultError::Damaged("an anchored head is unreadable".into());
        row.map(|(_, bytes)| borsh::from_slice(&bytes).map_err(damaged)).transpose()
    }

    /// What to anchor: the log's head and the proof that it extends the head with `from` entries, as the ledger holds
    /// it; none when the log has not grown.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when the log is shorter than what was anchored.
    pub fn unanchored(&self, from: u64) -> Result<Option<Unanchored>, VaultError> {
        let hashes = self.log_hashes()?;
        let shorter = || {
            let text = format!("the access log has {} entries, and {from} are anchored", hashes.len());
            VaultError::Damaged(text)
        };
        let consistency = consistency::path(&hashes, from).ok_or_else(shorter)?;
        if from == hashes.len() as u64 {
            return Ok(None);
        }
        Ok(Some(Unanchored { head: merkle::head_of_hashes(&hashes), consistency }))
    }

    /// Keeps what the ledger accepted.
    ///
    /// # Errors
    /// When the disk refuses; the ledger's receipt stands, and anchoring again finds it.
    pub fn keep_anchor(&self, anchor: &Anchor) -> Result<(), VaultError> {
        let bytes = borsh::to_vec(anchor).map_err(|error| VaultError::Unwritable(error.to_string()))?;
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&self.db, Table::Anchors)?, anchor.head.leaf_count.to_be_bytes(), bytes);
        self.write(batch)
    }

    /// The proof that an entry is listed, against the head anchored last; none when no anchor covers it yet.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn prove(&self, number: u64) -> Result<Option<AccessProof>, VaultError> {
        let Some(anchor) = self.anchored()?.filter(|anchor| number < anchor.head.leaf_count) else {
            return Ok(None);
        };
        let mut entries = self.entries()?;
        entries.truncate(usize::try_from(anchor.head.leaf_count).unwrap_or(usize::MAX));
        let hashes: Vec<Hash> = entries.iter().map(AccessEntry::hash).collect();
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let (Some(entry), Some(path)) = (entries.get(place), merkle::path(&hashes, number)) else {
            return Ok(None);
        };
        let anchored_by = anchor.transaction;
        Ok(Some(AccessProof { entry: entry.clone(), path, head: anchor.head, anchored_by }))
    }

    fn log_hashes(&self) -> Result<Vec<Hash>, VaultError> {
        Ok(self.entries()?.iter().map(AccessEntry::hash).collect())
    }
}

fn entry(key: &[u8], bytes: &[u8]) -> Result<AccessEntry, VaultError> {
    let damaged = || VaultError::Damaged("an entry of the access log is unreadable".into());
    let entry = AccessEntry::from_canonical(bytes).map_err(|_| damaged())?;
    if entry.number.to_be_bytes() == key { Ok(entry) } else { Err(damaged()) }
}
