//! Sparse Merkle trees: a leaf's place is a hash of its key, so that one root holds ONE leaf a key.
//!
//! In a tree of listed leaves whoever builds it chooses the places, and may list a key twice. Here the way down is the
//! key's own bits: two leaves of one key would need one node to be both a leaf and an inner node, which the two domains
//! exclude. Flow: leaves by key hash → [`root`], [`siblings`] → [`root_of`], which a verifier compares. The hashes are
//! those of the state's authenticated map (crate `jmt`), so that one routine reads both.
//!
//! Invariants: an empty subtree is [`EMPTY_SUBTREE`], a subtree of one leaf is that leaf, every other one a node over
//! its halves. Absent: what a leaf's hashes stand for, and how a map is stored.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::types::Hash;

/// The hash of an empty subtree, and the root of a tree without leaves.
pub const EMPTY_SUBTREE: Hash = Hash(*b"SPARSE_MERKLE_PLACEHOLDER_HASH__");
const LEAF_DOMAIN: &[u8] = b"JMT::LeafNode";
const NODE_DOMAIN: &[u8] = b"JMT::IntrnalNode";
/// A key hash has this many bits, so no way down has more siblings.
pub const MAX_DEPTH: usize = 256;

/// A leaf: where, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SparseLeaf {
    /// The hash of the key: its bits, most significant first, are the way down.
    pub key_hash: Hash,
    /// The hash of what stands there; how it is made is the tree's business.
    pub value_hash: Hash,
}

impl SparseLeaf {
    /// The leaf's own hash.
    pub fn hash(&self) -> Hash {
        digest(&[LEAF_DOMAIN, &self.key_hash.0, &self.value_hash.0])
    }
}

/// Why siblings lead to no root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hashes beside the way down are not in their one valid form")]
pub struct FormError;

/// An inner node's hash.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    digest(&[NODE_DOMAIN, &left.0, &right.0])
}

/// The root to which `end`, standing on the way of `place`, leads beside these siblings, lowest first; `None` is an
/// empty subtree.
///
/// # Errors
/// [`FormError`]: more siblings than a key has bits, or an empty subtree spelled as a hash.
pub fn root_of(place: &Hash, end: Hash, siblings: &[Option<Hash>]) -> Result<Hash, FormError> {
    let depth = siblings.len();
    if depth > MAX_DEPTH || siblings.contains(&Some(EMPTY_SUBTREE)) {
        return Err(FormError);
    }
    let up = |node: Hash, (sibling, level): (&Option<Hash>, usize)| {
        let sibling = sibling.unwrap_or(EMPTY_SUBTREE);
        let (left, right) = if bit(place, level) { (sibling, node) } else { (node, sibling) };
        node_hash(&left, &right)
    };
    Ok(siblings.iter().zip((0..depth).rev()).fold(end, up))
}

/// The root over these leaves, value hashes by key hash.
pub fn root(leaves: &BTreeMap<Hash, Hash>) -> Hash {
    subtree(&listed(leaves), 0)
}

/// The hashes beside the way down to a leaf, lowest first; none if there is no such leaf.
pub fn siblings(leaves: &BTreeMap<Hash, Hash>, key_hash: &Hash) -> Option<Vec<Option<Hash>>> {
    leaves.get(key_hash)?;
    let listed = listed(leaves);
    let (mut rest, mut found) = (listed.as_slice(), Vec::new());
    while rest.len() > 1 {
        let (left, right) = halves(rest, found.len());
        let (own, other) = if bit(key_hash, found.len()) { (right, left) } else { (left, right) };
        found.push((!other.is_empty()).then(|| subtree(other, found.len().saturating_add(1))));
        rest = own;
    }
    found.reverse();
    Some(found)
}

fn listed(leaves: &BTreeMap<Hash, Hash>) -> Vec<SparseLeaf> {
    let leaf =
        |(key_hash, value_hash): (&Hash, &Hash)| SparseLeaf { key_hash: *key_hash, value_hash: *value_hash };
    leaves.iter().map(leaf).collect()
}

/// The hash of the subtree at `depth` that holds these leaves, ascending by key hash.
fn subtree(leaves: &[SparseLeaf], depth: usize) -> Hash {
    match leaves {
        [] => EMPTY_SUBTREE,
        [one] => one.hash(),
        _ => {
            let (left, right) = halves(leaves, depth);
            let below = depth.saturating_add(1);
            node_hash(&subtree(left, below), &subtree(right, below))
        }
    }
}

fn halves(leaves: &[SparseLeaf], depth: usize) -> (&[SparseLeaf], &[SparseLeaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !bit(&leaf.key_hash, depth)))
}

/// Bit `at` of a hash, from the most significant of the first byte.
pub fn bit(hash: &Hash, at: usize) -> bool {
    hash.0.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
}

/// How many bits two hashes share from the first.
pub fn shared_bits(a: &Hash, b: &Hash) -> usize {
    (0..MAX_DEPTH).take_while(|at| bit(a, *at) == bit(b, *at)).count()
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u32) -> BTreeMap<Hash, Hash> {
        let hash = |n: u32| Hash(Sha256::digest(n.to_le_bytes()).into());
        (0..count).map(|n| (hash(n), hash(n + 100_000))).collect()
    }

    #[test]
    fn every_leaf_leads_to_the_root_and_no_other_value_does() {
        for count in [1, 2, 3, 17, 850] {
            let leaves = leaves(count);
            let root = root(&leaves);
            for (key_hash, value_hash) in &leaves {
                let siblings = siblings(&leaves, key_hash).unwrap();
                let leaf = SparseLeaf { key_hash: *key_hash, value_hash: *value_hash };
                assert_eq!(root_of(key_hash, leaf.hash(), &siblings), Ok(root));
                let other = SparseLeaf { value_hash: Hash([1; 32]), ..leaf };
                assert_ne!(root_of(key_hash, other.hash(), &siblings), Ok(root));
            }
            assert_eq!(siblings(&leaves, &Hash([0; 32])), None);
        }
        assert_eq!(root(&BTreeMap::new()), EMPTY_SUBTREE);
    }

    #[test]
    fn what_is_not_in_form_is_refused() {
        let place = Hash([0; 32]);
        assert_eq!(root_of(&place, place, &[Some(EMPTY_SUBTREE)]), Err(FormError));
        assert_eq!(root_of(&place, place, &vec![None; MAX_DEPTH + 1]), Err(FormError));
        assert!(root_of(&place, place, &vec![None; MAX_DEPTH]).is_ok());
    }
}
