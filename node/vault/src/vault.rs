//! The vault's data: records and events of students, sealed, in RocksDB; and the open vault as a whole.
//!
//! Flow: [`Vault::create`] once → [`Vault::open`] → [`Vault::enrol`] → [`Vault::put_records`] and
//! [`Vault::put_events`], each one synced batch: what returned without an error is on disk. Reading is
//! [`crate::access`]'s alone. Invariants: a value opens only at its district, handle and field; writing for an
//! unknown or erased handle is refused. Absent: decoding of values, which are the writer's bytes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use aula_ledger::types::{AccountId, DistrictId, Handle, Hash, SchoolYear};
use rocksdb::{DB, WriteBatch, WriteOptions};
use serde::{Deserialize, Serialize};

use crate::ciphers::{ReadyCiphers, row_cipher};
pub use crate::error::VaultError;
use crate::files::{check_private, make_folder};
use crate::keystore::{FileKms, KeyManagement, KeyStore, LocalId, ROW_INDEX_KEY};
use crate::log_writer::LogWriter;
use crate::owner::Owner;
use crate::pair::{Level, Paired, Way};
use crate::secret::SecretKey;
pub use crate::tables::is_there;
use crate::tables::{
    self, ACCOUNT_KEY, FORMAT, FORMAT_KEY, HANDLES_KEY, IDENTITY_KEY, Table, family, synced,
};

mod data;
#[cfg(test)]
mod tests;

pub(crate) use data::{Ciphers, EVENT_FIELD, Nonces, record_cipher, within};
pub use data::{EventIn, MAX_EVENT_KEY_BYTES, MAX_VALUE_BYTES};

/// Where the vault's two halves are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Where the sealed records lie.
    pub data: PathBuf,
    /// The keystore: best another disk.
    pub keystore: PathBuf,
}

impl Folders {
    /// Both below one folder, under the names that a home gives them.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self { data: folder.join("vault"), keystore: folder.join("keystore") }
    }
}

/// Whose vault it is; public. The account's key checks readers' credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its number on the ledger; a vault is of one district.
    pub district: DistrictId,
    /// The chain's name, for people.
    pub chain_id: String,
    /// SHA-256 of the chain's genesis file: what credentials and the access log are bound to.
    pub genesis: Hash,
    /// The district's account.
    pub account: AccountId,
}

/// How many vaults this process has opened.
static OPENINGS: AtomicU64 = AtomicU64::new(0);

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { district, chain_id, genesis, account } = self;
        write!(f, "district {district}'s on {chain_id} (genesis {genesis}, account {account})")
    }
}

fn unwritable() -> VaultError {
    VaultError::Damaged("its identity cannot be written".into())
}

/// An open vault.
pub struct Vault {
    pub(crate) db: DB,
    opening: u64,
    folders: Folders,
    /// To whom everything is sealed.
    pub(crate) owner: Owner,
    /// Who acts for the district.
    account: AccountId,
    /// Of which chain and district; none until it is bound.
    identity: OnceLock<Identity>,
    keystore: Mutex<KeyStore>,
    /// Held while an entry is numbered and written.
    pub(crate) log: Mutex<Box<dyn LogWriter>>,
    /// Ciphers of rows, ready.
    pub(crate) row_ciphers: Mutex<ReadyCiphers>,
    /// Of a pair.
    pub(crate) paired: Option<Paired>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Vault {
    /// Makes an empty vault of a district of a known chain, and its keystore.
    ///
    /// # Errors
    /// [`VaultError::Present`] when there is one; a folder that cannot be made.
    pub fn create(folders: &Folders, identity: &Identity, now_ms: u64) -> Result<Self, VaultError> {
        let json = serde_json::to_vec(identity).map_err(|_| unwritable())?;
        Self::make(folders, Owner::District(identity.district), (IDENTITY_KEY, json), (None, now_ms))
    }

    /// Makes an empty vault of a school's replica: the district's by its identity and by the key that marks of messages are made
    /// with, so that a message is the same event in both; every student's key is the replica's own.
    ///
    /// # Errors
    /// As [`Vault::create`]; [`VaultError::Present`] where a keystore is that has another such key.
    pub fn create_replica(
        folders: &Folders,
        identity: &Identity,
        index_key: &SecretKey,
        now_ms: u64,
    ) -> Result<Self, VaultError> {
        let json = serde_json::to_vec(identity).map_err(|_| unwritable())?;
        let owner = Owner::District(identity.district);
        Self::make(folders, owner, (IDENTITY_KEY, json), (Some(index_key), now_ms))
    }

    /// Makes an empty vault before any chain is known: everything in it is sealed to the account that will act for the
    /// district, and [`Vault::bind`] says later of which chain and district it is.
    ///
    /// # Errors
    /// As [`Vault::create`].
    pub fn create_unbound(folders: &Folders, account: AccountId, now_ms: u64) -> Result<Self, VaultError> {
        Self::make(folders, Owner::Account(account), (ACCOUNT_KEY, account.0.to_vec()), (None, now_ms))
    }

    fn make(
        folders: &Folders,
        owner: Owner,
        (key, value): (&[u8], Vec<u8>),
        (index_key, now_ms): (Option<&SecretKey>, u64),
    ) -> Result<Self, VaultError> {
        if is_there(&folders.data) {
            let db = tables::open(&folders.data, true)?;
            if db.get_cf(family(&db, Table::Meta)?, FORMAT_KEY)?.is_some() {
                return Err(VaultError::Present(folders.data.clone()));
            }
        }
        make_folder(&folders.data)?;
        // An interrupted creation left an empty keystore, which serves.
        let half = is_there(&folders.keystore);
        let mut keystore = match half {
            true => KeyStore::open(&folders.keystore, owner, Box::new(FileKms))?,
            false => KeyStore::create(&folders.keystore, owner, Box::new(FileKms), now_ms)?,
        };
        if keystore.students() > 0 {
            return Err(VaultError::Present(folders.keystore.clone()));
        }
        // Before the data is there: a vault that can be opened has it.
        if let Some(index_key) = index_key
            && !keystore.keep_district_key(ROW_INDEX_KEY, index_key)?
        {
            return Err(VaultError::Present(folders.keystore.clone()));
        }
        let db = tables::open(&folders.data, true)?;
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&db, Table::Meta)?, key, value);
        batch.put_cf(family(&db, Table::Meta)?, FORMAT_KEY, [FORMAT]);
        db.write_opt(batch, &synced())?;
        drop(db);
        Self::open(folders)
    }

    /// Opens a vault whose key-encryption key is a file.
    ///
    /// # Errors
    /// [`VaultError`] says whether it is absent, busy, damaged, or its keystore is refused.
    pub fn open(folders: &Folders) -> Result<Self, VaultError> {
        Self::open_with(folders, Box::new(FileKms))
    }

    /// Opens a vault whose key-encryption key is in this service. Finishes an erasure that was interrupted.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_with(folders: &Folders, kms: Box<dyn KeyManagement>) -> Result<Self, VaultError> {
        let vault = Self::open_unfinished(folders, kms)?;
        vault.finish_erasures()?;
        vault.check_handles()?;
        Ok(vault)
    }

    /// Opens without asking whether the keystore has every handle: what a restore does, whose copies are of two days.
    pub(crate) fn open_restored(folders: &Folders) -> Result<Self, VaultError> {
        let vault = Self::open_unfinished(folders, Box::new(FileKms))?;
        vault.finish_erasures()?;
        vault.count_handles()?;
        Ok(vault)
    }

    fn open_unfinished(folders: &Folders, kms: Box<dyn KeyManagement>) -> Result<Self, VaultError> {
        if !is_there(&folders.data) {
            return Err(VaultError::Absent(folders.data.clone()));
        }
        check_private(&folders.data)?;
        let paired = Paired::of(&folders.data)?;
        let db = match paired {
            Some(_) => tables::open_with_log(&folders.data)?,
            None => tables::open(&folders.data, false)?,
        };
        let meta = family(&db, Table::Meta)?;
        match db.get_cf(meta, FORMAT_KEY)?.as_deref() {
            Some([FORMAT]) => {}
            // Creation was interrupted before its one batch.
            None => return Err(VaultError::Absent(folders.data.clone())),
            Some(_) => return Err(VaultError::Damaged("its layout is another version's".into())),
        }
        let damaged = || VaultError::Damaged("its identity is unreadable".into());
        let identity = db.get_cf(meta, IDENTITY_KEY)?;
        let identity = identity.map(|json| serde_json::from_slice::<Identity>(&json)).transpose();
        let identity = identity.map_err(|_| damaged())?;
        let account = db.get_cf(meta, ACCOUNT_KEY)?.map(<[u8; 20]>::try_from).transpose();
        let (owner, account) = match (account.map_err(|_| damaged())?.map(AccountId), &identity) {
            (Some(account), _) => (Owner::Account(account), account),
            (None, Some(identity)) => (Owner::District(identity.district), identity.account),
            (None, None) => return Err(damaged()),
        };
        let keystore = Mutex::new(KeyStore::open(&folders.keystore, owner, kms)?);
        let identity = identity.map_or_else(OnceLock::new, OnceLock::from);
        let log = Mutex::new(crate::log_writer::database_log());
        let opening = OPENINGS.fetch_add(1, Ordering::Relaxed);
        let row_ciphers = Mutex::new(ReadyCiphers::new(row_cipher));
        let folders = folders.clone();
        Ok(Self { db, opening, folders, owner, account, identity, keystore, log, row_ciphers, paired })
    }

    /// Refuses a keystore with fewer handles than it had: its file was cut, or it is an older copy. Keys are appended
    /// with a handle last, so that no cut leaves the count as it was.
    fn check_handles(&self) -> Result<(), VaultError> {
        let found = self.keystore().handles() as u64;
        let kept = self.db.get_cf(family(&self.db, Table::Meta)?, HANDLES_KEY)?;
        let kept = kept.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        if found < kept { Err(VaultError::KeysMissing { found, kept }) } else { Ok(()) }
    }

    /// Notes how many handles the keystore has: fewer are refused from now on.
    pub(crate) fn count_handles(&self) -> Result<(), VaultError> {
        let count = self.keystore().handles() as u64;
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&self.db, Table::Meta)?, HANDLES_KEY, count.to_be_bytes());
        self.write(batch)
    }

    /// A number that no other opening in this process has: what was read of another may have changed since.
    pub fn opening(&self) -> u64 {
        self.opening
    }

    /// Whose vault it is, by chain and district.
    ///
    /// # Errors
    /// [`VaultError::Unbound`] for a vault that was made before a chain was known, until it is bound.
    pub fn identity(&self) -> Result<&Identity, VaultError> {
        self.identity.get().ok_or(VaultError::Unbound)
    }

    /// The account that acts for the district.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Says of which chain and district the vault is, once and for good; on disk on return. Nothing else changes.
    ///
    /// # Errors
    /// [`VaultError::OtherChain`] when it is bound to another, or another account's.
    pub fn bind(&self, identity: &Identity) -> Result<(), VaultError> {
        if let Some(bound) = self.identity.get() {
            return if bound == identity {
                Ok(())
            } else {
                Err(VaultError::OtherChain { bound: bound.to_string(), asked: identity.to_string() })
            };
        }
        if self.account != identity.account {
            let bound = format!("account {}'s", self.account);
            return Err(VaultError::OtherChain { bound, asked: identity.to_string() });
        }
        let mut batch = WriteBatch::default();
        let json = serde_json::to_vec(identity).map_err(|_| unwritable())?;
        batch.put_cf(family(&self.db, Table::Meta)?, IDENTITY_KEY, json);
        self.write(batch)?;
        // Another thread may have bound it meanwhile, with what stands on disk now.
        let _ = self.identity.set(identity.clone());
        Ok(())
    }

    /// Where it is.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The keystore, for one use.
    pub fn keystore(&self) -> MutexGuard<'_, KeyStore> {
        // A panic elsewhere left nothing half done: the keystore changes memory after the disk.
        self.keystore.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives students their handles of a year; see [`KeyStore::enrol`].
    ///
    /// # Errors
    /// When the keystore cannot be written.
    pub fn enrol(&self, asked: &[(LocalId, SchoolYear)]) -> Result<Vec<Handle>, VaultError> {
        let handles = self.keystore().enrol(asked)?;
        // After the keys: a crash in between leaves a lower count, which refuses nothing.
        self.count_handles()?;
        Ok(handles)
    }

    /// The student's secret, for handles, salts and blindings of the district's own proofs.
    ///
    /// # Errors
    /// [`VaultError::UnknownHandle`], [`VaultError::Erased`].
    pub fn student_secret(&self, handle: &Handle) -> Result<SecretKey, VaultError> {
        if self.is_erased(handle)? {
            return Err(VaultError::Erased(*handle));
        }
        self.keystore().secret(handle)?.ok_or(VaultError::UnknownHandle(*handle))
    }

    /// Bytes of the database's live files and how many rows of records and events it estimates.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn estimate(&self) -> Result<(u64, u64), VaultError> {
        let count = |table| -> Result<u64, VaultError> {
            let found =
                self.db.property_int_value_cf(family(&self.db, table)?, "rocksdb.estimate-num-keys")?;
            Ok(found.unwrap_or(0))
        };
        Ok((count(Table::Records)?, count(Table::Events)?))
    }

    /// The one way into the database.
    pub(crate) fn way(&self) -> Way<'_> {
        Way { db: &self.db, data: &self.folders.data, paired: self.paired.as_ref() }
    }

    pub(crate) fn write(&self, batch: WriteBatch) -> Result<(), VaultError> {
        self.way().write(batch)
    }

    /// Without waiting for the disk: [`Vault::sync_writes`] does.
    pub(crate) fn write_later(&self, batch: WriteBatch) -> Result<(), VaultError> {
        self.way().write_with(batch, &WriteOptions::default())
    }

    pub(crate) fn sync_writes(&self) -> Result<(), VaultError> {
        self.way().sync()
    }

    /// Says that a file was changed that lies beside the database and goes to the other one of a pair before writes do; it is on disk
    /// already. Returns once the other one has it, or once it is recorded that this one goes on alone. Of a vault that is in no pair
    /// nothing is to be done.
    ///
    /// # Errors
    /// [`VaultError::NotActing`] where this one may not write: nobody may be told of the change.
    pub fn beside_changed(&self) -> Result<(), VaultError> {
        self.way().beside_changed()
    }

    /// Brings the other one of a pair level where it is not; of a vault that is in no pair nothing is told.
    ///
    /// # Errors
    /// [`VaultError::NotActing`] where this one may not write.
    pub fn level_pair(&self) -> Result<Level, VaultError> {
        self.way().level()
    }

    /// Whether the disk refused the last write of a vault that is of a pair: another that is level can go on.
    pub fn is_refused(&self) -> bool {
        self.paired.as_ref().is_some_and(Paired::is_refused)
    }
}
