//! Pinned bases and vectors, strict decoding, the algebra, and what must not leak.

use super::*;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_COMPRESSED;
use proptest::prelude::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn field(name: &str) -> Field {
    Field::new(name).unwrap()
}

fn secret() -> StudentSecret {
    StudentSecret::new(std::array::from_fn(|i| i as u8))
}

#[test]
fn bases_are_pinned() {
    assert_eq!(bases().B.compress().to_bytes(), BASE_BYTES);
    assert_eq!(RISTRETTO_BASEPOINT_COMPRESSED.to_bytes(), BASE_BYTES);
    assert_eq!(bases().B_blinding.compress().to_bytes(), BLINDING_BASE_BYTES);
}

#[test]
fn derivation_and_commitment_vectors_are_pinned() {
    let opening = Opening::derive(&secret(), &field("need"), 3, 1_234);
    assert_eq!(
        hex(opening.blinding().as_bytes()),
        "e9beb274ca69230e8628ef2737c0d1efc06397d25fc9e31509d4380a6b6c8404"
    );
    assert_eq!(
        hex(&*leaf_salt(&secret(), &field("need"), 3)),
        "c5acd28a437710cb1e469dfd25ecedb3c59d542cff61ca467e3ecd69fc78b812"
    );
    assert_eq!(
        opening.commit().unwrap().to_string(),
        "5a3fa7932f7f1a1123e15dd4fc3ec298819890929a749c97f1ea163ad9cdb308"
    );
}

#[test]
fn the_tables_give_the_bases_commitment() {
    for value in [0, 1, 2_559, u64::MAX] {
        let opening = Opening::derive(&secret(), &field("need"), 1, value);
        assert_eq!(opening.point(), bases().commit(Scalar::from(value), *opening.blinding()));
    }
}

#[test]
fn every_input_of_the_derivation_matters() {
    let base = blinding(&secret(), &field("need"), 3);
    assert_ne!(base, blinding(&StudentSecret::new([9; 32]), &field("need"), 3));
    assert_ne!(base, blinding(&secret(), &field("needs"), 3));
    assert_ne!(base, blinding(&secret(), &field("need"), 4));
    let salt = leaf_salt(&secret(), &field("need"), 3);
    assert_ne!(salt, leaf_salt(&secret(), &field("need"), 4));
    assert_ne!(base.as_bytes(), &*salt);
}

/// From RFC 9496, appendix A.2: encodings that a strict decoder refuses; all of them are in vectors/.
const REFUSED: [&str; 8] = [
    // Not below the field's prime.
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    // Negative.
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    // No square root.
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
];

fn unhex(text: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

#[test]
fn encodings_that_are_not_canonical_are_refused() {
    for text in REFUSED {
        assert_eq!(Commitment::from_bytes(unhex(text)), Err(CommitmentError::NotCanonical), "{text}");
        assert!(borsh::from_slice::<Commitment>(&unhex(text)).is_err(), "{text}");
    }
    assert_eq!(Commitment::from_bytes([0; 32]), Err(CommitmentError::Identity));
    assert_eq!(Opening::new(0, Scalar::ZERO).commit(), Err(CommitmentError::Identity));
}

#[test]
fn trailing_and_missing_bytes_are_refused() {
    let bytes = borsh::to_vec(&Opening::new(7, Scalar::ONE).commit().unwrap()).unwrap();
    assert_eq!(bytes.len(), 32);
    assert!(borsh::from_slice::<Commitment>(&bytes[..31]).is_err());
    assert!(borsh::from_slice::<Commitment>(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_blinding_above_the_group_order_is_refused() {
    let bytes = [&7_u64.to_le_bytes()[..], &[0xff; 32]].concat();
    assert!(borsh::from_slice::<Opening>(&bytes).is_err());
}

#[test]
fn secrets_do_not_show_in_debug() {
    let opening = Opening::derive(&secret(), &field("need"), 3, 1_234);
    assert_eq!(format!("{opening:?} {:?}", secret()), "Opening(secret) StudentSecret(secret)");
}

#[test]
fn wiping_clears_value_and_blinding() {
    let mut opening = Opening::derive(&secret(), &field("need"), 3, 1_234);
    opening.zeroize();
    assert_eq!((opening.value(), *opening.blinding()), (0, Scalar::ZERO));
}

#[test]
fn a_sum_beyond_64_bits_is_refused() {
    let parts = [Opening::new(u64::MAX, Scalar::ONE), Opening::new(1, Scalar::ONE)];
    assert_eq!(Opening::sum(&parts), Err(CommitmentError::Overflow));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_commitment_opens_to_its_opening_only(value in any::<u64>(), other in any::<u64>(), version in any::<u64>()) {
        let opening = Opening::derive(&secret(), &field("need"), version, value);
        let commitment = opening.commit().unwrap();
        prop_assert!(commitment.opens_to(&opening));
        let moved = Opening::new(other, *opening.blinding());
        prop_assert_eq!(commitment.opens_to(&moved), value == other);
        let decoded: Commitment = borsh::from_slice(&borsh::to_vec(&commitment).unwrap()).unwrap();
        prop_assert_eq!(decoded, commitment);
        let reopened: Opening = borsh::from_slice(&borsh::to_vec(&opening).unwrap()).unwrap();
        prop_assert!(commitment.opens_to(&reopened));
    }

    #[test]
    fn commitments_add_like_their_openings(a in 0..=u64::MAX / 2, b in 0..=u64::MAX / 2) {
        let parts = [
            Opening::derive(&secret(), &field("amount"), 1, a),
            Opening::derive(&secret(), &field("amount"), 2, b),
        ];
        let sum = parts[0].commit().unwrap().point() + parts[1].commit().unwrap().point();
        prop_assert!(Commitment::of_point(sum).unwrap().opens_to(&Opening::sum(&parts).unwrap()));
    }

    #[test]
    fn decoding_never_panics_and_accepts_only_what_it_would_write(bytes in any::<[u8; 32]>()) {
        if let Ok(commitment) = Commitment::from_bytes(bytes) {
            prop_assert_eq!(commitment.point().compress().to_bytes(), bytes);
        }
    }
}
