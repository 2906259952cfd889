//! The signature scheme that the engine is told about: Ed25519.

use arc_malachitebft_core_types::SigningScheme;
use aula_ledger::keys;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{SigningKey, VerifyingKey};

/// An Ed25519 signature as 64 bytes. Any 64 bytes decode; verification decides.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({})", hex::encode(&self.0[..8]))
    }
}

impl From<Signature> for keys::Signature {
    fn from(signature: Signature) -> Self {
        Self(signature.0)
    }
}

impl From<keys::Signature> for Signature {
    fn from(signature: keys::Signature) -> Self {
        Self(signature.0)
    }
}

/// Why bytes are not a signature, or not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A signature is 64 bytes.
    #[error("an Ed25519 signature has 64 bytes")]
    SignatureLength,
    /// A public key is 32 bytes that decompress to a point.
    #[error("these bytes are not an Ed25519 public key")]
    PublicKey,
}

/// The signing scheme the engine is told about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl SigningScheme for Ed25519 {
    type DecodingError = DecodeError;
    type Signature = Signature;
    type PublicKey = VerifyingKey;
    type PrivateKey = SigningKey;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, DecodeError> {
        bytes.try_into().map(Signature).map_err(|_| DecodeError::SignatureLength)
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<VerifyingKey, DecodeError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| DecodeError::PublicKey)?;
        VerifyingKey::from_bytes(bytes).map_err(|_| DecodeError::PublicKey)
    }

    fn encode_public_key(public_key: &VerifyingKey) -> Vec<u8> {
        public_key.as_bytes().to_vec()
    }
}
