use super::super::merkle::leaf_hash;
use super::*;

fn hashes(leaves: u64) -> Vec<Hash> {
    (0..leaves).map(|index| leaf_hash(format!("entry-{index}").as_bytes())).collect()
}

fn heads(hashes: &[Hash], old: u64) -> (TreeHead, TreeHead) {
    (head_of_hashes(&hashes[..old as usize]), head_of_hashes(hashes))
}

#[test]
fn every_pair_of_sizes_up_to_70_is_proved_and_nothing_longer_or_shorter_is() {
    for size in 0..=70 {
        let all = hashes(size);
        for old in 0..=size {
            let (before, after) = heads(&all, old);
            let proof = path(&all, old).expect("fewer leaves");
            assert!(proof.len() <= MAX_HASHES);
            assert_eq!(verify(&before, &after, &proof), Ok(()), "{old} to {size}");
            let longer = [proof.as_slice(), &[Hash([7; 32])]].concat();
            assert_eq!(verify(&before, &after, &longer), Err(ConsistencyError::Length), "{old} to {size}");
            for cut in 0..proof.len() {
                assert!(verify(&before, &after, &proof[..cut]).is_err(), "{old} to {size}, cut {cut}");
            }
        }
    }
    assert_eq!(path(&hashes(3), 4), None);
}

#[test]
fn a_log_that_changed_removed_or_reordered_an_entry_is_not_consistent() {
    for (old, size) in [(1, 2), (3, 7), (4, 9), (6, 8), (8, 8), (13, 64), (33, 70)] {
        let all = hashes(size);
        let before = head_of_hashes(&all[..old as usize]);
        for at in 0..old as usize {
            let mut changed = all.clone();
            changed[at] = leaf_hash(b"rewritten");
            let proof = path(&changed, old).expect("fewer leaves");
            let refused = verify(&before, &head_of_hashes(&changed), &proof);
            assert_eq!(refused, Err(ConsistencyError::Root), "entry {at} of {old} in {size}");
        }
        let mut shorter = all.clone();
        shorter.remove(0);
        if shorter.len() >= old as usize {
            let proof = path(&shorter, old).expect("fewer leaves");
            assert!(verify(&before, &head_of_hashes(&shorter), &proof).is_err());
        }
    }
}

#[test]
fn a_proof_serves_its_two_heads_only() {
    let all = hashes(21);
    for old in 1..21 {
        let (before, after) = heads(&all, old);
        let proof = path(&all, old).expect("fewer leaves");
        for (at, _) in proof.iter().enumerate() {
            let mut wrong = proof.clone();
            wrong[at].0[0] ^= 1;
            assert!(verify(&before, &after, &wrong).is_err(), "{old}, hash {at}");
        }
        for (old_size, new_size) in [(old - 1, 21), (old + 1, 21), (old, 20), (old, 22)] {
            let wrong =
                (TreeHead { leaf_count: old_size, ..before }, TreeHead { leaf_count: new_size, ..after });
            // A size that gives the same shape cannot be told apart by hashes: it is the heads that are known.
            if verify(&wrong.0, &wrong.1, &proof).is_ok() {
                assert_ne!((old_size, new_size), (old, 21));
            }
        }
    }
    let (small, large) = (head_of_hashes(&all[..5]), head_of_hashes(&all));
    assert_eq!(verify(&large, &small, &[]), Err(ConsistencyError::Shrunk { old: 21, new: 5 }));
    let claimed = TreeHead { leaf_count: 0, root: Hash([1; 32]) };
    assert_eq!(verify(&claimed, &large, &[]), Err(ConsistencyError::Root));
}
