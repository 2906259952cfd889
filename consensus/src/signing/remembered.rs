//! Signatures whose verdict is known. A simulation checks each once for all its nodes; a running node checks its own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::{Signature, is_valid};

/// Verdicts that are kept; then all are forgotten.
const MOST: usize = 1 << 16;

/// Verdicts by the hash of key, signature and signed bytes.
#[derive(Debug, Default)]
pub struct Remembered {
    verdicts: Mutex<HashMap<[u8; 32], bool>>,
}

impl Remembered {
    /// The same as [`is_valid`], each asked once.
    pub(super) fn is_valid(&self, key: &VerifyingKey, bytes: &[u8], signature: &Signature) -> bool {
        let name: [u8; 32] = Sha256::new()
            .chain_update(key.as_bytes())
            .chain_update(signature.0)
            .chain_update(bytes)
            .finalize()
            .into();
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() >= MOST {
            verdicts.clear();
        }
        *verdicts.entry(name).or_insert_with(|| is_valid(key, bytes, signature))
    }
}
