//! An issuer and a holder of ecdsa-sd-2023, for the tests alone: base proofs, and derived ones that leave parts out. W3C's own
//! vectors are checked by an ignored test (`node/report/vectors/README.md`).

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use serde_json::json;

use super::*;
use crate::credentials::contexts::{CREDENTIALS_V2, OPEN_BADGES};

type Failure = Box<dyn std::error::Error>;

const HMAC_KEY: [u8; 32] = [3; 32];
const POINTERS: [&str; 3] = ["/issuer", "/credentialSubject/achievement/alignment/1", "/validFrom"];

fn issuer_key() -> Result<SigningKey, Failure> {
    Ok(SigningKey::from_slice(&[5; 32])?)
}

fn public(key: &SigningKey) -> Key {
    Key::P256(Box::new(*key.verifying_key()))
}

fn sign(key: &SigningKey, message: &[u8]) -> Cbor {
    let signature: p256::ecdsa::Signature = key.sign(message);
    Cbor::Bytes(signature.to_bytes().to_vec())
}

/// No ids inside, so that blank nodes are many.
fn document() -> Map<String, Value> {
    let alignment =
        |name: &str| json!({"type": ["Alignment"], "targetName": name, "targetUrl": "https://case.example/"});
    let value = json!({
        "@context": [CREDENTIALS_V2, OPEN_BADGES],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": "https://district.example/", "type": ["Profile"], "name": "A district"},
        "validFrom": "2026-06-01T00:00:00Z",
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "achievement": {
                "type": ["Achievement"],
                "name": "Fractions",
                "criteria": {"narrative": "A test"},
                "tag": ["maths", "year 5"],
                "alignment": [alignment("one"), alignment("two"), alignment("three")],
            },
        },
    });
    value.as_object().cloned().unwrap_or_default()
}

fn write(value: &Cbor, out: &mut Vec<u8>) {
    let mut head = |major: u8, n: usize| match n {
        0..=23 => out.push(major << 5 | n as u8),
        24..=255 => out.extend([major << 5 | 24, n as u8]),
        _ => out.extend([&[major << 5 | 25][..], &(n as u16).to_be_bytes()].concat()),
    };
    match value {
        Cbor::Number(n) => head(0, *n as usize),
        Cbor::Bytes(bytes) => {
            head(2, bytes.len());
            out.extend(bytes);
        }
        Cbor::Text(text) => {
            head(3, text.len());
            out.extend(text.as_bytes());
        }
        Cbor::Array(items) => {
            head(4, items.len());
            items.iter().for_each(|item| write(item, out));
        }
        Cbor::Map(pairs) => {
            head(5, pairs.len());
            for (key, value) in pairs {
                write(key, out);
                write(value, out);
            }
        }
    }
}

fn proof_value(header: [u8; 3], parts: Vec<Cbor>) -> Value {
    let mut bytes = header.to_vec();
    write(&Cbor::Array(parts), &mut bytes);
    json!(base64url(&bytes))
}

fn options() -> Value {
    json!({"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023", "created": "2026-06-01T00:00:00Z",
        "verificationMethod": "https://district.example/#key", "proofPurpose": "assertionMethod"})
}

/// What the issuer keeps in mind between its statements and their signatures.
struct Issued {
    dataset: Dataset,
    canonical: Canonical,
    labels: Labels,
    mandatory: BTreeSet<String>,
    base_signature: Cbor,
    public_key: Cbor,
    signatures: BTreeMap<String, Cbor>,
}

fn issue(document: &Map<String, Value>) -> Result<Issued, Failure> {
    let contexts = Contexts::pinned();
    let dataset = jsonld::to_rdf(&Value::Object(document.clone()), contexts)?;
    let canonical = canonicalize(&dataset)?;
    let labels = base_labels(&Cbor::Bytes(HMAC_KEY.to_vec()), &canonical).ok_or("labels")?;
    let pointers = POINTERS.map(str::to_owned);
    let mandatory = selected(document, &pointers, &canonical, &labels, contexts)?;
    let lines = relabelled(&dataset, &canonical, &labels)?;
    let own = SigningKey::from_slice(&[6; 32])?;
    let signatures = lines.iter().filter(|line| !mandatory.contains(*line));
    let signatures = signatures.map(|line| (line.clone(), sign(&own, line.as_bytes()))).collect();
    let mut options = options();
    options["@context"] = document["@context"].clone();
    let text = integrity::rdf_text(&options, contexts)?;
    let public_key = public(&own).multicodec().ok_or("a key")?;
    let first: Vec<String> = lines.iter().filter(|line| mandatory.contains(*line)).cloned().collect();
    let message =
        [&Sha256::digest(text.as_bytes())[..], &public_key, &Sha256::digest(first.concat().as_bytes())[..]]
            .concat();
    let base_signature = sign(&issuer_key()?, &message);
    let public_key = Cbor::Bytes(public_key);
    Ok(Issued { dataset, canonical, labels, mandatory, base_signature, public_key, signatures })
}

impl Issued {
    fn base(&self) -> Result<Value, Failure> {
        let lines = relabelled(&self.dataset, &self.canonical, &self.labels)?;
        let signatures = lines.iter().filter_map(|line| self.signatures.get(line).cloned()).collect();
        let pointers = POINTERS.iter().map(|pointer| Cbor::Text((*pointer).to_owned())).collect();
        let mut proof = options();
        proof["proofValue"] = proof_value(
            BASE,
            vec![
                self.base_signature.clone(),
                self.public_key.clone(),
                Cbor::Bytes(HMAC_KEY.to_vec()),
                Cbor::Array(signatures),
                Cbor::Array(pointers),
            ],
        );
        Ok(proof)
    }

    /// The proof of a document with parts left out, in place, so that blank nodes keep their names.
    fn derived(&self, shown: &Map<String, Value>) -> Result<Value, Failure> {
        let dataset = jsonld::to_rdf(&Value::Object(shown.clone()), Contexts::pinned())?;
        let canonical = canonicalize(&dataset)?;
        let labels: Labels = canonical
            .labels
            .iter()
            .map(|(place, label)| (label.clone(), self.labels[&self.canonical.labels[place]].clone()))
            .collect();
        let lines = relabelled(&dataset, &canonical, &labels)?;
        let indexes = lines.iter().enumerate().filter(|(_, line)| self.mandatory.contains(*line));
        let indexes = indexes.map(|(i, _)| Cbor::Number(i as u64)).collect();
        let signatures = lines.iter().filter_map(|line| self.signatures.get(line).cloned()).collect();
        let bytes = |label: &String| Cbor::Bytes(multibase(label).unwrap_or_default());
        let number = |label: &str| Cbor::Number(label[4..].parse().unwrap_or_default());
        let map = labels.iter().map(|(label, signed)| (number(label), bytes(signed))).collect();
        let mut proof = options();
        proof["proofValue"] = proof_value(
            DERIVED,
            vec![
                self.base_signature.clone(),
                self.public_key.clone(),
                Cbor::Array(signatures),
                Cbor::Map(map),
                Cbor::Array(indexes),
            ],
        );
        Ok(proof)
    }
}

fn judged(document: &Map<String, Value>, proof: &Value) -> Result<(), ProofError> {
    let key = issuer_key().map(|key| public(&key)).map_err(|error| malformed(&error.to_string()))?;
    check(document, proof, &key, Contexts::pinned())
}

/// The document without the tag, the first and the third alignment; null keeps the others' places.
fn less() -> Map<String, Value> {
    let mut shown = document();
    let achievement = &mut shown["credentialSubject"]["achievement"];
    achievement["tag"] = json!([]);
    achievement["alignment"][0] = Value::Null;
    achievement["alignment"][2] = Value::Null;
    shown
}

#[test]
fn a_base_proof_holds_until_anything_changes() -> Result<(), Failure> {
    let document = document();
    let proof = issue(&document)?.base()?;
    assert_eq!(judged(&document, &proof), Ok(()));
    let mut changed = document.clone();
    changed["credentialSubject"]["achievement"]["name"] = json!("Calculus");
    assert_eq!(judged(&changed, &proof), Err(ProofError::Signature));
    let mut changed = proof.clone();
    changed["created"] = json!("2026-06-02T00:00:00Z");
    assert_eq!(judged(&document, &changed), Err(ProofError::Signature));
    assert!(judged(&less(), &proof).is_err(), "a base proof shows everything");
    Ok(())
}

#[test]
fn a_derived_proof_shows_less_and_nothing_else() -> Result<(), Failure> {
    let issued = issue(&document())?;
    for shown in [document(), less()] {
        let proof = issued.derived(&shown)?;
        assert_eq!(judged(&shown, &proof), Ok(()));
        let mut changed = shown.clone();
        changed["issuer"]["name"] = json!("Another");
        assert_eq!(judged(&changed, &proof), Err(ProofError::Signature), "mandatory");
        let mut changed = shown.clone();
        changed["credentialSubject"]["achievement"]["criteria"]["narrative"] = json!("No test");
        assert_eq!(judged(&changed, &proof), Err(ProofError::Signature), "chosen");
    }
    Ok(())
}

#[test]
fn what_is_mandatory_cannot_be_left_out() -> Result<(), Failure> {
    let issued = issue(&document())?;
    for part in ["validFrom", "issuer"] {
        let mut shown = less();
        shown.remove(part);
        let proof = issued.derived(&shown)?;
        assert_eq!(judged(&shown, &proof), Err(ProofError::Signature), "{part}");
    }
    let mut shown = less();
    shown["credentialSubject"]["achievement"]["alignment"] = json!([]);
    let proof = issued.derived(&shown)?;
    assert_eq!(judged(&shown, &proof), Err(ProofError::Signature), "an element of a list");
    Ok(())
}

#[test]
fn a_proof_value_that_is_not_one_is_malformed() -> Result<(), Failure> {
    let document = document();
    for value in ["", "z2", "u", "uAAAA", "u2V0B", "u2V0BgA", "u2V0ChQ"] {
        let mut proof = options();
        proof["proofValue"] = json!(value);
        assert!(matches!(judged(&document, &proof), Err(ProofError::Malformed(_))), "{value}");
    }
    Ok(())
}
