//! A district's office in the demo: its folder with the account key, and its vault, which students' records never
//! leave.
//!
//! Folder `D/district-NN`: `keys/account.json` signs the district's transactions; `vault/` and `keystore/` are the
//! district's vault, the same that `aula vault` opens, since it is `aula-vault` that makes and fills it here too.
//!
//! Flow: [`MemberHome::create`] → genesis → [`Office::create`] → for each year [`Office::enrol`], [`Office::keep`] before
//! anything is anchored, [`Office::agreed`] once families' consents are final. Absent: reading, which is
//! `aula_vault::access`'s alone.

use std::path::{Path, PathBuf};

use aula_district::keep::{KeepError, Kept, keep};
use aula_home::Home;
use aula_home::keys::{KeyError, KeyKind, NodeKey};
use aula_home::whole_file;
use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::keys::account_of;
use aula_ledger::types::{AccountId, ChainId, DistrictId, Handle, Hash, SchoolYear};
use aula_vault::{Folders, Identity, LocalId, Vault, VaultError};
use aula_zk::StudentSecret;
use ed25519_dalek::SigningKey;

#[cfg(test)]
mod tests;

/// Why an office cannot be set up or cannot keep its records.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The account key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The vault does not keep what a year gave.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A thread that made vaults stopped.
    #[error("making the vaults stopped")]
    Stopped,
}

/// A member's folder with its account key: a district, the funder, an auditor.
#[derive(Debug)]
pub struct MemberHome {
    /// The folder.
    pub home: Home,
    key: NodeKey,
}

impl MemberHome {
    /// Makes the folder and the account key.
    ///
    /// # Errors
    /// When the folder cannot be written or holds a key already.
    pub fn create(folder: &Path) -> Result<Self, OfficeError> {
        let failed = |source| OfficeError::Write { path: folder.to_owned(), source };
        whole_file::private_folder(folder).map_err(failed)?;
        let home = Home::resolve(Some(folder)).map_err(|why| failed(std::io::Error::other(why)))?;
        let key = NodeKey::generate(KeyKind::Account);
        key.save(&NodeKey::path(&home, KeyKind::Account))?;
        Ok(Self { home, key })
    }

    /// The public half of the account key.
    pub fn public_key(&self) -> aula_ledger::keys::PublicKey {
        self.key.public()
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        account_of(&self.key.public())
    }

    /// The key that signs its transactions.
    pub fn signing_key(&self) -> &SigningKey {
        self.key.signing_key()
    }
}

/// A district's office: its open vault. Dropping it closes the vault, so that `aula vault` can open it.
#[derive(Debug)]
pub struct Office {
    /// Which district.
    pub district: DistrictId,
    /// Folder and account.
    pub member: MemberHome,
    vault: Vault,
}

/// `district-07`: the member's name and the folder's.
pub fn district_name(district: DistrictId) -> String {
    format!("district-{:02}", district.0)
}

impl Office {
    /// Makes the empty vault of a district on a chain.
    ///
    /// # Errors
    /// When there is one, or the disk refuses.
    pub fn create(
        district: DistrictId,
        member: MemberHome,
        (chain_id, genesis): &(ChainId, Hash),
        now_ms: u64,
    ) -> Result<Self, OfficeError> {
        let folders = Folders { data: member.home.vault_dir(), keystore: member.home.keystore_dir() };
        let identity = Identity {
            district,
            chain_id: chain_id.to_string(),
            genesis: *genesis,
            account: member.account(),
        };
        let vault = Vault::create(&folders, &identity, now_ms)?;
        Ok(Self { district, member, vault })
    }

    /// The pseudonyms of a school year of these students, by the study's numbers, in their order.
    ///
    /// # Errors
    /// When the keystore cannot be written.
    pub fn enrol(&self, students: &[u32], year: SchoolYear) -> Result<Vec<Handle>, OfficeError> {
        let id = |student: &u32| LocalId::new(&format!("STAR-{student}")).map(|id| (id, year));
        let asked: Vec<_> = students.iter().filter_map(id).collect();
        Ok(self.vault.enrol(&asked)?)
    }

    /// The student's random secret, for salts and blindings.
    ///
    /// # Errors
    /// When the vault has no such student.
    pub fn secret(&self, handle: &Handle) -> Result<StudentSecret, OfficeError> {
        Ok(StudentSecret::new(*self.vault.student_secret(handle)?.as_bytes()))
    }

    /// Seals records and events: on disk on return.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep(&self, records: &[Kept]) -> Result<(), OfficeError> {
        Ok(keep(&self.vault, records)?)
    }

    /// Keeps these families' consents to educational necessity, once they are final on the ledger.
    ///
    /// # Errors
    /// An unknown handle, a disk that refuses.
    pub fn agreed(&self, handles: &[Handle]) -> Result<(), OfficeError> {
        Ok(self.vault.keep_consent(handles, Purpose::EducationalNecessity, ConsentChoice::Given)?)
    }
}
