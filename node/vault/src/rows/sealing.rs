//! New rows: sealed for who is in them, and put into the index, a batch at a time.
//!
//! What a batch needs of randomness is drawn at once, ciphers stay ready between batches ([`crate::ciphers`]), and the index gets
//! its keys in their order. A row with somebody who is unknown or erased refuses the batch.

use aula_ledger::types::Handle;
use rand::RngCore;
use rand::rngs::OsRng;
use rocksdb::WriteBatch;
use std::borrow::Cow;
use std::sync::PoisonError;
use zeroize::Zeroizing;

use super::{
    Custody, DISTRICT_KEY, MAX_PART_BYTES, MAX_ROW_KEY_BYTES, NewRow, Row, RowTerm, UNASSIGNED_KEY, encode,
    within,
};
use crate::ciphers::ReadyCiphers;
use crate::error::VaultError;
use crate::seal::Cipher;
use crate::secret::SecretKey;
use crate::tables::{Table, family};
use crate::vault::{Nonces, Vault};

/// The randomness of a batch: a key for each row, and a nonce for each sealed part.
struct Drawn {
    keys: Zeroizing<Vec<u8>>,
    nonces: Nonces,
}

impl Drawn {
    fn of(rows: &[NewRow]) -> Self {
        let mut keys = Zeroizing::new(vec![0; rows.len().saturating_mul(32)]);
        OsRng.fill_bytes(&mut keys);
        // A key wrapped and a part for each student, else for the district; and what all share, in two parts.
        let parts = rows.iter().map(|row| row.own.len().saturating_mul(2).saturating_add(3));
        Self { keys, nonces: Nonces::draw(parts.fold(0, usize::saturating_add)) }
    }

    fn key(&mut self) -> SecretKey {
        let rest = self.keys.len().saturating_sub(32);
        let key = self.keys.get(rest..).and_then(<[u8]>::first_chunk::<32>).map(SecretKey::from_bytes);
        self.keys.truncate(rest);
        key.unwrap_or_else(SecretKey::random)
    }
}

impl Vault {
    pub(super) fn put_rows(&self, batch: &mut WriteBatch, rows: &[NewRow]) -> Result<(), VaultError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut drawn = Drawn::of(rows);
        // A panic elsewhere left ciphers that are whole.
        let mut ciphers = self.row_ciphers.lock().unwrap_or_else(PoisonError::into_inner);
        ciphers.refresh(self.keystore().current().name());
        let table = family(&self.db, Table::Rows)?;
        let mut index: Vec<(RowTerm, &[u8])> = Vec::with_capacity(rows.len().saturating_mul(8));
        let mut of_students: Vec<(&Handle, &[u8])> = Vec::with_capacity(rows.len());
        for new in rows {
            if !new.is_first {
                self.drop_row(batch, &new.key)?;
            }
            let row = self.seal_row(new, &mut ciphers, &mut drawn)?;
            batch.put_cf(table, &new.key, encode(&row)?);
            index.extend(new.terms.iter().chain(&row.keys).map(|term| (*term, new.key.as_slice())));
            of_students.extend(new.own.iter().map(|(handle, _)| (handle, new.key.as_slice())));
        }
        // Each table gets its keys in their order: see `tables::NEAR_THE_LAST`.
        index.sort_unstable();
        of_students.sort_unstable();
        let (table, mut key) = (family(&self.db, Table::RowIndex)?, Vec::with_capacity(96));
        for (term, row) in index {
            key.clear();
            key.extend_from_slice(&term);
            key.extend_from_slice(row);
            batch.put_cf(table, &key, []);
        }
        let table = family(&self.db, Table::RowsOf)?;
        for (handle, row) in of_students {
            key.clear();
            key.extend_from_slice(&handle.0);
            key.extend_from_slice(row);
            batch.put_cf(table, &key, []);
        }
        Ok(())
    }

    fn seal_row<'a>(
        &self,
        new: &'a NewRow,
        ciphers: &mut ReadyCiphers,
        drawn: &mut Drawn,
    ) -> Result<Row<'a>, VaultError> {
        within("a row's key", new.key.len(), MAX_ROW_KEY_BYTES)?;
        within("a row", new.common.len().max(new.whole.len()), MAX_PART_BYTES)?;
        let too_long = |_| VaultError::TooLarge { what: "a row", found: usize::MAX, limit: MAX_PART_BYTES };
        let row_key = drawn.key();
        let cipher = Cipher::new(&row_key);
        let (mut wraps, mut own) = (Vec::new(), Vec::new());
        for (handle, part) in &new.own {
            let theirs = ciphers.of(handle, || self.student_secret(handle))?;
            let bound = self.row_bound(b'k', &new.key, &handle.0);
            let wrapped = theirs.seal_with(drawn.nonces.next(), row_key.as_bytes(), &bound);
            wraps.push((*handle, wrapped.map_err(too_long)?));
            if !part.is_empty() {
                let bound = self.row_bound(b'o', &new.key, &handle.0);
                let part = theirs.seal_with(drawn.nonces.next(), part, &bound);
                own.push((*handle, part.map_err(too_long)?));
            }
        }
        let custody = if wraps.is_empty() { new.custody } else { Custody::Students };
        let district = match wraps.is_empty() {
            true => {
                let bound = self.row_bound(b'k', &new.key, &[0; 32]);
                let unassigned = matches!(custody, Custody::Unassigned(_));
                let name = if unassigned { UNASSIGNED_KEY } else { DISTRICT_KEY };
                let holder = ciphers.of_district(name, || Ok(self.keystore().district_key(name)?))?;
                let wrapped = holder.seal_with(drawn.nonces.next(), row_key.as_bytes(), &bound);
                Some(wrapped.map_err(too_long)?)
            }
            false => None,
        };
        let mut part = |letter, clear: &[u8]| {
            let bound = self.row_bound(letter, &new.key, &[]);
            cipher.seal_with(drawn.nonces.next(), clear, &bound).map_err(too_long)
        };
        Ok(Row {
            custody,
            wraps,
            district,
            own,
            common: part(b'c', &new.common)?,
            whole: Some(part(b'w', &new.whole)?),
            terms: Cow::Borrowed(&new.terms),
            // What the outline shows is found by already.
            keys: new.keys.without(&new.terms),
            terms_of: Cow::Borrowed(&new.terms_of),
            marks: Cow::Borrowed(&new.marks),
            redacted: false,
        })
    }
}
