//! A district's office in the demo: its folder, its keys, and its students' records, which never leave it.
//!
//! Folder `D/district-NN`: `keys/account.json` signs the district's transactions; `keystore/kek.json` is the
//! key-encryption key, and `keystore/students.sealed` each student's random secret under it; `vault/YEAR.sealed`
//! the year's records, each under a key of that student. Keystore and vault are apart, so that a copy of the
//! vault alone says nothing.
//!
//! Flow: [`Office::create`] → [`Office::secret`] for each student → [`Office::seal_year`] before anything is
//! anchored → [`Office::save_secrets`]; [`reading`] opens it again. AES-256-GCM-SIV; the associated data binds district,
//! student or handle, and purpose. Absent: access control, rotation and erasure, which are the vault's.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use aula_ledger::keys::{Label, account_of};
use aula_ledger::types::{AccountId, DistrictId, Handle, SchoolYear};
use aula_zk::StudentSecret;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::RngCore;
use rand::rngs::OsRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::home::Home;
use crate::keys::{KeyError, KeyKind, NodeKey};

pub mod reading;

/// First byte of both sealed files.
const SEALED_VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

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
    /// The cipher refused, which it does only for inputs of many gigabytes.
    #[error("a record could not be sealed")]
    Seal,
}

/// A student's record of one year, in clear: only ever inside the office.
#[derive(Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// The study's number of the student.
    pub student: u32,
    /// The twin's snapshot after the year's events.
    pub snapshot: Vec<u8>,
    /// The events' bytes, in order.
    pub events: Vec<Vec<u8>>,
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
        make_folder(folder)?;
        let home = Home::resolve(Some(folder)).map_err(|why| OfficeError::Write {
            path: folder.to_owned(),
            source: std::io::Error::other(why),
        })?;
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

/// A district's office.
pub struct Office {
    /// Which district.
    pub district: DistrictId,
    /// Folder and account.
    pub member: MemberHome,
    kek: Zeroizing<[u8; 32]>,
    secrets: BTreeMap<u32, Zeroizing<[u8; 32]>>,
}

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("district", &self.district).finish_non_exhaustive()
    }
}

/// `district-07`: the member's name and the folder's.
pub fn district_name(district: DistrictId) -> String {
    format!("district-{:02}", district.0)
}

impl Office {
    /// Makes `root/district-NN` with its keys.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(root: &Path, district: DistrictId) -> Result<Self, OfficeError> {
        let folder = root.join(district_name(district));
        let member = MemberHome::create(&folder)?;
        make_folder(&folder.join("vault"))?;
        make_folder(&folder.join("keystore"))?;
        let kek = random();
        let text = Zeroizing::new(format!("{{\"version\":1,\"kek\":\"{}\"}}\n", hex::encode(kek.as_slice())));
        write_secret(&folder.join("keystore/kek.json"), text.as_bytes())?;
        Ok(Self { district, member, kek, secrets: BTreeMap::new() })
    }

    /// The student's random secret, drawn when first asked for.
    pub fn secret(&mut self, student: u32) -> StudentSecret {
        StudentSecret::new(**self.secrets.entry(student).or_insert_with(random))
    }

    /// The student's pseudonym of a school year: HMAC-SHA-256 under the secret over the labelled year.
    pub fn handle(&mut self, student: u32, year: SchoolYear) -> Handle {
        let secret = self.secrets.entry(student).or_insert_with(random);
        let mut mac = hmac(secret);
        mac.update(&Label::Handle.prefixed(&year.0.to_le_bytes()));
        Handle(mac.finalize().into_bytes().into())
    }

    /// Seals a year's records into the vault, each under its student's key, and syncs the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn seal_year(&mut self, year: SchoolYear, records: &[(Handle, Record)]) -> Result<(), OfficeError> {
        let mut sealed = vec![SEALED_VERSION];
        for (handle, record) in records {
            let secret = self.secrets.entry(record.student).or_insert_with(random);
            let key = data_key(secret);
            let bound = [b"record", &self.district.0.to_le_bytes()[..], &handle.0].concat();
            let clear = Zeroizing::new(borsh::to_vec(record).map_err(|_| OfficeError::Seal)?);
            sealed.extend_from_slice(&handle.0);
            append_sealed(&mut sealed, &key, &clear, &bound)?;
        }
        write_secret(&self.folder().join(format!("vault/{}.sealed", year.0)), &sealed)
    }

    /// Seals every student's secret under the key-encryption key, replacing the file of the year before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_secrets(&self) -> Result<(), OfficeError> {
        let mut sealed = vec![SEALED_VERSION];
        for (student, secret) in &self.secrets {
            let bound = [b"secret", &self.district.0.to_le_bytes()[..], &student.to_le_bytes()].concat();
            sealed.extend_from_slice(&student.to_le_bytes());
            append_sealed(&mut sealed, &self.kek, secret.as_slice(), &bound)?;
        }
        let path = self.folder().join("keystore/students.sealed");
        let new = path.with_extension("new");
        write_secret(&new, &sealed)?;
        fs::rename(&new, &path).map_err(|source| OfficeError::Write { path, source })
    }

    fn folder(&self) -> &Path {
        self.member.home.path()
    }
}

fn random() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    OsRng.fill_bytes(bytes.as_mut_slice());
    bytes
}

/// HMAC-SHA-256 under a secret; padding it to a block is HMAC's own first step, so no length can be wrong.
fn hmac(secret: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0u8; 64]);
    block[..32].copy_from_slice(secret);
    <Hmac<Sha256> as Mac>::new((&*block).into())
}

/// The key of one student's records, from the student's secret.
fn data_key(secret: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0u8; 32]);
    // HKDF refuses only outputs above 255 · 32 bytes.
    let expanded = Hkdf::<Sha256>::new(None, secret).expand(b"aula/v1/vault-record", key.as_mut_slice());
    debug_assert!(expanded.is_ok());
    key
}

/// Appends length (u32, little endian), nonce and ciphertext.
fn append_sealed(out: &mut Vec<u8>, key: &[u8; 32], clear: &[u8], bound: &[u8]) -> Result<(), OfficeError> {
    let mut nonce = [0u8; NONCE_BYTES];
    OsRng.fill_bytes(&mut nonce);
    let payload = Payload { msg: clear, aad: bound };
    let cipher = Aes256GcmSiv::new(key.into());
    let sealed = cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| OfficeError::Seal)?;
    let length = u32::try_from(sealed.len()).map_err(|_| OfficeError::Seal)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(())
}

fn make_folder(path: &Path) -> Result<(), OfficeError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| OfficeError::Write { path: path.to_owned(), source })
}

/// Writes a file that only its owner may read, and syncs it.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), OfficeError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| OfficeError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::reading::ReadError;
    use super::*;

    #[test]
    fn an_office_reads_back_what_it_sealed_and_nothing_that_was_changed()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let mut office = Office::create(folder.path(), DistrictId(7))?;
        let year = SchoolYear(1985);
        let record =
            |student| Record { student, snapshot: vec![student as u8; 40], events: vec![vec![1, 2]] };
        let handles = [3, 4, 5].map(|student| office.handle(student, year));
        let records: Vec<(Handle, Record)> = handles.into_iter().zip([3, 4, 5].map(record)).collect();
        office.seal_year(year, &records)?;
        office.save_secrets()?;
        let path = folder.path().join("district-07");
        let mut again = Office::open(&path)?;
        for (handle, sealed) in &records {
            assert_eq!(&again.record(handle, year)?, sealed);
        }
        let nobody = again.record(&Handle([9; 32]), year);
        assert!(matches!(nobody, Err(ReadError::Unknown(_))));
        for (file, at) in [("vault/1985.sealed", 60), ("keystore/students.sealed", 30)] {
            let good = fs::read(path.join(file))?;
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(path.join(file), &bad)?;
            let read = Office::open(&path).and_then(|mut office| office.record(&handles[0], year));
            assert!(matches!(read, Err(ReadError::Damaged(_))), "{file}");
            fs::write(path.join(file), &good)?;
        }
        fs::write(
            path.join("keystore/kek.json"),
            format!("{{\"version\":1,\"kek\":\"{}\"}}", "00".repeat(32)),
        )?;
        assert!(matches!(Office::open(&path), Err(ReadError::Damaged(_))), "another key");
        Ok(())
    }

    #[test]
    fn pseudonyms_differ_by_student_year_and_office_and_stay_the_same_otherwise() -> Result<(), OfficeError> {
        let folder =
            tempfile::tempdir().map_err(|source| OfficeError::Write { path: "tmp".into(), source })?;
        let mut office = Office::create(folder.path(), DistrictId(7))?;
        let first = office.handle(1, SchoolYear(1985));
        assert_eq!(first, office.handle(1, SchoolYear(1985)));
        assert_ne!(first, office.handle(1, SchoolYear(1986)));
        assert_ne!(first, office.handle(2, SchoolYear(1985)));
        let mut other = Office::create(folder.path(), DistrictId(8))?;
        assert_ne!(first, other.handle(1, SchoolYear(1985)));
        Ok(())
    }

    #[test]
    fn the_vault_holds_no_record_in_clear_and_only_its_owner_reads_it() -> Result<(), OfficeError> {
        use std::os::unix::fs::PermissionsExt;
        let failed = |source| OfficeError::Write { path: "tmp".into(), source };
        let folder = tempfile::tempdir().map_err(failed)?;
        let mut office = Office::create(folder.path(), DistrictId(7))?;
        let handle = office.handle(1, SchoolYear(1985));
        let record = Record { student: 1, snapshot: b"a snapshot in clear".to_vec(), events: vec![] };
        office.seal_year(SchoolYear(1985), &[(handle, record)])?;
        office.save_secrets()?;
        let path = folder.path().join("district-07/vault/1985.sealed");
        let bytes = fs::read(&path).map_err(failed)?;
        assert!(!bytes.windows(8).any(|window| window == b"snapshot"));
        for file in
            ["vault/1985.sealed", "keystore/kek.json", "keystore/students.sealed", "keys/account.json"]
        {
            let mode =
                fs::metadata(folder.path().join("district-07").join(file)).map_err(failed)?.permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{file}");
        }
        Ok(())
    }
}
