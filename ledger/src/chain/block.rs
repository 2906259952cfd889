//! Headers and blocks. The header commits to everything else; its labelled hash is the block's name.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::Canonical;
use crate::keys::{Label, hash};
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

/// The head of an RFC 9162 tree: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TreeHead {
    /// Number of leaves. A proof is checked against this count, never a claimed one.
    pub leaf_count: u64,
    /// The root; of no leaves it is SHA-256 of the empty string (RFC 9162, 2.1.1).
    pub root: Hash,
}

/// What the validators sign, by its hash. Canonical bytes, version 2.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Header {
    /// Which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// This block's height; the genesis has no block, the first is 1.
    pub height: Height,
    /// Block time in milliseconds since 1970 UTC: more than the parent's.
    pub time_ms: TimeMs,
    /// The parent's block hash; for height 1 the SHA-256 of the genesis file.
    pub parent: Hash,
    /// Who built the block first. A locked block keeps its first proposer when proposed again.
    pub proposer: ValidatorAddress,
    /// Over the transactions' bytes, in order.
    pub transactions: TreeHead,
    /// Over the receipts' canonical bytes, in the transactions' order.
    pub receipts: TreeHead,
    /// Over the student-state leaves anchored in this block, in order of execution.
    pub students: TreeHead,
    /// Root of the authenticated map after this block.
    pub state_root: Hash,
    /// Hash of the validator set that decides this block.
    pub validators_hash: Hash,
    /// Hash of the validator set that decides the next block.
    pub next_validators_hash: Hash,
}

impl Header {
    /// The block's hash: the labelled SHA-256 of the header's canonical bytes.
    pub fn hash(&self) -> Hash {
        hash(Label::BlockHeader, &[&self.to_canonical()])
    }
}

impl Canonical for Header {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "block header";
    const MAX_BYTES: u64 = 1024;
}

/// A header and the bytes of its transactions, in order.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// Each transaction's canonical bytes.
    pub transactions: Vec<Vec<u8>>,
}

impl Canonical for Block {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "block";
    const MAX_BYTES: u64 = 8 * 1024 * 1024;
}
