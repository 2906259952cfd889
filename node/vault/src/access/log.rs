//! The access log: numbered entries, one synced write each, and the tree over them that is anchored.
//!
//! The tree is computed from the entries when it is needed (0.2 s for a million); nothing else is kept of it, so that
//! nothing can disagree. An entry is never changed or removed, not even by an erasure: it holds no record, and the
//! family's proofs rest on it.

use aula_ledger::access::{AccessEntry, AccessProof};
use aula_ledger::codec::Canonical;
use aula_ledger::proof::TreeHead;
use aula_ledger::proof::{InclusionPath, consistency, merkle};
use aula_ledger::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{IteratorMode, WriteBatch};
use serde::Serialize;

use crate::error::VaultError;
use crate::tables::{RESTORED_KEY, Table, family};
use crate::vault::Vault;

/// A head that the ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Anchor {
    /// Which of the district's logs: one more after each restore that lost entries.
    pub epoch: u32,
    /// Entries and root.
    pub head: TreeHead,
    /// The transaction that anchored it.
    pub transaction: Hash,
    /// The block that holds the transaction.
    pub height: Height,
}

/// The newest head of this district's log, as the ledger holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which of the district's logs.
    pub epoch: u32,
    /// Entries and root.
    pub head: TreeHead,
}

/// What a RecordAccess needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanchored {
    /// The ledger's epoch, or the next one when this vault was restored and has lost entries.
    pub epoch: u32,
    /// The log now.
    pub head: TreeHead,
    /// The proof that it extends the one anchored last; empty at an epoch's beginning.
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

    /// What to anchor, given what the ledger holds; none when the log has not grown. A restored vault whose log is not
    /// the anchored one begins the next epoch.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when entries that were anchored are missing or changed, and no restore says why.
    pub fn unanchored(&self, held: Option<&Held>) -> Result<Option<Unanchored>, VaultError> {
        let hashes = self.log_hashes()?;
        let head = merkle::head_of_hashes(&hashes);
        let Some(held) = held else {
            let first = Unanchored { epoch: 0, head, consistency: Vec::new() };
            return Ok((head.leaf_count > 0).then_some(first));
        };
        let from = held.head.leaf_count;
        let place = usize::try_from(from).unwrap_or(usize::MAX);
        let same = hashes.get(..place).is_some_and(|earlier| merkle::head_of_hashes(earlier) == held.head);
        if same {
            let consistency = consistency::path(&hashes, from).unwrap_or_default();
            let grown = Unanchored { epoch: held.epoch, head, consistency };
            return Ok((head.leaf_count > from).then_some(grown));
        }
        if !self.was_restored()? {
            let count = hashes.len();
            let text = format!(
                "of {from} anchored entries of the access log some are missing or changed; it has {count}"
            );
            return Err(VaultError::Damaged(text));
        }
        let next = Unanchored { epoch: held.epoch.saturating_add(1), head, consistency: Vec::new() };
        Ok((head.leaf_count > 0).then_some(next))
    }

    /// True from a restore until the next anchor.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn was_restored(&self) -> Result<bool, VaultError> {
        Ok(self.db.get_cf(family(&self.db, Table::Meta)?, RESTORED_KEY)?.is_some())
    }

    pub(crate) fn mark_restored(&self) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&self.db, Table::Meta)?, RESTORED_KEY, [1]);
        self.write(batch)
    }

    /// Keeps what the ledger accepted.
    ///
    /// # Errors
    /// When the disk refuses; the ledger's receipt stands, and anchoring again finds it.
    pub fn keep_anchor(&self, anchor: &Anchor) -> Result<(), VaultError> {
        let bytes = borsh::to_vec(anchor).map_err(|error| VaultError::Unwritable(error.to_string()))?;
        let mut batch = WriteBatch::default();
        let key = [&anchor.epoch.to_be_bytes()[..], &anchor.head.leaf_count.to_be_bytes()].concat();
        batch.put_cf(family(&self.db, Table::Anchors)?, key, bytes);
        batch.delete_cf(family(&self.db, Table::Meta)?, RESTORED_KEY);
        self.write(batch)
    }

    /// The proof that an entry is listed, against the head anchored last; none when no anchor covers it yet.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn prove(&self, number: u64) -> Result<Option<AccessProof>, VaultError> {
        let Some(anchor) = self.anchored()? else { return Ok(None) };
        let found = self.entry_in(number, anchor.head.leaf_count)?;
        let proof =
            |(entry, path)| AccessProof { entry, path, head: anchor.head, anchored_by: anchor.transaction };
        Ok(found.map(proof))
    }

    /// An entry with its way to the root over the log's first `size` entries; none when it is not among them, or the
    /// log has fewer.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn entry_in(
        &self,
        number: u64,
        size: u64,
    ) -> Result<Option<(AccessEntry, InclusionPath)>, VaultError> {
        let entries = self.entries()?;
        let Some(first) = entries.get(..usize::try_from(size).unwrap_or(usize::MAX)) else { return Ok(None) };
        let hashes: Vec<Hash> = first.iter().map(AccessEntry::hash).collect();
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(first.get(place).cloned().zip(merkle::path(&hashes, number)))
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
