use proptest::prelude::*;

use super::*;
use crate::state::{MemoryState, StateWrites};

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Applies one height's changes and returns the root.
fn apply(state: &mut MemoryState, height: u64, changes: &Changes) -> Hash {
    let update = update(state, Height(height), changes).unwrap();
    state.apply(StateWrites {
        values: changes.clone(),
        map_nodes: update.nodes,
        stale_map_nodes: update.stale,
        ..StateWrites::default()
    });
    assert_eq!(root(state, Height(height)).unwrap(), update.root);
    update.root
}

fn key(number: u32) -> Vec<u8> {
    format!("key/{number}").into_bytes()
}

fn puts(numbers: impl IntoIterator<Item = u32>, value: &[u8]) -> Changes {
    numbers.into_iter().map(|n| (key(n), Some(value.to_vec()))).collect()
}

#[test]
fn an_empty_map_has_the_empty_root_and_proves_absence() {
    let mut state = MemoryState::new();
    assert_eq!(apply(&mut state, 0, &Changes::new()), EMPTY_SUBTREE);
    let (value, proof) = prove(&state, Height(0), b"anything").unwrap();
    assert_eq!(value, None);
    proof.verify_absence(&EMPTY_SUBTREE, b"anything").unwrap();
}

/// The trees that are hashed in memory, as a student's state is, have the roots and siblings of the map.
#[test]
fn sparse_trees_and_the_map_agree() {
    for count in [1, 2, 3, 16, 17, 850] {
        let mut state = MemoryState::new();
        let changes = puts(0..count, b"value");
        let root = apply(&mut state, 0, &changes);
        let value = Hash(Sha256::digest(b"value").into());
        let leaves: BTreeMap<Hash, Hash> = changes.keys().map(|key| (key_hash(key), value)).collect();
        assert_eq!(sparse::root(&leaves), root, "{count}");
        for number in 0..count.min(40) {
            let (_, proof) = prove(&state, Height(0), &key(number)).unwrap();
            assert_eq!(sparse::siblings(&leaves, &key_hash(&key(number))), Some(proof.siblings));
        }
    }
}

#[test]
fn inclusion_and_absence_are_proved_and_nothing_else() {
    let mut state = MemoryState::new();
    for (height, last) in [(0, 1), (1, 2), (2, 40), (3, 300)] {
        let root = apply(&mut state, height, &puts(0..last, b"value"));
        for number in 0..last.min(60) {
            let (value, proof) = prove(&state, Height(height), &key(number)).unwrap();
            assert_eq!(value.as_deref(), Some(&b"value"[..]));
            proof.verify_inclusion(&root, &key(number), b"value").unwrap();
            assert_eq!(proof.verify_inclusion(&root, &key(number), b"other"), Err(MapProofError::Leaf));
            assert!(proof.verify_inclusion(&root, &key(number + 1), b"value").is_err());
            assert_eq!(proof.verify_absence(&root, &key(number)), Err(MapProofError::Leaf));
            assert!(proof.verify_inclusion(&EMPTY_SUBTREE, &key(number), b"value").is_err());
            let absent = key(number + 1000);
            let (value, proof) = prove(&state, Height(height), &absent).unwrap();
            assert_eq!(value, None);
            proof.verify_absence(&root, &absent).unwrap();
            assert!(proof.verify_inclusion(&root, &absent, b"value").is_err());
            assert!(proof.verify_absence(&Hash::default(), &absent).is_err());
        }
    }
}

#[test]
fn a_proof_with_a_sibling_more_less_or_changed_is_refused() {
    let mut state = MemoryState::new();
    let root = apply(&mut state, 0, &puts(0..100, b"v"));
    for number in [0, 50, 99, 1000, 1001, 1002] {
        let (value, good) = prove(&state, Height(0), &key(number)).unwrap();
        let verify = |proof: &MapProof| match &value {
            Some(value) => proof.verify_inclusion(&root, &key(number), value),
            None => proof.verify_absence(&root, &key(number)),
        };
        verify(&good).unwrap();
        for at in 0..good.siblings.len() {
            let mut bad = good.clone();
            bad.siblings.remove(at);
            assert!(verify(&bad).is_err());
            let mut bad = good.clone();
            bad.siblings.insert(at, None);
            assert!(verify(&bad).is_err());
            let mut bad = good.clone();
            bad.siblings[at] = Some(Hash([7; 32]));
            assert!(verify(&bad).is_err());
        }
        let mut deep = good.clone();
        deep.siblings = vec![None; 300];
        assert!(verify(&deep).is_err());
    }
}

#[test]
fn an_empty_subtree_spelled_as_a_hash_is_refused() {
    let mut state = MemoryState::new();
    let root = apply(&mut state, 0, &puts(0..100, b"v"));
    let with_gap = (0..100).map(|n| (n, prove(&state, Height(0), &key(n)).unwrap().1));
    let (number, mut proof) = with_gap.into_iter().find(|(_, proof)| proof.siblings.contains(&None)).unwrap();
    let at = proof.siblings.iter().position(Option::is_none).unwrap();
    proof.siblings[at] = Some(EMPTY_SUBTREE);
    assert_eq!(proof.verify_inclusion(&root, &key(number), b"v"), Err(MapProofError::Form));
    assert_eq!(MapProof::from_canonical(&proof.to_canonical()), Ok(proof));
}

#[test]
fn idle_heights_and_deletions_leave_no_nodes_behind() {
    let mut state = MemoryState::new();
    let full = apply(&mut state, 0, &puts(0..50, b"v"));
    let nodes = state.map_node_count();
    for height in 1..20 {
        assert_eq!(apply(&mut state, height, &Changes::new()), full);
    }
    assert_eq!(state.map_node_count(), nodes);
    assert_ne!(apply(&mut state, 20, &puts(50..60, b"v")), full);
    let deletions: Changes = (50..60).map(|n| (key(n), None)).collect();
    assert_eq!(apply(&mut state, 21, &deletions), full, "the root depends on the records alone");
    assert_eq!(state.map_node_count(), nodes);
    let deletions: Changes = (0..50).map(|n| (key(n), None)).collect();
    assert_eq!(apply(&mut state, 22, &deletions), EMPTY_SUBTREE);
    assert_eq!(apply(&mut state, 23, &Changes::new()), EMPTY_SUBTREE);
    assert_eq!(apply(&mut state, 24, &puts(0..50, b"v")), full);
    assert_eq!(state.map_node_count(), nodes);
}

#[test]
fn a_missing_node_is_a_broken_store_not_a_panic() {
    let mut state = MemoryState::new();
    apply(&mut state, 0, &puts(0..50, b"v"));
    assert!(root(&state, Height(1)).is_err());
    assert!(update(&state, Height(5), &puts(0..1, b"w")).is_err());
}

proptest! {
    #[test]
    fn the_root_is_the_same_whichever_way_the_records_came(
        steps in proptest::collection::vec(
            proptest::collection::btree_map(0u32..60, proptest::option::of(any::<[u8; 2]>()), 0..12), 1..8)
    ) {
        let (mut stepwise, mut at_once) = (MemoryState::new(), MemoryState::new());
        let mut last = EMPTY_SUBTREE;
        let mut records = Changes::new();
        for (step, height) in steps.iter().zip(0..) {
            let changes: Changes = step.iter().map(|(n, value)| (key(*n), value.map(Vec::from))).collect();
            last = apply(&mut stepwise, height, &changes);
            records.extend(changes);
        }
        records.retain(|_, value| value.is_some());
        prop_assert_eq!(apply(&mut at_once, 0, &records), last);
        prop_assert_eq!(stepwise.map_node_count(), at_once.map_node_count());
    }
}
