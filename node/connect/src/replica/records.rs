//! The records of a side as a set of numbers: statements and documents of its record store.
//!
//! A number says which record it is, whatever a vault's keys ([`levelling::number`]). Of a school are all that its students hold the key of,
//! and what voids one of these; of the district those that it has of this replica. A statement is opened once to be numbered, a document
//! whenever it was written anew. Absent: what is done with a difference.

use std::collections::{BTreeSet, HashMap, HashSet};

use aula_lrs::store::levelling::{self, is_record};
use aula_vault::{Vault, VaultError};

use super::difference::{Id, root};
use crate::door::{Door, Lent, lent_in_a_moment};

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

/// Of a record's sealing eight bytes where what stands there changes; none of a document that is gone.
///
/// # Errors
/// A damaged vault.
pub(crate) fn tag_of(vault: &Vault, key: &[u8]) -> Result<Option<[u8; 8]>, VaultError> {
    match levelling::changes(key) {
        true => Ok(vault.row_seal(key)?.map(|seal| seal.tag)),
        false => Ok(Some([0; 8])),
    }
}

/// The keys of a school's records, in order; and which of them void another one.
///
/// # Errors
/// [`Lent`].
pub(super) fn of_school(door: &dyn Door) -> Result<(Vec<Vec<u8>>, BTreeSet<Vec<u8>>), Lent> {
    let handles = lent_in_a_moment(door, |vault| {
        let all = vault.keystore().all_handles();
        Ok(all)
    })?;
    let mut keys = BTreeSet::new();
    for chunk in handles.chunks(AT_ONCE) {
        let own = lent_in_a_moment(door, |vault| {
            let mut own = Vec::new();
            for (handle, _) in chunk {
                if !vault.is_erased(handle)? {
                    own.extend(vault.rows_of(handle)?);
                }
            }
            Ok(own)
        })?;
        keys.extend(own.into_iter().filter(|key| is_record(key)));
    }
    if keys.is_empty() {
        return Ok(Default::default());
    }
    let voiding = lent_in_a_moment(door, |vault| levelling::voiding(vault, &vault.terms()?))?;
    let voiding = voiding.into_iter().filter(|(_, target)| keys.contains(target)).map(|(key, _)| key);
    let voiding: BTreeSet<Vec<u8>> = voiding.collect();
    keys.extend(voiding.iter().cloned());
    Ok((keys.into_iter().collect(), voiding))
}

/// The keys of the records that the district has of a replica.
///
/// # Errors
/// [`Lent`].
pub(super) fn of_replica(door: &dyn Door, name: &str) -> Result<Vec<Vec<u8>>, Lent> {
    lent_in_a_moment(door, |vault| levelling::of_replica(vault, &vault.terms()?, name))
}
