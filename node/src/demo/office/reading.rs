//! Reading back what a district's office sealed: for the district itself, when it opens fields or proves a band.
//!
//! Flow: [`Office::open`] reads the key-encryption key and every student's secret → [`Office::student_of`] finds whose
//! pseudonym a handle is → [`Office::record`] unseals that student's record of the year. Invariants: everything stays
//! in memory that is wiped; a file that was changed, or sealed for another district or handle, is refused by the
//! cipher. Absent: whether the reader may, which is the vault's to decide.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use aula_ledger::types::{DistrictId, Handle, SchoolYear};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{MemberHome, NONCE_BYTES, Office, Record, SEALED_VERSION, data_key};
use crate::home::Home;
use crate::keys::{KeyKind, NodeKey};

/// Why an office's records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what the office wrote, or was sealed under another key.
    #[error("{0} is damaged, or sealed under another key")]
    Damaged(PathBuf),
    /// The account key cannot be read.
    #[error(transparent)]
    Key(#[from] crate::keys::KeyError),
    /// The folder is none of an office.
    #[error("{0} is no district's folder")]
    NoOffice(PathBuf),
    /// Nobody here has this pseudonym.
    #[error("no student of this district has the handle {0} in that year")]
    Unknown(Handle),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KekFile {
    version: u8,
    kek: String,
}

impl Office {
    /// Opens a district's folder, named `district-NN`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let no_office = || ReadError::NoOffice(folder.to_owned());
        let name = folder.file_name().and_then(|name| name.to_str()).ok_or_else(no_office)?;
        let number = name.strip_prefix("district-").and_then(|number| number.parse().ok());
        let district = DistrictId(number.ok_or_else(no_office)?);
        let home = Home::resolve(Some(folder)).map_err(|_| no_office())?;
        let key = NodeKey::of_home(&home, KeyKind::Account)?;
        let kek = read_kek(&folder.join("keystore/kek.json"))?;
        let secrets = read_secrets(&folder.join("keystore/students.sealed"), district, &kek)?;
        Ok(Self { district, member: MemberHome { home, key }, kek, secrets })
    }

    /// Whose pseudonym of a school year this is: the study's number.
    ///
    /// # Errors
    /// [`ReadError::Unknown`].
    pub fn student_of(&mut self, handle: &Handle, year: SchoolYear) -> Result<u32, ReadError> {
        let students: Vec<u32> = self.secrets.keys().copied().collect();
        let found = students.into_iter().find(|student| self.handle(*student, year) == *handle);
        found.ok_or(ReadError::Unknown(*handle))
    }

    /// A student's record of a school year.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn record(&mut self, handle: &Handle, year: SchoolYear) -> Result<Record, ReadError> {
        let student = self.student_of(handle, year)?;
        let secret = self.secrets.get(&student).ok_or(ReadError::Unknown(*handle))?;
        let path = self.folder().join(format!("vault/{}.sealed", year.0));
        let bytes = read(&path)?;
        let damaged = || ReadError::Damaged(path.clone());
        let mut rest = versioned(&bytes).ok_or_else(damaged)?;
        while let Some((of, after)) = rest.split_first_chunk::<32>() {
            let (sealed, after) = take_sealed(after).ok_or_else(damaged)?;
            if *of == handle.0 {
                let bound = [b"record", &self.district.0.to_le_bytes()[..], &handle.0].concat();
                let clear = unseal(&data_key(secret), sealed, &bound).ok_or_else(damaged)?;
                return borsh::from_slice(&clear).map_err(|_| damaged());
            }
            rest = after;
        }
        Err(ReadError::Unknown(*handle))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    fs::read(path).map_err(|source| ReadError::File { path: path.to_owned(), source })
}

fn read_kek(path: &Path) -> Result<Zeroizing<[u8; 32]>, ReadError> {
    let damaged = || ReadError::Damaged(path.to_owned());
    let text = Zeroizing::new(read(path)?);
    let file: KekFile = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let mut kek = Zeroizing::new([0; 32]);
    let text = Zeroizing::new(file.kek);
    hex::decode_to_slice(text.as_bytes(), kek.as_mut_slice()).map_err(|_| damaged())?;
    if file.version == 1 { Ok(kek) } else { Err(damaged()) }
}

fn read_secrets(
    path: &Path,
    district: DistrictId,
    kek: &[u8; 32],
) -> Result<BTreeMap<u32, Zeroizing<[u8; 32]>>, ReadError> {
    let damaged = || ReadError::Damaged(path.to_owned());
    let bytes = read(path)?;
    let mut rest = versioned(&bytes).ok_or_else(damaged)?;
    let mut secrets = BTreeMap::new();
    while let Some((student, after)) = rest.split_first_chunk::<4>() {
        let (sealed, after) = take_sealed(after).ok_or_else(damaged)?;
        let bound = [b"secret", &district.0.to_le_bytes()[..], student].concat();
        let clear = unseal(kek, sealed, &bound).ok_or_else(damaged)?;
        let mut secret = Zeroizing::new([0; 32]);
        let clear: &[u8; 32] = clear.as_slice().try_into().map_err(|_| damaged())?;
        secret.copy_from_slice(clear);
        secrets.insert(u32::from_le_bytes(*student), secret);
        rest = after;
    }
    if rest.is_empty() { Ok(secrets) } else { Err(damaged()) }
}

fn versioned(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_first().filter(|(version, _)| **version == SEALED_VERSION).map(|(_, rest)| rest)
}

/// Nonce and ciphertext of the next sealed part, and what follows.
fn take_sealed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?.checked_add(NONCE_BYTES)?;
    rest.split_at_checked(length)
}

fn unseal(key: &[u8; 32], sealed: &[u8], bound: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let payload = Payload { msg: sealed, aad: bound };
    Aes256GcmSiv::new(key.into()).decrypt(Nonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
}
