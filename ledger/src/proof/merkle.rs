//! RFC 9162 Merkle trees: leaf prefix 0x00, node prefix 0x01.
//!
//! Heads are hashed level by level, paths built with `rs_merkle` under [`Rfc9162`]. The one rule for an odd level, a lone
//! right node moves up unchanged, gives exactly the trees of RFC 9162, 2.1.1 (split at the largest power of two). The
//! library's verifier is not used: it accepts trailing hashes and wrong positions. [`InclusionPath::verify`] is the
//! strict routine of RFC 9162, 2.1.3.2, with the leaf count taken from a signed head.

use borsh::{BorshDeserialize, BorshSerialize};
use rs_merkle::{Hasher, MerkleTree};
use sha2::{Digest, Sha256};

use crate::codec::at_most;
use crate::proof::TreeHead;
use crate::types::Hash;

#[cfg(test)]
mod tests;

/// Prefix of a leaf's hash (RFC 9162, 2.1.1).
const LEAF_PREFIX: [u8; 1] = [0];
/// Prefix of an inner node's hash.
const NODE_PREFIX: [u8; 1] = [1];

/// The hasher that makes `rs_merkle` build RFC 9162 trees.
#[derive(Debug, Clone, Copy)]
pub struct Rfc9162;

impl Hasher for Rfc9162 {
    type Hash = [u8; 32];

    fn hash(leaf: &[u8]) -> [u8; 32] {
        leaf_hash(leaf).0
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        right.map_or(*left, |right| node_hash(&Hash(*left), &Hash(*right)).0)
    }
}

/// SHA-256 of `0x00 ‖ leaf`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(LEAF_PREFIX).chain_update(leaf).finalize().into())
}

/// SHA-256 of `0x01 ‖ left ‖ right`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update(NODE_PREFIX).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The root over no leaves: SHA-256 of the empty string.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

fn tree(hashes: &[Hash]) -> MerkleTree<Rfc9162> {
    let hashes: Vec<[u8; 32]> = hashes.iter().map(|hash| hash.0).collect();
    MerkleTree::from_leaves(&hashes)
}

/// The head over leaves' bytes, in the order given.
pub fn head<I>(leaves: I) -> TreeHead
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let hashes: Vec<Hash> = leaves.into_iter().map(|leaf| leaf_hash(leaf.as_ref())).collect();
    head_of_hashes(&hashes)
}

/// The head over leaf hashes, in the order given.
pub fn head_of_hashes(hashes: &[Hash]) -> TreeHead {
    let root = if hashes.is_empty() { empty_root() } else { root_over(hashes) };
    TreeHead { leaf_count: hashes.len() as u64, root }
}

/// The root over at least one hash. Keeps one level at a time: a block has a leaf for each of thousands of records.
pub(crate) fn root_over(hashes: &[Hash]) -> Hash {
    let mut level = parents(hashes);
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().copied().unwrap_or_default()
}

/// A level's parents; a lone right node moves up unchanged.
pub(crate) fn parents(level: &[Hash]) -> Vec<Hash> {
    let mut parents = Vec::with_capacity(level.len().div_ceil(2));
    for pair in level.chunks(2) {
        match pair {
            [left, right] => parents.push(node_hash(left, right)),
            alone => parents.extend_from_slice(alone),
        }
    }
    parents
}

/// The inclusion path of the leaf at `index`; none if there is no such leaf.
pub fn path(hashes: &[Hash], index: u64) -> Option<InclusionPath> {
    let at = usize::try_from(index).ok().filter(|at| *at < hashes.len())?;
    let siblings = tree(hashes).proof(&[at]).proof_hashes().iter().map(|hash| Hash(*hash)).collect();
    Some(InclusionPath { index, siblings })
}

/// Where a leaf stands and the hashes beside its way to the root, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InclusionPath {
    /// The leaf's position, from 0.
    pub index: u64,
    /// The hashes beside the way up: at most 64.
    #[borsh(deserialize_with = "at_most::<64, _, _>")]
    pub siblings: Vec<Hash>,
}

/// Why a path does not prove that a leaf is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The position is not inside the tree.
    #[error("position {index} is outside a tree of {leaf_count} leaves")]
    Position {
        /// The position claimed.
        index: u64,
        /// The tree's leaves.
        leaf_count: u64,
    },
    /// Too few or too many hashes for this position in a tree of this size.
    #[error("the path has the wrong number of hashes for its position")]
    Length,
    /// The hashes lead to another root.
    #[error("the path leads to another root")]
    Root,
}

impl InclusionPath {
    /// RFC 9162, 2.1.3.2: the leaf with this hash is at `self.index` of the tree with this head.
    ///
    /// # Errors
    /// [`PathError`]; a path with one hash more or less than needed is refused.
    pub fn verify(&self, leaf_hash: &Hash, head: &TreeHead) -> Result<(), PathError> {
        let outside = PathError::Position { index: self.index, leaf_count: head.leaf_count };
        let Some(last) = head.leaf_count.checked_sub(1) else { return Err(outside) };
        if self.index > last {
            return Err(outside);
        }
        // The RFC's fn and sn: this node's place in its level, and the level's last place.
        let (mut place, mut last) = (self.index, last);
        let mut hash = *leaf_hash;
        for sibling in &self.siblings {
            if last == 0 {
                return Err(PathError::Length);
            }
            if place & 1 == 1 || place == last {
                hash = node_hash(sibling, &hash);
                // A lone right node moved up: skip the levels where it had no sibling.
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                hash = node_hash(&hash, sibling);
            }
            place >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(PathError::Length);
        }
        if hash == head.root { Ok(()) } else { Err(PathError::Root) }
    }
}
