//! The records of a side as a set of numbers: statements and documents of its record store.
//!
//! A number says which record it is, whatever a vault's keys ([`levelling::number`]). Of a school are all that its students hold the key of, that
//! name one of them and nobody holds, and that void one of these; of the district those that it has of this replica. A statement is opened once to be numbered, a document
//! whenever it was written anew. Absent: what is done with a difference; for how long numbers are kept (`recorded`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aula_ledger::types::{Handle, SchoolYear};
use aula_lrs::store::levelling;
use aula_vault::{Vault, VaultError};

use super::difference::{Id, root};
use super::people;
use crate::door::{Door, Lent, lent_in_a_moment};
use crate::taking::records::{held_by, strays, tag_of};

/// Students, or records, that are looked at in one borrowing of the vault.
const AT_ONCE: usize = 200;

/// A record that was numbered.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    /// Of the sealing, where what stands there changes.
    tag: [u8; 8],
    id: Option<Id>,
}

/// What was numbered so far, kept between levellings.
#[derive(Debug, Default)]
pub(super) struct RecordNumbers {
    of: HashMap<Vec<u8>, Numbered>,
}

/// A record's key, and of its sealing eight bytes where what stands there changes.
pub(super) type SealedRow = (Vec<u8>, [u8; 8]);

/// Records as they stood once.
#[derive(Debug, Default)]
pub(super) struct RecordSet {
    /// The numbers, in order.
    pub ids: Vec<Id>,
    rows: Vec<SealedRow>,
    /// Documents that have no number: they do not say where they lie.
    pub nowhere: u64,
}

impl RecordSet {
    /// The digest of it.
    pub fn root(&self) -> [u8; 32] {
        root(&self.ids)
    }

    /// The record of a number.
    pub fn row(&self, id: &Id) -> Option<&SealedRow> {
        self.rows.get(self.ids.binary_search(id).ok()?)
    }

    /// All of them.
    pub fn rows(&self) -> &[SealedRow] {
        &self.rows
    }
}

impl RecordNumbers {
    /// Numbers the records of these keys as they stand now. Blocks for a moment where the vault is with somebody else.
    ///
    /// # Errors
    /// [`Lent`]: what was numbered until then is not opened again.
    pub fn set(&mut self, door: &dyn Door, keys: &[Vec<u8>]) -> Result<RecordSet, Lent> {
        let (mut all, mut nowhere) = (Vec::with_capacity(keys.len()), 0_u64);
        for chunk in keys.chunks(AT_ONCE) {
            for (key, one) in lent_in_a_moment(door, |vault| self.of_rows(vault, chunk))? {
                match one.id {
                    Some(id) => all.push((id, (key.clone(), one.tag))),
                    None => nowhere = nowhere.saturating_add(1),
                }
                self.of.insert(key, one);
            }
        }
        if self.of.len() > keys.len() {
            let there: HashSet<&Vec<u8>> = keys.iter().collect();
            self.of.retain(|key, _| there.contains(key));
        }
        all.sort_unstable();
        all.dedup_by_key(|(id, _)| *id);
        let (ids, rows) = all.into_iter().unzip();
        Ok(RecordSet { ids, rows, nowhere })
    }

    fn of_rows(&self, vault: &Vault, keys: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Numbered)>, VaultError> {
        let (terms, mut found) = (vault.terms()?, Vec::with_capacity(keys.len()));
        for key in keys {
            let Some(tag) = tag_of(vault, key)? else { continue };
            if let Some(known) = self.of.get(key).filter(|known| known.tag == tag) {
                found.push((key.clone(), *known));
                continue;
            }
            // One after the other: a statement has attachments of megabytes.
            if let Some(row) = vault.open_rows(None, std::slice::from_ref(key), 0)?.pop() {
                found.push((key.clone(), Numbered { tag, id: levelling::number(&terms, &row) }));
            }
        }
        Ok(found)
    }
}

/// A school's records.
#[derive(Debug, Default)]
pub(super) struct OfSchool {
    /// Their keys, in order.
    pub keys: Vec<Vec<u8>>,
    /// The keys of those that void another one.
    pub voiding: BTreeSet<Vec<u8>>,
    /// The students whom those name that came before anybody knew them, so that nobody holds their keys.
    pub named: BTreeMap<Vec<u8>, BTreeSet<String>>,
}

impl OfSchool {
    /// The records behind a door, where accounts of these home pages are students.
    ///
    /// # Errors
    /// [`Lent`].
    pub fn of(door: &dyn Door, home_pages: &BTreeSet<String>) -> Result<Self, Lent> {
        let students = lent_in_a_moment(door, |vault| Ok(people::students(vault)))?;
        let (mut keys, mut named) = (BTreeSet::new(), BTreeMap::<Vec<u8>, BTreeSet<String>>::new());
        for chunk in students.chunks(AT_ONCE) {
            let (own, others) = lent_in_a_moment(door, |vault| of_students(vault, chunk, home_pages))?;
            keys.extend(own);
            for (key, id) in others {
                named.entry(key).or_default().insert(id);
            }
        }
        keys.extend(named.keys().cloned());
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let voiding = lent_in_a_moment(door, |vault| levelling::voiding(vault, &vault.terms()?))?;
        let voiding = voiding.into_iter().filter(|(_, target)| keys.contains(target)).map(|(key, _)| key);
        let voiding: BTreeSet<Vec<u8>> = voiding.collect();
        keys.extend(voiding.iter().cloned());
        Ok(Self { keys: keys.into_iter().collect(), voiding, named })
    }
}

/// The keys of records that students hold, and of those that name one of them and nobody holds.
type Found = (Vec<Vec<u8>>, Vec<(Vec<u8>, String)>);

fn of_students(
    vault: &Vault,
    students: &[Vec<(Handle, SchoolYear)>],
    home_pages: &BTreeSet<String>,
) -> Result<Found, VaultError> {
    let (terms, mut own, mut others) = (vault.terms()?, Vec::new(), Vec::new());
    for handles in students {
        let (mut rows, mut id) = (BTreeSet::new(), None);
        for (handle, _) in handles {
            if !vault.is_erased(handle)? {
                rows.extend(held_by(vault, handle)?);
                id = vault.roster_entry(handle)?.map(|place| place.local_id.clone()).or(id);
            }
        }
        if let Some(id) = id {
            let strays = strays(vault, &terms, (home_pages, &id), &rows)?;
            others.extend(strays.into_iter().map(|key| (key, id.clone())));
        }
        own.extend(rows);
    }
    Ok((own, others))
}

/// The keys of the records that the district has of a replica.
///
/// # Errors
/// [`Lent`].
pub(super) fn of_replica(door: &dyn Door, name: &str) -> Result<Vec<Vec<u8>>, Lent> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    loop {
        let after = keys.last().map(Vec::as_slice);
        let some = lent_in_a_moment(door, |vault| {
            levelling::of_replica(vault, &vault.terms()?, name, (after, AT_ONCE))
        })?;
        let is_all = some.len() < AT_ONCE;
        keys.extend(some);
        if is_all {
            return Ok(keys);
        }
    }
}
