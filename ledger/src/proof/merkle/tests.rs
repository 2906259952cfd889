use serde_json::Value;

use super::*;

fn hashes(leaves: u64) -> Vec<Hash> {
    (0..leaves).map(|index| leaf_hash(format!("leaf-{index}").as_bytes())).collect()
}

/// The definition of RFC 9162, 2.1.1, word for word: split at the largest power of two below n.
fn definition(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            node_hash(&definition(left), &definition(right))
        }
    }
}

#[test]
fn roots_and_paths_of_1_to_70_leaves_equal_pymerkle() {
    let vectors: Value = serde_json::from_str(include_str!("../../../vectors/merkle_rfc9162.json")).unwrap();
    let trees = vectors["trees"].as_array().unwrap();
    assert_eq!(trees.len(), 70);
    for (tree, size) in trees.iter().zip(1u64..) {
        assert_eq!(tree["leaves"], size);
        let hashes = hashes(size);
        let head = head_of_hashes(&hashes);
        assert_eq!(tree["root"], head.root.to_string());
        let paths: Vec<InclusionPath> = (0..size).map(|index| path(&hashes, index).unwrap()).collect();
        let joined: Vec<u8> = paths.iter().flat_map(|path| &path.siblings).flat_map(|hash| hash.0).collect();
        assert_eq!(tree["paths_sha256"], hex::encode(Sha256::digest(joined)), "paths of {size} leaves");
        if let Some(expected) = tree["paths"].as_array() {
            for (expected, path) in expected.iter().zip(&paths) {
                let ours: Vec<String> = path.siblings.iter().map(Hash::to_string).collect();
                assert_eq!(*expected, Value::from(ours), "{size} leaves, position {}", path.index);
            }
        }
        for (path, leaf) in paths.iter().zip(&hashes) {
            path.verify(leaf, &head).unwrap();
        }
    }
}

#[test]
fn roots_equal_the_rfc_definition_and_the_empty_tree_is_sha256_of_nothing() {
    for size in 0..=130 {
        let hashes = hashes(size);
        assert_eq!(head_of_hashes(&hashes).root, definition(&hashes), "{size} leaves");
        // What paths are built with has the same root.
        assert!(size == 0 || tree(&hashes).root() == Some(definition(&hashes).0), "{size} leaves");
    }
    let empty = head(Vec::<Vec<u8>>::new());
    assert_eq!(empty.leaf_count, 0);
    assert_eq!(empty.root.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(path(&[], 0), None);
    assert_eq!(path(&hashes(3), 3), None);
}

#[test]
fn trailing_and_missing_hashes_are_refused() {
    for size in 1..=33u64 {
        let hashes = hashes(size);
        let head = head_of_hashes(&hashes);
        for (leaf, index) in hashes.iter().zip(0..) {
            let good = path(&hashes, index).unwrap();
            let mut long = good.clone();
            long.siblings.push(head.root);
            assert_eq!(long.verify(leaf, &head), Err(PathError::Length), "{size} leaves, position {index}");
            let mut short = good.clone();
            if short.siblings.pop().is_some() {
                assert_eq!(short.verify(leaf, &head), Err(PathError::Length));
            }
        }
    }
}

#[test]
fn wrong_positions_are_refused() {
    for size in 1..=33u64 {
        let hashes = hashes(size);
        let head = head_of_hashes(&hashes);
        for (leaf, index) in hashes.iter().zip(0..) {
            let good = path(&hashes, index).unwrap();
            for other in (0..size + 3).filter(|other| *other != index) {
                let moved = InclusionPath { index: other, ..good.clone() };
                assert!(moved.verify(leaf, &head).is_err(), "{size} leaves, {index} shown at {other}");
            }
            let far = InclusionPath { index: u64::MAX, ..good };
            assert!(matches!(far.verify(leaf, &head), Err(PathError::Position { .. })));
        }
    }
}

#[test]
fn wrong_sizes_are_refused_wherever_the_size_changes_the_way_up() {
    for size in 1..=33u64 {
        let hashes = hashes(size);
        let head = head_of_hashes(&hashes);
        for (leaf, index) in hashes.iter().zip(0..) {
            let path = path(&hashes, index).unwrap();
            // A root belongs to one size: no other size with that size's own root accepts the path.
            for other in (0..70).filter(|other| *other != size) {
                let wrong = head_of_hashes(&self::hashes(other));
                assert!(path.verify(leaf, &wrong).is_err(), "{size} leaves, position {index}, size {other}");
            }
            // With this root but a count whose way up has another shape, it is refused by its length.
            let wrong = TreeHead { leaf_count: head.leaf_count + 64, ..head };
            assert!(path.verify(leaf, &wrong).is_err());
            let empty = TreeHead { leaf_count: 0, ..head };
            assert!(matches!(path.verify(leaf, &empty), Err(PathError::Position { .. })));
        }
    }
}

#[test]
fn an_inner_node_is_not_a_leaf_and_another_leaf_is_not_this_one() {
    let hashes = hashes(4);
    let head = head_of_hashes(&hashes);
    let inner = node_hash(&hashes[0], &hashes[1]);
    let shorter = InclusionPath { index: 0, siblings: vec![node_hash(&hashes[2], &hashes[3])] };
    assert_eq!(shorter.verify(&inner, &head), Err(PathError::Length));
    assert_eq!(
        shorter.verify(&inner, &TreeHead { leaf_count: 2, ..head }),
        Ok(()),
        "why the count is signed"
    );
    assert_eq!(path(&hashes, 1).unwrap().verify(&hashes[0], &head), Err(PathError::Root));
}

/// Run by hand, as the other measurements.
#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types)]
fn how_long_heads_take() {
    for leaves in [1_000u64, 10_000, 50_000] {
        let hashes = hashes(leaves);
        let time = |what: &str, work: &dyn Fn() -> TreeHead| {
            let start = std::time::Instant::now();
            let heads: Vec<TreeHead> = (0..10).map(|_| work()).collect();
            println!("{what}, {leaves} leaves: {} us, {}", start.elapsed().as_micros() / 10, heads[9].root);
        };
        time("rs_merkle", &|| TreeHead { leaf_count: leaves, root: tree(&hashes).root().map(Hash).unwrap() });
        time("level by level", &|| head_of_hashes(&hashes));
        let handle = |at: u64| {
            crate::types::Handle(std::array::from_fn(|i| if i < 8 { at.to_be_bytes()[i] } else { 0 }))
        };
        time("a tree that is kept", &|| {
            let leaves = (0..).map(handle).zip(hashes.iter().copied()).collect();
            crate::proof::BulkTree::from_leaves(leaves).unwrap().head()
        });
    }
}
