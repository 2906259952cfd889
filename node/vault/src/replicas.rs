//! What a school's replica and its district level: events as they are kept, and events that another vault of the district kept first.
//!
//! Flow: [`Vault::event_tags`] says what is kept where, unopened → [`Vault::events_of`] opens them for the other side, which
//! the caller lists → [`Vault::put_merged`] writes what came and takes away what gives way to it, in one synced batch.
//! Invariants: a row's tag changes whenever its bytes do; a mark stands where its event does. Absent: which of two events stays.

use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::error::VaultError;
use crate::feeds::{FeedEvent, FeedKeys, KeptEvent, Once};
use crate::keystore::ROW_INDEX_KEY;
use crate::seal::Cipher;
use crate::secret::SecretKey;
use crate::tables::{Table, family};
use crate::vault::{Vault, record_cipher};

/// An event that goes.
#[derive(Debug, Clone, Copy)]
pub struct Gone<'a> {
    /// The student, by the pseudonym under which it is kept.
    pub handle: Handle,
    /// Among the student's events; bytes that sort in order, at most 64.
    pub key: &'a [u8],
    /// Its message's mark, where that goes with it.
    pub once: Option<Once>,
}

/// A student's events, opened one after another with one key.
pub struct EventsOf<'a> {
    vault: &'a Vault,
    handle: Handle,
    cipher: Cipher,
}

impl std::fmt::Debug for EventsOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventsOf(secret)")
    }
}

impl EventsOf<'_> {
    /// The event at a place, with its origin: the caller lists what leaves.
    ///
    /// # Errors
    /// Damaged data.
    pub fn get(&self, key: &[u8]) -> Result<Option<KeptEvent>, VaultError> {
        let Self { vault, handle, cipher } = self;
        let place = [&handle.0[..], key].concat();
        let Some(stored) = vault.db.get_pinned_cf(family(&vault.db, Table::Events)?, place)? else {
            return Ok(None);
        };
        vault.open_event(cipher, handle, key, &stored).map(Some)
    }
}

impl Vault {
    /// A student's events, for the district's own levelling.
    ///
    /// # Errors
    /// An erased or unknown student.
    pub fn events_of(&self, handle: &Handle) -> Result<EventsOf<'_>, VaultError> {
        let cipher = record_cipher(&self.student_secret(handle)?);
        Ok(EventsOf { vault: self, handle: *handle, cipher })
    }

    /// The key that marks of messages are made with, for a replica of the district's.
    ///
    /// # Errors
    /// When the keystore cannot be written, the first time.
    pub fn marks_key(&self) -> Result<SecretKey, VaultError> {
        Ok(self.keystore().district_key(ROW_INDEX_KEY)?)
    }

    /// Calls with the place of each of a student's events, in order, and eight bytes that no other sealing of it has.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn event_tags(
        &self,
        handle: &Handle,
        mut each: impl FnMut(&[u8], [u8; 8]),
    ) -> Result<(), VaultError> {
        let table = family(&self.db, Table::Events)?;
        for row in self.db.iterator_cf(table, IteratorMode::From(&handle.0, Direction::Forward)) {
            let (key, stored) = row?;
            let Some(place) = key.strip_prefix(&handle.0[..]) else { break };
            // Part of the nonce, with an origin or without one.
            let tag = stored.get(2..10).and_then(|bytes| bytes.try_into().ok());
            each(place, tag.ok_or_else(|| VaultError::Damaged("an event is cut".into()))?);
        }
        Ok(())
    }

    /// One event of a student, as [`EventsOf::get`].
    ///
    /// # Errors
    /// An erased or unknown student, damaged data.
    pub fn kept_event(&self, handle: &Handle, key: &[u8]) -> Result<Option<KeptEvent>, VaultError> {
        match self.has_event(handle, key)? {
            true => self.events_of(handle)?.get(key),
            false => Ok(None),
        }
    }

    /// Takes events away and writes others with their marks and the sources' notes, in one synced batch.
    ///
    /// # Errors
    /// As [`Vault::put_feed`].
    pub fn put_merged(
        &self,
        keys: &mut FeedKeys,
        gone: &[Gone<'_>],
        events: &[FeedEvent<'_>],
        notes: &[(u64, Vec<u8>)],
    ) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        let (table, marks) = (family(&self.db, Table::Events)?, family(&self.db, Table::Marks)?);
        for Gone { handle, key, once } in gone {
            batch.delete_cf(table, [&handle.0[..], key].concat());
            if let Some(once) = once {
                batch.delete_cf(marks, once);
            }
        }
        self.seal_feed(keys, events, notes, &mut batch)?;
        self.write(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{NOW_MS, Tested, World, identity};
    use crate::vault::Folders;

    #[test]
    fn a_replica_makes_the_districts_marks_and_has_keys_of_its_own() -> Tested {
        let (world, other) = (World::new()?, tempfile::tempdir()?);
        let key = world.vault.marks_key()?;
        let replica = Vault::create_replica(&Folders::below(other.path()), &identity(), &key, NOW_MS)?;
        let (mut own, theirs) = (world.vault.feed_keys()?, replica.feed_keys()?);
        assert_eq!(own.mark(7, b"m-1"), theirs.mark(7, b"m-1"));
        let asked = [(crate::testkit::local(1), aula_ledger::types::SchoolYear(2025))];
        assert_ne!(
            replica.enrol(&asked)?,
            world.vault.enrol(&asked)?,
            "a student's handle is the vault's own"
        );
        // What is there is told with a tag that its next sealing changes, and goes with its mark.
        let handle = world.handles[0][0];
        let (once, _) = own.mark(7, b"m-1");
        let event =
            FeedEvent { handle, key: b"a place", event: b"an event", origin: b"from", once, amends: false };
        let tag = |vault: &Vault| -> Result<Option<[u8; 8]>, VaultError> {
            let mut found = None;
            vault.event_tags(&handle, |place, tag| {
                if place == b"a place" {
                    found = Some(tag);
                }
            })?;
            Ok(found)
        };
        world.vault.put_merged(&mut own, &[], &[event], &[(7, b"note".to_vec())])?;
        let first = tag(&world.vault)?.ok_or("not there")?;
        assert_eq!(
            world.vault.kept_event(&handle, b"a place")?.ok_or("not kept")?.origin.as_slice(),
            b"from"
        );
        world.vault.put_merged(&mut own, &[], &[event], &[])?;
        assert_ne!(tag(&world.vault)?, Some(first));
        let gone = Gone { handle, key: b"a place", once: Some(once) };
        world.vault.put_merged(&mut own, &[gone], &[], &[])?;
        assert_eq!((tag(&world.vault)?, world.vault.marked(&[once])?), (None, vec![None]));
        assert_eq!(world.vault.source_note(7)?.as_deref(), Some(&b"note"[..]));
        Ok(())
    }
}
