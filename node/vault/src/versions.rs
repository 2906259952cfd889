//! Which events each anchored version of a student's state was folded from, for the truth audit of a round that spoke of it.
//!
//! Later anchors go on, and events that arrive late change what all of them fold to: a version's own events stay known. Each
//! version keeps the keys that none before it had, so that every key is kept once. Beside them stands what was anchored,
//! as the writer's bytes, and in which block once that is known. Absent: the events, which [`crate::access`] opens; erasure
//! removes all of it ([`crate::erase`]).

use std::collections::BTreeSet;

use aula_ledger::types::{Handle, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::error::VaultError;
use crate::tables::{Table, family};
use crate::vault::Vault;

/// A row's key and its sealed bytes.
type KeyedRow = (Vec<u8>, Box<[u8]>);

/// A version that is about to be anchored.
#[derive(Debug, Clone, Copy)]
pub struct VersionIn<'a> {
    /// The student's pseudonym for the school year.
    pub handle: Handle,
    /// From 1, over all years of the student; one that nobody has seen.
    pub version: u32,
    /// What is anchored.
    pub anchored: &'a [u8],
}

/// A version as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KeptVersion {
    /// From 1, over all years of the student.
    pub version: u32,
    /// What was anchored.
    pub anchored: Vec<u8>,
    /// In which block, once it is known.
    pub height: Option<Height>,
    /// Keys of the events that no version before had.
    added: Vec<Vec<u8>>,
}

impl KeptVersion {
    /// Places of the events that no version before had.
    pub fn added(&self) -> &[Vec<u8>] {
        &self.added
    }

    /// Whether it is the first that was folded from the event at this place.
    pub fn is_first_with(&self, key: &[u8]) -> bool {
        self.added.iter().any(|own| own == key)
    }
}

fn row_key(handle: &Handle, version: u32) -> Vec<u8> {
    [&handle.0[..], &version.to_be_bytes()].concat()
}

impl Vault {
    /// Notes versions with all events that their students have now, in one synced batch.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep_versions(&self, versions: &[VersionIn<'_>]) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        let table = family(&self.db, Table::Versions)?;
        for one in versions {
            let earlier = self.versions(&one.handle)?;
            let known: BTreeSet<&Vec<u8>> = earlier.iter().flat_map(|kept| &kept.added).collect();
            let added =
                self.event_keys(&one.handle)?.into_iter().filter(|key| !known.contains(key)).collect();
            let kept =
                KeptVersion { version: one.version, anchored: one.anchored.to_vec(), height: None, added };
            batch.put_cf(table, row_key(&one.handle, one.version), encode(&kept)?);
        }
        self.write(batch)
    }

    /// Notes in which block a version was anchored.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_anchored(&self, anchored: &[(Handle, u32)], height: Height) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        let table = family(&self.db, Table::Versions)?;
        for (handle, version) in anchored {
            let found = self.versions(handle)?.into_iter().find(|kept| kept.version == *version);
            if let Some(kept) = found {
                let kept = KeptVersion { height: Some(height), ..kept };
                batch.put_cf(table, row_key(handle, *version), encode(&kept)?);
            }
        }
        self.write(batch)
    }

    /// The versions of a student's states, oldest first.
    ///
    /// # Errors
    /// When the database fails or a note is damaged.
    pub fn versions(&self, handle: &Handle) -> Result<Vec<KeptVersion>, VaultError> {
        let damaged = |_| VaultError::Damaged("the note of a version is unreadable".into());
        let rows = self.of_handle(Table::Versions, handle)?;
        rows.iter().map(|(_, bytes)| borsh::from_slice(bytes).map_err(damaged)).collect()
    }

    /// The newest version of which it is known that it is anchored, and whether events came since.
    ///
    /// # Errors
    /// As [`Vault::versions`].
    pub fn anchored_state(&self, handle: &Handle) -> Result<Option<(KeptVersion, bool)>, VaultError> {
        let mut versions = self.versions(handle)?;
        let Some(last) = versions.iter().rposition(|kept| kept.height.is_some()) else { return Ok(None) };
        versions.truncate(last + 1);
        let folded: usize = versions.iter().map(|kept| kept.added.len()).sum();
        let more = self.event_keys(handle)?.len() != folded;
        Ok(versions.pop().map(|kept| (kept, more)))
    }

    /// Whether a student has events that no version known to be anchored was folded from.
    ///
    /// # Errors
    /// As [`Vault::versions`].
    pub fn has_events_to_anchor(&self, handle: &Handle) -> Result<bool, VaultError> {
        match self.anchored_state(handle)? {
            Some((_, more)) => Ok(more),
            None => Ok(!self.event_keys(handle)?.is_empty()),
        }
    }

    /// Keys of the events that a version was folded from; none when no such version was noted.
    pub(crate) fn keys_of_version(
        &self,
        handle: &Handle,
        version: u32,
    ) -> Result<Option<BTreeSet<Vec<u8>>>, VaultError> {
        let versions = self.versions(handle)?;
        if versions.iter().all(|kept| kept.version != version) {
            return Ok(None);
        }
        let until = versions.into_iter().filter(|kept| kept.version <= version);
        Ok(Some(until.flat_map(|kept| kept.added).collect()))
    }

    /// Keys of a student's events, which stand in clear, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn event_keys(&self, handle: &Handle) -> Result<Vec<Vec<u8>>, VaultError> {
        Ok(self.of_handle(Table::Events, handle)?.into_iter().map(|(key, _)| key).collect())
    }

    /// Rows of a handle, by what follows it in their keys.
    fn of_handle(&self, table: Table, handle: &Handle) -> Result<Vec<KeyedRow>, VaultError> {
        let mut found = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, table)?, from) {
            let (key, bytes) = row?;
            let Some(rest) = key.strip_prefix(&handle.0[..]) else { break };
            found.push((rest.to_vec(), bytes));
        }
        Ok(found)
    }
}

fn encode(kept: &KeptVersion) -> Result<Vec<u8>, VaultError> {
    borsh::to_vec(kept).map_err(|error| VaultError::Unwritable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{ReadRequest, STATE};
    use crate::testkit::*;
    use crate::vault::EventIn;

    #[test]
    fn a_version_keeps_its_own_events_whatever_comes_later_until_the_student_is_erased() -> Tested {
        let world = World::new()?;
        let [[one, _], [other, _]] = world.handles;
        let keep =
            |version, anchored| world.vault.keep_versions(&[VersionIn { handle: one, version, anchored }]);
        let event = |at: &'static [u8], event| EventIn { handle: one, key: at, event };
        keep(1, b"first")?;
        world.vault.put_events(&[event(&[0, 0], b"late event"), event(&[0, 3], b"third event")])?;
        keep(2, b"second")?;
        world.vault.put_events(&[event(&[0, 4], b"fourth event")])?;
        world.vault.note_anchored(&[(one, 1), (one, 9)], Height(7))?;
        let world = world.reopened()?;
        let asked = ReadRequest { purpose: term("audit_evaluation"), ..request("auditor", one, &["events"]) };
        let events = |version| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            let read =
                world.vault.read_for_proof(&asked, &field(STATE), version, &crate::testkit::key(), NOW_MS)?;
            Ok(read.events.iter().map(|event| String::from_utf8_lossy(event).into_owned()).collect())
        };
        let first = ["first event", "second event"];
        assert_eq!(events(Some(1))?, first);
        assert_eq!(events(Some(2))?, [&["late event"][..], &first, &["third event"]].concat());
        assert_eq!(events(None)?.len(), 5);
        assert_eq!(events(Some(3))?.len(), 5, "a version that was never noted has what there is");
        let kept = world.vault.versions(&one)?;
        let told: Vec<_> = kept.iter().map(|kept| (kept.version, &kept.anchored[..], kept.height)).collect();
        assert_eq!(told, [(1, &b"first"[..], Some(Height(7))), (2, b"second", None)]);
        assert!(world.vault.versions(&other)?.is_empty());
        world.vault.erase(&[one], NOW_MS)?;
        assert!(world.vault.versions(&one)?.is_empty());
        Ok(())
    }
}
