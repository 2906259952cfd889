//! A district's vault in a folder of the test's, and students in it.

use std::path::Path;

use aula_ledger::types::{AccountId, DistrictId, Handle, Hash, SchoolYear};
use aula_vault::{Folders, Identity, LocalId, Vault, VaultError};

use crate::Made;

/// The genesis that the vault belongs to.
pub const GENESIS: Hash = Hash([1; 32]);

/// Who the vault is: district 7 of the chain of tests, whose account holds no key that anybody has.
#[must_use]
pub fn identity() -> Identity {
    identity_of(AccountId([1; 20]))
}

/// The same district acting by this account.
#[must_use]
pub fn identity_of(account: AccountId) -> Identity {
    Identity { district: DistrictId(7), chain_id: "test-00c0ffee".into(), genesis: GENESIS, account }
}

/// An empty vault below a folder, and where it lies.
///
/// # Errors
/// When the folder cannot be written.
pub fn create(below: &Path, now_ms: u64) -> Result<(Folders, Vault), VaultError> {
    create_as(below, &identity(), now_ms)
}

/// The same of another district or account.
///
/// # Errors
/// When the folder cannot be written.
pub fn create_as(below: &Path, identity: &Identity, now_ms: u64) -> Result<(Folders, Vault), VaultError> {
    let folders = Folders::below(below);
    let vault = Vault::create(&folders, identity, now_ms)?;
    Ok((folders, vault))
}

/// Enrols students by their identifiers in a year; their handles in this order.
///
/// # Errors
/// When one is not an identifier, or the vault refuses.
pub fn enrol(vault: &Vault, ids: &[impl AsRef<str>], year: SchoolYear) -> Made<Vec<Handle>> {
    let asked = ids.iter().map(|id| Ok((LocalId::new(id.as_ref()).ok_or("an identifier")?, year)));
    Ok(vault.enrol(&asked.collect::<Result<Vec<_>, &str>>()?)?)
}
