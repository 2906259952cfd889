//! Key material: 32 random bytes that are wiped when dropped and never printed.

use rand::RngCore;
use rand::rngs::OsRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of 32 bytes. Not `Copy`, not comparable, not serializable; `Debug` says only that it is one.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// A new one from the operating system's randomness.
    pub fn random() -> Self {
        let mut key = Self([0; 32]);
        OsRng.fill_bytes(&mut key.0);
        key
    }

    /// Takes 32 bytes; the caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The bytes, for the one place that uses them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Overwrites it.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() == self.0.len();
        if fits {
            self.0.copy_from_slice(bytes);
        }
        fits
    }

    /// Thirty-two zeros, to be filled.
    pub(crate) fn empty() -> Self {
        Self([0; 32])
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(secret)")
    }
}
