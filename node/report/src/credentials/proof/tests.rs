//! W3C's test vectors of the EdDSA suites (`node/report/vectors/README.md`).

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::credentials::c14n::canonicalize;
use crate::credentials::json;
use crate::credentials::jsonld;

type Failure = Box<dyn std::error::Error>;

fn vector(name: &str) -> Result<Value, Failure> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/w3c_eddsa").join(name);
    Ok(json::parse(&std::fs::read(path)?)?)
}

fn text(name: &str) -> Result<String, Failure> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/w3c_eddsa").join(name);
    Ok(std::fs::read_to_string(path)?)
}

/// The pinned contexts and the one of the specifications' examples, which must not be trusted anywhere else: it defines
/// everything.
fn contexts() -> Contexts {
    let mut all = Contexts::pinned().clone();
    let examples = json!({"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}});
    all.add("https://www.w3.org/ns/credentials/examples/v2", examples);
    all
}

fn key(proof: &Value) -> Option<Key> {
    Key::from_multikey(proof["verificationMethod"].as_str()?.rsplit_once('#')?.1).ok()
}

/// Checks each proof of a vector, and that it does not hold for a changed credential.
fn holds(name: &str) -> Result<(), Failure> {
    let document = vector(name)?;
    let contexts = contexts();
    for proof in proofs(&document) {
        let key = key(proof).ok_or("a key")?;
        check(&document, proof, &key, &contexts)?;
        let mut changed = document.clone();
        changed["name"] = json!("Another");
        assert_eq!(check(&changed, proof, &key, &contexts), Err(ProofError::Signature), "{name}");
        let mut changed = proof.clone();
        changed["created"] = json!("2023-02-24T23:36:39Z");
        assert_eq!(check(&document, &changed, &key, &contexts), Err(ProofError::Signature), "{name}");
    }
    Ok(())
}

#[test]
fn w3c_signatures_hold() -> Result<(), Failure> {
    holds("eddsa-rdfc-2022/signedDataInt.json")?;
    holds("eddsa-jcs-2022/signedJCS.json")?;
    holds("Ed25519Signature2020/signedEdSig.json")
}

#[test]
fn w3c_proof_sets_and_chains_hold() -> Result<(), Failure> {
    for name in
        ["signedProofSet1.json", "signedProofSet2.json", "signedProofChain1.json", "signedProofChain2.json"]
    {
        holds(&format!("proof-set-chain/{name}"))?;
    }
    Ok(())
}

#[test]
fn a_chain_without_its_link_is_malformed() -> Result<(), Failure> {
    let mut document = vector("proof-set-chain/signedProofChain2.json")?;
    let last = proofs(&document).last().cloned().ok_or("a proof")?;
    document["proof"] = json!([last.clone()]);
    let key = key(&last).ok_or("a key")?;
    assert!(matches!(check(&document, &last, &key, &contexts()), Err(ProofError::Malformed(_))));
    Ok(())
}

#[test]
fn w3c_canonical_documents_are_the_same() -> Result<(), Failure> {
    let contexts = contexts();
    let unsigned = vector("unsigned.json")?;
    let lines = canonicalize(&jsonld::to_rdf(&unsigned, &contexts)?)?.text();
    assert_eq!(lines, text("eddsa-rdfc-2022/canonDocDataInt.txt")?);
    let options = vector("eddsa-rdfc-2022/proofConfigDataInt.json")?;
    let lines = canonicalize(&jsonld::to_rdf(&options, &contexts)?)?.text();
    assert_eq!(lines, text("eddsa-rdfc-2022/proofCanonDataInt.txt")?);
    assert_eq!(crate::credentials::jcs::canonical(&unsigned), text("eddsa-jcs-2022/canonDocJCS.txt")?);
    Ok(())
}

#[test]
fn signing_gives_w3cs_signature() -> Result<(), Failure> {
    let pair = vector("keyPair.json")?;
    let secret = crate::credentials::keys::multibase(pair["privateKeyMultibase"].as_str().ok_or("a key")?)
        .ok_or("bytes")?;
    let secret = ed25519_dalek::SigningKey::from_bytes(secret.get(2..34).ok_or("32 bytes")?.try_into()?);
    let mut document = vector("unsigned.json")?.as_object().cloned().ok_or("an object")?;
    let wanted = vector("eddsa-rdfc-2022/signedDataInt.json")?;
    let method = wanted["proof"]["verificationMethod"].as_str().ok_or("a method")?;
    integrity::sign(&mut document, &secret, method, "2023-02-24T23:36:38Z", &contexts())?;
    assert_eq!(Value::Object(document), wanted);
    Ok(())
}

#[test]
fn a_key_of_another_kind_is_not_asked() -> Result<(), Failure> {
    let document = vector("eddsa-rdfc-2022/signedDataInt.json")?;
    let p256 = Key::from_multikey("zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP")?;
    let proof = &document["proof"];
    let answer = check(&document, proof, &p256, &contexts());
    assert!(matches!(answer, Err(ProofError::WrongKey { .. })), "{answer:?}");
    Ok(())
}
