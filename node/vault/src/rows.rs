//! Rows that name several students, one, or nobody whom the district knows: a feed's statements and documents.
//!
//! A row has a random key of its own, wrapped for each student in it; without any it is wrapped for the district, for good
//! or until a day. What a student alone is called in it ([`NewRow::own`]) is sealed under that student's key apart, so that
//! it goes with him and the others' row stays. Rows are found by *terms*: HMACs under a key of the district's
//! ([`Vault::term`]), which the files show and nobody can read.
//!
//! Flow: [`Vault::change_rows`], one batch, all or nothing, visible at once → [`Vault::sync_rows`], after which it is on
//! disk → [`Vault::open_rows`], which lists the read of every student in a row before it opens one. Erasing a student
//! ([`Vault::erase`]) removes rows that are his alone, and of the others his wrapped key, his parts, his terms, and what
//! only all of them together may have ([`NewRow::whole`]); what nobody had matched with him goes by his terms too.
//! Invariants: nothing personal stands in clear; a row's parts open at that row only. Absent: what is in a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use borsh::{BorshDeserialize, BorshSerialize};
use rocksdb::{Direction, IteratorMode, ReadOptions, WriteBatch};
use zeroize::Zeroizing;

use crate::ciphers::row_cipher;
use crate::error::VaultError;
use crate::seal::Cipher;
use crate::secret::SecretKey;
use crate::tables::{Table, family};
use crate::vault::{MAX_VALUE_BYTES, Vault};

mod leave;
mod levelling;
mod sealing;
mod terms;
#[cfg(test)]
mod tests;

pub use levelling::RowSeal;
pub use terms::{RowTerm, TermSet, Terms};

/// Most bytes of a row's key.
pub const MAX_ROW_KEY_BYTES: usize = 64;
/// Most bytes of a row's part: a statement's attachments are larger than a field.
pub const MAX_PART_BYTES: usize = 16 * MAX_VALUE_BYTES;

/// Who holds a row's key when no student is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Custody {
    /// The students in it, each with a wrapped key: it opens while one of them is left.
    Students,
    /// The district, for good.
    District,
    /// The district until this time, in milliseconds since 1970: [`Vault::drop_unassigned`] removes it then.
    Unassigned(u64),
}

/// A row to be kept.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// Its key, at most 64 bytes; a row that is there is replaced.
    pub key: Vec<u8>,
    /// The writer knows that no row has this key, so that none is looked for.
    pub is_first: bool,
    /// The students in it, each once, with what he alone is called in it.
    pub own: Vec<(Handle, Vec<u8>)>,
    /// Who holds it when there are none.
    pub custody: Custody,
    /// What everybody in it shares.
    pub common: Vec<u8>,
    /// What goes with the first of them.
    pub whole: Vec<u8>,
    /// What it is found by, and its outline shows.
    pub terms: TermSet,
    /// What it is found by besides.
    pub keys: TermSet,
    /// Terms that name somebody in it, here or in other rows.
    pub terms_of: Vec<(Handle, TermSet)>,
    /// The writer's marks, in clear.
    pub marks: Vec<u8>,
}

impl NewRow {
    /// About what it takes in a batch: its texts, and each term in the row and in the index.
    fn bytes(&self) -> usize {
        let own: usize = self.own.iter().map(|(_, own)| own.len().saturating_add(256)).sum();
        let terms = self.terms.iter().len().saturating_add(self.keys.iter().len());
        own.saturating_add(self.common.len())
            .saturating_add(self.whole.len())
            .saturating_add(terms.saturating_mul(96))
            .saturating_add(256)
    }
}

/// What one batch does to rows: all of it, or nothing.
#[derive(Debug, Clone, Default)]
pub struct RowChange {
    /// New rows.
    pub put: Vec<NewRow>,
    /// Keys of rows to be removed.
    pub delete: Vec<Vec<u8>>,
    /// New marks of rows that are there.
    pub marks: Vec<(Vec<u8>, Vec<u8>)>,
    /// Terms by which rows that are there are found as well.
    pub keys: Vec<(Vec<u8>, BTreeSet<RowTerm>)>,
    /// Terms by which rows that are there are found no more, where it was [`RowChange::keys`] that they were found by them.
    pub forgotten: Vec<(Vec<u8>, RowTerm)>,
}

/// What is known of a row without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutline {
    /// HMACs by which the row is found.
    pub terms: BTreeSet<RowTerm>,
    /// The writer's own bytes, in clear: nothing personal.
    pub marks: Vec<u8>,
    /// Somebody in it was erased.
    pub redacted: bool,
}

/// A row that was opened for the students in it. Its parts are wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct OpenRow {
    /// As its writer chose it, at most [`MAX_ROW_KEY_BYTES`].
    pub key: Vec<u8>,
    /// What everybody shares.
    pub common: Zeroizing<Vec<u8>>,
    /// What each of them that is left is called.
    pub own: Vec<Zeroizing<Vec<u8>>>,
    /// What all of them together have; none once one is gone.
    pub whole: Option<Zeroizing<Vec<u8>>>,
}

/// A row as it lies on disk; a new one borrows what its writer gave.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
struct Row<'a> {
    custody: Custody,
    /// The row's key, wrapped for each student, or once for the district.
    wraps: Vec<(Handle, Vec<u8>)>,
    district: Option<Vec<u8>>,
    own: Vec<(Handle, Vec<u8>)>,
    common: Vec<u8>,
    whole: Option<Vec<u8>>,
    terms: Cow<'a, TermSet>,
    keys: TermSet,
    terms_of: Cow<'a, [(Handle, TermSet)]>,
    marks: Cow<'a, [u8]>,
    redacted: bool,
}

/// Names of the district's keys, with [`crate::keystore::ROW_INDEX_KEY`].
const DISTRICT_KEY: &str = "rows";
const UNASSIGNED_KEY: &str = "unassigned";

impl Vault {
    /// The term of these bytes: HMAC-SHA-256 under the district's index key.
    ///
    /// # Errors
    /// When the keystore cannot be written, the first time.
    pub fn term(&self, bytes: &[u8]) -> Result<RowTerm, VaultError> {
        Ok(Terms::of(self)?.term(bytes))
    }

    /// What computes terms, for many of them.
    ///
    /// # Errors
    /// As [`Vault::term`].
    pub fn terms(&self) -> Result<Terms, VaultError> {
        Terms::of(self)
    }

    /// Applies a change: all of it or nothing, visible on return, on disk after [`Vault::sync_rows`].
    ///
    /// # Errors
    /// An unknown or erased student, a part or key that is too large, a disk that refuses.
    pub fn change_rows(&self, change: &RowChange) -> Result<(), VaultError> {
        let held: usize = change.put.iter().map(NewRow::bytes).fold(0, usize::saturating_add);
        let mut batch = WriteBatch::with_capacity_bytes(held);
        self.put_rows(&mut batch, &change.put)?;
        for key in &change.delete {
            self.drop_row(&mut batch, key)?;
        }
        // Both may be of one row, which the batch does not show yet.
        let mut changed: BTreeMap<&[u8], Row<'_>> = BTreeMap::new();
        let marked = change.marks.iter().map(|(key, _)| key);
        let found = change.keys.iter().map(|(key, _)| key).chain(change.forgotten.iter().map(|(key, _)| key));
        for key in marked.chain(found) {
            if let Some(row) = self.row(key)? {
                changed.insert(key, row);
            }
        }
        for (key, marks) in &change.marks {
            if let Some(row) = changed.get_mut(key.as_slice()) {
                row.marks = Cow::Borrowed(marks);
            }
        }
        for (key, keys) in &change.keys {
            if let Some(row) = changed.get_mut(key.as_slice()) {
                row.keys.extend(keys.iter().copied());
            }
        }
        for (key, term) in &change.forgotten {
            if let Some(row) = changed.get_mut(key.as_slice()) {
                row.keys.retain(|own| own != term);
                batch.delete_cf(family(&self.db, Table::RowIndex)?, [&term[..], key].concat());
            }
        }
        for (key, row) in changed {
            batch.put_cf(family(&self.db, Table::Rows)?, key, encode(&row)?);
            for term in row.terms.iter().chain(&row.keys) {
                batch.put_cf(family(&self.db, Table::RowIndex)?, [&term[..], key].concat(), []);
            }
        }
        self.write_later(batch)
    }

    /// Waits until every change of rows before is on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync_rows(&self) -> Result<(), VaultError> {
        self.sync_writes()
    }

    /// What is known of a row without opening it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn row_outline(&self, key: &[u8]) -> Result<Option<RowOutline>, VaultError> {
        let row = self.row(key)?;
        Ok(row.map(|row| RowOutline {
            terms: row.terms.iter().copied().collect(),
            marks: row.marks.into_owned(),
            redacted: row.redacted,
        }))
    }

    /// Keys of rows from `from` to `to`, inclusive, under a term or all of them; backwards when asked; at most so many.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn row_keys(
        &self,
        term: Option<&RowTerm>,
        (from, to): (&[u8], &[u8]),
        backwards: bool,
        at_most: usize,
    ) -> Result<Vec<Vec<u8>>, VaultError> {
        let prefix = term.map_or(&[][..], |term| &term[..]);
        let table = if term.is_some() { Table::RowIndex } else { Table::Rows };
        let (first, last) = ([prefix, from].concat(), [prefix, to].concat());
        let mode = match backwards {
            true => IteratorMode::From(&last, Direction::Reverse),
            false => IteratorMode::From(&first, Direction::Forward),
        };
        let mut found = Vec::new();
        for row in self.db.iterator_cf(family(&self.db, table)?, mode) {
            let (key, _) = row?;
            if found.len() == at_most || key.as_ref() < first.as_slice() || key.as_ref() > last.as_slice() {
                break;
            }
            found.extend(key.strip_prefix(prefix).map(<[u8]>::to_vec));
        }
        Ok(found)
    }

    /// The lowest key of a row under each of these terms; none where there is none. For many terms at once.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn first_rows(&self, terms: &[RowTerm]) -> Result<Vec<Option<Vec<u8>>>, VaultError> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        let mut rows = self.db.raw_iterator_cf_opt(family(&self.db, Table::RowIndex)?, options);
        let mut found = Vec::with_capacity(terms.len());
        for term in terms {
            rows.seek(term);
            rows.status()?;
            found.push(rows.key().and_then(|key| key.strip_prefix(&term[..])).map(<[u8]>::to_vec));
        }
        Ok(found)
    }

    /// Opens rows for a reader, whose reads are listed first, one entry a student; none for the writer itself, to whom
    /// nothing leaves. Rows that are gone, and those of students whom this reader may not read, are left out.
    ///
    /// # Errors
    /// When the log cannot be written, so that nothing is read; a row that does not open.
    pub fn open_rows(
        &self,
        reader: Option<&Name>,
        keys: &[Vec<u8>],
        now_ms: u64,
    ) -> Result<Vec<OpenRow>, VaultError> {
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.extend(self.row(key)?.map(|row| (key, row)));
        }
        let everybody: BTreeSet<Handle> =
            rows.iter().flat_map(|(_, row)| row.wraps.iter().map(|(handle, _)| *handle)).collect();
        let mut denied = BTreeSet::new();
        for handle in &everybody {
            let allowed = match reader {
                Some(reader) => self.list_service_read(handle, reader, now_ms)?,
                None => !self.is_erased(handle)?,
            };
            if !allowed {
                denied.insert(*handle);
            }
        }
        rows.retain(|(_, row)| !row.wraps.iter().any(|(handle, _)| denied.contains(handle)));
        rows.into_iter().map(|(key, row)| self.open_row(key, &row)).collect()
    }

    fn open_row(&self, key: &[u8], row: &Row<'_>) -> Result<OpenRow, VaultError> {
        let unreadable = |_| VaultError::Damaged("a row does not open".into());
        let (wrapped, wrapping, holder) = match (row.wraps.first(), &row.district) {
            (Some((handle, wrapped)), _) => (wrapped, row_cipher(&self.student_secret(handle)?), handle.0),
            (None, Some(wrapped)) => (wrapped, self.district_cipher(row.custody)?, [0; 32]),
            (None, None) => return Err(VaultError::Damaged("a row has no key".into())),
        };
        let clear = wrapping.open(wrapped, &self.row_bound(b'k', key, &holder)).map_err(unreadable)?;
        let bytes = clear.first_chunk::<32>().ok_or(VaultError::Damaged("a row's key is cut".into()))?;
        let cipher = Cipher::new(&SecretKey::from_bytes(bytes));
        let common = cipher.open(&row.common, &self.row_bound(b'c', key, &[])).map_err(unreadable)?;
        let whole = row.whole.as_ref().map(|whole| cipher.open(whole, &self.row_bound(b'w', key, &[])));
        let own = row.own.iter().map(|(handle, sealed)| {
            let cipher = row_cipher(&self.student_secret(handle)?);
            cipher.open(sealed, &self.row_bound(b'o', key, &handle.0)).map_err(unreadable)
        });
        let own = own.collect::<Result<_, _>>()?;
        Ok(OpenRow { key: key.to_vec(), common, own, whole: whole.transpose().map_err(unreadable)? })
    }

    fn row(&self, key: &[u8]) -> Result<Option<Row<'static>>, VaultError> {
        let damaged = |_| VaultError::Damaged("a row is unreadable".into());
        let bytes = self.db.get_pinned_cf(family(&self.db, Table::Rows)?, key)?;
        bytes.map(|bytes| borsh::from_slice(&bytes).map_err(damaged)).transpose()
    }

    fn drop_row(&self, batch: &mut WriteBatch, key: &[u8]) -> Result<(), VaultError> {
        let Some(row) = self.row(key)? else { return Ok(()) };
        batch.delete_cf(family(&self.db, Table::Rows)?, key);
        for term in row.terms.iter().chain(&row.keys) {
            batch.delete_cf(family(&self.db, Table::RowIndex)?, [&term[..], key].concat());
        }
        for (handle, _) in &row.wraps {
            batch.delete_cf(family(&self.db, Table::RowsOf)?, [&handle.0[..], key].concat());
        }
        Ok(())
    }

    /// The cipher that wraps what no student holds.
    fn district_cipher(&self, custody: Custody) -> Result<Cipher, VaultError> {
        let name = if matches!(custody, Custody::Unassigned(_)) { UNASSIGNED_KEY } else { DISTRICT_KEY };
        Ok(row_cipher(&self.keystore().district_key(name)?))
    }

    /// What a sealed part belongs to: label, district, which part, whose, row.
    fn row_bound(&self, part: u8, key: &[u8], whose: &[u8]) -> Vec<u8> {
        [b"aula/v1/vault-row", &self.owner.bytes()[..], &[part], whose, key].concat()
    }
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), VaultError> {
    if found <= limit { Ok(()) } else { Err(VaultError::TooLarge { what, found, limit }) }
}

fn encode(row: &impl BorshSerialize) -> Result<Vec<u8>, VaultError> {
    borsh::to_vec(row).map_err(|error| VaultError::Unwritable(error.to_string()))
}
