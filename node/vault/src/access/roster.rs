//! Who teaches whom, and who counsels where: the district's roster, by which a teacher or counselor reads a student.
//!
//! The roster is replaced as a whole, so that whoever left it reads nobody from then on; a restored copy forgets it, as it
//! forgets consents. It holds names of readers and pseudonyms, no record. Absent: where it comes from.

use std::collections::BTreeMap;

use aula_ledger::access::Relation;
use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::error::VaultError;
use crate::tables::{Table, family};
use crate::vault::Vault;

/// One tie between a reader and a student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterLine {
    /// The reader, as the district's credentials name it.
    pub reader: Name,
    /// The student's pseudonym for the school year.
    pub handle: Handle,
    /// How the reader stands to the student.
    pub relation: Relation,
}

pub(crate) fn tie_key(handle: &Handle, reader: &Name) -> Vec<u8> {
    [&handle.0[..], reader.as_str().as_bytes()].concat()
}

impl Vault {
    /// Replaces the whole roster, in one synced write. Gives how many pairs of reader and student it has.
    ///
    /// # Errors
    /// [`VaultError::UnknownHandle`] before anything has changed; a disk that refuses.
    pub fn replace_roster(&self, lines: &[RosterLine]) -> Result<usize, VaultError> {
        let mut pairs: BTreeMap<Vec<u8>, Vec<&Relation>> = BTreeMap::new();
        for line in lines {
            if self.keystore().student(&line.handle).is_none() {
                return Err(VaultError::UnknownHandle(line.handle));
            }
            let relations = pairs.entry(tie_key(&line.handle, &line.reader)).or_default();
            if !relations.contains(&&line.relation) {
                relations.push(&line.relation);
            }
        }
        let mut batch = self.without_roster()?;
        for (key, relations) in &pairs {
            let bytes =
                borsh::to_vec(relations).map_err(|error| VaultError::Unwritable(error.to_string()))?;
            batch.put_cf(family(&self.db, Table::Roster)?, key, bytes);
        }
        self.write(batch)?;
        Ok(pairs.len())
    }

    /// How a reader stands to a student; empty when the roster does not say.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn relations(&self, reader: &Name, handle: &Handle) -> Result<Vec<Relation>, VaultError> {
        let found = self.db.get_cf(family(&self.db, Table::Roster)?, tie_key(handle, reader))?;
        let damaged = |_| VaultError::Damaged("a line of the roster is unreadable".into());
        found.map_or(Ok(Vec::new()), |bytes| borsh::from_slice(&bytes).map_err(damaged))
    }

    /// Everybody who stands somehow to a student.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn relations_to(&self, handle: &Handle) -> Result<Vec<(Name, Vec<Relation>)>, VaultError> {
        let damaged = || VaultError::Damaged("a line of the roster is unreadable".into());
        let mut found = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, Table::Roster)?, from) {
            let (key, bytes) = row?;
            let Some(reader) = key.strip_prefix(&handle.0[..]) else { break };
            let reader = std::str::from_utf8(reader).ok().and_then(|text| Name::new(text).ok());
            let relations = borsh::from_slice(&bytes).map_err(|_| damaged())?;
            found.push((reader.ok_or_else(damaged)?, relations));
        }
        Ok(found)
    }

    /// Everybody who reads somebody, by student and reader.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn all_relations(&self) -> Result<Vec<(Handle, Name, Vec<Relation>)>, VaultError> {
        let damaged = || VaultError::Damaged("a line of the roster is unreadable".into());
        let mut found = Vec::new();
        for row in self.db.iterator_cf(family(&self.db, Table::Roster)?, IteratorMode::Start) {
            let (key, bytes) = row?;
            let (handle, reader) = key.split_first_chunk::<32>().ok_or_else(damaged)?;
            let reader = std::str::from_utf8(reader).ok().and_then(|text| Name::new(text).ok());
            let relations = borsh::from_slice(&bytes).map_err(|_| damaged())?;
            found.push((Handle(*handle), reader.ok_or_else(damaged)?, relations));
        }
        Ok(found)
    }

    /// Forgets the roster: whom an older copy names may have left since.
    pub(crate) fn forget_roster(&self) -> Result<(), VaultError> {
        self.write(self.without_roster()?)
    }

    fn without_roster(&self) -> Result<WriteBatch, VaultError> {
        let mut batch = WriteBatch::default();
        // Longer than any handle and name.
        batch.delete_range_cf(family(&self.db, Table::Roster)?, Vec::new(), vec![u8::MAX; 128]);
        self.forget_tie_journal(&mut batch)?;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ReadError;
    use crate::testkit::*;
    use aula_ledger::access::{Denial, Verdict};
    use aula_ledger::types::SchoolId;

    fn line(reader: &str, handle: Handle, relation: Relation) -> RosterLine {
        RosterLine { reader: Name::new(reader).expect("a name"), handle, relation }
    }

    fn section(text: &str) -> Relation {
        Relation::Section(term(text))
    }

    #[test]
    fn a_teacher_reads_the_sections_students_a_counselor_the_schools_and_nobody_else() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let school = || Relation::School(SchoolId(11));
        world.vault.replace_roster(&[line("t-1042", one, section("4-b")), line("t-1042", two, school())])?;
        let of = |role: &str, handle| read(&world.vault, &request(role, handle, &["name"]));
        assert_eq!(of("teacher", one)?.entry.relation, Some(section("4-b")));
        assert_eq!(of("counselor", two)?.entry.relation, Some(school()));
        // Who counsels at a school teaches nobody there, and the other way round.
        for (role, handle) in [("teacher", two), ("counselor", one)] {
            let denied = of(role, handle);
            let Err(ReadError::Denied(Denial::NoRelation, entry)) = denied else { panic!("{denied:?}") };
            assert_eq!((entry.verdict, entry.relation), (Verdict::Denied(Denial::NoRelation), None));
        }
        // An office covers all; what is open by design asks for no relation.
        assert_eq!(of("admin", two)?.entry.relation, Some(Relation::Office));
        let open = ReadRequest { class: term("resource_allocation"), ..request("teacher", two, &["band"]) };
        assert_eq!(read(&world.vault, &open)?.entry.relation, None);
        Ok(())
    }

    #[test]
    fn whoever_leaves_the_roster_reads_nobody_and_a_restart_forgets_nothing() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let both = [line("t-1042", one, section("4-b")), line("t-1042", one, section("5-a"))];
        assert_eq!(world.vault.replace_roster(&both)?, 1);
        let reader = Name::new("t-1042")?;
        let world = world.reopened()?;
        assert_eq!(world.vault.relations(&reader, &one)?, [section("4-b"), section("5-a")]);
        world.vault.replace_roster(&[line("t-2", two, section("4-b"))])?;
        assert_eq!(world.vault.relations(&reader, &one)?, []);
        let denied = read(&world.vault, &request("teacher", one, &["name"]));
        assert!(matches!(denied, Err(ReadError::Denied(Denial::NoRelation, _))));
        // A line of somebody unknown changes nothing.
        let unknown = Handle([9; 32]);
        let refused = world.vault.replace_roster(&[line("t-3", unknown, section("4-b"))]);
        assert!(matches!(refused, Err(VaultError::UnknownHandle(handle)) if handle == unknown));
        assert_eq!(world.vault.relations(&Name::new("t-2")?, &two)?, [section("4-b")]);
        // Nothing of an erased student stays.
        world.vault.erase(&[two], NOW_MS)?;
        assert_eq!(world.vault.relations(&Name::new("t-2")?, &two)?, []);
        Ok(())
    }

    use crate::access::ReadRequest;
}
