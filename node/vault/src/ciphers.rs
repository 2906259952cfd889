//! Ciphers of students that stay ready from one batch to the next: a student's secret is unwrapped and expanded once.
//!
//! Invariant: nothing is sealed for who is gone. An erasure makes a new generation of the keystore, and then every cipher is made
//! anew, of a secret that has to be there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use aula_ledger::types::{Handle, Hash};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::seal::Cipher;
use crate::secret::SecretKey;

/// Students whose ciphers stay ready, about 600 bytes each; beyond that all are made anew.
const MAX_READY: usize = 65_536;

/// Ciphers of one use, by their students.
pub(crate) struct ReadyCiphers {
    make: fn(&SecretKey) -> Cipher,
    generation: Option<Hash>,
    students: HashMap<Handle, Cipher, BuildHasherDefault<OfHandle>>,
    district: HashMap<&'static str, Cipher>,
}

/// A handle is an HMAC: any eight bytes of it are a hash already.
#[derive(Debug, Default)]
struct OfHandle(u64);

impl Hasher for OfHandle {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk::<8>() {
            self.0 = u64::from_le_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl ReadyCiphers {
    /// None yet; `make` derives a cipher from a secret.
    pub(crate) fn new(make: fn(&SecretKey) -> Cipher) -> Self {
        Self { make, generation: None, students: HashMap::default(), district: HashMap::new() }
    }

    /// Forgets every cipher when the keystore has another generation: to be told once before each batch.
    pub(crate) fn refresh(&mut self, generation: Hash) {
        let generation = Some(generation);
        if generation != self.generation {
            self.students.clear();
            self.district.clear();
            self.generation = generation;
        }
    }

    /// A student's, of the secret that `secret` gives when it is not ready.
    pub(crate) fn of(
        &mut self,
        handle: &Handle,
        secret: impl FnOnce() -> Result<SecretKey, VaultError>,
    ) -> Result<&Cipher, VaultError> {
        if self.students.len() >= MAX_READY && !self.students.contains_key(handle) {
            self.students.clear();
        }
        Ok(match self.students.entry(*handle) {
            Entry::Occupied(ready) => ready.into_mut(),
            Entry::Vacant(place) => place.insert((self.make)(&secret()?)),
        })
    }

    /// That of a key of the district's own.
    pub(crate) fn of_district(
        &mut self,
        name: &'static str,
        secret: impl FnOnce() -> Result<SecretKey, VaultError>,
    ) -> Result<&Cipher, VaultError> {
        Ok(match self.district.entry(name) {
            Entry::Occupied(ready) => ready.into_mut(),
            Entry::Vacant(place) => place.insert((self.make)(&secret()?)),
        })
    }
}

/// The key of rows, from a student's or the district's secret.
pub(crate) fn row_cipher(secret: &SecretKey) -> Cipher {
    let mut key = Zeroizing::new([0u8; 32]);
    // HKDF refuses only outputs above 255 · 32 bytes.
    let expanded = Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(b"aula/v1/vault-row", key.as_mut());
    debug_assert!(expanded.is_ok());
    Cipher::new(&SecretKey::from_bytes(&key))
}
