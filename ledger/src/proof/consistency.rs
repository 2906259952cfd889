//! RFC 9162 consistency proofs: a longer log begins with every leaf of a shorter one, in the same places.
//!
//! For logs that only grow, such as a district's access log; blocks and rounds never grow after they are final.
//! Flow: whoever keeps the log builds [`path`] from its leaf hashes; whoever knows the old head checks it with
//! [`verify`] before believing the new one. Sizes come from heads that are known or signed, never from the proof.

use super::merkle::{empty_root, head_of_hashes, node_hash};
use crate::proof::TreeHead;
use crate::types::Hash;

#[cfg(test)]
mod tests;

/// Most hashes of a proof between trees of fewer than 2^64 leaves.
pub const MAX_HASHES: usize = 65;

/// Why a new head does not extend an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// The new tree is smaller than the old one.
    #[error("a tree of {new} leaves cannot extend one of {old}")]
    Shrunk {
        /// Leaves of the earlier tree.
        old: u64,
        /// Leaves of the later tree, fewer than those.
        new: u64,
    },
    /// Too few or too many hashes for these two sizes.
    #[error("the proof has the wrong number of hashes for these sizes")]
    Length,
    /// The hashes do not lead to both roots: an earlier leaf was changed, removed or moved.
    #[error("the proof does not lead to both roots")]
    Root,
}

/// RFC 9162, 2.1.4.1: the proof that the tree over `hashes` extends the one over its first `old` leaves; none if
/// there are fewer. Empty when `old` is 0 or all of them.
pub fn path(hashes: &[Hash], old: u64) -> Option<Vec<Hash>> {
    let old = usize::try_from(old).ok().filter(|old| *old <= hashes.len())?;
    let mut found = Vec::new();
    if old > 0 {
        descend(hashes, old, true, &mut found);
    }
    Some(found)
}

/// The RFC's SUBPROOF, lowest hash first; `whole` while the old tree's root is known to the verifier.
fn descend(hashes: &[Hash], old: usize, whole: bool, found: &mut Vec<Hash>) {
    if old == hashes.len() {
        if !whole {
            found.push(head_of_hashes(hashes).root);
        }
        return;
    }
    // The largest power of two below the number of leaves, which is at least 2 here.
    let split = hashes.len().next_power_of_two() / 2;
    let (left, right) = hashes.split_at(split);
    if old <= split {
        descend(left, old, whole, found);
        found.push(head_of_hashes(right).root);
    } else {
        descend(right, old.saturating_sub(split), false, found);
        found.push(head_of_hashes(left).root);
    }
}

/// RFC 9162, 2.1.4.2: the tree with head `new` begins with the leaves of the tree with head `old`.
///
/// # Errors
/// [`ConsistencyError`]; a proof with one hash more or less than needed is refused.
pub fn verify(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), ConsistencyError> {
    let (size, grown) = (old.leaf_count, new.leaf_count);
    if grown < size {
        return Err(ConsistencyError::Shrunk { old: size, new: grown });
    }
    if size == 0 || size == grown {
        let same = if size == grown { old.root == new.root } else { old.root == empty_root() };
        return match (proof.is_empty(), same) {
            (false, _) => Err(ConsistencyError::Length),
            (true, false) => Err(ConsistencyError::Root),
            (true, true) => Ok(()),
        };
    }
    climb(old, new, proof)
}

fn climb(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), ConsistencyError> {
    // A whole tree of 2^k leaves is a node of the larger one, and its hash is not repeated in the proof.
    let (first, rest) = if old.leaf_count.is_power_of_two() {
        (old.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ConsistencyError::Length)?;
        (*first, rest)
    };
    // The RFC's fn and sn: the last leaf's place in the old and in the new tree, level by level.
    let (mut place, mut last) = (old.leaf_count.saturating_sub(1), new.leaf_count.saturating_sub(1));
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut before, mut after) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ConsistencyError::Length);
        }
        if place & 1 == 1 || place == last {
            before = node_hash(sibling, &before);
            after = node_hash(sibling, &after);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ConsistencyError::Length);
    }
    if before == old.root && after == new.root { Ok(()) } else { Err(ConsistencyError::Root) }
}
