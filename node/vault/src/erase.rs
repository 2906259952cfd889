//! Erasing students, in every year.
//!
//! Flow of [`Vault::erase`]: note every handle as begun (from here on reads are denied) → a new generation of the
//! keystore without these students, under a new key-encryption key; the old one destroyed → their rows removed and the
//! files that held them compacted away → noted as destroyed. Every step is done again after a crash, by
//! [`Vault::open`]. The receipt of the ledger is kept beside the note, one a handle: nothing says any more which
//! handles were one student.
//!
//! What stays: the access log, whose entries hold no record; the ledger's hashes and commitments, whose salts and
//! blindings came from the destroyed secret; copies of the data, which nothing can open.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::{Handle, Hash, Height, SchoolYear};
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{IteratorMode, WriteBatch};
use serde::Serialize;

use crate::tables::{Table, after, family};
use crate::vault::{Vault, VaultError};

#[cfg(test)]
mod tests;

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Stage {
    /// Noted; keys may still be there.
    Begun = 0,
    /// Keys destroyed and rows removed; not on the ledger yet.
    Destroyed = 1,
    /// Recorded on the ledger, or never anchored there, so that nothing is to be recorded.
    Recorded = 2,
}

/// The note of an erased handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
pub struct Erased {
    /// The handle's school year.
    pub school_year: SchoolYear,
    /// Name of the keystore that was destroyed.
    pub destroyed_keystore: Hash,
    /// How far it is.
    pub stage: Stage,
    /// The transaction that recorded it, and its block.
    pub receipt: Option<(Hash, Height)>,
}

/// Tables with rows of a handle.
const OF_STUDENTS: [Table; 9] = [
    Table::Records,
    Table::Events,
    Table::Consents,
    Table::Versions,
    Table::RowsOf,
    Table::Roster,
    Table::Places,
    Table::Journal,
    Table::Corrections,
];

impl Vault {
    /// Erases the students of these handles in every year; done on return, the ledger apart. Gives all their handles.
    /// Handles that are erased already count as done.
    ///
    /// # Errors
    /// [`VaultError::UnknownHandle`] before anything has changed; otherwise what failed, and opening the vault again
    /// goes on from there.
    pub fn erase(&self, handles: &[Handle], now_ms: u64) -> Result<Vec<Handle>, VaultError> {
        let mut batch = WriteBatch::default();
        let (mut all, mut begun) = (BTreeSet::new(), false);
        {
            let keystore = self.keystore();
            let destroyed_keystore = keystore.current().name();
            for handle in handles {
                if self.is_erased(handle)? {
                    all.insert(*handle);
                    continue;
                }
                let (_, student) = keystore.student(handle).ok_or(VaultError::UnknownHandle(*handle))?;
                for (own, school_year) in keystore.handles_of(&student) {
                    let note = Erased { school_year, destroyed_keystore, stage: Stage::Begun, receipt: None };
                    batch.put_cf(family(&self.db, Table::Erasures)?, own.0, encode(&note)?);
                    all.insert(own);
                    begun = true;
                }
            }
        }
        if begun {
            self.write(batch)?;
            self.finish(now_ms)?;
        }
        Ok(all.into_iter().collect())
    }

    /// True when the handle's student was erased, or is being erased.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_erased(&self, handle: &Handle) -> Result<bool, VaultError> {
        Ok(self.db.get_pinned_cf(family(&self.db, Table::Erasures)?, handle.0)?.is_some())
    }

    /// Every note, ascending by handle.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn erasures(&self) -> Result<BTreeMap<Handle, Erased>, VaultError> {
        let damaged = || VaultError::Damaged("the note of an erasure is unreadable".into());
        let mut found = BTreeMap::new();
        for row in self.db.iterator_cf(family(&self.db, Table::Erasures)?, IteratorMode::Start) {
            let (key, bytes) = row?;
            let handle: [u8; 32] = key.as_ref().try_into().map_err(|_| damaged())?;
            found.insert(Handle(handle), borsh::from_slice(&bytes).map_err(|_| damaged())?);
        }
        Ok(found)
    }

    /// Keeps the ledger's receipt for these handles; none for handles that the ledger never knew, or whose erasure it had before this vault.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_erasure_receipt(
        &self,
        handles: &[Handle],
        receipt: Option<(Hash, Height)>,
    ) -> Result<(), VaultError> {
        let notes = self.erasures()?;
        let mut batch = WriteBatch::default();
        for handle in handles {
            let note = notes.get(handle).ok_or(VaultError::UnknownHandle(*handle))?;
            let note = Erased { stage: Stage::Recorded, receipt, ..*note };
            batch.put_cf(family(&self.db, Table::Erasures)?, handle.0, encode(&note)?);
        }
        self.write(batch)
    }

    /// Goes on with erasures that a crash interrupted. The new generation counts its age from the old one's day, so
    /// that no clock is needed to open a vault.
    pub(crate) fn finish_erasures(&self) -> Result<(), VaultError> {
        let since = self.keystore().current().created_ms;
        self.finish(since)
    }

    fn finish(&self, now_ms: u64) -> Result<(), VaultError> {
        let mut begun = self.erasures()?;
        begun.retain(|_, note| note.stage == Stage::Begun);
        if begun.is_empty() {
            return Ok(());
        }
        {
            let mut keystore = self.keystore();
            let students = begun.keys().filter_map(|handle| keystore.student(handle));
            let students: BTreeSet<_> = students.map(|(_, student)| student).collect();
            // Empty when the crash came after the switch.
            if !students.is_empty() {
                keystore.replace(&students, now_ms)?;
            }
        }
        self.count_handles()?;
        self.remove_rows(begun.keys())?;
        let mut batch = WriteBatch::default();
        for (handle, note) in &begun {
            let note = Erased { stage: Stage::Destroyed, ..*note };
            batch.put_cf(family(&self.db, Table::Erasures)?, handle.0, encode(&note)?);
        }
        self.write(batch)
    }

    /// Removes every row of these handles and compacts the files that held them.
    fn remove_rows<'a>(&self, handles: impl Iterator<Item = &'a Handle> + Clone) -> Result<(), VaultError> {
        let end = |handle: &Handle| match after(handle) {
            Some(end) => end.to_vec(),
            None => [&handle.0[..], &[u8::MAX; 128]].concat(),
        };
        let gone = handles.clone().copied().collect();
        self.leave_rows(&gone)?;
        self.leave_marks(&gone)?;
        let mut batch = WriteBatch::default();
        for handle in handles.clone() {
            for table in OF_STUDENTS {
                batch.delete_range_cf(family(&self.db, table)?, handle.0.to_vec(), end(handle));
            }
        }
        self.write(batch)?;
        for table in OF_STUDENTS {
            let family = family(&self.db, table)?;
            self.db.flush_cf(family)?;
            for handle in handles.clone() {
                self.db.compact_range_cf(family, Some(handle.0), Some(end(handle)));
            }
        }
        Ok(())
    }

    /// Removes rows of handles that the keystore does not know: what an older copy of the data brings back of students
    /// erased since. Gives how many handles.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sweep(&self) -> Result<usize, VaultError> {
        let mut orphans = BTreeSet::new();
        for table in OF_STUDENTS {
            let mut rows = self.db.raw_iterator_cf(family(&self.db, table)?);
            rows.seek_to_first();
            while let Some(key) = rows.key() {
                let first = key.first_chunk::<32>();
                let handle = Handle(*first.ok_or_else(|| VaultError::Damaged("a row has no handle".into()))?);
                if self.keystore().student(&handle).is_none() {
                    orphans.insert(handle);
                }
                match after(&handle) {
                    Some(next) => rows.seek(next),
                    None => break,
                }
            }
            rows.status()?;
        }
        self.remove_rows(orphans.iter())?;
        Ok(orphans.len())
    }
}

fn encode(note: &Erased) -> Result<Vec<u8>, VaultError> {
    borsh::to_vec(note).map_err(|error| VaultError::Unwritable(error.to_string()))
}
