//! Flags: 0 and 1 hold, everything else is refused, moved and changed proofs fail, one by one and in a batch.

use proptest::prelude::*;

use super::*;
use crate::testing::{context, field, opening, proved as ranged, seeded};
use crate::{Batch, Bound, FirstRejected, Moment, RangeProof, Statement};

fn flag(n: u8, value: u64) -> (Flag, Opening) {
    let opening = opening(n, value);
    (Flag { context: context(), subject: [n; 32], commitment: opening.commit().unwrap() }, opening)
}

fn proved(n: u8, value: u64) -> (Flag, FlagProof) {
    let (flag, opening) = flag(n, value);
    let proof = flag.prove(&opening, &mut seeded(u64::from(n))).unwrap();
    (flag, proof)
}

fn in_a_batch(pairs: &[(Flag, FlagProof)]) -> Result<(), FirstRejected> {
    let mut batch = Batch::new();
    pairs.iter().for_each(|(flag, proof)| batch.push_flag(flag, proof));
    batch.verify()
}

#[test]
fn zero_and_one_hold_and_no_other_number_is_proved() {
    for value in [0, 1] {
        let (flag, proof) = proved(1, value);
        assert_eq!(flag.verify(&proof), Ok(()));
        assert_eq!(in_a_batch(&[(flag, proof)]), Ok(()));
    }
    for value in [2, 255, 256, u64::MAX] {
        let (flag, opening) = flag(1, value);
        assert_eq!(flag.prove(&opening, &mut seeded(1)), Err(ProveError::False(0)), "{value}");
    }
    let (flag, _) = flag(1, 1);
    assert_eq!(flag.prove(&opening(2, 1), &mut seeded(1)), Err(ProveError::NotAnOpening(0)));
}

/// A prover that skips the check: whichever branch he takes for true, the challenge catches him.
#[test]
fn a_forced_proof_of_a_two_or_of_minus_one_convinces_nobody() {
    let minus_one = RistrettoPoint::multiscalar_mul(
        [-Scalar::ONE, *opening(1, 0).blinding()],
        [bases().B, bases().B_blinding],
    );
    let minus_one = Commitment::from_bytes(minus_one.compress().to_bytes()).unwrap();
    for commitment in [opening(1, 2).commit().unwrap(), minus_one] {
        for branch in [0, 1] {
            let flag = Flag { context: context(), subject: [1; 32], commitment };
            let proof = flag.prove_branch(Choice::from(branch), opening(1, 2).blinding(), &mut seeded(1));
            assert_eq!(flag.verify(&proof), Err(Rejected));
            assert_eq!(in_a_batch(&[proved(3, 1), (flag, proof)]), Err(FirstRejected { index: 1 }));
        }
    }
}

#[test]
fn a_proof_moved_anywhere_else_fails() {
    let (flag, proof) = proved(1, 1);
    let place = |chain, moment, name| Context::new(chain, moment, field(name));
    let (commitment, subject) = (flag.commitment, flag.subject);
    let moved = [
        Flag { context: place([2; 32], Moment::Round(7), "need"), subject, commitment },
        Flag { context: place([1; 32], Moment::Round(8), "need"), subject, commitment },
        Flag { context: place([1; 32], Moment::Height(7), "need"), subject, commitment },
        Flag { context: place([1; 32], Moment::Round(7), "needs"), subject, commitment },
        Flag { context: context(), subject: [2; 32], commitment },
        Flag { context: context(), subject, commitment: opening(2, 1).commit().unwrap() },
    ];
    for other in moved {
        assert_eq!(other.verify(&proof), Err(Rejected), "{other:?}");
        assert_eq!(in_a_batch(&[(other, proof)]), Err(FirstRejected { index: 0 }));
    }
}

#[test]
fn a_batch_names_its_first_false_proof_and_an_empty_one_holds() {
    assert_eq!(in_a_batch(&[]), Ok(()));
    let mut pairs: Vec<_> = (1..=9).map(|n| proved(n, u64::from(n % 2))).collect();
    assert_eq!(in_a_batch(&pairs), Ok(()));
    pairs[6].1.responses[0] += Scalar::ONE;
    pairs[8].1.responses[1] += Scalar::ONE;
    assert_eq!(in_a_batch(&pairs), Err(FirstRejected { index: 6 }));
    // Two faults that would cancel under equal weights do not.
    let mut pairs: Vec<_> = (1..=2).map(|n| proved(n, 1)).collect();
    pairs[0].1.responses[0] += Scalar::ONE;
    pairs[1].1.responses[0] -= Scalar::ONE;
    assert_eq!(in_a_batch(&pairs), Err(FirstRejected { index: 0 }));
}

#[test]
fn flags_and_ranges_share_a_batch_and_the_first_false_proof_of_either_is_named() {
    let ranges: Vec<_> = [7, 200].map(|value| ranged(&[value], Bound::Within { cap: 255 })).to_vec();
    let flags: Vec<_> = (1..=3).map(|n| proved(n, 1)).collect();
    let verdict = |flags: &[(Flag, FlagProof)], ranges: &[(Statement, RangeProof)]| {
        let mut batch = Batch::new();
        batch.push_flag(&flags[0].0, &flags[0].1);
        batch.push(&ranges[0].0, &ranges[0].1);
        batch.push_flag(&flags[1].0, &flags[1].1);
        batch.push(&ranges[1].0, &ranges[1].1);
        batch.push_flag(&flags[2].0, &flags[2].1);
        batch.verify()
    };
    assert_eq!(verdict(&flags, &ranges), Ok(()));
    for (place, index) in [(0, 0), (1, 2), (2, 4)] {
        let mut changed = flags.clone();
        changed[place].1.responses[1] += Scalar::ONE;
        assert_eq!(verdict(&changed, &ranges), Err(FirstRejected { index }));
    }
    for (place, index) in [(0, 1), (1, 3)] {
        let mut changed = ranges.clone();
        changed[place].1.evaluations[1] += Scalar::ONE;
        assert_eq!(verdict(&flags, &changed), Err(FirstRejected { index }));
        // An error of a flag that would cancel this one under equal weights does not: both are multiples of B'.
        let mut both = flags.clone();
        both[0].1.responses[0] -= Scalar::ONE;
        assert_eq!(verdict(&both, &changed), Err(FirstRejected { index: 0 }));
    }
}

#[test]
fn a_proof_has_one_encoding() {
    let (_, proof) = proved(1, 1);
    let bytes = borsh::to_vec(&proof).unwrap();
    assert_eq!(bytes.len(), FlagProof::BYTES);
    assert_eq!(borsh::from_slice::<FlagProof>(&bytes).unwrap(), proof);
    for scalar in [64, 96, 128] {
        let mut out_of_range = bytes.clone();
        out_of_range[scalar..scalar + 32].fill(0xff);
        assert!(borsh::from_slice::<FlagProof>(&out_of_range).is_err());
    }
    assert!(borsh::from_slice::<FlagProof>(&bytes[..159]).is_err());
}

proptest! {
    /// Any changed bit of any proof: not decoded, or refused by both verifiers.
    #[test]
    fn no_changed_bit_passes(value in 0_u64..2, bit in 0_usize..FlagProof::BYTES * 8) {
        let (flag, proof) = proved(1, value);
        let mut bytes = borsh::to_vec(&proof).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed) = borsh::from_slice::<FlagProof>(&bytes) {
            prop_assert_eq!(flag.verify(&changed), Err(Rejected));
            prop_assert_eq!(in_a_batch(&[(flag, changed)]), Err(FirstRejected { index: 0 }));
        }
    }
}
