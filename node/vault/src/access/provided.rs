//! What a registered client of the district's roster service reads: places on the roster, and results.
//!
//! Flow: rows are opened for the district's own sorting ([`Vault::placed`], [`Vault::results_of`]) → those that are to leave are listed
//! in one synced write ([`Vault::list_provided`]), naming the client → whom that grants may be given. Invariant: the caller gives
//! nothing of a student away whom the list did not grant. Absent: who is a client and with which scopes, which the
//! provider knows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use aula_ledger::access::{AccessEntry, Verdict};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{Handle, SchoolYear, TimeMs};
use rand::RngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::decide::{Decision, Facts, Standing, decide};
use super::fields::{DataClass, ReaderRole};
use super::listed::Asked;
use crate::error::VaultError;
use crate::keystore::StudentRef;
use crate::roster::RosterEntry;
use crate::vault::Vault;

/// What results are kept under.
const RESULT: &str = "assessment:";

/// What leaves of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provided {
    /// The place on the roster: name, grade, school, sections.
    Place,
    /// Fields that begin with `assessment:`.
    Results,
    /// Events, to a replica of the student's school.
    Events,
}

impl Provided {
    /// The fields as the log names them.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Place => &["name", "grade", "enrolment"],
            Self::Results => &["assessment:all"],
            Self::Events => &["events"],
        }
    }
}

/// A field with its value.
pub type Opened = (FieldName, Zeroizing<Vec<u8>>);

/// A student on the roster of a year. Never printed.
#[derive(Clone)]
pub struct Placed {
    /// The handle of the year.
    pub handle: Handle,
    /// The student in all years.
    pub student: StudentRef,
    /// Name, grade, school and sections, as imported last.
    pub place: RosterEntry,
    /// The fields asked for that are kept.
    pub fields: Vec<Opened>,
}

impl std::fmt::Debug for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Placed").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A result of a student: the handle of its year, its name, what it says.
pub type OpenedResult = (Handle, FieldName, Zeroizing<Vec<u8>>);

impl Vault {
    /// Everybody on the roster of a year with these fields, opened for the district's own sorting: nothing of it leaves before
    /// [`Vault::list_provided`].
    ///
    /// # Errors
    /// A damaged vault.
    pub fn placed(&self, year: SchoolYear, fields: &[FieldName]) -> Result<Vec<Placed>, VaultError> {
        self.placed_where(year, fields, |_| true)
    }

    /// As [`Vault::placed`], of those whose place is wanted: nobody else's fields are opened.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn placed_where(
        &self,
        year: SchoolYear,
        fields: &[FieldName],
        wanted: impl Fn(&RosterEntry) -> bool,
    ) -> Result<Vec<Placed>, VaultError> {
        let mut all = Vec::new();
        for (handle, place) in self.roster(year)?.into_iter().filter(|(_, place)| wanted(place)) {
            let Some((_, student)) = self.keystore().student(&handle) else { continue };
            let mut opened = Vec::with_capacity(fields.len());
            for field in fields {
                opened.extend(self.open_record(&handle, field)?.map(|value| (field.clone(), value)));
            }
            all.push(Placed { handle, student, place, fields: opened });
        }
        Ok(all)
    }

    /// The results of a student in every year, opened likewise.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn results_of(&self, student: &StudentRef) -> Result<Vec<OpenedResult>, VaultError> {
        let handles = self.keystore().handles_of(student);
        let mut results = Vec::new();
        for (handle, _) in handles {
            if self.is_erased(&handle)? {
                continue;
            }
            for field in
                self.field_names(&handle)?.into_iter().filter(|name| name.as_str().starts_with(RESULT))
            {
                results.extend(self.open_record(&handle, &field)?.map(|value| (handle, field, value)));
            }
        }
        Ok(results)
    }

    /// When imports wrote something of whom last, milliseconds since 1970. One that was undone since may have been of anybody: it
    /// counts for those whom the map does not name later.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn changed_by_imports(&self) -> Result<(BTreeMap<Handle, u64>, u64), VaultError> {
        let (mut changed, mut undone): (BTreeMap<Handle, u64>, u64) = (BTreeMap::new(), 0);
        for note in self.imports()? {
            undone = undone.max(note.undone_ms.unwrap_or(0));
            for handle in self.touched_by(note.import)? {
                let at = changed.entry(handle).or_default();
                *at = (*at).max(note.at_ms);
            }
        }
        Ok((changed, undone))
    }

    /// Decides and lists that a registered client reads this of these students, all in one synced write. Gives those of whom it may.
    ///
    /// # Errors
    /// When the log cannot be written: nothing is to be given then.
    pub fn list_provided(
        &self,
        handles: &BTreeSet<Handle>,
        reader: &Name,
        what: Provided,
        now_ms: u64,
    ) -> Result<BTreeSet<Handle>, VaultError> {
        let damaged = |_| VaultError::Damaged("a word of the program's is not valid".into());
        let word = |text| Term::new(text).map_err(damaged);
        let (role, class) = (word(ReaderRole::Service.name())?, word(DataClass::FerpaPii.name())?);
        let purpose = word(aula_ledger::access::Purpose::InstitutionalService.name())?;
        let fields = what.names().iter().map(|name| FieldName::new(name).map_err(damaged));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let (mut granted, mut entries) = (BTreeSet::new(), Vec::with_capacity(handles.len()));
        // A replica is a program of the district's, as those that fold.
        let standing = if what == Provided::Events { Standing::Verified } else { Standing::Registered };
        for handle in handles {
            let decision = decide(&Facts {
                standing,
                role: &role,
                class: &class,
                purpose: &purpose,
                consent: None,
                relations: &[],
                presence: self.presence(handle)?,
                fields: &fields,
            });
            if matches!(decision, Decision::Allow { .. }) {
                granted.insert(*handle);
            }
            let (role, class, purpose) = (&role, &class, &purpose);
            let asked = Asked { handle, reader, role, class, purpose, fields: &fields };
            entries.push(self.entry_of(&asked, &decision, now_ms)?);
        }
        self.log_reads(&mut entries)?;
        debug_assert!(
            entries.iter().filter(|entry| entry.verdict == Verdict::Granted).count() == granted.len()
        );
        Ok(granted)
    }

    /// Numbers, dates and salts entries, and writes them together.
    pub(super) fn log_reads(&self, entries: &mut [AccessEntry]) -> Result<(), VaultError> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut number, mut time) = match self.last_entry()? {
            Some(last) => (last.number.saturating_add(1), last.time_ms),
            None => (0, TimeMs(0)),
        };
        for entry in entries.iter_mut() {
            (entry.number, entry.time_ms) = (number, entry.time_ms.max(time));
            (number, time) = (number.saturating_add(1), entry.time_ms);
            OsRng.fill_bytes(&mut entry.salt);
        }
        log.append_all(&self.way(), entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::*;

    #[test]
    fn a_client_reads_whom_the_log_grants_and_is_named_in_it() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let reader = Name::new("lms-east")?;
        world.vault.erase(&[two], NOW_MS)?;
        let before = world.vault.entries()?.len();
        let both: BTreeSet<Handle> = [one, two].into();
        let granted = world.vault.list_provided(&both, &reader, Provided::Place, NOW_MS)?;
        assert_eq!(granted, [one].into());
        let entries = world.vault.entries()?;
        assert_eq!(entries.len(), before + 2, "what is denied is listed as well");
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.number).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
        let of_one = entries.iter().rev().find(|entry| entry.handle == one).ok_or("not listed")?;
        assert_eq!(
            (of_one.reader.as_str(), of_one.role.as_str(), of_one.verdict),
            ("lms-east", "service", Verdict::Granted)
        );
        assert_eq!(of_one.fields, ["name", "grade", "enrolment"].map(field));
        assert_eq!(of_one.purpose, term("institutional_service"));
        // Nothing to list is nothing written.
        assert!(world.vault.list_provided(&BTreeSet::new(), &reader, Provided::Results, NOW_MS)?.is_empty());
        assert_eq!(world.vault.entries()?.len(), before + 2);
        // A registered client is no service: a credential of that role still reads no name.
        let denied = read(&world.vault, &request("service", one, &["name"]));
        assert!(denied.is_err(), "{denied:?}");
        Ok(())
    }
}
