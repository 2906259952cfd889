//! A tree of many rows, strictly ascending by handle: a district's students, a round's requests.
//!
//! Thousands of rows cost the authenticated map far too much leaf by leaf, so each such list is an RFC 9162
//! tree of its own whose head is one record of the map. Leaf bytes are `handle ‖ SHA-256(row)`: the handle is
//! bound, so that two adjacent leaves prove that nothing stands between them, and a neighbour shown for that
//! purpose shows its handle but not its row.
//!
//! Invariants: handles strictly ascending; `levels[0]` are the leaf hashes, each level above halves, the last
//! has one node (none if the tree is empty). Patching copies the tree, then hashes only what a change reaches.
//! Rows are never taken out: records are superseded, not removed.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use super::merkle::{InclusionPath, PathError, empty_root, leaf_hash, node_hash};
use crate::chain::TreeHead;
use crate::types::{Handle, Hash};

#[cfg(test)]
mod tests;

/// SHA-256 of a row's bytes.
pub fn row_hash(row: &[u8]) -> Hash {
    Hash(Sha256::digest(row).into())
}

/// The leaf hash of a row: SHA-256 of `0x00 ‖ handle ‖ SHA-256(row)`.
pub fn row_leaf(handle: &Handle, row: &[u8]) -> Hash {
    leaf_of(handle, &row_hash(row))
}

fn leaf_of(handle: &Handle, row_hash: &Hash) -> Hash {
    let mut leaf = [0u8; 64];
    leaf[..32].copy_from_slice(&handle.0);
    leaf[32..].copy_from_slice(&row_hash.0);
    leaf_hash(&leaf)
}

/// Handles that are not strictly ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("handles are not strictly ascending at position {0}")]
pub struct OrderError(pub u64);

/// Handles, leaf hashes and every level above them. Shared behind an `Arc`; [`BulkTree::patched`] makes the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkTree {
    handles: Vec<Handle>,
    levels: Vec<Vec<Hash>>,
}

impl Default for BulkTree {
    fn default() -> Self {
        Self { handles: Vec::new(), levels: vec![Vec::new()] }
    }
}

impl BulkTree {
    /// Builds from leaf hashes (see [`row_leaf`]).
    ///
    /// # Errors
    /// [`OrderError`] unless the handles are strictly ascending.
    pub fn from_leaves(leaves: Vec<(Handle, Hash)>) -> Result<Self, OrderError> {
        let descent = leaves.iter().zip(leaves.iter().skip(1)).position(|(a, b)| a.0 >= b.0);
        if let Some(at) = descent {
            return Err(OrderError(at as u64 + 1));
        }
        let (handles, hashes) = leaves.into_iter().unzip();
        let mut tree = Self { handles, levels: vec![hashes] };
        tree.rebuild_from(0);
        Ok(tree)
    }

    /// Builds from rows' bytes.
    ///
    /// # Errors
    /// [`OrderError`] unless the handles are strictly ascending.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = (&'a Handle, &'a [u8])>) -> Result<Self, OrderError> {
        Self::from_leaves(rows.into_iter().map(|(handle, row)| (*handle, row_leaf(handle, row))).collect())
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.handles.len() as u64
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// The handles, ascending.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// True when there is a row for this handle.
    pub fn contains(&self, handle: &Handle) -> bool {
        self.handles.binary_search(handle).is_ok()
    }

    /// The leaf count and root.
    pub fn head(&self) -> TreeHead {
        let root = self.levels.last().and_then(|top| top.first()).copied().unwrap_or_else(empty_root);
        TreeHead { leaf_count: self.len(), root }
    }

    /// The tree after putting these leaves (handle and leaf hash): new handles are inserted, known ones replaced.
    pub fn patched(&self, changes: &BTreeMap<Handle, Hash>) -> Self {
        let mut tree = self.clone();
        let mut replaced = Vec::new();
        let mut inserted = Vec::new();
        for (handle, hash) in changes {
            match tree.handles.binary_search(handle) {
                Ok(at) => replaced.push((at, *hash)),
                Err(_) => inserted.push((*handle, *hash)),
            }
        }
        if let Some(leaves) = tree.levels.first_mut() {
            for (at, hash) in &replaced {
                if let Some(leaf) = leaves.get_mut(*at) {
                    *leaf = *hash;
                }
            }
        }
        tree.refresh(replaced.into_iter().map(|(at, _)| at).collect());
        if let Some((first, _)) = inserted.first() {
            let from = tree.handles.partition_point(|handle| handle < first);
            tree.merge_tail(from, inserted);
            tree.rebuild_from(from);
        }
        tree
    }

    /// Merges sorted new leaves into everything at and after `from`.
    fn merge_tail(&mut self, from: usize, inserted: Vec<(Handle, Hash)>) {
        let Some(leaves) = self.levels.first_mut() else { return };
        let tail: Vec<(Handle, Hash)> = self.handles.drain(from..).zip(leaves.drain(from..)).collect();
        let mut old = tail.into_iter().peekable();
        let mut new = inserted.into_iter().peekable();
        loop {
            let take_new = match (old.peek(), new.peek()) {
                (Some(o), Some(n)) => n.0 < o.0,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let Some((handle, hash)) = (if take_new { new.next() } else { old.next() }) else { break };
            self.handles.push(handle);
            leaves.push(hash);
        }
    }

    /// Hashes the ancestors of these leaves (ascending) again; the tree keeps its size.
    fn refresh(&mut self, mut dirty: Vec<usize>) {
        for level in 1..self.levels.len() {
            dirty.iter_mut().for_each(|at| *at /= 2);
            dirty.dedup();
            let (below, above) = self.levels.split_at_mut(level);
            let (Some(children), Some(nodes)) = (below.last(), above.first_mut()) else { return };
            for at in &dirty {
                if let (Some(node), Some(parent)) = (nodes.get_mut(*at), parent(children, *at)) {
                    *node = parent;
                }
            }
        }
    }

    /// Hashes every level again, keeping the nodes that lie wholly left of leaf `from`.
    fn rebuild_from(&mut self, from: usize) {
        let mut keep = from;
        let mut before = self.levels.drain(1.min(self.levels.len())..).collect::<Vec<_>>().into_iter();
        while let Some(children) = self.levels.last().filter(|nodes| nodes.len() > 1) {
            keep /= 2;
            let mut nodes = before.next().unwrap_or_default();
            nodes.truncate(keep);
            let first = nodes.len();
            nodes.extend((first..children.len().div_ceil(2)).filter_map(|at| parent(children, at)));
            self.levels.push(nodes);
        }
    }

    /// The inclusion path of this handle's row; none if it has no row.
    pub fn prove(&self, handle: &Handle) -> Option<InclusionPath> {
        Some(self.path(self.handles.binary_search(handle).ok()?))
    }

    fn path(&self, at: usize) -> InclusionPath {
        let mut place = at;
        let mut siblings = Vec::new();
        for nodes in &self.levels {
            siblings.extend(nodes.get(place ^ 1));
            place /= 2;
        }
        InclusionPath { index: at as u64, siblings }
    }

    /// Proves that this handle has no row; none if it has one. `row_hash_of` reads a neighbour's row hash.
    ///
    /// # Errors
    /// Whatever `row_hash_of` fails with.
    pub fn prove_absence<E>(
        &self,
        handle: &Handle,
        mut row_hash_of: impl FnMut(&Handle) -> Result<Hash, E>,
    ) -> Result<Option<AbsenceProof>, E> {
        let Err(at) = self.handles.binary_search(handle) else { return Ok(None) };
        let mut neighbour = |at: Option<usize>| -> Result<Option<Neighbour>, E> {
            let Some((at, handle)) = at.and_then(|at| Some((at, *self.handles.get(at)?))) else {
                return Ok(None);
            };
            Ok(Some(Neighbour { handle, row_hash: row_hash_of(&handle)?, path: self.path(at) }))
        };
        Ok(Some(AbsenceProof { before: neighbour(at.checked_sub(1))?, after: neighbour(Some(at))? }))
    }
}

/// The parent at `at` of a level's nodes: the hash of its two children, or a lone right child unchanged.
fn parent(children: &[Hash], at: usize) -> Option<Hash> {
    let left = children.get(at * 2)?;
    Some(children.get(at * 2 + 1).map_or(*left, |right| node_hash(left, right)))
}

/// A row beside the place where an absent handle would stand.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Neighbour {
    /// The neighbour's handle.
    pub handle: Handle,
    /// SHA-256 of its row, which stays hidden.
    pub row_hash: Hash,
    /// Where it stands.
    pub path: InclusionPath,
}

/// That no row of a tree has a certain handle: its neighbours stand side by side (or at an end).
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AbsenceProof {
    /// The last row before it; none at the beginning.
    pub before: Option<Neighbour>,
    /// The first row after it; none at the end.
    pub after: Option<Neighbour>,
}

/// Why a proof does not show what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowProofError {
    /// A path fails.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The neighbours leave room for the handle elsewhere.
    #[error("the neighbours shown do not stand side by side around the handle")]
    Gap,
}

/// Checks that `row` is this handle's row in the tree with this head.
///
/// # Errors
/// [`RowProofError::Path`] with the reason.
pub fn verify_row(
    path: &InclusionPath,
    handle: &Handle,
    row: &[u8],
    head: &TreeHead,
) -> Result<(), RowProofError> {
    Ok(path.verify(&row_leaf(handle, row), head)?)
}

impl Neighbour {
    fn verify(&self, head: &TreeHead) -> Result<(), RowProofError> {
        Ok(self.path.verify(&leaf_of(&self.handle, &self.row_hash), head)?)
    }
}

impl AbsenceProof {
    /// Checks that no row of the tree with this head has this handle.
    ///
    /// # Errors
    /// [`RowProofError`]: a wrong path, or neighbours that are not adjacent around the handle.
    pub fn verify(&self, handle: &Handle, head: &TreeHead) -> Result<(), RowProofError> {
        for neighbour in self.before.iter().chain(&self.after) {
            neighbour.verify(head)?;
        }
        let left_of = self.before.as_ref().is_none_or(|before| before.handle < *handle);
        let right_of = self.after.as_ref().is_none_or(|after| *handle < after.handle);
        // The positions between which the handle would stand: after `before`, and at `after` or the end.
        let start = self.before.as_ref().map_or(Some(0), |before| before.path.index.checked_add(1));
        let end = self.after.as_ref().map_or(head.leaf_count, |after| after.path.index);
        let empty_is_empty = head.leaf_count > 0 || head.root == empty_root();
        if left_of && right_of && start == Some(end) && empty_is_empty {
            Ok(())
        } else {
            Err(RowProofError::Gap)
        }
    }
}
