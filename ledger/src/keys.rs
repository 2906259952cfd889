//! Hashes with labels, Ed25519 keys and signatures.
//!
//! Every hash is SHA-256 (FIPS 180-4) over `label ‖ 0x00 ‖ bytes`, so that a hash made for one purpose is
//! never valid for another; all labels stand in [`Label`]. Signatures are Ed25519 (RFC 8032) checked with
//! dalek's `verify_strict`: small-order keys and non-canonical points are refused, so that every node and
//! the auditor agree on every signature. Batch verification is not used: it may disagree on such points.

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::names::PeerName;
use crate::types::{AccountId, Hash};

/// What a hash or a signature is for. The text is part of the hashed or signed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// A block's header; the hash is the block's name.
    BlockHeader,
    /// A whole transaction, public key and signature included.
    TransactionId,
    /// The bytes an account signs.
    TransactionSignature,
    /// The bytes a validator signs when it votes.
    Vote,
    /// The bytes a proposer signs over a consensus proposal.
    Proposal,
    /// Binds a validator's key to its network identity.
    ValidatorProof,
    /// The bytes a proposer signs over the parts of a block.
    BlockParts,
    /// A set of validators with their powers.
    ValidatorSet,
    /// An account's name, from its first public key.
    Account,
    /// A validator's address, from its public key.
    ValidatorAddress,
    /// What a new key signs, and for a node's keys the old one too.
    KeyRotation,
    /// What a candidate's key signs when its owner is made known.
    MemberPossession,
    /// What both keys of a new node sign when it asks to be admitted.
    NodeRequest,
    /// What an admitted node's validator key signs when it is ready.
    ValidatorReady,
    /// A key of the authenticated map.
    StateKey,
    /// A seed commitment of a round.
    SeedCommitment,
    /// A round's seed.
    RoundSeed,
    /// A student's pseudonym.
    Handle,
    /// Where the field of a name stands in a student's state.
    StudentField,
    /// A salted value of a student's state.
    StudentValue,
    /// The draw of the students of a round who are audited.
    AuditDraw,
    /// The key of a student's rows of a round.
    RoundRow,
    /// What a member signs to read rows over a node's HTTP API.
    ApiCredential,
    /// The public description of a vault's keystore generation.
    VaultKeystore,
    /// A student's identifier in the district's own systems.
    VaultStudent,
    /// The name of a family's link, from its token.
    FamilyLink,
}

impl Label {
    /// The label's text, at most 40 bytes of ASCII.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BlockHeader => "aula/v1/block-header",
            Self::TransactionId => "aula/v1/transaction-id",
            Self::TransactionSignature => "aula/v1/transaction-signature",
            Self::Vote => "aula/v1/vote",
            Self::Proposal => "aula/v1/proposal",
            Self::ValidatorProof => "aula/v1/validator-proof",
            Self::BlockParts => "aula/v1/block-parts",
            Self::ValidatorSet => "aula/v1/validator-set",
            Self::Account => "aula/v1/account",
            Self::ValidatorAddress => "aula/v1/validator-address",
            Self::KeyRotation => "aula/v1/key-rotation",
            Self::MemberPossession => "aula/v1/member-possession",
            Self::NodeRequest => "aula/v1/node-request",
            Self::ValidatorReady => "aula/v1/validator-ready",
            Self::StateKey => "aula/v1/state-key",
            Self::SeedCommitment => "aula/v1/seed-commitment",
            Self::RoundSeed => "aula/v1/round-seed",
            Self::Handle => "aula/v1/handle",
            Self::StudentField => "aula/v1/student-field",
            Self::StudentValue => "aula/v1/student-value",
            Self::AuditDraw => "aula/v1/audit-draw",
            Self::RoundRow => "aula/v1/round-row",
            Self::ApiCredential => "aula/v1/api-credential",
            Self::VaultKeystore => "aula/v1/vault-keystore",
            Self::VaultStudent => "aula/v1/vault-student",
            Self::FamilyLink => "aula/v1/family-link",
        }
    }

    /// `label ‖ 0x00 ‖ bytes`, as it is hashed or signed.
    pub fn prefixed(self, bytes: &[u8]) -> Vec<u8> {
        [self.text().as_bytes(), &[0], bytes].concat()
    }
}

/// SHA-256 over `label ‖ 0x00 ‖ parts joined`.
pub fn hash(label: Label, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(label.text().as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// An Ed25519 public key, 32 bytes. Whether the bytes are a usable point is checked when it verifies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

crate::types::hex_bytes!(PublicKey, 32);
crate::types::hex_bytes!(Signature, 64);

impl PublicKey {
    /// True when the bytes are a point that can sign: canonical and not of small order.
    pub fn is_usable(&self) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }

    /// True when `signature` is this key's over `label ‖ 0x00 ‖ bytes` (`verify_strict`).
    pub fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool {
        self.verifies_bytes(&label.prefixed(bytes), signature)
    }

    /// True when `signature` is this key's over these very bytes (`verify_strict`).
    fn verifies_bytes(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.point().is_some_and(|key| key.verifies_bytes(bytes, signature))
    }

    /// The point that the bytes stand for; none where they stand for none.
    pub fn point(&self) -> Option<KeyPoint> {
        VerifyingKey::from_bytes(&self.0).ok().map(KeyPoint)
    }
}

/// A public key's point. Finding it is a tenth of verifying a signature, which whoever verifies many of one key need not do each time.
#[derive(Debug, Clone, Copy)]
pub struct KeyPoint(VerifyingKey);

impl KeyPoint {
    /// As [`PublicKey::verifies`].
    pub fn verifies(&self, label: Label, bytes: &[u8], signature: &Signature) -> bool {
        self.verifies_bytes(&label.prefixed(bytes), signature)
    }

    fn verifies_bytes(&self, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(bytes, &signature).is_ok()
    }
}

/// Signs `label ‖ 0x00 ‖ bytes`.
pub fn sign(key: &SigningKey, label: Label, bytes: &[u8]) -> Signature {
    Signature(key.sign(&label.prefixed(bytes)).to_bytes())
}

/// The public half of a signing key.
pub fn public_key(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

/// The account that a first key founds: the first 20 bytes of the key's labelled hash.
pub fn account_of(first_key: &PublicKey) -> AccountId {
    let Hash(bytes) = hash(Label::Account, &[&first_key.0]);
    AccountId(*bytes.first_chunk::<20>().unwrap_or(&[0; 20]))
}

/// The peer that a network key makes: the base58 text of libp2p's identity multihash of the key's protobuf, `12D3KooW...`.
pub fn peer_of(network_key: &PublicKey) -> Option<PeerName> {
    // Identity multihash of 36 bytes: key type Ed25519 (field 1), then 32 bytes (field 2).
    const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    PeerName::new(&base58(&[&PREFIX[..], &network_key.0].concat())).ok()
}

/// Base58 with Bitcoin's alphabet, most significant digit first.
fn base58(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry = carry.saturating_add(u32::from(*digit) << 8);
            *digit = u8::try_from(carry % 58).unwrap_or(0);
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).unwrap_or(0));
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| 0u8);
    let all = zeros.chain(digits.into_iter().rev());
    all.filter_map(|digit| DIGITS.get(usize::from(digit)).map(|one| char::from(*one))).collect()
}

#[cfg(test)]
mod tests;
