use proptest::prelude::*;

use super::*;
use crate::proof::merkle;

fn handle(number: u32) -> Handle {
    let mut bytes = [0u8; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Handle(bytes)
}

fn row(number: u32, version: u8) -> Vec<u8> {
    [&number.to_le_bytes()[..], &[version]].concat()
}

/// A tree with rows for these numbers, all of one version.
fn tree(numbers: impl IntoIterator<Item = u32>, version: u8) -> BulkTree {
    let leaves = numbers.into_iter().map(|n| (handle(n), row_leaf(&handle(n), &row(n, version)))).collect();
    BulkTree::from_leaves(leaves).unwrap()
}

fn absence(tree: &BulkTree, number: u32) -> Option<AbsenceProof> {
    let hash_of = |handle: &Handle| {
        let number = u32::from_be_bytes(*handle.0.first_chunk().unwrap());
        Ok::<_, ()>(row_hash(&row(number, 0)))
    };
    tree.prove_absence(&handle(number), hash_of).unwrap()
}

#[test]
fn heads_and_paths_equal_the_header_trees() {
    for size in 0..=70u32 {
        let tree = tree(0..size, 0);
        let hashes: Vec<Hash> = (0..size).map(|n| row_leaf(&handle(n), &row(n, 0))).collect();
        assert_eq!(tree.head(), merkle::head_of_hashes(&hashes));
        for n in 0..size {
            assert_eq!(tree.prove(&handle(n)), merkle::path(&hashes, u64::from(n)));
            verify_row(&tree.prove(&handle(n)).unwrap(), &handle(n), &row(n, 0), &tree.head()).unwrap();
        }
        assert_eq!(tree.prove(&handle(size)), None);
    }
}

#[test]
fn a_proof_binds_the_handle_and_the_row() {
    let tree = tree(0..9, 0);
    let path = tree.prove(&handle(4)).unwrap();
    assert!(verify_row(&path, &handle(5), &row(4, 0), &tree.head()).is_err());
    assert!(verify_row(&path, &handle(4), &row(4, 1), &tree.head()).is_err());
}

#[test]
fn handles_out_of_order_or_twice_make_no_tree() {
    let leaf = |n| (handle(n), Hash::default());
    assert_eq!(BulkTree::from_leaves(vec![leaf(1), leaf(3), leaf(2)]), Err(OrderError(2)));
    assert_eq!(BulkTree::from_leaves(vec![leaf(1), leaf(1)]), Err(OrderError(1)));
    assert_eq!(BulkTree::from_leaves(vec![]), Ok(BulkTree::default()));
}

#[test]
fn absence_is_proved_between_neighbours_at_both_ends_and_in_an_empty_tree() {
    for size in 0..=20u32 {
        let tree = tree((0..size).map(|n| 2 * n + 1), 0);
        for absent in (0..=size).map(|n| 2 * n) {
            let proof = absence(&tree, absent).unwrap();
            proof.verify(&handle(absent), &tree.head()).unwrap();
            assert_eq!(proof.before.is_none(), absent == 0);
            assert_eq!(proof.after.is_none(), absent == 2 * size);
            for present in (0..size).map(|n| 2 * n + 1) {
                assert!(proof.verify(&handle(present), &tree.head()).is_err());
            }
        }
        assert!((0..size).all(|n| absence(&tree, 2 * n + 1).is_none()));
    }
}

#[test]
fn absence_is_refused_when_a_neighbour_is_left_out_moved_or_swapped() {
    let tree = tree((0..11).map(|n| 2 * n + 1), 0);
    let head = tree.head();
    let good = absence(&tree, 8).unwrap();
    let target = handle(8);
    good.verify(&target, &head).unwrap();
    let no_before = AbsenceProof { before: None, ..good.clone() };
    let no_after = AbsenceProof { after: None, ..good.clone() };
    let neither = AbsenceProof { before: None, after: None };
    let swapped = AbsenceProof { before: good.after.clone(), after: good.before.clone() };
    for bad in [no_before, no_after, neither.clone(), swapped] {
        assert_eq!(bad.verify(&target, &head), Err(RowProofError::Gap));
    }
    // Neighbours with a row between them.
    let wide = AbsenceProof { after: absence(&tree, 10).unwrap().after, ..good.clone() };
    assert_eq!(wide.verify(&target, &head), Err(RowProofError::Gap));
    // A neighbour under another handle or at another place.
    let mut renamed = good.clone();
    renamed.before.as_mut().unwrap().handle = handle(6);
    assert!(matches!(renamed.verify(&target, &head), Err(RowProofError::Path(_))));
    let mut moved = good;
    moved.before.as_mut().unwrap().path.index += 1;
    assert!(moved.verify(&target, &head).is_err());
    // An "empty" tree whose root is not that of no leaves.
    let fake = TreeHead { leaf_count: 0, root: head.root };
    assert_eq!(neither.verify(&target, &fake), Err(RowProofError::Gap));
}

proptest! {
    #[test]
    fn patching_equals_building_anew(
        first in proptest::collection::btree_set(0u32..400, 0..120),
        second in proptest::collection::btree_set(0u32..400, 0..60),
    ) {
        let before = tree(first.iter().copied(), 0);
        let changes = second.iter().map(|n| (handle(*n), row_leaf(&handle(*n), &row(*n, 1)))).collect();
        let all: BTreeMap<Handle, Hash> = first.iter().map(|n| (*n, 0)).chain(second.iter().map(|n| (*n, 1)))
            .map(|(n, version)| (handle(n), row_leaf(&handle(n), &row(n, version)))).collect();
        let anew = BulkTree::from_leaves(all.into_iter().collect()).unwrap();
        prop_assert_eq!(before.patched(&changes), anew);
    }
}

/// How many nodes of leaves and of hashes the second tree does not share with the first.
fn fresh(first: &BulkTree, second: &BulkTree) -> (usize, usize) {
    let hashes = |tree: &BulkTree| tree.root.as_ref().map(hashes::Node::addresses).unwrap_or_default();
    let leaves = second.leaves.addresses().difference(&first.leaves.addresses()).count();
    (leaves, hashes(second).difference(&hashes(first)).count())
}

#[test]
fn attack_05_a_patch_costs_log_n_and_shares_the_rest() {
    let size = 20_000u32;
    let tree = tree((0..size).map(|n| 2 * n + 1), 0);
    let all = (tree.leaves.addresses().len(), tree.root.as_ref().unwrap().addresses().len());
    for at in [1, size, 2 * size - 1] {
        let changes = BTreeMap::from([(handle(at | 1), Hash([7; 32]))]);
        let (leaves, hashes) = fresh(&tree, &tree.patched(&changes));
        // A chunk and the nodes above it; a block and the ranges above it: 20,000 = 313 blocks.
        assert!(leaves <= 3 && hashes <= 10, "replacing {at}: {leaves} of {}, {hashes} of {}", all.0, all.1);
    }
    // In front of all: every leaf moves, so every hash is another. The leaves are shared all the same.
    let front = tree.patched(&BTreeMap::from([(handle(0), Hash([7; 32]))]));
    let (leaves, hashes) = fresh(&tree, &front);
    assert!(leaves <= 4 && hashes <= 2 * (size as usize).div_ceil(64), "{leaves} and {hashes}");
    // Behind all: only the right edge.
    let (leaves, hashes) = fresh(&tree, &tree.patched(&BTreeMap::from([(handle(2 * size), Hash([7; 32]))])));
    assert!(leaves <= 4 && hashes <= 10, "{leaves} and {hashes}");
}

#[test]
fn many_patches_give_the_tree_of_all_leaves() {
    let mut tree = BulkTree::default();
    let mut all: BTreeMap<Handle, Hash> = BTreeMap::new();
    let mut draw = 0x2545_F491_4F6C_DD1Du64;
    for step in 0..60u8 {
        let count = [1, 3, 40, 700][usize::from(step) % 4];
        let mut changes = BTreeMap::new();
        for _ in 0..count {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            changes.insert(handle((draw % 12_000) as u32), Hash([step; 32]));
        }
        let before = (tree.clone(), tree.head());
        let next = tree.patched(&changes);
        assert_eq!(before.0.head(), before.1, "the tree before stays as it was");
        tree = next;
        all.extend(changes);
        let hashes: Vec<Hash> = all.values().copied().collect();
        assert_eq!(tree.head(), merkle::head_of_hashes(&hashes));
        assert!(tree.handles().iter().eq(all.keys()));
        for at in (0..all.len()).step_by(all.len() / 7 + 1) {
            let handle = all.keys().nth(at).unwrap();
            assert_eq!(tree.prove(handle), merkle::path(&hashes, at as u64));
            assert!(tree.contains(handle));
        }
    }
    assert!(tree.len() > 6_000);
}

/// Run by hand: `cargo test --release -p aula-ledger -- --ignored --nocapture fifty_thousand`.
#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types)]
fn fifty_thousand_leaves_rebuilt_and_patched() {
    let time = |what: &str, work: &mut dyn FnMut() -> BulkTree| {
        let start = std::time::Instant::now();
        let tree = work();
        println!("{what}: {:?} for {} leaves", start.elapsed(), tree.len());
        tree
    };
    let leaves: Vec<(Handle, Hash)> =
        (0..50_000).map(|n| (handle(2 * n), row_leaf(&handle(2 * n), &row(n, 0)))).collect();
    let tree = time("rebuild", &mut || BulkTree::from_leaves(leaves.clone()).unwrap());
    let changes = |odd: u32, count: u32| -> BTreeMap<Handle, Hash> {
        (0..count).map(|n| (handle(n * 20 + odd), Hash([9; 32]))).collect()
    };
    let (updates, inserts) = (changes(0, 1000), changes(1, 1000));
    time("replace 1,000", &mut || tree.patched(&updates));
    let patched = time("insert 1,000 anywhere", &mut || tree.patched(&inserts));
    assert_eq!(patched.len(), 51_000);
}
