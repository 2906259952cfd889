//! The proof as bytes: shape, canonical form, mutations.

use super::*;
use crate::testing::{context, proved, seeded};
use crate::{Bound, Statement};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use std::sync::LazyLock;

/// Two values of 8 bits each, and its bytes.
static SAMPLE: LazyLock<(Statement, RangeProof)> =
    LazyLock::new(|| proved(&[1_000, 2_000], Bound::Within { cap: u32::MAX }));

#[test]
fn bytes_round_trip_at_every_shape() {
    for (values, bytes) in [(1_usize, 608), (2, 672), (3, 736), (8, 800)] {
        let (statement, proof) = proved(&vec![77; values], Bound::Within { cap: u32::MAX });
        assert_eq!(proof.to_bytes().len(), bytes, "{values}");
        assert_eq!(RangeProof::from_bytes(&proof.to_bytes()), Ok(proof.clone()));
        let wire = borsh::to_vec(&proof).unwrap();
        assert_eq!(borsh::from_slice::<RangeProof>(&wire).unwrap(), proof);
        assert_eq!(statement.verify(&proof), Ok(()));
    }
    let (_, small) = proved(&[255], Bound::Within { cap: 255 });
    assert_eq!(small.to_bytes().len(), MIN_PROOF_BYTES);
}

/// What the bulletproofs crate proves of the same values, with the same transcript and generator.
fn by_the_crate(
    width: Width,
    slots: &[Zeroizing<(u64, Scalar)>],
    seed: u64,
) -> (Vec<CompressedRistretto>, Vec<u8>) {
    let (values, blindings): (Vec<u64>, Vec<Scalar>) = slots.iter().map(|slot| **slot).unzip();
    let (proof, commitments) = bulletproofs::RangeProof::prove_multiple_with_rng(
        generators::of_crate(),
        bases(),
        &mut context().begin(label::RANGE),
        &values,
        &blindings,
        width.bits(),
        &mut seeded(seed),
    )
    .unwrap();
    (commitments, proof.to_bytes())
}

#[test]
fn the_proof_is_the_crates_own() {
    let mut rng = seeded(11);
    for width in Width::ALL {
        for count in [1_usize, 2, 4, 8] {
            let slots: Vec<_> = (0..count)
                .map(|at| {
                    // The extremes, then anything.
                    let value = [0, width.max(), rng.next_u32() & width.max()][at.min(2)];
                    Zeroizing::new((u64::from(value), Scalar::random(&mut rng)))
                })
                .collect();
            let (known, expected) = by_the_crate(width, &slots, 5);
            let (values, blindings): (Vec<u64>, Vec<Scalar>) = slots.iter().map(|slot| **slot).unzip();
            let witness = prover::Witness { values: &values, blindings: &blindings };
            let mut transcript = context().begin(label::RANGE);
            let proof = prover::prove(&mut transcript, width, &known, &witness, &mut seeded(5)).unwrap();
            assert_eq!(proof.to_bytes(), expected, "{width:?} {count}");
            assert_eq!(prover::prove(&mut transcript, width, &known[1..], &witness, &mut seeded(5)), None);
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    let bytes = vec![0; MAX_PROOF_BYTES + 200];
    let accepted: Vec<usize> =
        (0..bytes.len()).filter(|length| RangeProof::from_bytes(&bytes[..*length]).is_ok()).collect();
    assert_eq!(accepted, [480, 544, 608, 672, 736, 800]);
}

#[test]
fn the_wire_form_refuses_cut_trailing_and_oversized_bytes() {
    let wire = borsh::to_vec(&SAMPLE.1).unwrap();
    for length in 0..wire.len() {
        assert!(borsh::from_slice::<RangeProof>(&wire[..length]).is_err(), "{length}");
    }
    assert!(borsh::from_slice::<RangeProof>(&[wire.as_slice(), &[0]].concat()).is_err());
    let mut huge = wire;
    huge[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(borsh::from_slice::<RangeProof>(&huge).is_err());
}

#[test]
fn a_scalar_plus_the_group_order_is_refused() {
    // The order of the group, little endian (RFC 9496).
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&order[2 * i..2 * i + 2], 16).unwrap()).collect();
    let mut bytes = SAMPLE.1.to_bytes();
    let mut carry = 0_u16;
    for (byte, add) in bytes[128..160].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(RangeProof::from_bytes(&bytes), Err(ProofFormatError::Scalar));
}

#[test]
fn a_shape_of_another_count_or_width_is_refused() {
    let (statement, proof) = &*SAMPLE;
    let (other, shorter) = proved(&[1_000], Bound::Within { cap: u32::MAX });
    assert_eq!(statement.verify(&shorter), Err(Rejected));
    assert_eq!(other.verify(proof), Err(Rejected));
    // Four values of 16 bits fold as often as two of 32.
    let (_, narrow) = proved(&[1, 2, 3, 4], Bound::Within { cap: 0xffff });
    assert_eq!(narrow.to_bytes().len(), proof.to_bytes().len());
    assert_eq!(statement.verify(&narrow), Err(Rejected));
}

#[test]
fn every_single_part_moved_or_swapped_is_refused() {
    let (statement, proof) = &*SAMPLE;
    let bytes = proof.to_bytes();
    let parts = bytes.len() / 32;
    for first in 0..parts {
        for second in (first + 1)..parts {
            let mut swapped = bytes.clone();
            let (low, high) = swapped.split_at_mut(32 * second);
            low[32 * first..32 * first + 32].swap_with_slice(&mut high[..32]);
            assert!(!accepted(statement, &swapped), "{first} {second}");
        }
    }
}

#[test]
fn a_part_from_another_valid_proof_is_refused() {
    let (statement, proof) = &*SAMPLE;
    let (_, donor) = proved(&[1_001, 2_000], Bound::Within { cap: u32::MAX });
    let (bytes, donor) = (proof.to_bytes(), donor.to_bytes());
    for part in 0..bytes.len() / 32 {
        let mut spliced = bytes.clone();
        spliced[32 * part..32 * part + 32].copy_from_slice(&donor[32 * part..32 * part + 32]);
        assert!(!accepted(statement, &spliced), "{part}");
    }
    for cut in (32..bytes.len()).step_by(32) {
        assert!(!accepted(statement, &[&bytes[..cut], &donor[cut..]].concat()), "{cut}");
    }
}

#[test]
fn every_part_as_identity_or_zero_is_refused() {
    let (statement, proof) = &*SAMPLE;
    for part in 0..proof.to_bytes().len() / 32 {
        let mut zeroed = proof.to_bytes();
        zeroed[32 * part..32 * part + 32].fill(0);
        assert!(!accepted(statement, &zeroed), "{part}");
    }
}

/// The verdict on bytes, which single and batch verification must share.
fn accepted(statement: &Statement, bytes: &[u8]) -> bool {
    let Ok(proof) = RangeProof::from_bytes(bytes) else { return false };
    assert_eq!(proof.to_bytes(), bytes, "two encodings of one proof");
    let single = statement.verify(&proof).is_ok();
    assert_eq!(crate::verify_all([(statement, &proof)]).is_ok(), single);
    single
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_flipped_bit_is_refused(bit in 0..8 * 672_usize) {
        let mut bytes = SAMPLE.1.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!accepted(&SAMPLE.0, &bytes));
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
        prop_assert!(!accepted(&SAMPLE.0, &bytes));
        prop_assert!(borsh::from_slice::<RangeProof>(&bytes).is_err());
    }
}
