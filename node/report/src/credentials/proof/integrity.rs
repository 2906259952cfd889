//! EdDSA proofs over a credential: eddsa-rdfc-2022, eddsa-jcs-2022 (VC Data Integrity EdDSA Cryptosuites 1.0) and
//! Ed25519Signature2020.
//!
//! What is signed is SHA-256 of the canonical proof options followed by SHA-256 of the canonical credential.

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{ProofError, Suite};
use crate::credentials::c14n::canonicalize;
use crate::credentials::contexts::{Contexts, ED25519_2020};
use crate::credentials::json::many;
use crate::credentials::keys::{Key, base58, multibase};
use crate::credentials::{jcs, jsonld};

/// Checks a proof over a document from which proofs were taken.
pub(super) fn check(
    suite: Suite,
    mut document: Map<String, Value>,
    proof: &Value,
    key: &Key,
    contexts: &Contexts,
) -> Result<(), ProofError> {
    let malformed = |why: &str| ProofError::Malformed(why.to_owned());
    let text = proof.get("proofValue").and_then(Value::as_str);
    let text =
        text.filter(|text| text.starts_with('z')).ok_or_else(|| malformed("no proofValue in base58"))?;
    let signature = multibase(text).ok_or_else(|| malformed("its proofValue is not base58"))?;
    if signature.len() != 64 {
        return Err(malformed("its signature does not have 64 bytes"));
    }
    let mut options = proof.as_object().cloned().unwrap_or_default();
    options.remove("proofValue");
    let signed = match suite {
        Suite::EddsaJcs => {
            under_own_context(&mut document, &options)?;
            hashes(&jcs::canonical(&Value::Object(options)), &jcs::canonical(&Value::Object(document)))
        }
        _ => {
            options.insert("@context".to_owned(), document.get("@context").cloned().unwrap_or_default());
            let text = rdf_text(&Value::Object(document), contexts)?;
            let signed = hashes(&rdf_text(&Value::Object(options.clone()), contexts)?, &text);
            if suite != Suite::Ed25519Signature2020 || key.verifies(&signed, &signature) {
                signed
            } else {
                // Older signers read the options under the suite's own context, whatever the document's.
                options.insert("@context".to_owned(), json!([ED25519_2020]));
                hashes(&rdf_text(&Value::Object(options), contexts)?, &text)
            }
        }
    };
    if key.verifies(&signed, &signature) { Ok(()) } else { Err(ProofError::Signature) }
}

/// A proof's contexts must be the first of the document's, and are then what the document is read under
/// (eddsa-jcs-2022, 3.3.2).
fn under_own_context(
    document: &mut Map<String, Value>,
    options: &Map<String, Value>,
) -> Result<(), ProofError> {
    let Some(own) = options.get("@context") else { return Ok(()) };
    let (own_list, list) = (many(Some(own)), many(document.get("@context")));
    if own_list.len() > list.len() || own_list != &list[..own_list.len()] {
        return Err(ProofError::Malformed("its contexts are not the first of the credential's".to_owned()));
    }
    document.insert("@context".to_owned(), own.clone());
    Ok(())
}

/// Canonical N-Quads.
pub(super) fn rdf_text(document: &Value, contexts: &Contexts) -> Result<String, ProofError> {
    Ok(canonicalize(&jsonld::to_rdf(document, contexts)?)?.text())
}

fn hashes(options: &str, document: &str) -> Vec<u8> {
    [Sha256::digest(options.as_bytes()), Sha256::digest(document.as_bytes())].concat()
}

/// Adds an eddsa-rdfc-2022 proof to a credential that has none.
///
/// # Errors
/// [`ProofError::Document`] when the credential has a part that no context defines.
pub fn sign(
    credential: &mut Map<String, Value>,
    key: &SigningKey,
    verification_method: &str,
    created: &str,
    contexts: &Contexts,
) -> Result<(), ProofError> {
    let mut proof = json!({
        "type": "DataIntegrityProof",
        "cryptosuite": Suite::EddsaRdfc.name(),
        "created": created,
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
    });
    credential.remove("proof");
    let mut options = proof.clone();
    options["@context"] = credential.get("@context").cloned().unwrap_or_default();
    let document = rdf_text(&Value::Object(credential.clone()), contexts)?;
    let signed = hashes(&rdf_text(&options, contexts)?, &document);
    proof["proofValue"] = Value::String(base58(key.sign(&signed).to_bytes()));
    credential.insert("proof".to_owned(), proof);
    Ok(())
}
