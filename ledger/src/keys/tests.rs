//! Public edge cases of Ed25519 behave as EVIDENCE.md says: strict, without cofactor, one encoding of a signature.

use serde_json::Value;

use super::*;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// Whether the ledger accepts this signature over these very bytes; a key or signature of another length never is.
fn accepts(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return false };
    PublicKey(key).verifies_bytes(message, &Signature(signature))
}

#[test]
fn wycheproofs_signatures_are_judged_as_they_say() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/ed25519/wycheproof.json")).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let key = bytes(&group["publicKey"]["pk"]);
        for test in group["tests"].as_array().unwrap() {
            let expected = test["result"] == "valid";
            let accepted = accepts(&key, &bytes(&test["msg"]), &bytes(&test["sig"]));
            assert_eq!(accepted, expected, "test {}: {}", test["tcId"], test["comment"]);
            valid += usize::from(expected);
            invalid += usize::from(!expected);
        }
    }
    assert_eq!(valid + invalid, file["numberOfTests"].as_u64().unwrap() as usize);
    assert!(valid > 50 && invalid > 50, "{valid} valid, {invalid} not");
}

/// 0, 1: small A. 2: small R. 3: mixed A and R that pass with and without cofactor. 4, 5: pass with cofactor only.
/// 6, 7: S not below the order. 8, 9: R not canonical.
#[test]
fn of_the_ten_disputed_cases_only_the_one_that_every_strict_rule_passes_is_accepted() {
    let file: Value = serde_json::from_str(include_str!("../../vectors/ed25519/speccheck.json")).unwrap();
    let judged =
        file.as_array().unwrap().iter().map(|case| {
            accepts(&bytes(&case["pub_key"]), &bytes(&case["message"]), &bytes(&case["signature"]))
        });
    let expected = [false, false, false, true, false, false, false, false, false, false];
    assert_eq!(judged.collect::<Vec<bool>>(), expected);
}

#[test]
fn a_key_of_small_order_is_not_usable_and_a_signature_is_for_one_label() {
    let small = hex::decode("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa").unwrap();
    assert!(!PublicKey(small.try_into().unwrap()).is_usable());
    let key = SigningKey::from_bytes(&[7; 32]);
    let signature = sign(&key, Label::Vote, b"bytes");
    assert!(public_key(&key).verifies(Label::Vote, b"bytes", &signature));
    assert!(!public_key(&key).verifies(Label::Proposal, b"bytes", &signature));
    assert!(!public_key(&key).verifies_bytes(b"bytes", &signature));
}
