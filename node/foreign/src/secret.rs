//! Secrets: drawn, shown once, kept as digests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

/// The SHA-256 of a secret.
pub type Digest32 = [u8; 32];

/// 32 random bytes as 43 letters, digits, `-` and `_`.
pub fn drawn() -> String {
    let mut bytes = [0u8; 32];
    OsRng.fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A public number of 16 hex digits, to name a secret by.
pub fn number() -> String {
    let mut bytes = [0u8; 8];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// What is kept of a secret. Secrets are compared by it, so that time tells nothing of them.
pub fn digest(secret: &str) -> Digest32 {
    Sha256::digest(secret.as_bytes()).into()
}
