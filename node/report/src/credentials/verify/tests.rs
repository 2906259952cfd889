//! Judgments: the public vectors, what a changed or foreign part does, who is trusted, and what is not to be had.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use serde_json::{Map, Value, json};

use super::*;
use crate::credentials::contexts::{CREDENTIALS_V2, OPEN_BADGES};
use crate::credentials::jwt;
use crate::credentials::keys::{Key, multikey_of};
use crate::credentials::proof::integrity;
use crate::credentials::status::{Purpose, StatusList};

mod changes;
mod lists;
mod tokens;

type Failure = Box<dyn std::error::Error>;

const ISSUER: &str = "https://district.example/issuer";
const LIST: &str = "https://district.example/status/1";

/// What can be had in a test.
#[derive(Default)]
struct Given {
    lists: BTreeMap<String, Vec<u8>>,
    documents: BTreeMap<String, Value>,
}

impl Sources for Given {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.lists.get(url).cloned())
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        Ok(self.documents.get(id).cloned())
    }
}

fn options<'a>(sources: &'a dyn Sources, pins: &'a [Pin]) -> Options<'a> {
    let at = Moment::parse("2026-11-29T12:00:00Z").unwrap_or(Moment(0));
    Options { at, pins, require_trusted: false, sources, contexts: Contexts::pinned() }
}

fn judge(bytes: &[u8]) -> Result<Report, Unreadable> {
    verify(bytes, &options(&Given::default(), &[]))
}

fn file(name: &str) -> Result<Vec<u8>, Failure> {
    Ok(std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/ob30").join(name))?)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn method(key: &SigningKey) -> String {
    format!("{ISSUER}#{}", multikey_of(&key.verifying_key()))
}

fn pin(key: &SigningKey) -> Result<Pin, Failure> {
    Ok(Pin { issuer: ISSUER.to_owned(), key: Key::ed25519(key.verifying_key().as_bytes()).ok_or("a key")? })
}

/// A badge without a proof.
fn badge() -> Map<String, Value> {
    let value = json!({
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "id": "urn:uuid:0f3c9ba0-1111-4c1a-9f11-000000000001",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": ISSUER, "type": ["Profile"], "name": "A district"},
        "validFrom": "2026-06-01T00:00:00Z",
        "validUntil": "2031-06-01T00:00:00Z",
        "credentialSubject": {
            "id": "did:example:learner",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "urn:uuid:0f3c9ba0-1111-4c1a-9f11-000000000002",
                "type": ["Achievement"],
                "name": "Fractions",
                "description": "Adds and compares fractions",
                "criteria": {"narrative": "Mastery above 0.85"},
            },
        },
    });
    value.as_object().cloned().unwrap_or_default()
}

fn signed(mut credential: Map<String, Value>, key: &SigningKey) -> Result<Vec<u8>, Failure> {
    integrity::sign(&mut credential, key, &method(key), "2026-06-01T00:00:00Z", Contexts::pinned())?;
    Ok(serde_json::to_vec(&credential)?)
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

#[test]
fn the_public_vectors_have_their_verdicts() -> Result<(), Failure> {
    let simple = judge(&file("simple.json")?)?;
    assert_eq!(simple.verdict(), Verdict::Valid, "{}", simple.reason);
    assert_eq!(simple.issuer.trust, Some(Trust::SelfAsserted));
    assert!(simple.reason.starts_with("self-asserted") && simple.checks[0].name == "trust", "said first");
    for (name, check) in [
        ("simple-err-expired.json", "dates"),
        ("simple-err-proof-value.json", "signature"),
        ("complete.json", "endorsements"),
        ("simple.jwt", "form"),
    ] {
        let report = judge(&file(name)?)?;
        assert_eq!(report.verdict(), Verdict::Invalid, "{name}");
        assert!(failed(&report).contains(&check), "{name}: {:?}", report.checks);
    }
    Ok(())
}

#[test]
fn dates_are_those_of_the_moment_that_is_asked_for() -> Result<(), Failure> {
    let given = Given::default();
    for (name, at, valid) in [
        ("simple.json", "2009-12-31T23:59:59Z", false),
        ("simple.json", "2010-01-01T00:00:00Z", true),
        ("simple-err-expired.json", "2010-01-01T00:00:00Z", true),
        ("simple-err-expired.json", "2010-01-01T00:00:01Z", false),
    ] {
        let at_that = Options { at: Moment::parse(at).ok_or("a moment")?, ..options(&given, &[]) };
        let report = verify(&file(name)?, &at_that)?;
        assert_eq!(
            (report.valid, failed(&report)),
            (valid, if valid { vec![] } else { vec!["dates"] }),
            "{name} {at}"
        );
    }
    Ok(())
}

#[test]
fn whom_the_reader_pins_decides() -> Result<(), Failure> {
    let (own, other) = (key(1), key(2));
    let credential = signed(badge(), &own)?;
    let given = Given::default();
    let right = [pin(&own)?];
    let report = verify(&credential, &Options { require_trusted: true, ..options(&given, &right) })?;
    assert_eq!((report.valid, report.issuer.trust), (true, Some(Trust::Pinned)), "{}", report.reason);
    let wrong = [pin(&other)?];
    let report = verify(&credential, &options(&given, &wrong))?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::Invalid, vec!["key"]));
    let report = verify(&credential, &Options { require_trusted: true, ..options(&given, &[]) })?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::Invalid, vec!["trust"]));
    Ok(())
}

#[test]
fn an_issuers_document_decides() -> Result<(), Failure> {
    let (own, other) = (key(1), key(2));
    let credential = signed(badge(), &own)?;
    let document = |key: &SigningKey, asserts: &str| {
        json!({"id": ISSUER, "verificationMethod": [{"id": method(key), "type": "Multikey", "controller": ISSUER,
            "publicKeyMultibase": multikey_of(&key.verifying_key())}], asserts: [method(key)]})
    };
    let judged = |document: Value| {
        let given = Given { documents: [(ISSUER.to_owned(), document)].into(), ..Given::default() };
        verify(&credential, &Options { require_trusted: true, ..options(&given, &[]) })
    };
    let report = judged(document(&own, "assertionMethod"))?;
    assert_eq!((report.valid, report.issuer.trust), (true, Some(Trust::Resolved)), "{}", report.reason);
    for wrong in [document(&other, "assertionMethod"), document(&own, "authentication"), {
        let mut stolen = document(&own, "assertionMethod");
        stolen["verificationMethod"][0]["controller"] = json!("https://mallory.example/");
        stolen
    }] {
        let report = judged(wrong)?;
        assert_eq!((report.verdict(), failed(&report)), (Verdict::Invalid, vec!["key"]));
    }
    Ok(())
}

#[test]
fn a_did_key_is_its_own_document() -> Result<(), Failure> {
    let own = key(1);
    let did = format!("did:key:{}", multikey_of(&own.verifying_key()));
    let name = format!("{did}#{}", multikey_of(&own.verifying_key()));
    let mut credential = badge();
    credential["issuer"]["id"] = json!(did);
    integrity::sign(&mut credential, &own, &name, "2026-06-01T00:00:00Z", Contexts::pinned())?;
    let given = Given::default();
    let strict = Options { require_trusted: true, ..options(&given, &[]) };
    let report = verify(&serde_json::to_vec(&credential)?, &strict)?;
    assert_eq!((report.valid, report.issuer.trust), (true, Some(Trust::DidKey)), "{}", report.reason);
    credential["issuer"]["id"] = json!("did:web:district.example");
    integrity::sign(&mut credential, &own, &name, "2026-06-01T00:00:00Z", Contexts::pinned())?;
    let report = verify(&serde_json::to_vec(&credential)?, &strict)?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::Invalid, vec!["key"]), "another DID's key");
    Ok(())
}

#[test]
fn what_is_not_to_be_had_is_not_judged() -> Result<(), Failure> {
    let own = key(1);
    let mut elsewhere = badge();
    elsewhere.insert("@context".into(), json!([CREDENTIALS_V2, OPEN_BADGES, "https://example.com/context"]));
    elsewhere.insert("proof".into(), json!({"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-06-01T00:00:00Z", "verificationMethod": method(&own), "proofPurpose": "assertionMethod",
        "proofValue": format!("z{}", "2".repeat(88))}));
    let report = judge(&serde_json::to_vec(&elsewhere)?)?;
    assert_eq!(report.verdict(), Verdict::CannotTell, "{}", report.reason);
    assert!(report.reason.contains("https://example.com/context"));
    let mut schema = badge();
    schema.insert(
        "credentialSchema".into(),
        json!([{"id": "https://example.com/s.json", "type": "JsonSchema"}]),
    );
    let report = judge(&signed(schema, &own)?)?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::CannotTell, vec!["schema"]));
    let mut unnamed = badge();
    integrity::sign(
        &mut unnamed,
        &own,
        &format!("{ISSUER}#key-1"),
        "2026-06-01T00:00:00Z",
        Contexts::pinned(),
    )?;
    let report = judge(&serde_json::to_vec(&unnamed)?)?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::CannotTell, vec!["key"]));
    let pins = [pin(&own)?];
    assert!(
        verify(&serde_json::to_vec(&unnamed)?, &options(&Given::default(), &pins))?.valid,
        "a pin answers"
    );
    Ok(())
}

#[test]
fn what_cannot_be_read_is_not_judged() -> Result<(), Failure> {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20));
    for bytes in [
        &b""[..],
        b"\xff\xfe{}",
        b"[]",
        b"7",
        b"{",
        b"a.b",
        b"a.b.c",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n",
        deep.as_bytes(),
        wide.as_bytes(),
    ] {
        assert!(judge(bytes).is_err(), "{:?}", &bytes[..bytes.len().min(20)]);
    }
    Ok(())
}

#[test]
fn a_null_context_of_its_own_takes_nothing_away() -> Result<(), Failure> {
    let mut credential = badge();
    credential["credentialSubject"]["@context"] = Value::Null;
    credential.insert("proof".into(), json!({"type": "DataIntegrityProof"}));
    let report = judge(&serde_json::to_vec(&credential)?)?;
    let context = report.checks.iter().find(|check| check.name == "context").ok_or("the check")?;
    assert!(!context.ok && context.detail.contains("protected"), "{}", context.detail);
    Ok(())
}
