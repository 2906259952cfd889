//! Imports: many records in one synced write, with what stood there before, so that each can be undone.
//!
//! Flow: students are enrolled ([`Vault::enrol`]) → [`Vault::import`] seals all rows and writes them, the journal and the note in
//! one batch: a crash leaves the old state whole → [`Vault::undo_import`] puts back what stood there, also in one batch. The
//! journal keeps the sealed bytes as they were, and never opens them. Invariants: what a later import changed, or what was
//! anchored since, is not undone behind its back: the undoing is refused whole, with the students' names; an erased student's
//! journal goes with the student. Absent: what an import means, which `aula-ingest` says.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::access::Relation;
use aula_ledger::names::{FieldName, Name};
use aula_ledger::types::{Handle, SchoolYear};
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{Direction, IteratorMode, WriteBatch};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::{is_reserved, tie_key};
use crate::error::VaultError;
use crate::roster::{ROSTER_FIELD, RosterEntry};
use crate::tables::{SCHOOLS_KEY, Table, family, record_key};
use crate::vault::{Ciphers, MAX_VALUE_BYTES, Vault, record_cipher, within};

#[cfg(test)]
mod tests;

/// What is written of one student and year.
#[derive(Debug, Clone)]
pub struct StudentWrite {
    /// The student, by the pseudonym of the import's year.
    pub handle: Handle,
    /// The place on the roster, when it changes.
    pub roster: Option<RosterEntry>,
    /// Fields; none takes a value away.
    pub fields: Vec<(FieldName, Option<Vec<u8>>)>,
    /// All that ties a reader to the student from now on; nothing where nothing does any more.
    pub ties: Vec<(Name, Vec<Relation>)>,
    /// Events that are new to the student's twin.
    pub events: Vec<ImportedEvent>,
}

/// An event that an import brings.
#[derive(Debug, Clone)]
pub struct ImportedEvent {
    /// Its place among the student's events; bytes that sort in order, at most 64.
    pub key: Vec<u8>,
    /// Its canonical bytes.
    pub event: Vec<u8>,
    /// Where it came from, for whoever traces it: the writer's bytes.
    pub origin: Vec<u8>,
}

/// An import as the vault notes it; nothing of a student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportNote {
    /// Its number, from 1.
    pub import: u64,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// The calendar year in which the school year of the rows starts.
    pub school_year: SchoolYear,
    /// The format's word.
    pub format: String,
    /// Rows of the files.
    pub rows: u64,
    /// Students of whom something was written.
    pub students: u64,
    /// When it was undone.
    pub undone_ms: Option<u64>,
}

/// Why an import is not undone; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No such import.
    #[error("there is no import {0}")]
    Unknown(u64),
    /// It was undone already.
    #[error("import {0} was undone already")]
    Undone(u64),
    /// States were anchored that rest on it.
    #[error("{} students of the import were anchored since", .0.len())]
    Anchored(Vec<String>),
    /// Something else wrote there since.
    #[error("{} students of the import were changed since", .0.len())]
    Changed(Vec<String>),
    /// The vault fails.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What stood at a place before an import wrote it.
#[derive(BorshSerialize, BorshDeserialize)]
struct Before {
    sealed: Option<Vec<u8>>,
    /// SHA-256 of the sealed bytes that the import wrote; none when it took a value away.
    written: Option<[u8; 32]>,
}

/// First byte of a place in the journal's keys.
const ROSTER: u8 = 0;
const FIELD: u8 = 1;
const TIE: u8 = 2;
const EVENT: u8 = 3;

fn journal_key(handle: &Handle, import: u64, place: u8, field: &[u8]) -> Vec<u8> {
    [&handle.0[..], &import.to_be_bytes(), &[place], field].concat()
}

fn touched_key(import: u64, handle: &Handle) -> Vec<u8> {
    [&import.to_be_bytes()[..], &handle.0].concat()
}

impl Vault {
    /// Writes an import: everything, or nothing. `note.import` is set to its number, which is returned.
    ///
    /// # Errors
    /// A field that only the program writes, an unknown or erased student, a value that is too large, a disk that refuses.
    pub fn import(
        &self,
        note: &ImportNote,
        schools: &BTreeMap<String, u32>,
        writes: &[StudentWrite],
    ) -> Result<u64, VaultError> {
        let number = self.imports()?.last().map_or(1, |last| last.import.saturating_add(1));
        let mut batch = WriteBatch::default();
        let imports = family(&self.db, Table::Imports)?;
        let note = ImportNote { import: number, ..note.clone() };
        batch.put_cf(imports, number.to_be_bytes(), json(&note)?);
        if !schools.is_empty() {
            let mut all = self.local_schools()?;
            all.extend(schools.iter().map(|(id, school)| (id.clone(), *school)));
            batch.put_cf(family(&self.db, Table::Meta)?, SCHOOLS_KEY, json(&all)?);
        }
        for write in writes {
            self.import_student(number, write, &mut batch)?;
        }
        self.write(batch)?;
        Ok(number)
    }

    fn import_student(
        &self,
        number: u64,
        write: &StudentWrite,
        batch: &mut WriteBatch,
    ) -> Result<(), VaultError> {
        let handle = &write.handle;
        let anchored = self.last_version(handle)?;
        batch.put_cf(family(&self.db, Table::Imports)?, touched_key(number, handle), anchored.to_be_bytes());
        // Of one student at a time: a whole district's ciphers would stand in memory.
        let mut ciphers = Ciphers::new(self);
        if let Some(entry) = &write.roster {
            let clear = zeroize::Zeroizing::new(
                borsh::to_vec(entry).map_err(|error| VaultError::Unwritable(error.to_string()))?,
            );
            let bound = self.bound(handle, ROSTER_FIELD);
            let sealed =
                ciphers.of(handle)?.seal(&clear, &bound).map_err(|e| VaultError::Sealed(*handle, e))?;
            let key = journal_key(handle, number, ROSTER, &[]);
            self.replace(batch, Table::Places, handle.0.to_vec(), Some(sealed), key)?;
        }
        for (field, value) in &write.fields {
            if is_reserved(field) {
                return Err(VaultError::Reserved(field.clone()));
            }
            let name = field.as_str().as_bytes();
            let sealed = match value {
                None => None,
                Some(value) => {
                    within("a value", value.len(), MAX_VALUE_BYTES)?;
                    let bound = self.bound(handle, name);
                    let sealed = ciphers.of(handle)?.seal(value, &bound);
                    Some(sealed.map_err(|error| VaultError::Sealed(*handle, error))?)
                }
            };
            let key = journal_key(handle, number, FIELD, name);
            self.replace(batch, Table::Records, record_key(handle, field), sealed, key)?;
        }
        for (reader, relations) in &write.ties {
            let bytes =
                borsh::to_vec(relations).map_err(|error| VaultError::Unwritable(error.to_string()))?;
            let value = (!relations.is_empty()).then_some(bytes);
            let key = journal_key(handle, number, TIE, reader.as_str().as_bytes());
            self.replace(batch, Table::Roster, tie_key(handle, reader), value, key)?;
        }
        for ImportedEvent { key, event, origin } in &write.events {
            let stored = self.seal_event(ciphers.of(handle)?, handle, (key, event, origin))?;
            let journal = journal_key(handle, number, EVENT, key);
            self.replace(batch, Table::Events, [&handle.0[..], key].concat(), Some(stored), journal)?;
        }
        Ok(())
    }

    /// Writes a place, and into the journal what stood there.
    fn replace(
        &self,
        batch: &mut WriteBatch,
        table: Table,
        key: Vec<u8>,
        sealed: Option<Vec<u8>>,
        journal: Vec<u8>,
    ) -> Result<(), VaultError> {
        let table = family(&self.db, table)?;
        let before = Before { sealed: self.db.get_cf(table, &key)?, written: sealed.as_deref().map(digest) };
        let before = borsh::to_vec(&before).map_err(|error| VaultError::Unwritable(error.to_string()))?;
        batch.put_cf(family(&self.db, Table::Journal)?, journal, before);
        match sealed {
            Some(sealed) => batch.put_cf(table, key, sealed),
            None => batch.delete_cf(table, key),
        }
        Ok(())
    }

    /// The newest version that was noted for anchoring; 0 for none.
    fn last_version(&self, handle: &Handle) -> Result<u32, VaultError> {
        Ok(self.versions(handle)?.last().map_or(0, |kept| kept.version))
    }

    /// Every import, oldest first.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn imports(&self) -> Result<Vec<ImportNote>, VaultError> {
        let mut found = Vec::new();
        let mut rows = self.db.raw_iterator_cf(family(&self.db, Table::Imports)?);
        rows.seek_to_first();
        while let Some((key, bytes)) = rows.item() {
            let number: [u8; 8] =
                key.try_into().map_err(|_| VaultError::Damaged("an import has no note".into()))?;
            found.push(
                serde_json::from_slice(bytes)
                    .map_err(|_| VaultError::Damaged("the note of an import is unreadable".into()))?,
            );
            // Past the students of this one.
            match u64::from_be_bytes(number).checked_add(1) {
                Some(next) => rows.seek(next.to_be_bytes()),
                None => break,
            }
        }
        rows.status()?;
        Ok(found)
    }

    /// Puts back what stood where an import wrote; gives how many students that are.
    ///
    /// # Errors
    /// [`UndoError`]: nothing has changed then.
    pub fn undo_import(&self, number: u64, now_ms: u64) -> Result<usize, UndoError> {
        let note = self.imports()?.into_iter().find(|note| note.import == number);
        let note = note.ok_or(UndoError::Unknown(number))?;
        if note.undone_ms.is_some() {
            return Err(UndoError::Undone(number));
        }
        let touched = self.touched(number)?;
        let (mut anchored, mut changed, mut batch) = (Vec::new(), Vec::new(), WriteBatch::default());
        for (handle, version) in &touched {
            batch.delete_cf(
                family(&self.db, Table::Imports).map_err(UndoError::from)?,
                touched_key(number, handle),
            );
            // Nothing is left of an erased student, and nothing comes back.
            if self.is_erased(handle)? {
                continue;
            }
            if self.last_version(handle)? > *version {
                anchored.push(self.name_of(handle)?);
            }
            if !self.put_back(number, handle, &mut batch)? {
                changed.push(self.name_of(handle)?);
            }
        }
        if !anchored.is_empty() {
            return Err(UndoError::Anchored(anchored));
        }
        if !changed.is_empty() {
            return Err(UndoError::Changed(changed));
        }
        let note = ImportNote { undone_ms: Some(now_ms), ..note };
        batch.put_cf(family(&self.db, Table::Imports)?, number.to_be_bytes(), json(&note)?);
        self.write(batch)?;
        Ok(touched.len())
    }

    /// The students to whose events imports after this one added some, and the newest import's number, or this one.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn imported_after(&self, number: u64) -> Result<(BTreeSet<Handle>, u64), VaultError> {
        let damaged = || VaultError::Damaged("an import's list of students is unreadable".into());
        let (mut found, mut newest) = (BTreeSet::new(), number);
        let from = number.saturating_add(1).to_be_bytes();
        let mut journal = self.db.raw_iterator_cf(family(&self.db, Table::Journal)?);
        for row in self
            .db
            .iterator_cf(family(&self.db, Table::Imports)?, IteratorMode::From(&from, Direction::Forward))
        {
            let (key, _) = row?;
            let (import, handle) = key.split_first_chunk::<8>().ok_or_else(damaged)?;
            newest = newest.max(u64::from_be_bytes(*import));
            if handle.is_empty() {
                continue;
            }
            let handle = Handle(handle.try_into().map_err(|_| damaged())?);
            let events = journal_key(&handle, u64::from_be_bytes(*import), EVENT, &[]);
            journal.seek(&events);
            if journal.key().is_some_and(|key| key.starts_with(&events)) {
                found.insert(handle);
            }
        }
        journal.status()?;
        Ok((found, newest))
    }

    /// The handles of which an import that stands wrote something.
    pub(crate) fn touched_by(&self, number: u64) -> Result<Vec<Handle>, VaultError> {
        Ok(self.touched(number)?.into_iter().map(|(handle, _)| handle).collect())
    }

    /// The students of an import, with the version of each that was anchored last before it.
    fn touched(&self, number: u64) -> Result<Vec<(Handle, u32)>, VaultError> {
        let damaged = || VaultError::Damaged("an import's list of students is unreadable".into());
        let start = number.to_be_bytes();
        let mut found = Vec::new();
        let from = IteratorMode::From(&start, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, Table::Imports)?, from) {
            let (key, version) = row?;
            let Some(rest) = key.strip_prefix(&start) else { break };
            if rest.is_empty() {
                continue;
            }
            let handle = Handle(rest.try_into().map_err(|_| damaged())?);
            let version = version.as_ref().try_into().map_err(|_| damaged())?;
            found.push((handle, u32::from_be_bytes(version)));
        }
        Ok(found)
    }

    /// Takes the ties out of the journal: who reads whom was said anew, so that no undoing puts back what it said before.
    pub(crate) fn forget_tie_journal(&self, batch: &mut WriteBatch) -> Result<(), VaultError> {
        let journal = family(&self.db, Table::Journal)?;
        for row in self.db.iterator_cf(journal, IteratorMode::Start) {
            let (key, _) = row?;
            // Handle, number, then the place.
            if key.get(40) == Some(&TIE) {
                batch.delete_cf(journal, key);
            }
        }
        Ok(())
    }

    /// Puts one student's places back; false when something else stands there by now.
    fn put_back(&self, number: u64, handle: &Handle, batch: &mut WriteBatch) -> Result<bool, VaultError> {
        let damaged = || VaultError::Damaged("an import's journal is unreadable".into());
        let start = [&handle.0[..], &number.to_be_bytes()].concat();
        let journal = family(&self.db, Table::Journal)?;
        for row in self.db.iterator_cf(journal, IteratorMode::From(&start, Direction::Forward)) {
            let (key, bytes) = row?;
            let Some(place) = key.strip_prefix(start.as_slice()) else { break };
            let before: Before = borsh::from_slice(&bytes).map_err(|_| damaged())?;
            let (table, at) = match place.split_first() {
                Some((&ROSTER, [])) => (Table::Places, handle.0.to_vec()),
                Some((&FIELD, name)) => (Table::Records, [&handle.0[..], name].concat()),
                Some((&TIE, reader)) => (Table::Roster, [&handle.0[..], reader].concat()),
                Some((&EVENT, place)) => (Table::Events, [&handle.0[..], place].concat()),
                _ => return Err(damaged()),
            };
            let table = family(&self.db, table)?;
            let now = self.db.get_pinned_cf(table, &at)?;
            if now.as_deref().map(digest) != before.written {
                return Ok(false);
            }
            match before.sealed {
                Some(sealed) => batch.put_cf(table, at, sealed),
                None => batch.delete_cf(table, at),
            }
            batch.delete_cf(journal, key);
        }
        Ok(true)
    }

    /// The schools in which the roster of a handle's year has or had the student, enrolled or not: what imports that stand said
    /// before counts as well.
    ///
    /// # Errors
    /// An erased or unknown student, a damaged vault.
    pub fn schools_of(&self, handle: &Handle) -> Result<BTreeSet<u32>, VaultError> {
        let damaged = || VaultError::Damaged("an import's journal is unreadable".into());
        let (cipher, bound) =
            (record_cipher(&self.student_secret(handle)?), self.bound(handle, ROSTER_FIELD));
        let mut schools: BTreeSet<u32> =
            self.roster_entry(handle)?.iter().filter_map(|place| place.school).collect();
        let journal = family(&self.db, Table::Journal)?;
        for row in self.db.iterator_cf(journal, IteratorMode::From(&handle.0, Direction::Forward)) {
            let (key, bytes) = row?;
            let Some(place) = key.strip_prefix(&handle.0[..]) else { break };
            // The import's number, then what was written.
            if place.get(8..) != Some(&[ROSTER]) {
                continue;
            }
            let before: Before = borsh::from_slice(&bytes).map_err(|_| damaged())?;
            let Some(sealed) = before.sealed else { continue };
            let opened = cipher.open(&sealed, &bound).map_err(|why| VaultError::Sealed(*handle, why))?;
            let place: RosterEntry = borsh::from_slice(&opened).map_err(|_| damaged())?;
            schools.extend(place.school);
        }
        Ok(schools)
    }

    /// The district's own identifier of a student, else the handle.
    fn name_of(&self, handle: &Handle) -> Result<String, VaultError> {
        Ok(self.roster_entry(handle)?.map_or_else(|| handle.to_string(), |entry| entry.local_id.clone()))
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, VaultError> {
    serde_json::to_vec(value).map_err(|error| VaultError::Unwritable(error.to_string()))
}
