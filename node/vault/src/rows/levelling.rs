//! Rows as a school's replica and its district level them: whose they are and how they were sealed, unopened.
//!
//! Absent: what is in a row, and which rows level, which its writer knows.

use aula_ledger::types::Handle;
use borsh::BorshDeserialize;

use super::Custody;
use crate::error::VaultError;
use crate::tables::{Table, family};
use crate::vault::Vault;

/// What stands before what all share in a row's bytes: custody, wrapped keys, the district's, parts of students.
type Head = (Custody, Vec<(Handle, Vec<u8>)>, Option<Vec<u8>>, Vec<(Handle, Vec<u8>)>);

/// What of a row is known without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSeal {
    /// The students who hold its key.
    pub holders: Vec<Handle>,
    /// Eight bytes that no other sealing of it has; marks, terms and who was erased do not change them.
    pub tag: [u8; 8],
}

impl RowSeal {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let (_, wraps, ..) = Head::deserialize(&mut rest).ok()?;
        // What all share: a length of four bytes, the version of sealing, the nonce.
        let tag = rest.get(5..13)?.try_into().ok()?;
        Some(Self { holders: wraps.into_iter().map(|(handle, _)| handle).collect(), tag })
    }
}

impl Vault {
    /// Whose a row is, and how it was sealed; none where there is no such row.
    ///
    /// # Errors
    /// A damaged row.
    pub fn row_seal(&self, key: &[u8]) -> Result<Option<RowSeal>, VaultError> {
        let Some(bytes) = self.db.get_pinned_cf(family(&self.db, Table::Rows)?, key)? else {
            return Ok(None);
        };
        let damaged = || VaultError::Damaged("a row is unreadable".into());
        RowSeal::read(&bytes).map(Some).ok_or_else(damaged)
    }

    /// The keys of rows whose key a student holds, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rows_of(&self, handle: &Handle) -> Result<Vec<Vec<u8>>, VaultError> {
        self.keys_under(Table::RowsOf, &handle.0)
    }
}
