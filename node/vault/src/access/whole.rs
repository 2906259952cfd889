//! A student's whole record, for those whose it is and for the district that takes its data elsewhere.
//!
//! Flow: the names of the fields that are kept, which stand in clear → the one [`decide`] → entries in the log, one a class of data
//! and 64 names → everything that was granted, opened. Names that begin alike are listed as one (`skill:all`), as a dashboard
//! asks for them. Invariants: nothing is opened before its entry is on disk; the sealed state is never part of it, since the
//! events are. Absent: rows that name several students ([`crate::rows`]), and any form of file.

use std::collections::BTreeSet;

use aula_ledger::access::{ConsentChoice, Denial, MAX_ENTRY_FIELDS, Purpose, Relation};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode};
use zeroize::Zeroizing;

use super::decide::{Decision, Facts, Standing, decide};
use super::fields::{DataClass, PORTABILITY, ReaderRole, class_of};
use super::listed::Asked;
use super::{Linked, ReadError, Wanted};
use crate::corrections::Correction;
use crate::error::VaultError;
use crate::feeds::KeptEvent;
use crate::reserved::{EVENTS, STATE};
use crate::roster::RosterEntry;
use crate::tables::{Table, family};
use crate::vault::{Vault, record_cipher};

/// The name under which a district's own export is listed.
const EXPORT: &str = "aula-export";

/// Everything that the vault has of one student in one school year. Never printed.
#[derive(Clone)]
pub struct Whole {
    /// Numbers of the entries that list the read.
    pub entries: Vec<u64>,
    /// Fields by name, as they were written.
    pub fields: Vec<(FieldName, Zeroizing<Vec<u8>>)>,
    /// Events in order, with where they came from.
    pub events: Vec<KeptEvent>,
    /// The place on the roster.
    pub roster: Option<RosterEntry>,
    /// What somebody said is wrong, and the answers.
    pub corrections: Vec<Correction>,
    /// The family's newest words.
    pub consents: Vec<(Purpose, ConsentChoice)>,
    /// Who stands how to the student.
    pub relations: Vec<(Name, Vec<Relation>)>,
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whole").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Vault {
    /// Gives a student or family their whole record; each class of data that it has is an entry of the log, and what is denied is
    /// listed too.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn inspect(&self, linked: &Linked, handle: &Handle, now_ms: u64) -> Result<Whole, ReadError> {
        let mut entries = Vec::new();
        for (class, names) in self.listed_names(handle)? {
            let given =
                self.read_linked(linked, &Wanted { handle: *handle, class, fields: &names }, now_ms)?;
            if given.entry.fields != names {
                // Only those whose record it is may have all of it.
                return Err(ReadError::Denied(Denial::NothingNeeded, Box::new(given.entry)));
            }
            entries.push(given.entry.number);
        }
        Ok(self.open_whole(handle, entries)?)
    }

    /// Gives the district's operator, who has both of the vault's folders, a student's whole record, to take it elsewhere. Listed as
    /// the reader `aula-export`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn take_out(&self, handle: &Handle, now_ms: u64) -> Result<Whole, ReadError> {
        let damaged = |_| VaultError::Damaged("a word of the program's is not valid".into());
        let word = |text: &str| Term::new(text).map_err(damaged);
        let reader = Name::new(EXPORT).map_err(damaged)?;
        let (role, purpose) = (word(ReaderRole::Service.name())?, word(PORTABILITY)?);
        let mut entries = Vec::new();
        for (class, names) in self.listed_names(handle)? {
            let class = word(class.name())?;
            let decision = decide(&Facts {
                standing: Standing::Keeper,
                role: &role,
                class: &class,
                purpose: &purpose,
                consent: None,
                relations: &[],
                presence: self.presence(handle)?,
                fields: &names,
            });
            let (role, class, purpose) = (&role, &class, &purpose);
            let asked = Asked { handle, reader: &reader, role, class, purpose, fields: &names };
            let entry = self.list_decided(&asked, &decision, now_ms).map_err(ReadError::LogUnwritable)?;
            if let Decision::Deny(denial) = decision {
                return Err(ReadError::Denied(denial, Box::new(entry)));
            }
            entries.push(entry.number);
        }
        Ok(self.open_whole(handle, entries)?)
    }

    /// Names of the fields that are kept of a student.
    ///
    /// # Errors
    /// When the database fails.
    pub fn field_names(&self, handle: &Handle) -> Result<Vec<FieldName>, VaultError> {
        let damaged = || VaultError::Damaged("a field has no name".into());
        let mut names = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, Table::Records)?, from) {
            let (key, _) = row?;
            let Some(name) = key.strip_prefix(&handle.0[..]) else { break };
            let name = std::str::from_utf8(name).ok().and_then(|text| FieldName::new(text).ok());
            names.push(name.ok_or_else(damaged)?);
        }
        Ok(names)
    }

    /// What the log says of a whole record: names, those that begin alike as one, by class of data, 64 at a time.
    fn listed_names(&self, handle: &Handle) -> Result<Vec<(DataClass, Vec<FieldName>)>, VaultError> {
        let damaged = |_| VaultError::Damaged("a field has no name".into());
        let mut names = BTreeSet::from([FieldName::new(EVENTS).map_err(damaged)?]);
        for name in self.field_names(handle)?.into_iter().filter(|name| name.as_str() != STATE) {
            names.insert(match name.as_str().split_once(':') {
                Some((kind, _)) => FieldName::new(&format!("{kind}:all")).map_err(damaged)?,
                None => name,
            });
        }
        let mut listed = Vec::new();
        for class in [DataClass::FerpaPii, DataClass::ResourceAllocation] {
            let own: Vec<FieldName> = names.iter().filter(|name| class_of(name) == class).cloned().collect();
            listed.extend(own.chunks(MAX_ENTRY_FIELDS).map(|chunk| (class, chunk.to_vec())));
        }
        Ok(listed)
    }

    /// Opens all of it; the caller has the entries.
    fn open_whole(&self, handle: &Handle, entries: Vec<u64>) -> Result<Whole, VaultError> {
        let mut fields = Vec::new();
        for name in self.field_names(handle)?.into_iter().filter(|name| name.as_str() != STATE) {
            if let Some(value) = self.open_record(handle, &name)? {
                fields.push((name, value));
            }
        }
        let cipher = record_cipher(&self.student_secret(handle)?);
        let mut events = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, Table::Events)?, from) {
            let (key, sealed) = row?;
            let Some(key) = key.strip_prefix(&handle.0[..]) else { break };
            events.push(self.open_event(&cipher, handle, key, &sealed)?);
        }
        let mut consents = Vec::new();
        for purpose in Purpose::ALL {
            consents.extend(self.consent(handle, purpose)?.map(|choice| (purpose, choice)));
        }
        Ok(Whole {
            entries,
            fields,
            events,
            roster: self.roster_entry(handle)?,
            corrections: self.corrections(handle)?,
            consents,
            relations: self.relations_to(handle)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::access::Verdict;

    use super::*;
    use crate::testkit::*;

    #[test]
    fn a_family_has_all_of_its_record_and_a_teacher_has_not() -> Tested {
        let world = World::new()?;
        let [[one, _], _] = world.handles;
        world.vault.put_fields(&[
            (one, field("skill:00001"), b"1"),
            (one, field("skill:00002"), b"2"),
            (one, field("local:bus"), b"\"4\""),
        ])?;
        let linked = |role| Linked { reader: Name::new("f-1").expect("a name"), role };
        let before = world.vault.entries()?.len();
        let whole = world.vault.inspect(&linked(ReaderRole::Family), &one, NOW_MS)?;
        let names: Vec<&str> = whole.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["band", "local:bus", "name", "need", "skill:00001", "skill:00002"]);
        assert_eq!((whole.events.len(), whole.consents.len(), whole.relations.len()), (2, 1, 1));
        let entries = world.vault.entries()?;
        let listed: Vec<Vec<&str>> =
            entries[before..].iter().map(|one| one.fields.iter().map(FieldName::as_str).collect()).collect();
        assert_eq!(listed, [vec!["events", "local:all", "name", "need", "skill:all"], vec!["band"]]);
        assert_eq!(whole.entries, [before as u64, before as u64 + 1]);
        let denied = world.vault.inspect(&linked(ReaderRole::Teacher), &one, NOW_MS);
        assert!(matches!(denied, Err(ReadError::Denied(..))), "{denied:?}");
        Ok(())
    }

    #[test]
    fn what_a_district_takes_out_is_listed_and_nobody_over_a_network_has_it() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let whole = world.vault.take_out(&one, NOW_MS)?;
        let last = world.vault.last_entry()?.ok_or("no entry")?;
        assert_eq!((last.reader.as_str(), last.purpose.as_str()), (EXPORT, PORTABILITY));
        assert_eq!((last.verdict, whole.events.len()), (Verdict::Granted, 2));
        for role in ["service", "admin", "operator"] {
            let asked =
                super::super::ReadRequest { purpose: term(PORTABILITY), ..request(role, one, &["name"]) };
            let denied = read(&world.vault, &asked);
            assert!(matches!(denied, Err(ReadError::Denied(Denial::InsufficientData, _))), "{denied:?}");
        }
        world.vault.erase(&[two], NOW_MS)?;
        let gone = world.vault.take_out(&two, NOW_MS);
        assert!(matches!(gone, Err(ReadError::Denied(Denial::Erased, _))), "{gone:?}");
        Ok(())
    }
}
