//! Bulk trees in memory, so that a block that patches one does not hash it whole again.
//!
//! [`Trees`] are the trees after one height, shared by that height's views: a tree that is asked for and not
//! there is rebuilt from the view's rows and kept. [`Trees::after`] gives the next height's: all that the block
//! did not touch, what it wrote, and only as many as the bound in bytes allows, the longest unused left out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::proof::bulk_tree::BulkTree;
use aula_ledger::state::TreeLabel;
use aula_ledger::types::Height;

/// Handle, leaf hash, and the levels above: about three times 32 bytes a row.
const BYTES_PER_ROW: u64 = 96;

#[derive(Debug, Clone)]
struct Entry {
    tree: Arc<BulkTree>,
    last_used: Height,
}

/// The trees in memory after one height.
#[derive(Debug)]
pub(super) struct Trees {
    height: Height,
    entries: Mutex<BTreeMap<TreeLabel, Entry>>,
}

impl Trees {
    /// None yet.
    pub(super) fn empty(height: Height) -> Self {
        Self { height, entries: Mutex::default() }
    }

    /// The tree of this label, if it is in memory.
    pub(super) fn get(&self, label: &str) -> Option<Arc<BulkTree>> {
        let mut entries = self.lock();
        let entry = entries.get_mut(label)?;
        entry.last_used = self.height;
        Some(entry.tree.clone())
    }

    /// Keeps a tree that was rebuilt from rows of this height.
    pub(super) fn keep(&self, label: &str, tree: Arc<BulkTree>) {
        self.lock().insert(label.to_owned(), Entry { tree, last_used: self.height });
    }

    /// The trees after the next block, which wrote `written`; at most about `limit_bytes` of them.
    pub(super) fn after(
        &self,
        height: Height,
        written: &BTreeMap<TreeLabel, Arc<BulkTree>>,
        limit_bytes: u64,
    ) -> Self {
        let mut entries = self.lock().clone();
        for (label, tree) in written {
            entries.insert(label.clone(), Entry { tree: tree.clone(), last_used: height });
        }
        let mut newest_first: Vec<(Height, u64, TreeLabel)> =
            entries.iter().map(|(label, e)| (e.last_used, bytes_of(&e.tree), label.clone())).collect();
        newest_first.sort_by(|a, b| b.cmp(a));
        let mut total = 0u64;
        for (_, bytes, label) in newest_first {
            total = total.saturating_add(bytes);
            if total > limit_bytes {
                entries.remove(&label);
            }
        }
        Self { height, entries: Mutex::new(entries) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TreeLabel, Entry>> {
        // Each change is one insert, so a thread that panicked left nothing half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(tree: &BulkTree) -> u64 {
    tree.head().leaf_count.saturating_mul(BYTES_PER_ROW)
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
        let one = Trees::empty(Height(1)).after(Height(1), &[("a".into(), tree(1))].into(), 10_000);
        let two = one.after(Height(2), &[("a".into(), tree(2))].into(), 10_000);
        assert_eq!(one.get("a").map(|t| t.head().leaf_count), Some(1));
        assert_eq!(two.get("a").map(|t| t.head().leaf_count), Some(2));
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let written = [("a".into(), tree(4)), ("b".into(), tree(4))].into();
        let one = Trees::empty(Height(1)).after(Height(1), &written, 4 * 96 * 2);
        let two = one.after(Height(2), &BTreeMap::new(), 4 * 96 * 2);
        assert!(two.get("a").is_some(), "used at 2");
        let three = two.after(Height(3), &[("c".into(), tree(4))].into(), 4 * 96 * 2);
        assert!(three.get("a").is_some() && three.get("c").is_some() && three.get("b").is_none());
    }
}
