//! The inner hashes of a bulk tree, as RFC 9162 splits it: at the largest power of two below the number of leaves.
//!
//! Only ranges of more than [`BLOCK`] leaves have nodes, so the hashes take about a byte a leaf; what lies below a
//! block is hashed again when a proof asks for it. Nodes stand behind `Arc`: a new tree takes over every range that no
//! change reaches, so replacing a leaf costs log n. A leaf that is put in between moves all that follow it to other
//! positions: the format then asks for a new hash of each range to its right, a hash a leaf, and nothing can be shared.

use std::sync::Arc;

use super::leaves::{Leaf, Leaves};
use crate::proof::merkle::{node_hash, parents, root_over};
use crate::types::Hash;

/// Leaves whose inner hashes are not kept; a power of two, so that no split of a larger range cuts it.
const BLOCK: usize = 64;

/// The root of a range, and the two ranges it splits into; none within a block.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) hash: Hash,
    halves: Option<(Arc<Node>, Arc<Node>)>,
}

#[cfg(test)]
impl Node {
    /// Where it and the nodes below it stand in memory.
    pub(super) fn addresses(self: &Arc<Self>) -> std::collections::BTreeSet<usize> {
        let mut all = std::collections::BTreeSet::from([Arc::as_ptr(self).addr()]);
        if let Some((left, right)) = &self.halves {
            all.extend(left.addresses());
            all.extend(right.addresses());
        }
        all
    }
}

/// Which positions differ from those of the tree before.
pub(super) struct Changed<'a> {
    /// All from here on.
    pub(super) from: usize,
    /// And these before it, ascending.
    pub(super) replaced: &'a [usize],
}

impl Changed<'_> {
    fn reaches(&self, start: usize, end: usize) -> bool {
        let next = self.replaced.partition_point(|position| *position < start);
        end > self.from || self.replaced.get(next).is_some_and(|position| *position < end)
    }
}

/// A tree's root node, and how many leaves it is over.
pub(super) type Root<'a> = (&'a Arc<Node>, usize);

/// Where RFC 9162 splits `len` leaves; at least 2.
const fn split(len: usize) -> usize {
    match len.checked_next_power_of_two() {
        Some(power) => power / 2,
        None => len / 2,
    }
}

/// Hashes the range of `len` leaves from `start`, taking over from `before` what did not change. Depth: at most 64.
pub(super) fn build(
    leaves: &Leaves,
    start: usize,
    len: usize,
    before: Option<Root<'_>>,
    changed: &Changed<'_>,
) -> Arc<Node> {
    let end = start.saturating_add(len);
    if !changed.reaches(start, end)
        && let Some(same) = before.and_then(|(root, of)| find(root, 0, of, start, len))
    {
        return Arc::clone(same);
    }
    if len <= BLOCK {
        return Arc::new(Node { hash: root_over(&block(leaves, start, len)), halves: None });
    }
    let left = split(len);
    let right = len.saturating_sub(left);
    let left = build(leaves, start, left, before, changed);
    let right = build(leaves, end.saturating_sub(right), right, before, changed);
    Arc::new(Node { hash: node_hash(&left.hash, &right.hash), halves: Some((left, right)) })
}

/// The node of exactly this range in a tree over `len` leaves from `at`.
fn find(node: &Arc<Node>, at: usize, len: usize, start: usize, wanted: usize) -> Option<&Arc<Node>> {
    if (at, len) == (start, wanted) {
        return Some(node);
    }
    let (left, right) = node.halves.as_ref()?;
    let cut = split(len);
    let middle = at.saturating_add(cut);
    if start < middle {
        find(left, at, cut, start, wanted)
    } else {
        find(right, middle, len.saturating_sub(cut), start, wanted)
    }
}

/// The hashes beside the way from a position up to the root, lowest first; the position is one of the `len` leaves.
pub(super) fn siblings(leaves: &Leaves, root: &Arc<Node>, position: usize) -> Vec<Hash> {
    let (mut node, mut start, mut len) = (root, 0usize, leaves.len());
    let mut above = Vec::new();
    while let Some((left, right)) = &node.halves {
        let cut = split(len);
        let middle = start.saturating_add(cut);
        if position < middle {
            above.push(right.hash);
            (node, len) = (left, cut);
        } else {
            above.push(left.hash);
            (node, start, len) = (right, middle, len.saturating_sub(cut));
        }
    }
    let mut siblings = Vec::new();
    let (mut level, mut place) = (block(leaves, start, len), position.saturating_sub(start));
    while level.len() > 1 {
        siblings.extend(level.get(place ^ 1));
        place /= 2;
        level = parents(&level);
    }
    siblings.extend(above.into_iter().rev());
    siblings
}

fn block(leaves: &Leaves, start: usize, len: usize) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(len);
    leaves.visit(start, start.saturating_add(len), &mut |leaf: &Leaf| hashes.push(leaf.1));
    hashes
}
