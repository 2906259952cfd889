//! The envelope every transaction travels in: who, in which order, until when, and a signature.
//!
//! What can be checked without state is checked by [`Transaction::check`] at submission, in the mempool
//! and again in a block, since a hostile proposer passes no mempool.

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::{Label, PublicKey, Signature, hash, public_key, sign};
use crate::params::MAX_TRANSACTION_BYTES;
use crate::tx::Payload;
use crate::types::{AccountId, Hash, Height};

/// A transaction's name: labelled hash of all its bytes, public key and signature included.
pub type TransactionId = Hash;

/// The part of a transaction that is signed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Body {
    /// Which chain it is for: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// The sender.
    pub account: AccountId,
    /// The sender's next sequence number, from 0: no gaps, no repeats.
    pub sequence: u64,
    /// The last height at which it may be in a block.
    pub valid_until_height: Height,
    /// What it does.
    pub payload: Payload,
}

impl Canonical for Body {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "transaction body";
    const MAX_BYTES: u64 = MAX_TRANSACTION_BYTES;
}

/// A signed transaction. Canonical bytes, version 2.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transaction {
    /// What is signed.
    pub body: Body,
    /// The key it was signed with; must be the account's current key when executed.
    pub public_key: PublicKey,
    /// Over the body's canonical bytes, under [`Label::TransactionSignature`].
    pub signature: Signature,
}

impl Canonical for Transaction {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "transaction";
    const MAX_BYTES: u64 = MAX_TRANSACTION_BYTES;
}

impl Transaction {
    /// Signs a body.
    pub fn sign(body: Body, key: &SigningKey) -> Self {
        let signature = sign(key, Label::TransactionSignature, &body.to_canonical());
        Self { body, public_key: public_key(key), signature }
    }

    /// The transaction's name.
    pub fn id(&self) -> TransactionId {
        id_of_bytes(&self.to_canonical())
    }

    /// True when the signature is the named key's over the body.
    pub fn signature_is_valid(&self) -> bool {
        self.public_key.verifies(Label::TransactionSignature, &self.body.to_canonical(), &self.signature)
    }

    /// Checks what needs no state and no signature: chain, expiry at `height`, and the payload's own rules.
    ///
    /// # Errors
    /// The [`Code`] the submitter is told; a block that holds such a transaction is invalid.
    pub fn check(&self, genesis: &Hash, height: Height) -> Result<(), Code> {
        if self.body.genesis != *genesis {
            return Err(Code::WrongChain);
        }
        if self.body.valid_until_height < height {
            return Err(Code::Expired);
        }
        self.body.payload.check()
    }
}

/// The name of the transaction that these canonical bytes encode.
pub fn id_of_bytes(bytes: &[u8]) -> TransactionId {
    hash(Label::TransactionId, &[bytes])
}
