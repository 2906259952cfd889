//! The records of one student in a vault: which she holds, which name her and nobody holds, and by what a written one is told anew.

use std::collections::BTreeSet;

use aula_ledger::types::Handle;
use aula_lrs::store::levelling::{self, is_record};
use aula_vault::rows::Terms;
use aula_vault::{Vault, VaultError};

/// The keys of records that a student holds.
///
/// # Errors
/// A damaged vault.
pub(crate) fn held_by(vault: &Vault, handle: &Handle) -> Result<BTreeSet<Vec<u8>>, VaultError> {
    Ok(vault.rows_of(handle)?.into_iter().filter(|key| is_record(key)).collect())
}

/// The keys of records that name an account of one of these home pages and nobody holds, without those that are known.
///
/// # Errors
/// A damaged vault.
pub(crate) fn strays(
    vault: &Vault,
    terms: &Terms,
    (home_pages, id): (&BTreeSet<String>, &str),
    known: &BTreeSet<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, VaultError> {
    let mut found = Vec::new();
    for home_page in home_pages {
        found.extend(levelling::strays(vault, terms, (home_page, id), known)?);
    }
    Ok(found)
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
