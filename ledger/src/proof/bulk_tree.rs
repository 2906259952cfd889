//! A tree of many rows, strictly ascending by handle: a district's students, a round's requests.
//!
//! Thousands of rows cost the authenticated map far too much leaf by leaf, so each such list is an RFC 9162
//! tree of its own whose head is one record of the map. Leaf bytes are `handle ‖ SHA-256(row)`: the handle is
//! bound, so that two adjacent leaves prove that nothing stands between them, and a neighbour shown for that
//! purpose shows its handle but not its row.
//!
//! Invariants: handles strictly ascend; the hashes are those of the leaves. A tree is never changed: [`BulkTree::patched`]
//! makes the next, which shares with it all that the changes do not reach. Replacing a leaf costs log n in time and memory.
//! Putting one in between costs log n in memory, about a byte for each leaf that it moves to another position, and a hash
//! for each of those: RFC 9162 hashes positions, so their hashes are others. Rows are never taken out: records are
//! superseded, not removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use self::hashes::Changed;
use self::leaves::Leaves;
use super::merkle::{InclusionPath, PathError, empty_root, leaf_hash};
use crate::proof::TreeHead;
use crate::types::{Handle, Hash};

mod hashes;
mod leaves;
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

/// The same, of the row's hash.
pub(crate) fn leaf_of(handle: &Handle, row_hash: &Hash) -> Hash {
    let mut leaf = [0u8; 64];
    leaf[..32].copy_from_slice(&handle.0);
    leaf[32..].copy_from_slice(&row_hash.0);
    leaf_hash(&leaf)
}

/// Handles that are not strictly ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("handles are not strictly ascending at position {0}")]
pub struct OrderError(pub u64);

/// A leaf in memory with its share of the nodes above it, in bytes; for bounds on caches.
const BYTES_PER_LEAF: u64 = 72;

/// Handles and leaf hashes in order, and the hashes above them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct BulkTree {
    leaves: Leaves,
    root: Option<Arc<hashes::Node>>,
}

/// The same leaves; how they lie in memory does not count.
impl PartialEq for BulkTree {
    fn eq(&self, other: &Self) -> bool {
        self.head() == other.head() && self.handles() == other.handles()
    }
}

impl Eq for BulkTree {}

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
        Ok(Self::default().with(Leaves::new(&leaves), &Changed { from: 0, replaced: &[] }))
    }

    /// The next tree, of these leaves, which differ from this one's as told.
    fn with(&self, leaves: Leaves, changed: &Changed<'_>) -> Self {
        let before = self.root.as_ref().map(|root| (root, self.leaves.len()));
        let len = leaves.len();
        let root = (len > 0).then(|| hashes::build(&leaves, 0, len, before, changed));
        Self { leaves, root }
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
        self.leaves.len() as u64
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.leaves.len() == 0
    }

    /// About how many bytes of memory it takes, what it shares with other trees included.
    pub fn bytes(&self) -> u64 {
        self.len().saturating_mul(BYTES_PER_LEAF).saturating_add(256)
    }

    /// The handles, ascending.
    pub fn handles(&self) -> Vec<Handle> {
        let mut handles = Vec::with_capacity(self.leaves.len());
        self.leaves.visit(0, self.leaves.len(), &mut |leaf| handles.push(leaf.0));
        handles
    }

    /// True when there is a row for this handle.
    pub fn contains(&self, handle: &Handle) -> bool {
        self.leaves.position(handle).is_ok()
    }

    /// The leaf count and root.
    pub fn head(&self) -> TreeHead {
        TreeHead {
            leaf_count: self.len(),
            root: self.root.as_ref().map_or_else(empty_root, |root| root.hash),
        }
    }

    /// The tree after putting these leaves (handle and leaf hash): new handles are inserted, known ones replaced.
    pub fn patched(&self, changes: &BTreeMap<Handle, Hash>) -> Self {
        let mut replaced = Vec::new();
        let mut from = usize::MAX;
        for handle in changes.keys() {
            match self.leaves.position(handle) {
                Ok(at) => replaced.push(at),
                Err(at) => {
                    // All from the first new handle on move.
                    from = at;
                    break;
                }
            }
        }
        let changes: Vec<(Handle, Hash)> = changes.iter().map(|(handle, hash)| (*handle, *hash)).collect();
        self.with(self.leaves.put(&changes), &Changed { from, replaced: &replaced })
    }

    /// The inclusion path of this handle's row; none if it has no row.
    pub fn prove(&self, handle: &Handle) -> Option<InclusionPath> {
        self.path(self.leaves.position(handle).ok()?)
    }

    fn path(&self, at: usize) -> Option<InclusionPath> {
        let root = self.root.as_ref()?;
        Some(InclusionPath { index: at as u64, siblings: hashes::siblings(&self.leaves, root, at) })
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
        let Err(at) = self.leaves.position(handle) else { return Ok(None) };
        let mut neighbour = |at: Option<usize>| -> Result<Option<Neighbour>, E> {
            let found = at.and_then(|at| Some((self.leaves.get(at)?.0, self.path(at)?)));
            let Some((handle, path)) = found else { return Ok(None) };
            Ok(Some(Neighbour { handle, row_hash: row_hash_of(&handle)?, path }))
        };
        Ok(Some(AbsenceProof { before: neighbour(at.checked_sub(1))?, after: neighbour(Some(at))? }))
    }
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
