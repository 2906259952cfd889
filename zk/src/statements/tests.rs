//! Each bound at its edges, each part of the binding by moving a proof.

use super::*;
use crate::testing::{claim, context, field, opening, proved, seeded};
use crate::{Commitment, Moment, verify_all};

/// Proves and verifies, by both verifiers; the error when it cannot be proved.
fn attempt(value: u64, bound: Bound) -> Result<(), ProveError> {
    let statement = Statement::new(context(), vec![claim(1, value, bound)]).unwrap();
    let proof = statement.prove(&[opening(1, value)], &mut seeded(value))?;
    assert_eq!(statement.verify(&proof), Ok(()));
    assert_eq!(verify_all([(&statement, &proof)]), Ok(()));
    Ok(())
}

#[test]
fn each_bound_holds_at_its_edges_and_not_beyond() {
    let band = |number| Bound::NeedInBand(Band::new(number).unwrap());
    let above = Bound::Above { threshold: 8_500, cap: 10_000 };
    let below = Bound::Below { threshold: 3_000 };
    let exact = Bound::Within { cap: 0xffff };
    let edges: [(Bound, &[u64], &[u64]); 9] = [
        (band(0), &[0, 255], &[256, 2_559]),
        (band(4), &[1_024, 1_279], &[1_023, 1_280]),
        (band(9), &[2_304, 2_559], &[2_303, 2_560]),
        (above, &[8_501, 10_000], &[0, 8_500, 10_001, u64::MAX]),
        (below, &[0, 2_999], &[3_000, u64::MAX]),
        (exact, &[0, 0xffff], &[0x1_0000]),
        (Bound::Within { cap: u32::MAX }, &[0, 0xffff_ffff], &[0x1_0000_0000, u64::MAX]),
        (Bound::Within { cap: 0 }, &[0], &[1]),
        (Bound::Within { cap: 100_000 }, &[0, 100_000], &[100_001]),
    ];
    for (bound, inside, outside) in edges {
        for value in inside {
            assert_eq!(attempt(*value, bound), Ok(()), "{bound:?} {value}");
        }
        for value in outside {
            assert_eq!(attempt(*value, bound), Err(ProveError::False(0)), "{bound:?} {value}");
        }
    }
}

/// A prover that skips the check: proves the low bits of x − low and high − x whatever they are.
fn forced(claims: &[Claim], openings: &[Opening], low: u64, high: u64) -> (Statement, RangeProof) {
    let statement = Statement::new(context(), claims.to_vec()).unwrap();
    let mask = u64::from(statement.width().max());
    let slots: Vec<_> = openings
        .iter()
        .flat_map(|opening| {
            [
                Zeroizing::new((opening.value().wrapping_sub(low) & mask, *opening.blinding())),
                Zeroizing::new((high.wrapping_sub(opening.value()) & mask, -opening.blinding())),
            ]
        })
        .take(statement.values())
        .collect();
    let proof = forge(&statement, &slots);
    (statement, proof)
}

/// A proof of slots that may not be the statement's, under the statement's own commitments: the best that a liar has.
fn forge(statement: &Statement, slots: &[Zeroizing<(u64, Scalar)>]) -> RangeProof {
    let known = statement.slots(&mut Multiples::default()).unwrap();
    let known: Vec<CompressedRistretto> = known.iter().map(|slot| slot.compressed).collect();
    range_proof::prove(statement.transcript(), statement.width(), &known, slots, &mut seeded(1)).unwrap()
}

#[test]
fn a_prover_that_ignores_the_bound_convinces_nobody() {
    let cases = [
        (Bound::Above { threshold: 8_500, cap: 10_000 }, 8_501, 10_000, [8_500, 10_001]),
        (Bound::Below { threshold: 3_000 }, 0, 2_999, [3_000, 70_000]),
        (Bound::NeedInBand(Band::new(4).unwrap()), 1_024, 1_279, [1_023, 1_280]),
        (Bound::Within { cap: u32::MAX }, 0, 0xffff_ffff, [0x1_0000_0000, u64::MAX]),
    ];
    for (bound, low, high, values) in cases {
        for value in values {
            let (statement, proof) = forced(&[claim(1, value, bound)], &[opening(1, value)], low, high);
            assert_eq!(statement.verify(&proof), Err(Rejected), "{bound:?} {value}");
            assert_eq!(verify_all([(&statement, &proof)]), Err(Rejected), "{bound:?} {value}");
        }
    }
}

#[test]
fn a_negative_number_is_below_no_threshold() {
    // x = −5 modulo the group order: alone, "threshold − 1 − x fits 16 bits" would hold.
    let minus_five = -Scalar::from(5_u64);
    let blinding = *opening(1, 0).blinding();
    let point = crate::commitment::bases().commit(minus_five, blinding);
    let commitment = Commitment::from_bytes(point.compress().to_bytes()).unwrap();
    let bound = Bound::Below { threshold: 3_000 };
    let statement = Statement::new(context(), vec![Claim { subject: [1; 32], commitment, bound }]).unwrap();
    for claimed in [0xffff - 4, 5, 0] {
        let slots = [Zeroizing::new((claimed, blinding)), Zeroizing::new((3_004, -blinding))];
        let proof = forge(&statement, &slots);
        assert_eq!(statement.verify(&proof), Err(Rejected));
        assert_eq!(verify_all([(&statement, &proof)]), Err(Rejected));
    }
}

#[test]
fn a_floor_for_each_unit_of_weight_holds_exactly_from_the_floor_on() {
    let weight = opening(2, 12);
    let bound = Bound::FloorMet { weight: weight.commit().unwrap(), floor: 500 };
    for (amount, expected) in [
        (6_000, Ok(())),
        (6_001, Ok(())),
        (6_000 + 0xffff_ffff, Ok(())),
        (5_999, Err(ProveError::False(0))),
        (6_000 + 0x1_0000_0000, Err(ProveError::False(0))),
    ] {
        let statement = Statement::new(context(), vec![claim(1, amount, bound)]).unwrap();
        let proof = statement.prove(&[opening(1, amount), weight.clone()], &mut seeded(1));
        let verdict = proof.map(|proof| {
            assert_eq!(statement.verify(&proof), Ok(()));
            assert_eq!(verify_all([(&statement, &proof)]), Ok(()));
        });
        assert_eq!(verdict, expected, "{amount}");
    }
}

#[test]
fn a_floor_proof_moved_to_another_floor_or_weight_fails() {
    let weight = opening(2, 12);
    let bound = |n, floor| Bound::FloorMet { weight: opening(n, 12).commit().unwrap(), floor };
    let statement = |bound| Statement::new(context(), vec![claim(1, 9_000, bound)]).unwrap();
    let proof = statement(bound(2, 500)).prove(&[opening(1, 9_000), weight], &mut seeded(1)).unwrap();
    assert_eq!(statement(bound(2, 500)).verify(&proof), Ok(()));
    assert_eq!(statement(bound(2, 499)).verify(&proof), Err(Rejected));
    assert_eq!(statement(bound(3, 500)).verify(&proof), Err(Rejected));
}

#[test]
fn a_proof_moved_to_any_other_place_fails() {
    let bound = Bound::Above { threshold: 8_500, cap: 10_000 };
    let (statement, proof) = proved(&[9_000], bound);
    let original = statement.claims()[0];
    let place = |chain: [u8; 32], moment, name: &str, claims: Vec<Claim>| {
        Statement::new(Context::new(chain, moment, field(name)), claims).unwrap()
    };
    let (chain, round) = ([1; 32], Moment::Round(7));
    let same = place(chain, round, "need", vec![original]);
    assert_eq!(same, statement);
    assert_eq!(same.verify(&proof), Ok(()));

    let with = |change: fn(&mut Claim)| {
        let mut moved = original;
        change(&mut moved);
        place(chain, round, "need", vec![moved])
    };
    let elsewhere = [
        ("chain", place([2; 32], round, "need", vec![original])),
        ("round", place(chain, Moment::Round(8), "need", vec![original])),
        ("height for round", place(chain, Moment::Height(7), "need", vec![original])),
        ("field", place(chain, round, "engagement", vec![original])),
        ("handle", with(|claim| claim.subject[31] ^= 1)),
        ("threshold", with(|claim| claim.bound = Bound::Above { threshold: 8_499, cap: 10_000 })),
        ("cap", with(|claim| claim.bound = Bound::Above { threshold: 8_500, cap: 10_001 })),
        ("commitment", with(|claim| claim.commitment = opening(2, 9_000).commit().unwrap())),
        ("one claim more", place(chain, round, "need", vec![original, original])),
    ];
    for (what, statement) in elsewhere {
        assert_eq!(statement.verify(&proof), Err(Rejected), "{what}");
        assert_eq!(verify_all([(&statement, &proof)]), Err(Rejected), "{what}");
    }
}

#[test]
fn kinds_with_the_same_numbers_are_told_apart() {
    let (statement, proof) = proved(&[100], Bound::NeedInBand(Band::new(0).unwrap()));
    let mut claim = statement.claims()[0];
    for bound in [Bound::Within { cap: 255 }, Bound::Below { threshold: 256 }] {
        claim.bound = bound;
        let other = Statement::new(context(), vec![claim]).unwrap();
        assert_eq!((other.width(), other.values()), (statement.width(), statement.values()));
        assert_eq!(other.verify(&proof), Err(Rejected), "{bound:?}");
    }
}

#[test]
fn claims_of_one_proof_cannot_change_places_or_bands() {
    let needs = [30_u64, 300, 700];
    let claims: Vec<Claim> = (1..)
        .zip(needs)
        .map(|(n, need)| claim(n, need, Bound::NeedInBand(Band::of_need(need as u32).unwrap())))
        .collect();
    let openings: Vec<Opening> = (1..).zip(needs).map(|(n, need)| opening(n, need)).collect();
    let statement = |claims: &[Claim]| Statement::new(context(), claims.to_vec()).unwrap();
    let proof = statement(&claims).prove(&openings, &mut seeded(1)).unwrap();
    assert_eq!(statement(&claims).verify(&proof), Ok(()));
    let mut swapped = claims.clone();
    swapped.swap(0, 1);
    assert_eq!(statement(&swapped).verify(&proof), Err(Rejected));
    for number in (0..BANDS).filter(|number| *number != 1) {
        let mut lifted = claims.clone();
        lifted[1].bound = Bound::NeedInBand(Band::new(number).unwrap());
        assert_eq!(statement(&lifted).verify(&proof), Err(Rejected), "{number}");
    }
}

#[test]
fn every_count_up_to_eight_is_padded_and_proved() {
    for count in 1..=MAX_VALUES {
        let values: Vec<u64> = (0..).take(count).map(|i| i * 31).collect();
        for cap in Width::ALL.map(Width::max) {
            let (statement, proof) = proved(&values, Bound::Within { cap });
            assert_eq!(statement.verify(&proof), Ok(()), "{count} {cap}");
            assert_eq!(verify_all([(&statement, &proof)]), Ok(()), "{count} {cap}");
        }
    }
}

#[test]
fn statements_that_make_no_sense_are_refused() {
    let within = Bound::Within { cap: 255 };
    let make = |bounds: &[Bound]| {
        Statement::new(context(), bounds.iter().map(|bound| claim(1, 1, *bound)).collect()).map(|_| ())
    };
    assert_eq!(make(&[]), Err(StatementError::Count));
    assert_eq!(make(&[within; 9]), Err(StatementError::Count));
    assert_eq!(make(&[Bound::Within { cap: 9 }; 5]), Err(StatementError::Count));
    assert_eq!(make(&[within, Bound::Below { threshold: 0 }]), Err(StatementError::EmptyRange(1)));
    assert_eq!(make(&[Bound::Above { threshold: 9, cap: 9 }]), Err(StatementError::EmptyRange(0)));
    assert_eq!(
        make(&[Bound::Above { threshold: u32::MAX, cap: u32::MAX }]),
        Err(StatementError::EmptyRange(0))
    );
    assert_eq!(make(&[within, Bound::Within { cap: 256 }]), Err(StatementError::MixedWidths(1)));
    assert_eq!((Band::new(10), Band::of_need(NEED_MAX + 1), Band::of_need(u32::MAX)), (None, None, None));
    assert_eq!(Band::of_need(NEED_MAX).map(Band::number), Some(9));
}

#[test]
fn openings_that_do_not_fit_are_refused() {
    let within = Bound::Within { cap: 255 };
    let statement = Statement::new(context(), vec![claim(1, 5, within), claim(2, 6, within)]).unwrap();
    let prove = |openings: &[Opening]| statement.prove(openings, &mut seeded(1)).map(|_| ());
    assert_eq!(prove(&[opening(1, 5)]), Err(ProveError::Count));
    assert_eq!(prove(&[opening(1, 5), opening(2, 6), opening(3, 7)]), Err(ProveError::Count));
    assert_eq!(prove(&[opening(1, 5), opening(2, 7)]), Err(ProveError::NotAnOpening(1)));
    assert_eq!(prove(&[opening(2, 6), opening(1, 5)]), Err(ProveError::NotAnOpening(0)));
}

#[test]
fn chunks_are_full_in_order_and_name_the_bad_claim() {
    let within = |cap| Bound::Within { cap };
    let claims: Vec<Claim> = (0..19).map(|n| claim(n, 1, within(255))).collect();
    let chunks = Statement::chunked(&context(), &claims).unwrap();
    assert_eq!(chunks.iter().map(Statement::values).collect::<Vec<_>>(), [8, 8, 3]);
    assert_eq!(chunks.iter().flat_map(Statement::claims).copied().collect::<Vec<_>>(), claims);
    let pairs: Vec<Claim> = (0..9).map(|n| claim(n, 1, within(9))).collect();
    let sizes: Vec<usize> =
        Statement::chunked(&context(), &pairs).unwrap().iter().map(Statement::values).collect();
    assert_eq!(sizes, [8, 8, 2]);
    let mut mixed = claims.clone();
    mixed[17].bound = within(256);
    assert_eq!(Statement::chunked(&context(), &mixed), Err(StatementError::MixedWidths(17)));
    mixed[11].bound = Bound::Below { threshold: 0 };
    assert_eq!(Statement::chunked(&context(), &mixed), Err(StatementError::EmptyRange(11)));
    assert_eq!(Statement::chunked(&context(), &[]), Err(StatementError::Count));
}

#[test]
fn a_seed_gives_the_same_proof_again_and_another_seed_another() {
    let statement = Statement::new(context(), vec![claim(1, 5, Bound::Within { cap: 255 })]).unwrap();
    let prove = |seed| statement.prove(&[opening(1, 5)], &mut seeded(seed)).unwrap();
    assert_eq!(prove(1), prove(1));
    assert_ne!(prove(1), prove(2));
}
