//! Bulk trees in memory, so that a block that patches one does not read and hash it whole again.
//!
//! [`Trees`] are the trees after one height, shared by that height's views: a tree that is asked for and not
//! there is rebuilt from the view's rows and kept. [`Trees::after`] gives the next height's: all that the block
//! did not touch, and what it wrote.
//!
//! Invariant, at every moment and within a height too: the trees held take no more bytes than the bound, or there is only
//! one. The longest unused goes first. Trees share what they have in common, so this counts more than is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::proof::bulk_tree::BulkTree;
use aula_ledger::state::TreeLabel;

/// The trees in memory after one height.
#[derive(Debug)]
pub(super) struct Trees {
    limit_bytes: u64,
    recent: Mutex<Recent>,
}

/// Trees by label and by when they were last used.
#[derive(Debug, Clone, Default)]
struct Recent {
    entries: BTreeMap<TreeLabel, Entry>,
    order: BTreeMap<u64, TreeLabel>,
    bytes: u64,
    uses: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    tree: Arc<BulkTree>,
    last_use: u64,
}

impl Trees {
    /// None yet; at most about `limit_bytes` of them.
    pub(super) fn empty(limit_bytes: u64) -> Self {
        Self { limit_bytes, recent: Mutex::default() }
    }

    /// The tree of this label, if it is in memory.
    pub(super) fn get(&self, label: &str) -> Option<Arc<BulkTree>> {
        let mut recent = self.lock();
        let tree = Arc::clone(&recent.entries.get(label)?.tree);
        recent.touch(label);
        Some(tree)
    }

    /// Keeps a tree that was rebuilt from rows of this height.
    pub(super) fn keep(&self, label: &str, tree: Arc<BulkTree>) {
        self.lock().insert(label, tree, self.limit_bytes);
    }

    /// The trees after the next block, which wrote `written`.
    pub(super) fn after(&self, written: &BTreeMap<TreeLabel, Arc<BulkTree>>) -> Self {
        let mut recent = self.lock().clone();
        for (label, tree) in written {
            recent.insert(label, Arc::clone(tree), self.limit_bytes);
        }
        Self { limit_bytes: self.limit_bytes, recent: Mutex::new(recent) }
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        // A thread that panicked here ran out of memory; a count that is off by a tree is put right by what is evicted.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn touch(&mut self, label: &str) {
        self.uses = self.uses.saturating_add(1);
        if let Some(entry) = self.entries.get_mut(label) {
            self.order.remove(&entry.last_use);
            entry.last_use = self.uses;
            self.order.insert(self.uses, label.to_owned());
        }
    }

    fn insert(&mut self, label: &str, tree: Arc<BulkTree>, limit_bytes: u64) {
        self.remove(label);
        self.bytes = self.bytes.saturating_add(tree.bytes());
        self.entries.insert(label.to_owned(), Entry { tree, last_use: 0 });
        self.touch(label);
        while self.bytes > limit_bytes && self.entries.len() > 1 {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, label: &str) {
        if let Some(entry) = self.entries.remove(label) {
            self.order.remove(&entry.last_use);
            self.bytes = self.bytes.saturating_sub(entry.tree.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::types::Handle;

    fn tree(rows: u8) -> Arc<BulkTree> {
        let rows: Vec<_> = (0..rows).map(|n| (Handle([n; 32]), vec![n])).collect();
        Arc::new(BulkTree::from_rows(rows.iter().map(|(h, r)| (h, r.as_slice()))).unwrap_or_default())
    }

    #[test]
    fn a_later_height_does_not_show_through() {
        let one = Trees::empty(10_000).after(&[("a".into(), tree(1))].into());
        let two = one.after(&[("a".into(), tree(2))].into());
        assert_eq!(one.get("a").map(|t| t.head().leaf_count), Some(1));
        assert_eq!(two.get("a").map(|t| t.head().leaf_count), Some(2));
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let two_trees = tree(4).bytes() * 2;
        let one = Trees::empty(two_trees).after(&[("a".into(), tree(4)), ("b".into(), tree(4))].into());
        let two = one.after(&BTreeMap::new());
        assert!(two.get("a").is_some(), "used at 2");
        let three = two.after(&[("c".into(), tree(4))].into());
        assert!(three.get("a").is_some() && three.get("c").is_some() && three.get("b").is_none());
    }

    #[test]
    fn attack_05_trees_read_within_a_height_stay_within_the_bound() {
        let limit = tree(4).bytes() * 3;
        let trees = Trees::empty(limit);
        for number in 0..50 {
            trees.keep(&format!("students/1/{number}"), tree(4));
            assert!(trees.lock().bytes <= limit && trees.lock().entries.len() <= 3);
        }
        assert!(trees.get("students/1/49").is_some() && trees.get("students/1/46").is_none());
        trees.keep("students/2/1", tree(200));
        assert_eq!(trees.lock().entries.len(), 1, "one too large for the bound stands alone");
        assert!(trees.get("students/2/1").is_some());
    }
}
