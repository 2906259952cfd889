//! The leaves of a bulk tree in order: a B+ tree that shares what a change does not reach.
//!
//! Nodes stand behind `Arc` and are never changed. Putting a leaf copies its chunk and the nodes above it, log n of
//! them; the old list stays whole. Leaves are never taken out, so nodes only grow and split.
//!
//! Invariants: handles strictly ascend; all chunks lie at the same depth; no node but the root is empty.

use std::sync::Arc;

use crate::types::{Handle, Hash};

/// A handle and the hash of its leaf.
pub(super) type Leaf = (Handle, Hash);

/// Most leaves of a chunk, and how many a fresh one gets: room for half as many again before it splits.
const CHUNK: usize = 96;
const FRESH_CHUNK: usize = 64;
/// Most children of a node, and how many a fresh one gets.
const FANOUT: usize = 48;
const FRESH_FANOUT: usize = 32;

/// A list of leaves.
#[derive(Debug, Clone)]
pub(super) struct Leaves {
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Chunk(Arc<[Leaf]>),
    Inner(Arc<Inner>),
}

#[derive(Debug)]
struct Inner {
    /// Leaves below.
    len: usize,
    /// The first handle below.
    first: Handle,
    children: Vec<Node>,
}

impl Default for Leaves {
    fn default() -> Self {
        Self { root: Node::Chunk(Arc::from([])) }
    }
}

impl Leaves {
    /// From leaves in order.
    pub(super) fn new(leaves: &[Leaf]) -> Self {
        Self::stacked(chunks(leaves, FRESH_CHUNK))
    }

    /// Puts nodes of one depth under one root.
    fn stacked(mut nodes: Vec<Node>) -> Self {
        while nodes.len() > 1 {
            nodes = inners(nodes, FRESH_FANOUT);
        }
        nodes.pop().map_or_else(Self::default, |root| Self { root })
    }

    pub(super) fn len(&self) -> usize {
        self.root.len()
    }

    /// Where the handle stands (`Ok`), or would stand.
    pub(super) fn position(&self, handle: &Handle) -> Result<usize, usize> {
        let (mut node, mut before) = (&self.root, 0usize);
        loop {
            match node {
                Node::Chunk(leaves) => {
                    let at = leaves.binary_search_by(|leaf| leaf.0.cmp(handle));
                    return at.map(|at| before.saturating_add(at)).map_err(|at| before.saturating_add(at));
                }
                Node::Inner(inner) => {
                    let at = inner.child_of(handle);
                    let (left, rest) = inner.children.split_at(at);
                    before = left.iter().fold(before, |sum, child| sum.saturating_add(child.len()));
                    let Some(child) = rest.first() else { return Err(before) };
                    node = child;
                }
            }
        }
    }

    /// The leaf at a position.
    pub(super) fn get(&self, position: usize) -> Option<Leaf> {
        let mut found = None;
        self.root.visit(position, position.saturating_add(1), &mut |leaf| found = Some(*leaf));
        found
    }

    /// Shows the leaves from `from` to before `to`, in order.
    pub(super) fn visit(&self, from: usize, to: usize, show: &mut impl FnMut(&Leaf)) {
        self.root.visit(from, to, show);
    }

    /// The list after putting leaves, in order: a handle that stands is given the new hash.
    pub(super) fn put(&self, changes: &[Leaf]) -> Self {
        if changes.is_empty() { self.clone() } else { Self::stacked(self.root.put(changes)) }
    }
}

#[cfg(test)]
impl Leaves {
    /// Where its nodes stand in memory.
    pub(super) fn addresses(&self) -> std::collections::BTreeSet<usize> {
        fn add(node: &Node, all: &mut std::collections::BTreeSet<usize>) {
            match node {
                Node::Chunk(leaves) => drop(all.insert(Arc::as_ptr(leaves).cast::<u8>().addr())),
                Node::Inner(inner) => {
                    all.insert(Arc::as_ptr(inner).addr());
                    inner.children.iter().for_each(|child| add(child, all));
                }
            }
        }
        let mut all = std::collections::BTreeSet::new();
        add(&self.root, &mut all);
        all
    }
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Self::Chunk(leaves) => leaves.len(),
            Self::Inner(inner) => inner.len,
        }
    }

    fn first(&self) -> Handle {
        match self {
            Self::Chunk(leaves) => leaves.first().map_or(Handle([0; 32]), |leaf| leaf.0),
            Self::Inner(inner) => inner.first,
        }
    }

    fn visit(&self, from: usize, to: usize, show: &mut impl FnMut(&Leaf)) {
        match self {
            Self::Chunk(leaves) => {
                let to = to.min(leaves.len());
                leaves.get(from.min(to)..to).into_iter().flatten().for_each(show);
            }
            Self::Inner(inner) => {
                let mut start = 0usize;
                for child in &inner.children {
                    let end = start.saturating_add(child.len());
                    if from < end && start < to {
                        child.visit(from.saturating_sub(start), to.saturating_sub(start), show);
                    }
                    start = end;
                }
            }
        }
    }

    /// The nodes, of this node's depth, that take its place; at least one change is given.
    fn put(&self, changes: &[Leaf]) -> Vec<Self> {
        match self {
            Self::Chunk(leaves) => {
                let merged = merged(leaves, changes);
                if merged.len() <= CHUNK {
                    vec![Self::Chunk(merged.into())]
                } else {
                    chunks(&merged, FRESH_CHUNK)
                }
            }
            Self::Inner(inner) => {
                let children = inner.put(changes);
                if children.len() <= FANOUT {
                    inners(children, FANOUT)
                } else {
                    inners(children, FRESH_FANOUT)
                }
            }
        }
    }
}

impl Inner {
    fn new(children: Vec<Node>) -> Self {
        let len = children.iter().fold(0usize, |sum, child| sum.saturating_add(child.len()));
        Self { len, first: children.first().map_or(Handle([0; 32]), Node::first), children }
    }

    /// Which child holds the handle, or would.
    fn child_of(&self, handle: &Handle) -> usize {
        self.children.partition_point(|child| child.first() <= *handle).saturating_sub(1)
    }

    fn put(&self, mut changes: &[Leaf]) -> Vec<Node> {
        let mut children = Vec::with_capacity(self.children.len());
        for (at, child) in self.children.iter().enumerate() {
            let next = self.children.get(at.saturating_add(1)).map(Node::first);
            let own = next.map_or(changes.len(), |next| changes.partition_point(|leaf| leaf.0 < next));
            let (own, rest) = changes.split_at(own);
            changes = rest;
            if own.is_empty() { children.push(child.clone()) } else { children.extend(child.put(own)) }
        }
        children
    }
}

fn chunks(leaves: &[Leaf], size: usize) -> Vec<Node> {
    leaves.chunks(size).map(|chunk| Node::Chunk(chunk.into())).collect()
}

fn inners(children: Vec<Node>, size: usize) -> Vec<Node> {
    let groups = children.chunks(size);
    groups.map(|group| Node::Inner(Arc::new(Inner::new(group.to_vec())))).collect()
}

/// Two ascending lists as one; of a handle in both, the second one's leaf.
fn merged(old: &[Leaf], new: &[Leaf]) -> Vec<Leaf> {
    let mut all = Vec::with_capacity(old.len().saturating_add(new.len()));
    let mut old = old.iter().peekable();
    for leaf in new {
        while let Some(before) = old.next_if(|standing| standing.0 < leaf.0) {
            all.push(*before);
        }
        old.next_if(|standing| standing.0 == leaf.0);
        all.push(*leaf);
    }
    all.extend(old);
    all
}
