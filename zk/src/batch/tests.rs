//! The batch's verdict is that of verification one by one, wherever the bad proof hides.

use super::*;
use crate::testing::{claim, context, field, opening, proved, seeded};
use crate::{Band, Bound, Context, Moment, Opening};
use proptest::prelude::*;
use std::sync::LazyLock;

type Pair = (Statement, RangeProof);

/// Twelve proofs of every width, kind and count.
static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let band = |number| Bound::NeedInBand(Band::new(number).unwrap());
    vec![
        proved(&[1_030], band(4)),
        proved(&[0, 255, 17], band(0)),
        proved(&[2_304, 2_305, 2_306, 2_307, 2_308, 2_309, 2_310, 2_311], band(9)),
        proved(&[9_000], Bound::Above { threshold: 8_500, cap: 10_000 }),
        proved(&[9_000, 9_001, 9_002, 9_003], Bound::Above { threshold: 8_500, cap: 10_000 }),
        proved(&[12, 2_999], Bound::Below { threshold: 3_000 }),
        proved(&[65_535], Bound::Within { cap: 65_535 }),
        proved(&[4_000_000_000], Bound::Within { cap: u32::MAX }),
        proved(&[1, 2, 3, 4, 5, 6, 7, 8], Bound::Within { cap: u32::MAX }),
        proved(&[99_999], Bound::Within { cap: 100_000 }),
        proved(&[0], Bound::Within { cap: 0 }),
        proved(&[5, 6, 7, 8, 9], Bound::Within { cap: u32::MAX }),
    ]
});

fn verdict(pairs: &[Pair]) -> Result<(), FirstRejected> {
    let mut batch = Batch::new();
    pairs.iter().for_each(|(statement, proof)| batch.push(statement, proof));
    assert_eq!(batch.len(), pairs.len());
    batch.verify()
}

fn one_by_one(pairs: &[Pair]) -> Result<(), FirstRejected> {
    let bad = pairs.iter().position(|(statement, proof)| statement.verify(proof).is_err());
    bad.map_or(Ok(()), |index| Err(FirstRejected { index }))
}

/// The same proof with one of its 32-byte parts changed, still well formed where the part is a scalar.
fn broken(proof: &RangeProof, part: usize) -> RangeProof {
    let mut changed = proof.clone();
    let folds = changed.folds.len();
    match part % 6 {
        0 => changed.evaluations[part % 3] += crate::Scalar::ONE,
        1 => changed.finals[part % 2] += crate::Scalar::ONE,
        2 => changed.heads.swap(part % 2, 2 + part % 2),
        3 => changed.folds.swap(part % folds, (part + 1) % folds),
        4 => changed.folds[part % folds].0.0[0] ^= 1,
        _ => changed.heads[part % 4].0 = [0; 32],
    }
    changed
}

#[test]
fn true_proofs_hold_together() {
    assert_eq!(verdict(&PAIRS), Ok(()));
    assert_eq!(verdict(&[]), Ok(()));
    assert!(Batch::new().is_empty());
    let twice = [PAIRS.as_slice(), PAIRS.as_slice()].concat();
    assert_eq!(verdict(&twice), Ok(()));
}

#[test]
fn one_bad_proof_is_found_at_every_position_and_in_every_part() {
    for position in 0..PAIRS.len() {
        for part in 0..6 {
            let mut pairs = PAIRS.clone();
            pairs[position].1 = broken(&pairs[position].1, part);
            assert_eq!(verdict(&pairs), Err(FirstRejected { index: position }), "part {part}");
            assert!(verify_all(pairs.iter().map(|(statement, proof)| (statement, proof))).is_err());
        }
    }
}

#[test]
fn a_proof_moved_inside_the_batch_is_found() {
    let other = Context::new([1; 32], Moment::Round(8), field("need"));
    for position in 0..PAIRS.len() {
        let mut pairs = PAIRS.clone();
        let claims = pairs[position].0.claims().to_vec();
        pairs[position].0 = Statement::new(other.clone(), claims).unwrap();
        assert_eq!(verdict(&pairs), Err(FirstRejected { index: position }));
    }
}

#[test]
fn errors_of_two_proofs_do_not_cancel() {
    // The same statement twice, t_x off by +1 and −1, and likewise every other scalar: equal weights would cancel.
    let bound = Bound::Within { cap: u32::MAX };
    let statement = Statement::new(context(), vec![claim(1, 5, bound)]).unwrap();
    let prove = |seed| statement.prove(&[opening(1, 5)], &mut seeded(seed)).unwrap();
    for part in 0..5 {
        let (mut plus, mut minus) = (prove(1), prove(1));
        for (proof, delta) in [(&mut plus, crate::Scalar::ONE), (&mut minus, -crate::Scalar::ONE)] {
            let [x, y, z] = &mut proof.evaluations;
            let [a, b] = &mut proof.finals;
            *[x, y, z, a, b][part] += delta;
        }
        let pairs = [(statement.clone(), plus), (statement.clone(), minus)];
        assert_eq!(verdict(&pairs), Err(FirstRejected { index: 0 }), "{part}");
    }
}

#[test]
fn the_weights_depend_on_every_byte_of_every_proof() {
    let digest = |statement: &Statement, proof: &RangeProof| {
        Entry::replay(statement, proof, &mut Multiples::default()).map(|entry| entry.digest)
    };
    let (statement, proof) = &PAIRS[7];
    let base = digest(statement, proof).unwrap();
    let bytes = proof.to_bytes();
    let mut compared = 0;
    for byte in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[byte] ^= 2;
        let parsed = RangeProof::from_bytes(&changed);
        if let Some(other) = parsed.ok().and_then(|proof| digest(statement, &proof)) {
            assert_ne!(other, base, "{byte}");
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
    let (moved, proof) = (Statement::new(context(), PAIRS[7].0.claims().to_vec()).unwrap(), &PAIRS[7].1);
    assert_eq!(digest(&moved, proof), Some(base));
}

#[test]
fn a_false_statement_proved_by_force_is_found_among_true_ones() {
    let bound = Bound::Within { cap: u32::MAX };
    let (statement, value) =
        (Statement::new(context(), vec![claim(1, 1 << 32, bound)]).unwrap(), opening(1, 1 << 32));
    assert!(statement.prove(&[value], &mut seeded(1)).is_err());
    let lie: [Opening; 1] = [opening(1, 0)];
    let honest = Statement::new(context(), vec![claim(1, 0, bound)]).unwrap();
    let proof = honest.prove(&lie, &mut seeded(1)).unwrap();
    for position in [0, 5, PAIRS.len()] {
        let mut pairs = PAIRS.clone();
        pairs.insert(position, (statement.clone(), proof.clone()));
        assert_eq!(verdict(&pairs), Err(FirstRejected { index: position }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batch_and_single_verification_agree(
        picks in proptest::collection::vec((0..PAIRS.len(), any::<u8>(), 0_usize..24), 1..10),
    ) {
        // One proof in eight is broken; any number of them may be bad.
        let pairs: Vec<Pair> = picks
            .into_iter()
            .map(|(pick, dice, part)| {
                let (statement, proof) = PAIRS[pick].clone();
                let proof = if dice < 32 { broken(&proof, part) } else { proof };
                (statement, proof)
            })
            .collect();
        prop_assert_eq!(verdict(&pairs), one_by_one(&pairs));
    }
}
