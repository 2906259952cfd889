//! What a proof about a tree is checked against.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::Hash;

/// The head of an RFC 9162 tree: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TreeHead {
    /// Number of leaves. A proof is checked against this count, never a claimed one.
    pub leaf_count: u64,
    /// The root; of no leaves it is SHA-256 of the empty string (RFC 9162, 2.1.1).
    pub root: Hash,
}
