//! The envelope every transaction travels in: who, in which order, until when, and a signature.
//!
//! What can be checked without state is checked by [`Transaction::check`] at submission, in the mempool
//! and again in a block, since a hostile proposer passes no mempool.

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::{KeyPoint, Label, PublicKey, Signature, hash, public_key, sign};
use crate::params::MAX_TRANSACTION_BYTES;
use crate::tx::{Payload, PayloadKind};
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

    /// The same where this transaction was just decoded from `canonical`, which begins with what was signed: of a batch of
    /// thousands of entries nothing is encoded again.
    pub fn signature_is_valid_in(&self, canonical: &[u8]) -> bool {
        self.public_key.point().is_some_and(|key| self.signature_is_valid_by(&key, canonical))
    }

    /// The same where the point of this transaction's public key is at hand.
    pub fn signature_is_valid_by(&self, key: &KeyPoint, canonical: &[u8]) -> bool {
        let signed = canonical.len().checked_sub(KEY_AND_SIGNATURE).and_then(|end| canonical.get(..end));
        signed.is_some_and(|body| key.verifies(Label::TransactionSignature, body, &self.signature))
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

/// What follows the body in a transaction's canonical bytes.
const KEY_AND_SIGNATURE: usize = size_of::<PublicKey>() + size_of::<Signature>();
// Before it stands the body's own canonical form, version byte and all.
const _: () = assert!(Transaction::VERSION == Body::VERSION && KEY_AND_SIGNATURE == 96);

/// The name of the transaction that these canonical bytes encode.
pub fn id_of_bytes(bytes: &[u8]) -> TransactionId {
    hash(Label::TransactionId, &[bytes])
}

/// Who sent the transaction that these canonical bytes encode, and of which kind it is. Reads the beginning alone: for what is in
/// a block, and so was decoded as a whole. None where that is no beginning of a transaction.
pub fn sender_and_kind(canonical: &[u8]) -> Option<(AccountId, PayloadKind)> {
    let (_, mut body) = canonical.split_first().filter(|(version, _)| **version == Transaction::VERSION)?;
    // As in `Body`, up to the number of the payload.
    let (_, account, _, _, number) = <(Hash, AccountId, u64, Height, u8)>::deserialize(&mut body).ok()?;
    let kind = PayloadKind::ALL.iter().find(|kind| **kind as u8 == number)?;
    Some((account, *kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tx::FundBudget;
    use crate::types::{Cents, SchoolYear};

    #[test]
    fn a_signature_is_judged_alike_over_the_body_and_in_the_bytes_that_it_came_in() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let body = Body {
            genesis: Hash([1; 32]),
            account: AccountId([2; 20]),
            sequence: 3,
            valid_until_height: Height(4),
            payload: FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }.into(),
        };
        let good = Transaction::sign(body, &key);
        let of_another =
            Transaction { public_key: public_key(&SigningKey::from_bytes(&[8; 32])), ..good.clone() };
        let mut forged = good.clone();
        forged.signature.0[0] ^= 1;
        let mut changed = good.clone();
        changed.body.sequence = 4;
        for (transaction, valid) in [(&good, true), (&of_another, false), (&forged, false), (&changed, false)]
        {
            let bytes = transaction.to_canonical();
            assert_eq!(transaction.signature_is_valid(), valid);
            assert_eq!(transaction.signature_is_valid_in(&bytes), valid);
        }
        assert!(!good.signature_is_valid_in(&[]) && !good.signature_is_valid_in(&changed.to_canonical()));
    }
}
