use super::*;
use crate::proof::merkle::{head_of_hashes, path};

fn entry(number: u64) -> AccessEntry {
    let verdict =
        if number.is_multiple_of(3) { Verdict::Denied(Denial::RoleNotAllowed) } else { Verdict::Granted };
    AccessEntry {
        genesis: GENESIS,
        number,
        time_ms: TimeMs(1_700_000_000_000 + number),
        district: DistrictId(7),
        handle: Handle([number as u8; 32]),
        reader: Name::new("t-1042").unwrap(),
        role: Term::new("teacher").unwrap(),
        class: Term::new("FERPA_PII").unwrap(),
        purpose: Term::new("educational_necessity").unwrap(),
        basis: (!number.is_multiple_of(3)).then_some(Basis::SchoolOfficial),
        relation: (!number.is_multiple_of(3)).then(|| Relation::Section(Term::new("4-b").unwrap())),
        fields: vec![FieldName::new("name").unwrap(), FieldName::new("skill:3.NF.A.1").unwrap()],
        verdict,
        salt: [number as u8; 16],
    }
}

fn proof(number: u64, size: u64) -> AccessProof {
    let hashes: Vec<Hash> = (0..size).map(|n| entry(n).hash()).collect();
    AccessProof {
        entry: entry(number),
        path: path(&hashes, number).unwrap(),
        head: head_of_hashes(&hashes),
        anchored_by: Hash([9; 32]),
    }
}

#[test]
fn the_bytes_of_an_entry_and_a_proof_are_pinned() {
    let bytes = entry(3).to_canonical();
    assert_eq!(
        (bytes.len(), leaf_hash(&bytes).to_string()),
        (ENTRY_BYTES, ENTRY_HASH.to_owned()),
        "the format changed"
    );
    assert_eq!(AccessEntry::from_canonical(&bytes), Ok(entry(3)));
    let proof = proof(3, 7);
    let bytes = proof.to_canonical();
    assert_eq!(AccessProof::from_canonical(&bytes), Ok(proof));
    for at in 0..bytes.len() {
        assert!(AccessProof::from_canonical(&bytes[..at]).is_err());
    }
}

#[test]
fn every_entry_is_proved_and_no_changed_byte_is() {
    for number in 0..9 {
        assert_eq!(proof(number, 9).verify(&GENESIS, DistrictId(7), &proof(0, 9).head), Ok(()));
    }
    let (good, head) = (proof(4, 9), proof(0, 9).head);
    let bytes = good.to_canonical();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let Ok(decoded) = AccessProof::from_canonical(&changed) else { continue };
            // The transaction's name only says where to look; everything else is bound.
            let listed = decoded.verify(&GENESIS, DistrictId(7), &head).is_ok();
            assert_eq!(listed, AccessProof { anchored_by: good.anchored_by, ..decoded } == good, "byte {at}");
        }
    }
}

#[test]
fn another_head_district_or_place_is_told_apart() {
    let (good, head) = (proof(4, 9), proof(0, 9).head);
    assert_eq!(good.verify(&GENESIS, DistrictId(7), &proof(0, 10).head), Err(AccessProofError::OtherHead));
    // The hashes of two chains with one id differ somewhere behind its eight digits.
    let mut other_chain = GENESIS;
    other_chain.0[31] ^= 1;
    assert_eq!(good.verify(&other_chain, DistrictId(7), &head), Err(AccessProofError::OtherChain));
    assert_eq!(good.verify(&GENESIS, DistrictId(8), &head), Err(AccessProofError::OtherDistrict));
    let mut moved = good.clone();
    moved.path.index = 5;
    assert_eq!(moved.verify(&GENESIS, DistrictId(7), &head), Err(AccessProofError::OtherPlace));
    let mut other = good;
    other.entry.salt[0] ^= 1;
    assert_eq!(other.verify(&GENESIS, DistrictId(7), &head), Err(AccessProofError::Path(PathError::Root)));
}

const GENESIS: Hash = Hash([0xc0; 32]);
const ENTRY_BYTES: usize = 192;
const ENTRY_HASH: &str = "d2ffd00ff23a8266700d29317148063a993f1254a79a61c01c5ad3478c7386dd";
