//! Where the key-encryption key lives: the two traits that an HSM or a cloud's key management service fills, and
//! the one this program comes with, a file.
//!
//! A generation of the keystore has one such key, made with it and destroyed with it. Records never meet it: it
//! wraps the students' keys and nothing else.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::files::{FileError, check_private, shred, write_new};
use crate::seal::{Cipher, SealError};
use crate::secret::SecretKey;

/// Name of a key-encryption key: 16 random bytes, public.
pub type KekId = [u8; 16];

/// Why a key-encryption key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// A wrapped key does not open with it.
    #[error("a wrapped key does not open with this key-encryption key")]
    Wrapped(#[from] SealError),
    /// Its file is refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The service has no such key, or cannot be reached.
    #[error("the key service cannot be used: {0}")]
    Service(String),
}

/// One key-encryption key that is ready.
pub trait KeyEncryption: Send + Sync {
    /// Wraps a key for the place that `bound` names; at most 1,024 bytes.
    ///
    /// # Errors
    /// When the service cannot be used.
    fn wrap(&self, key: &SecretKey, bound: &[u8]) -> Result<Vec<u8>, KmsError>;

    /// Unwraps what [`KeyEncryption::wrap`] gave for the same place.
    ///
    /// # Errors
    /// [`KmsError::Wrapped`] when it does not open.
    fn unwrap(&self, wrapped: &[u8], bound: &[u8]) -> Result<SecretKey, KmsError>;
}

/// A service that makes, holds and destroys key-encryption keys.
pub trait KeyManagement: Send + Sync {
    /// Makes the key of this name, durably. `folder` is the generation's, for services that keep files.
    ///
    /// # Errors
    /// When it cannot.
    fn create(&self, folder: &Path, id: &KekId) -> Result<Box<dyn KeyEncryption>, KmsError>;

    /// Opens the key of this name.
    ///
    /// # Errors
    /// When there is none, or it is not safe to use.
    fn open(&self, folder: &Path, id: &KekId) -> Result<Box<dyn KeyEncryption>, KmsError>;

    /// Destroys the key of this name, for good; one that is gone already is success.
    ///
    /// # Errors
    /// When it cannot be sure.
    fn destroy(&self, folder: &Path, id: &KekId) -> Result<(), KmsError>;
}

/// Keeps each key as a file of mode 0600 in its generation's folder: `kek.json`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileKms;

struct FileKek(Cipher);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KekFile<'a> {
    version: u8,
    id: String,
    // Borrowed from a buffer that is wiped.
    kek: &'a str,
}

fn kek_path(folder: &Path) -> PathBuf {
    folder.join("kek.json")
}

impl KeyEncryption for FileKek {
    fn wrap(&self, key: &SecretKey, bound: &[u8]) -> Result<Vec<u8>, KmsError> {
        Ok(self.0.seal(key.as_bytes(), bound)?)
    }

    fn unwrap(&self, wrapped: &[u8], bound: &[u8]) -> Result<SecretKey, KmsError> {
        let clear = self.0.open(wrapped, bound)?;
        let mut key = SecretKey::empty();
        if key.fill(&clear) { Ok(key) } else { Err(SealError::Refused.into()) }
    }
}

impl KeyManagement for FileKms {
    fn create(&self, folder: &Path, id: &KekId) -> Result<Box<dyn KeyEncryption>, KmsError> {
        let key = SecretKey::random();
        let text = Zeroizing::new(hex::encode(key.as_bytes()));
        let file = KekFile { version: 1, id: hex::encode(id), kek: &text };
        let path = kek_path(folder);
        let mut json = Zeroizing::new(Vec::with_capacity(256));
        serde_json::to_writer(&mut *json, &file)
            .map_err(|_| FileError::damaged(&path, "it cannot be written as JSON"))?;
        json.push(b'\n');
        write_new(&path, &json)?;
        Ok(Box::new(FileKek(Cipher::new(&key))))
    }

    fn open(&self, folder: &Path, id: &KekId) -> Result<Box<dyn KeyEncryption>, KmsError> {
        let path = kek_path(folder);
        check_private(&path)?;
        let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(FileError::io(&path))?);
        // The parser's own message could quote the key.
        let file: KekFile<'_> = serde_json::from_str(&text)
            .map_err(|_| FileError::damaged(&path, "its fields are not a key file's"))?;
        if file.version != 1 || file.id != hex::encode(id) {
            return Err(FileError::damaged(&path, "it is another version or another key").into());
        }
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(file.kek, bytes.as_mut_slice())
            .map_err(|_| FileError::damaged(&path, "the key is not 64 hex digits"))?;
        Ok(Box::new(FileKek(Cipher::new(&SecretKey::from_bytes(&bytes)))))
    }

    fn destroy(&self, folder: &Path, _id: &KekId) -> Result<(), KmsError> {
        let path = kek_path(folder);
        if path.exists() { Ok(shred(&path)?) } else { Ok(()) }
    }
}
