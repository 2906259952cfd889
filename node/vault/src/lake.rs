//! What the district's lake gets of the vault: a pseudonym a student, names of rows, and events, opened after the read was listed.
//!
//! A student's lake key is derived from the student's secret in the keystore, so that it goes with it: once a student is erased nobody
//! can say any more which rows were whose. Flow: [`Vault::lake_students`] → [`LakeStudent::event_row`] of what
//! [`Vault::event_seals`] lists, which opens nothing → [`Vault::events_for_lake`] for those that the lake has not. Invariants: no
//! pseudonym here is one on the ledger; two events, or one event that was replaced, name two rows. Absent: the lake itself.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::names::Name;
use aula_ledger::types::{Handle, SchoolYear};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rocksdb::{Direction, IteratorMode};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::feeds::KeptEvent;
use crate::secret::SecretKey;
use crate::tables::{Table, family};
use crate::vault::{Vault, record_cipher};

/// A student as the lake knows it.
pub struct LakeStudent {
    key: SecretKey,
    /// The student's handles, with their years.
    pub handles: Vec<(Handle, SchoolYear)>,
}

impl std::fmt::Debug for LakeStudent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LakeStudent").field("handles", &self.handles.len()).finish_non_exhaustive()
    }
}

/// Where an event stands, and what tells its sealed bytes from those that may replace them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSeal {
    /// Its place among the student's events.
    pub key: Vec<u8>,
    /// SHA-256 of its sealed bytes.
    pub seal: [u8; 32],
}

impl LakeStudent {
    /// The student's name in the lake, the same in every year.
    pub fn pseudonym(&self) -> [u8; 16] {
        self.named(b"student", &[])
    }

    /// The name of an event, by its place.
    pub fn event(&self, key: &[u8]) -> [u8; 16] {
        self.named(b"event", &[key])
    }

    /// The name of the row of an event.
    pub fn event_row(&self, event: &EventSeal) -> [u8; 16] {
        self.named(b"event row", &[&event.seal, &event.key])
    }

    /// The name of a row that says this of the student.
    pub fn row(&self, table: &str, says: &[u8]) -> [u8; 16] {
        self.named(b"row", &[table.as_bytes(), &[0], says])
    }

    fn named(&self, what: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        let mut block = Zeroizing::new([0u8; 64]);
        block[..32].copy_from_slice(self.key.as_bytes());
        let mut mac = <Hmac<Sha256> as Mac>::new((&*block).into());
        mac.update(what);
        mac.update(&[0]);
        parts.iter().for_each(|part| mac.update(part));
        let mut name = [0; 16];
        name.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        name
    }
}

/// The lake's key of a student, from the student's secret.
fn lake_key(secret: &SecretKey) -> SecretKey {
    let mut key = Zeroizing::new([0u8; 32]);
    // HKDF refuses only outputs above 255 · 32 bytes.
    let expanded = Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(b"aula/v1/lake-student", key.as_mut());
    debug_assert!(expanded.is_ok());
    SecretKey::from_bytes(&key)
}

impl Vault {
    /// Every student with a key, once, in an order that says nothing of who is who.
    ///
    /// # Errors
    /// When a key cannot be opened.
    pub fn lake_students(&self) -> Result<Vec<LakeStudent>, VaultError> {
        let mut students: BTreeMap<_, Vec<(Handle, SchoolYear)>> = BTreeMap::new();
        {
            let keystore = self.keystore();
            for (handle, year) in keystore.all_handles() {
                if let Some((_, student)) = keystore.student(&handle) {
                    students.entry(student).or_default().push((handle, year));
                }
            }
        }
        let each = students.into_values().map(|handles| {
            let (handle, _) =
                handles.first().ok_or_else(|| VaultError::Damaged("a student has no handle".into()))?;
            Ok(LakeStudent { key: lake_key(&self.student_secret(handle)?), handles })
        });
        each.collect()
    }

    /// The events of a handle, unopened.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn event_seals(&self, handle: &Handle) -> Result<Vec<EventSeal>, VaultError> {
        let table = family(&self.db, Table::Events)?;
        let mut seals = Vec::new();
        for row in self.db.iterator_cf(table, IteratorMode::From(&handle.0, Direction::Forward)) {
            let (key, sealed) = row?;
            let Some(key) = key.strip_prefix(&handle.0[..]) else { break };
            seals.push(EventSeal { key: key.to_vec(), seal: Sha256::digest(&sealed).into() });
        }
        Ok(seals)
    }

    /// Events of a handle at these places, opened for the lake; the read is listed first, as one.
    ///
    /// # Errors
    /// A student who is erased, a log that cannot be written, damaged data.
    pub fn events_for_lake(
        &self,
        handle: &Handle,
        keys: &BTreeSet<Vec<u8>>,
        reader: &Name,
        now_ms: u64,
    ) -> Result<Vec<KeptEvent>, VaultError> {
        if !self.list_service_read(handle, reader, now_ms)? {
            return Err(VaultError::Erased(*handle));
        }
        let cipher = record_cipher(&self.student_secret(handle)?);
        let mut events = Vec::with_capacity(keys.len());
        for key in keys {
            let place = [&handle.0[..], key].concat();
            let Some(stored) = self.db.get_cf(family(&self.db, Table::Events)?, place)? else { continue };
            events.push(self.open_event(&cipher, handle, key, &stored)?);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW_MS, Tested, World};

    #[test]
    fn a_student_has_one_pseudonym_and_none_after_its_erasure() -> Tested {
        let world = World::new()?;
        let students = world.vault.lake_students()?;
        assert_eq!(students.len(), 2);
        let names: BTreeSet<_> = students.iter().map(LakeStudent::pseudonym).collect();
        assert_eq!(names.len(), 2);
        for (own, other) in [(0, 1), (1, 0)] {
            let has = |student: &&LakeStudent| {
                student.handles.iter().any(|(handle, _)| *handle == world.handles[own][0])
            };
            let student = students.iter().find(has).ok_or("not there")?;
            assert_eq!(student.handles.len(), 2, "both years");
            assert!(student.handles.iter().all(|(handle, _)| !world.handles[other].contains(handle)));
            assert!(student.handles.iter().all(|(handle, _)| handle.0[..16] != student.pseudonym()));
        }
        let gone = world.handles[0][0];
        let kept: Vec<_> = students
            .iter()
            .filter(|one| one.handles.iter().all(|(handle, _)| *handle != gone))
            .map(LakeStudent::pseudonym)
            .collect();
        world.vault.erase(&[gone], NOW_MS)?;
        let left: Vec<_> = world.vault.lake_students()?.iter().map(LakeStudent::pseudonym).collect();
        assert_eq!(left, kept);
        Ok(())
    }

    #[test]
    fn what_the_lake_reads_is_listed_and_rows_have_names_of_their_own() -> Tested {
        let world = World::new()?;
        let reader = Name::new("aula-lake")?;
        let students = world.vault.lake_students()?;
        let mut rows = BTreeSet::new();
        for student in &students {
            for (handle, _) in &student.handles {
                let seals = world.vault.event_seals(handle)?;
                rows.extend(seals.iter().map(|seal| student.event_row(seal)));
                let keys: BTreeSet<_> = seals.iter().map(|seal| seal.key.clone()).collect();
                let before = world.vault.last_entry()?.map(|entry| entry.number);
                let events = world.vault.events_for_lake(handle, &keys, &reader, NOW_MS)?;
                assert_eq!(events.len(), seals.len());
                let entry = world.vault.last_entry()?.ok_or("nothing was listed")?;
                assert!(Some(entry.number) != before && entry.handle == *handle && entry.reader == reader);
            }
        }
        assert_eq!(rows.len(), 8, "two students, two years, two events");
        Ok(())
    }
}
