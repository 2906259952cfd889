//! RotateKey: an account's next transactions are signed with another key. The account's name stays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::chain::Code;
use crate::keys::{PublicKey, Signature};
use crate::tx::handler::{Handler, require};

/// Which key is replaced. Validator and network keys change by votes, the key-encryption key in the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum KeyName {
    /// The account key, which signs transactions.
    Account = 0,
}

/// A new key, with a proof that the sender holds it: locking oneself out takes more than a typing error.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RotateKey {
    /// Which key.
    pub key: KeyName,
    /// The new one.
    pub public_key: PublicKey,
    /// The new key's signature over the account's 20 bytes, under [`crate::keys::Label::KeyRotation`].
    pub possession: Signature,
}

impl Handler for RotateKey {
    fn check(&self) -> Result<(), Code> {
        require(self.public_key.is_usable())
    }
}
