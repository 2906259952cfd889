//! A member's folder in the demo, and a district's: its account key and the office with the vault, which students' records
//! never leave.
//!
//! Folder `D/district-NN`: `keys/account.json` signs the district's transactions; `vault/` and `keystore/` are the
//! district's vault, the same that `aula vault` opens, made and filled by `aula-district` here too. Flow: [`MemberHome::create`] →
//! genesis → [`Office::create`].

use std::path::{Path, PathBuf};

use aula_district::office::{self, OfficeError as WorkError};
use aula_home::Home;
use aula_home::keys::{KeyError, KeyKind, NodeKey};
use aula_ledger::keys::account_of;
use aula_ledger::types::{AccountId, ChainId, DistrictId, Hash};
use ed25519_dalek::SigningKey;

/// Why an office cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The account key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The vault cannot be made.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A thread that made vaults stopped.
    #[error("making the vaults stopped")]
    Stopped,
}

/// A member's folder with its account key: a district, the funder, an auditor.
#[derive(Debug)]
pub struct MemberHome {
    /// The folder of `--home` for a command that acts as this member.
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
        aula_files::private_folder(folder).map_err(failed)?;
        let home = Home::resolve(Some(folder)).map_err(|why| failed(std::io::Error::other(why)))?;
        let key = NodeKey::generate(KeyKind::Account);
        key.save(&NodeKey::path(&home, KeyKind::Account))?;
        Ok(Self { home, key })
    }

    /// The public half of the account key.
    pub fn public_key(&self) -> aula_ledger::keys::PublicKey {
        self.key.public()
    }

    /// The account of the key that the folder was made with.
    pub fn account(&self) -> AccountId {
        account_of(&self.key.public())
    }

    /// The key that signs its transactions.
    pub fn signing_key(&self) -> &SigningKey {
        self.key.signing_key()
    }
}

/// A district's office: its folder with the account, and its open vault.
#[derive(Debug)]
pub struct Office {
    /// Folder and account.
    pub member: MemberHome,
    /// What it does with the vault.
    pub work: office::Office,
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
        chain: &(ChainId, Hash),
        now_ms: u64,
    ) -> Result<Self, OfficeError> {
        let work = office::Office::create(district, (&member.home, member.account()), chain, now_ms)?;
        Ok(Self { member, work })
    }
}
