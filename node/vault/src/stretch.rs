//! A student's events of a stretch of time, opened for a count of the district's own after the read was listed.
//!
//! Events sort by their places, which begin with the time: so the stretch is found without opening what lies outside of it, and a
//! student without an event in it is no read. Absent: what is counted, and what of it may be shown.

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode};

use crate::error::VaultError;
use crate::feeds::KeptEvent;
use crate::tables::{Table, family};
use crate::vault::{Vault, record_cipher};

impl Vault {
    /// Events of a handle whose places lie from the first on and before the second; listed as one read where there are any.
    ///
    /// # Errors
    /// A log that cannot be written, damaged data. A student who is erased has none.
    pub fn events_of_stretch(
        &self,
        handle: &Handle,
        (from, before): (&[u8], &[u8]),
        reader: &Name,
        now_ms: u64,
    ) -> Result<Vec<KeptEvent>, VaultError> {
        let table = family(&self.db, Table::Events)?;
        let start = [&handle.0[..], from].concat();
        let mut found = Vec::new();
        for row in self.db.iterator_cf(table, IteratorMode::From(&start, Direction::Forward)) {
            let (key, sealed) = row?;
            let Some(place) = key.strip_prefix(&handle.0[..]).filter(|place| *place < before) else { break };
            found.push((place.to_vec(), sealed));
        }
        if found.is_empty() || !self.list_service_read(handle, reader, now_ms)? {
            return Ok(Vec::new());
        }
        let cipher = record_cipher(&self.student_secret(handle)?);
        found.iter().map(|(place, sealed)| self.open_event(&cipher, handle, place, sealed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::*;
    use crate::vault::EventIn;

    #[test]
    fn a_stretch_is_listed_as_one_read_and_an_empty_one_not_at_all() -> Tested {
        let world = World::new()?;
        let [[handle, _], _] = world.handles;
        let reader = Name::new("aula-hours")?;
        for key in [[7u8; 28], [8; 28], [9; 28]] {
            world.vault.put_events(&[EventIn { handle, key: &key, event: b"what" }])?;
        }
        let entries = || world.vault.entries().map(|entries| entries.len());
        let before = entries()?;
        let places = |from: u8, until: u8| -> Result<Vec<u8>, VaultError> {
            let found = world.vault.events_of_stretch(&handle, (&[from], &[until]), &reader, NOW_MS)?;
            Ok(found.iter().filter_map(|event| event.key.first().copied()).collect())
        };
        assert_eq!(places(8, 9)?, [8]);
        assert_eq!(places(7, 10)?, [7, 8, 9]);
        assert!(places(10, 99)?.is_empty());
        assert_eq!(entries()?, before + 2);
        world.vault.erase(&[handle], NOW_MS)?;
        assert!(places(7, 10)?.is_empty());
        Ok(())
    }
}
