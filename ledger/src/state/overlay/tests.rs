use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::state::MemoryState;

fn handle(byte: u8) -> Handle {
    Handle([byte; 32])
}

/// A state of height 0 with two records and a tree of two rows.
fn genesis() -> MemoryState {
    let mut state = MemoryState::new();
    let before = state.clone();
    let mut overlay = Overlay::new(&before);
    overlay.put(b"a/1".to_vec(), b"one".to_vec());
    overlay.put(b"a/2".to_vec(), b"two".to_vec());
    overlay.put_row("students/1/1985", handle(1), b"row 1".to_vec());
    overlay.put_row("students/1/1985", handle(3), b"row 3".to_vec());
    let (_, writes) = overlay.finish(Height(0)).unwrap();
    state.apply(writes);
    state
}

#[test]
fn a_transaction_sees_its_own_writes_and_a_rejected_one_leaves_none() {
    let state = genesis();
    let mut overlay = Overlay::new(&state);
    overlay.begin();
    overlay.put(b"a/3".to_vec(), b"three".to_vec());
    overlay.delete(b"a/1".to_vec());
    overlay.put_row("students/1/1985", handle(2), b"row 2".to_vec());
    assert_eq!(overlay.get(b"a/1").unwrap(), None);
    assert_eq!(overlay.list(b"a/").unwrap().len(), 2);
    assert_eq!(overlay.rows("students/1/1985").unwrap().len(), 3);
    assert_eq!(overlay.tree_head("students/1/1985").unwrap().leaf_count, 3);
    overlay.rollback();
    assert_eq!(overlay.get(b"a/1").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(overlay.get(b"a/3").unwrap(), None);
    assert_eq!(overlay.row("students/1/1985", &handle(2)).unwrap(), None);
    assert_eq!(overlay.tree_head("students/1/1985").unwrap().leaf_count, 2);
    let (_, writes) = overlay.finish(Height(1)).unwrap();
    assert!(writes.values.is_empty() && writes.rows.is_empty() && writes.trees.is_empty());
}

#[test]
fn committed_writes_are_seen_by_the_next_transaction_and_finished() {
    let mut state = genesis();
    let before = state.clone();
    let mut overlay = Overlay::new(&before);
    overlay.begin();
    overlay.put(b"a/3".to_vec(), b"three".to_vec());
    overlay.put_row("students/1/1985", handle(2), b"row 2".to_vec());
    overlay.commit();
    overlay.begin();
    assert_eq!(overlay.get(b"a/3").unwrap().as_deref(), Some(&b"three"[..]));
    overlay.put(b"a/3".to_vec(), b"3".to_vec());
    let hash = overlay.put_row("students/1/1985", handle(2), b"row 2 again".to_vec());
    assert_eq!(hash, row_hash(b"row 2 again"));
    overlay.commit();
    let (root, writes) = overlay.finish(Height(1)).unwrap();
    state.apply(writes);
    assert_eq!(map::root(&state, Height(1)).unwrap(), root);
    let listed: Vec<Vec<u8>> = state.values(b"a/").unwrap().into_iter().map(|(_, value)| value).collect();
    assert_eq!(listed, [b"one".to_vec(), b"two".to_vec(), b"3".to_vec()]);
    let rows = state.rows("students/1/1985").unwrap();
    let expected = BulkTree::from_rows(rows.iter().map(|(handle, row)| (handle, row.as_slice()))).unwrap();
    assert_eq!(rows[1], (handle(2), b"row 2 again".to_vec()));
    assert_eq!(*state.tree("students/1/1985").unwrap().unwrap(), expected);
    let (record, proof) = map::prove(&state, Height(1), &tree_key("students/1/1985")).unwrap();
    let record = record.unwrap();
    proof.verify_inclusion(&root, &tree_key("students/1/1985"), &record).unwrap();
    let expected = TreeRecord { label: "students/1/1985".into(), head: expected.head() };
    assert_eq!(TreeRecord::from_canonical(&record), Ok(expected));
}

#[test]
fn the_last_record_before_a_key_is_found_through_all_that_was_written_and_deleted() {
    let state = genesis();
    let mut overlay = Overlay::new(&state);
    let last = |overlay: &Overlay<'_>, end: &[u8]| {
        overlay.last_before(b"a/", end).unwrap().map(|(_, value)| String::from_utf8(value).unwrap())
    };
    let found = |overlay: &Overlay<'_>| {
        [&b"a/"[..], b"a/1", b"a/2", b"a/3", b"a/9"].map(|end| last(overlay, end).unwrap_or_default())
    };
    assert_eq!(found(&overlay), ["", "", "one", "two", "two"]);
    overlay.put(b"a/3".to_vec(), b"three".to_vec());
    overlay.put(b"b".to_vec(), b"of another word".to_vec());
    overlay.begin();
    overlay.delete(b"a/2".to_vec());
    assert_eq!(found(&overlay), ["", "", "one", "one", "three"]);
    overlay.delete(b"a/3".to_vec());
    overlay.delete(b"a/1".to_vec());
    assert_eq!(found(&overlay), [""; 5]);
    overlay.rollback();
    assert_eq!(found(&overlay), ["", "", "one", "two", "three"]);
}

#[test]
fn a_record_written_with_its_own_bytes_changes_nothing() {
    let state = genesis();
    let mut overlay = Overlay::new(&state);
    overlay.put(b"a/1".to_vec(), b"one".to_vec());
    overlay.delete(b"never there".to_vec());
    let (root, writes) = overlay.finish(Height(1)).unwrap();
    assert!(writes.values.is_empty());
    assert_eq!(root, map::root(&state, Height(0)).unwrap());
}

#[test]
fn the_root_does_not_depend_on_the_order_of_writes() {
    let state = genesis();
    let run = |order: &[u8]| {
        let mut overlay = Overlay::new(&state);
        for byte in order {
            overlay.begin();
            overlay.put(vec![b'k', *byte], vec![*byte]);
            overlay.put_row("round/1/requests", handle(*byte), vec![*byte]);
            overlay.commit();
        }
        overlay.finish(Height(1)).unwrap().0
    };
    assert_eq!(run(&[1, 2, 3, 4]), run(&[4, 2, 1, 3]));
}

/// A state that counts how often a record is asked for by its key.
struct Counted<'a> {
    below: &'a MemoryState,
    asked: AtomicU32,
}

impl StateReader for Counted<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.below.value(key)
    }
    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.below.values(prefix)
    }
    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.map_node(node_key)
    }
    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        self.below.tree(label)
    }
    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        self.below.row(label, handle)
    }
    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError> {
        self.below.rows(label)
    }
}

#[test]
fn a_small_record_below_is_read_once_whatever_is_written_above_it() {
    let mut state = genesis();
    let large = vec![7; REMEMBERED_BYTES + 1];
    let values = BTreeMap::from([(b"large".to_vec(), Some(large.clone()))]);
    state.apply(StateWrites { values, ..StateWrites::default() });
    let counted = Counted { below: &state, asked: AtomicU32::default() };
    let asked = || counted.asked.load(Ordering::Relaxed);
    let mut overlay = Overlay::new(&counted);
    for _ in 0..3 {
        overlay.begin();
        assert_eq!(overlay.get(b"a/1").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(overlay.get(b"a/9").unwrap(), None);
        assert_eq!(overlay.leaves_below("students/1/1985").unwrap(), 2);
        overlay.put(b"a/1".to_vec(), b"other".to_vec());
        assert_eq!(overlay.get(b"a/1").unwrap().as_deref(), Some(&b"other"[..]));
        overlay.rollback();
    }
    assert_eq!(asked(), 3);
    for _ in 0..2 {
        assert_eq!(overlay.get(b"large").unwrap().as_ref(), Some(&large));
    }
    assert_eq!(asked(), 5, "one that is large stays below");
    // One that was read, as it was; one that was read, another; one that was not read.
    for (key, value) in [(b"a/1", b"one"), (b"a/9", b"new"), (b"a/2", b"two")] {
        overlay.put(key.to_vec(), value.to_vec());
    }
    let (_, writes) = overlay.finish(Height(1)).unwrap();
    assert_eq!(writes.values, BTreeMap::from([(b"a/9".to_vec(), Some(b"new".to_vec()))]));
    assert_eq!(asked(), 6);
}
