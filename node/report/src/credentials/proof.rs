//! Embedded proofs: which of a credential's proofs are checked, and how.
//!
//! Flow: [`proofs`] lists them; [`check`] verifies one under a key. A proof set is good when every proof of a known suite is,
//! and there is one; unknown suites are named and count for nothing. Absent: making proofs other than eddsa-rdfc-2022
//! ([`integrity::sign`]).

use serde_json::{Map, Value};

use super::contexts::Contexts;
use super::json::many;
use super::jsonld::LdError;
use super::keys::Key;

mod cbor;
pub mod integrity;
pub mod sd;
#[cfg(test)]
mod tests;

/// The suites that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// eddsa-rdfc-2022, and eddsa-2022 under which it was drafted: the same bytes.
    EddsaRdfc,
    /// eddsa-jcs-2022: the document as canonical JSON (RFC 8785), no RDF.
    EddsaJcs,
    /// Ed25519Signature2020: the suite before Data Integrity, still in use.
    Ed25519Signature2020,
    /// ecdsa-sd-2023, base or derived.
    EcdsaSd,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The signature is not the key's over this credential.
    #[error("the signature is not this key's over this credential")]
    Signature,
    /// The proof is not of its suite's form.
    #[error("the proof is malformed: {0}")]
    Malformed(String),
    /// The key is of another kind than the suite's.
    #[error("the suite {suite} wants another key than {key}")]
    WrongKey {
        /// The suite, by its standard's name.
        suite: &'static str,
        /// The algorithm of the key.
        key: &'static str,
    },
    /// The credential cannot be turned into what was signed.
    #[error(transparent)]
    Document(#[from] LdError),
}

impl From<super::c14n::TooHard> for ProofError {
    fn from(_: super::c14n::TooHard) -> Self {
        Self::Document(LdError::Limit("telling its blank nodes apart takes too many steps"))
    }
}

impl Suite {
    /// The suite of a proof; none when it is not known here.
    pub fn of(proof: &Value) -> Option<Self> {
        match proof.get("type")?.as_str()? {
            "Ed25519Signature2020" => Some(Self::Ed25519Signature2020),
            "DataIntegrityProof" => match proof.get("cryptosuite")?.as_str()? {
                "eddsa-rdfc-2022" | "eddsa-2022" => Some(Self::EddsaRdfc),
                "eddsa-jcs-2022" => Some(Self::EddsaJcs),
                "ecdsa-sd-2023" => Some(Self::EcdsaSd),
                _ => None,
            },
            _ => None,
        }
    }

    /// The name in a proof's `cryptosuite`, or `type` for the one that has none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EddsaRdfc => "eddsa-rdfc-2022",
            Self::EddsaJcs => "eddsa-jcs-2022",
            Self::Ed25519Signature2020 => "Ed25519Signature2020",
            Self::EcdsaSd => "ecdsa-sd-2023",
        }
    }
}

/// A credential's proofs.
pub fn proofs(credential: &Value) -> &[Value] {
    many(credential.get("proof"))
}

/// Checks one of a credential's proofs under a key.
///
/// # Errors
/// [`ProofError`].
pub fn check(credential: &Value, proof: &Value, key: &Key, contexts: &Contexts) -> Result<(), ProofError> {
    let suite =
        Suite::of(proof).ok_or_else(|| ProofError::Malformed("its suite is not known here".into()))?;
    let wanted = if suite == Suite::EcdsaSd { "ES256" } else { "EdDSA" };
    if key.algorithm() != wanted {
        return Err(ProofError::WrongKey { suite: suite.name(), key: key.algorithm() });
    }
    let document = secured(credential, proof)?;
    match suite {
        Suite::EcdsaSd => sd::check(&document, proof, key, contexts),
        _ => integrity::check(suite, document, proof, key, contexts),
    }
}

/// The credential as the proof saw it: without proofs, but for those that it builds upon (a proof chain).
fn secured(credential: &Value, proof: &Value) -> Result<Map<String, Value>, ProofError> {
    let malformed = |why: &str| ProofError::Malformed(why.to_owned());
    let mut document = credential.as_object().cloned().ok_or_else(|| malformed("no object is secured"))?;
    document.remove("proof");
    let mut before = Vec::new();
    for name in many(proof.get("previousProof")) {
        let found = proofs(credential).iter().find(|other| other.get("id") == Some(name) && *other != proof);
        before.push(found.cloned().ok_or_else(|| malformed("the proof that it builds upon is not there"))?);
    }
    if !before.is_empty() {
        document.insert("proof".to_owned(), Value::Array(before));
    }
    Ok(document)
}
