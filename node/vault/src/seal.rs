//! Sealing: AES-256-GCM-SIV (RFC 8452) under one key, with what the bytes belong to as associated data.
//!
//! Sealed bytes: version 1, a random nonce of 12 bytes, ciphertext, tag of 16. A nonce that repeats under one key
//! shows only that two equal texts are equal, which is why this cipher was chosen. Invariants: bytes moved to
//! another district, student, year or field do not open; a wrong key, a changed byte and a cut end are one error.

use aes_gcm_siv::aead::{AeadInPlace, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use rand::RngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use crate::secret::SecretKey;

/// First byte of sealed bytes.
const VERSION: u8 = 1;
/// As RFC 8452 has it.
pub(crate) const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// What sealing adds.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// Sealed bytes do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Wrong key, changed or cut bytes, or bytes that belong elsewhere: a cipher cannot tell which.
    #[error("the bytes are damaged, belong elsewhere, or were sealed with another key")]
    Refused,
    /// More bytes than the cipher takes, many gigabytes.
    #[error("too many bytes for one sealed value")]
    TooLong,
}

/// A key made ready, for many values of one student.
pub struct Cipher(Aes256GcmSiv);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(secret)")
    }
}

impl Cipher {
    /// Expands a key.
    pub fn new(key: &SecretKey) -> Self {
        Self(Aes256GcmSiv::new(key.as_bytes().into()))
    }

    /// Seals `clear` for the place that `bound` names, with a fresh nonce.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, clear: &[u8], bound: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        OsRng.fill_bytes(&mut nonce);
        self.seal_with(nonce, clear, bound)
    }

    /// As [`Cipher::seal`] with a nonce drawn by the caller, who draws many at once.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub(crate) fn seal_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        clear: &[u8],
        bound: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::with_capacity(clear.len() + OVERHEAD_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(clear);
        let body = sealed.get_mut(1 + NONCE_BYTES..).unwrap_or_default();
        let tag = self.0.encrypt_in_place_detached(Nonce::from_slice(&nonce), bound, body);
        sealed.extend_from_slice(&tag.map_err(|_| SealError::TooLong)?);
        Ok(sealed)
    }

    /// Opens sealed bytes that belong to the place that `bound` names. The result is wiped when dropped.
    ///
    /// # Errors
    /// [`SealError::Refused`].
    pub fn open(&self, sealed: &[u8], bound: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(SealError::Refused)?;
        let (version, rest) = head.split_first().ok_or(SealError::Refused)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Refused)?;
        if *version != VERSION {
            return Err(SealError::Refused);
        }
        let mut clear = Zeroizing::new(body.to_vec());
        let opened = self.0.decrypt_in_place_detached(
            Nonce::from_slice(nonce),
            bound,
            clear.as_mut_slice(),
            Tag::from_slice(tag),
        );
        opened.map(|()| clear).map_err(|_| SealError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_at_their_place_with_their_key_only() {
        let cipher = Cipher::new(&SecretKey::from_bytes(&[7; 32]));
        let sealed = cipher.seal(b"Ada", b"place").expect("three bytes");
        assert_eq!(sealed.len(), 3 + OVERHEAD_BYTES);
        assert_eq!(cipher.open(&sealed, b"place").expect("it opens").as_slice(), b"Ada");
        assert_eq!(cipher.open(&sealed, b"elsewhere"), Err(SealError::Refused));
        let other = Cipher::new(&SecretKey::from_bytes(&[8; 32]));
        assert_eq!(other.open(&sealed, b"place"), Err(SealError::Refused));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(cipher.open(&changed, b"place"), Err(SealError::Refused), "byte {at}");
            assert_eq!(cipher.open(&sealed[..at], b"place"), Err(SealError::Refused), "cut at {at}");
        }
    }

    #[test]
    fn the_bytes_are_those_of_rfc_8452() {
        // RFC 8452, appendix C.2: AES-256-GCM-SIV, 8 bytes of text, 1 byte of associated data.
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; 12];
        nonce[0] = 3;
        let clear = hex::decode("0200000000000000").expect("hex");
        let cipher = Cipher::new(&SecretKey::from_bytes(&key));
        let sealed = cipher.seal_with(nonce, &clear, &[1]).expect("eight bytes");
        assert_eq!(hex::encode(&sealed[13..]), "1de22967237a813291213f267e3b452f02d01ae33e4ec854");
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key = SecretKey::from_bytes(&[0x5a; 32]);
        let printed = format!("{key:?} {:?}", Cipher::new(&key));
        assert_eq!(printed, "SecretKey(secret) Cipher(secret)");
    }
}
