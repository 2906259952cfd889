//! ecdsa-sd-2023 (VC Data Integrity ECDSA Cryptosuites 1.0, 3.4): an issuer signs each statement by itself, and the holder
//! shows some of them.
//!
//! A derived proof is what a holder shows; a base proof is what the issuer gave it, with every signature and the key that
//! hides the blank nodes' order. Both are checked: the base by doing again what the issuer did.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::cbor::{self, Cbor};
use super::{ProofError, integrity};
use crate::credentials::c14n::{Canonical, canonicalize};
use crate::credentials::contexts::Contexts;
use crate::credentials::jsonld;
use crate::credentials::keys::{Key, base64url, multibase};
use crate::credentials::rdf::Dataset;

const BASE: [u8; 3] = [0xd9, 0x5d, 0x00];
const DERIVED: [u8; 3] = [0xd9, 0x5d, 0x01];

/// What both kinds of proof carry.
struct Signed {
    base_signature: Vec<u8>,
    /// Of this proof alone; the issuer signs it with the mandatory statements.
    public_key: Vec<u8>,
    /// One for each statement that is not mandatory, in their order.
    signatures: Vec<Vec<u8>>,
}

fn malformed(why: &str) -> ProofError {
    ProofError::Malformed(why.to_owned())
}

/// Checks a base or derived proof over a document from which proofs were taken.
pub(super) fn check(
    document: &Map<String, Value>,
    proof: &Value,
    key: &Key,
    contexts: &Contexts,
) -> Result<(), ProofError> {
    let text = proof.get("proofValue").and_then(Value::as_str);
    let text =
        text.filter(|text| text.starts_with('u')).ok_or_else(|| malformed("no proofValue in base64url"))?;
    let bytes = multibase(text).ok_or_else(|| malformed("its proofValue is not base64url"))?;
    let parts = |rest: &[u8]| match cbor::parse(rest) {
        Some(Cbor::Array(parts)) => <[Cbor; 5]>::try_from(parts).ok(),
        _ => None,
    };
    let dataset = jsonld::to_rdf(&Value::Object(document.clone()), contexts)?;
    let canonical = canonicalize(&dataset)?;
    let bad_parts = || malformed("its proofValue does not have the five parts of its kind");
    let (signed, mandatory, rest) = if let Some(rest) = bytes.strip_prefix(&DERIVED) {
        let [signature, public_key, signatures, labels, indexes] = parts(rest).ok_or_else(bad_parts)?;
        let signed = Signed::read(signature, public_key, signatures).ok_or_else(bad_parts)?;
        let labels = derived_labels(labels).ok_or_else(bad_parts)?;
        let lines = relabelled(&dataset, &canonical, &labels)?;
        let indexes = indexes_of(indexes, lines.len()).ok_or_else(bad_parts)?;
        let (mandatory, rest) = split(lines, |i, _| indexes.contains(&i));
        (signed, mandatory, rest)
    } else if let Some(rest) = bytes.strip_prefix(&BASE) {
        let [signature, public_key, hmac_key, signatures, pointers] = parts(rest).ok_or_else(bad_parts)?;
        let signed = Signed::read(signature, public_key, signatures).ok_or_else(bad_parts)?;
        let labels = base_labels(&hmac_key, &canonical).ok_or_else(bad_parts)?;
        let lines = relabelled(&dataset, &canonical, &labels)?;
        let pointers = pointers_of(pointers).ok_or_else(bad_parts)?;
        let wanted = selected(document, &pointers, &canonical, &labels, contexts)?;
        if !wanted.iter().all(|line| lines.binary_search(line).is_ok()) {
            return Err(malformed("what it names as mandatory is not part of the credential"));
        }
        let (mandatory, rest) = split(lines, |_, line| wanted.contains(line));
        (signed, mandatory, rest)
    } else {
        return Err(malformed("its proofValue is neither a base nor a derived proof"));
    };
    let mut options = proof.as_object().cloned().unwrap_or_default();
    options.remove("proofValue");
    options.insert("@context".to_owned(), document.get("@context").cloned().unwrap_or_default());
    let options = integrity::rdf_text(&Value::Object(options), contexts)?;
    signed.verify(&options, &mandatory, &rest, key)
}

impl Signed {
    fn read(signature: Cbor, public_key: Cbor, signatures: Cbor) -> Option<Self> {
        let bytes = |one: Cbor| match one {
            Cbor::Bytes(bytes) => Some(bytes),
            _ => None,
        };
        let Cbor::Array(list) = signatures else { return None };
        let signatures: Option<Vec<Vec<u8>>> = list.into_iter().map(bytes).collect();
        Some(Self {
            base_signature: bytes(signature)?,
            public_key: bytes(public_key)?,
            signatures: signatures?,
        })
    }

    fn verify(
        &self,
        options: &str,
        mandatory: &[String],
        rest: &[String],
        key: &Key,
    ) -> Result<(), ProofError> {
        let own = Key::from_multicodec(&self.public_key)
            .ok()
            .filter(|own| own.algorithm() == "ES256")
            .ok_or_else(|| malformed("its own public key is not a P-256 key"))?;
        let message = [
            &Sha256::digest(options.as_bytes())[..],
            &self.public_key,
            &Sha256::digest(mandatory.concat().as_bytes())[..],
        ]
        .concat();
        let each = self.signatures.len() == rest.len()
            && self
                .signatures
                .iter()
                .zip(rest)
                .all(|(signature, line)| own.verifies(line.as_bytes(), signature));
        if each && key.verifies(&message, &self.base_signature) { Ok(()) } else { Err(ProofError::Signature) }
    }
}

/// From canonical labels to those that the issuer signed.
type Labels = BTreeMap<String, String>;

fn derived_labels(value: Cbor) -> Option<Labels> {
    let Cbor::Map(pairs) = value else { return None };
    let count = pairs.len();
    let labels: Labels = pairs
        .into_iter()
        .map(|pair| match pair {
            (Cbor::Number(n), Cbor::Bytes(bytes)) if bytes.len() == 32 => {
                Some((format!("c14n{n}"), base64url(&bytes)))
            }
            _ => None,
        })
        .collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = labels.values().collect();
    (labels.len() == count && distinct.len() == count).then_some(labels)
}

fn base_labels(hmac_key: &Cbor, canonical: &Canonical) -> Option<Labels> {
    let Cbor::Bytes(secret) = hmac_key else { return None };
    let secret = (secret.len() == 32).then_some(secret)?;
    canonical
        .labels
        .values()
        .map(|label| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
            mac.update(label.as_bytes());
            Some((label.clone(), base64url(&mac.finalize().into_bytes())))
        })
        .collect()
}

fn indexes_of(value: Cbor, lines: usize) -> Option<BTreeSet<usize>> {
    let Cbor::Array(list) = value else { return None };
    list.into_iter()
        .map(|one| match one {
            Cbor::Number(n) => usize::try_from(n).ok().filter(|n| *n < lines),
            _ => None,
        })
        .collect()
}

fn pointers_of(value: Cbor) -> Option<Vec<String>> {
    let Cbor::Array(list) = value else { return None };
    list.into_iter()
        .map(|one| match one {
            Cbor::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// The statements under the signed labels, in order.
fn relabelled(dataset: &Dataset, canonical: &Canonical, labels: &Labels) -> Result<Vec<String>, ProofError> {
    let name =
        |given: &str| canonical.labels.get(given).and_then(|label| labels.get(label)).map(String::as_str);
    if dataset.iter().flat_map(|quad| quad.blanks()).any(|(_, given)| name(given).is_none()) {
        return Err(malformed("it names fewer blank nodes than the credential has"));
    }
    let mut lines: Vec<String> =
        dataset.iter().map(|quad| quad.line(&|given| name(given).unwrap_or_default())).collect();
    lines.sort();
    Ok(lines)
}

fn split(lines: Vec<String>, first: impl Fn(usize, &String) -> bool) -> (Vec<String>, Vec<String>) {
    let (yes, no): (Vec<_>, Vec<_>) = lines.into_iter().enumerate().partition(|(i, line)| first(*i, line));
    let strip = |list: Vec<(usize, String)>| list.into_iter().map(|(_, line)| line).collect();
    (strip(yes), strip(no))
}

/// The statements of the parts that JSON pointers name, under the signed labels.
///
/// The parts stand at their places in an otherwise empty copy of the document: blank nodes are named after places, so they
/// have the whole document's names.
fn selected(
    document: &Map<String, Value>,
    pointers: &[String],
    canonical: &Canonical,
    labels: &Labels,
    contexts: &Contexts,
) -> Result<BTreeSet<String>, ProofError> {
    if pointers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let whole = Value::Object(document.clone());
    let mut copy = skeleton(&whole);
    copy["@context"] = document.get("@context").cloned().unwrap_or_default();
    for pointer in pointers {
        place(&whole, &mut copy, pointer).ok_or_else(|| malformed("a pointer names nothing"))?;
    }
    let dataset = jsonld::to_rdf(&copy, contexts)?;
    Ok(relabelled(&dataset, canonical, labels)?.into_iter().collect())
}

/// An object with its id and types alone, or a list of nothing.
fn skeleton(of: &Value) -> Value {
    match of {
        Value::Object(map) => {
            let mut kept = Map::new();
            if let Some(id) = map.get("id").filter(|id| id.as_str().is_some_and(|id| !id.starts_with("_:"))) {
                kept.insert("id".to_owned(), id.clone());
            }
            if let Some(types) = map.get("type") {
                kept.insert("type".to_owned(), types.clone());
            }
            Value::Object(kept)
        }
        Value::Array(list) => Value::Array(vec![Value::Null; list.len()]),
        other => other.clone(),
    }
}

/// Copies what the pointer names to its place.
fn place(from: &Value, to: &mut Value, pointer: &str) -> Option<()> {
    let Some(rest) = pointer.strip_prefix('/') else {
        if !pointer.is_empty() {
            return None;
        }
        *to = from.clone();
        return Some(());
    };
    let (part, rest) = match rest.split_once('/') {
        Some((part, _)) => (part, &rest[part.len()..]),
        None => (rest, ""),
    };
    let key = part.replace("~1", "/").replace("~0", "~");
    let (from, to) = match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let from = from.get(&key)?;
            (from, to.entry(key).or_insert_with(|| skeleton(from)))
        }
        (Value::Array(from), Value::Array(to)) => {
            let index: usize = key.parse().ok()?;
            let from = from.get(index)?;
            let to = to.get_mut(index)?;
            if to.is_null() {
                *to = skeleton(from);
            }
            (from, to)
        }
        _ => return None,
    };
    place(from, to, rest)
}

#[cfg(test)]
mod tests;
