//! Issuing: an Open Badge for a milestone of the ledger, as JSON with an eddsa-rdfc-2022 proof or as a token.
//!
//! A badge names its milestone by chain, district, handle and number, and binds the evidence bundle that proves it by that
//! file's SHA-256: whoever has both checks the bundle with `aula-audit verify` and compares. The handle is the student's
//! pseudonym on the ledger; who shows the badge shows it.

use ed25519_dalek::SigningKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::align::Alignment;
use super::contexts::{CREDENTIALS_V2, Contexts, OPEN_BADGES};
use super::keys::multikey_of;
use super::proof::{ProofError, integrity};
use super::status::Purpose;
use super::time::Moment;
use super::{json, jwt, schema};

/// The district or school in whose name badges are signed, as its operator writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerProfile {
    /// Its id: a DID or an address at which its document is, without a fragment.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its home page.
    pub url: Option<String>,
}

/// What is achieved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AchievementWords {
    /// Its id, a URI; the same for everybody who achieves it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// In a sentence.
    pub description: String,
    /// What has to be shown for it.
    pub criteria: String,
    /// One of the standard's words (`Competency`, `Course`, …), or `ext:…`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// A milestone of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilestoneReference {
    /// SHA-256 of the chain's genesis file, hex.
    pub genesis_sha256: String,
    /// The district's number.
    pub district: u16,
    /// The student's handle, hex.
    pub handle: String,
    /// The record's number among the handle's.
    pub number: u16,
    /// What was reached, as the ledger names it.
    pub kind: String,
    /// The skill that was proved to be mastered, if it is one.
    pub skill: Option<u16>,
    /// The block that recorded it.
    pub height: u64,
    /// SHA-256 of the evidence bundle that proves it.
    pub bundle_sha256: [u8; 32],
}

/// Where its status will stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPlace {
    /// The address under which the lists are published: `…/revocation` and `…/suspension`.
    pub base: String,
    /// Its bit in both.
    pub index: u64,
}

/// All that a badge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// Its id, a URI of its own.
    pub id: String,
    /// In whose name it is signed; copied into every badge.
    pub issuer: IssuerProfile,
    /// The learner's id, a URI.
    pub subject: String,
    /// What was achieved.
    pub achievement: AchievementWords,
    /// What it is aligned with.
    pub alignments: Vec<Alignment>,
    /// The milestone, for badges that rest on one.
    pub milestone: Option<MilestoneReference>,
    /// Where its status stands.
    pub status: Option<StatusPlace>,
    /// From when.
    pub valid_from: Moment,
    /// Until when.
    pub valid_until: Option<Moment>,
}

/// Why a badge is not issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// It would not have the standard's form.
    #[error("the badge would not have the standard's form: {0}")]
    Form(String),
    /// It could not be signed.
    #[error("the badge cannot be signed: {0}")]
    Sign(#[from] ProofError),
    /// An issuer's id with a fragment, which is the key's part.
    #[error("the issuer's id {0} has a fragment; that part names its key")]
    IssuerId(String),
}

/// The address of a list below its base.
pub fn list_url(base: &str, purpose: Purpose) -> String {
    format!("{}/{}", base.trim_end_matches('/'), purpose.word())
}

/// The name of an issuer's key: the issuer's id, and the key itself as the fragment.
pub fn verification_method(issuer: &str, key: &SigningKey) -> String {
    format!("{issuer}#{}", multikey_of(&key.verifying_key()))
}

impl Badge {
    /// The credential, checked against the standard's form, not yet signed.
    ///
    /// # Errors
    /// [`IssueError::Form`], [`IssueError::IssuerId`].
    pub fn credential(&self) -> Result<Map<String, Value>, IssueError> {
        if self.issuer.id.contains('#') {
            return Err(IssueError::IssuerId(self.issuer.id.clone()));
        }
        let mut issuer = json!({"id": self.issuer.id, "type": ["Profile"], "name": self.issuer.name});
        if let Some(url) = &self.issuer.url {
            issuer["url"] = json!(url);
        }
        let words = &self.achievement;
        let mut achievement = json!({
            "id": words.id,
            "type": ["Achievement"],
            "name": words.name,
            "description": words.description,
            "criteria": {"narrative": words.criteria},
        });
        if let Some(kind) = &words.kind {
            achievement["achievementType"] = json!(kind);
        }
        if !self.alignments.is_empty() {
            achievement["alignment"] = self.alignments.iter().map(Alignment::json).collect();
        }
        let mut value = json!({
            "@context": [CREDENTIALS_V2, OPEN_BADGES],
            "id": self.id,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": words.name,
            "issuer": issuer,
            "validFrom": self.valid_from.text(),
            "credentialSubject": {"id": self.subject, "type": ["AchievementSubject"], "achievement": achievement},
        });
        if let Some(end) = self.valid_until {
            value["validUntil"] = json!(end.text());
        }
        if let Some(milestone) = &self.milestone {
            value["evidence"] = json!([milestone.evidence()]);
            value["relatedResource"] = json!([milestone.bundle()]);
        }
        if let Some(status) = &self.status {
            value["credentialStatus"] = [Purpose::Revocation, Purpose::Suspension]
                .map(|purpose| {
                    let list = list_url(&status.base, purpose);
                    json!({
                        "id": format!("{list}#{}", status.index),
                        "type": "BitstringStatusListEntry",
                        "statusPurpose": purpose.word(),
                        "statusListIndex": status.index.to_string(),
                        "statusListCredential": list,
                    })
                })
                .to_vec()
                .into();
        }
        schema::check(&value).map_err(IssueError::Form)?;
        Ok(value.as_object().cloned().unwrap_or_default())
    }
}

impl MilestoneReference {
    /// Its name, a URI.
    pub fn urn(&self) -> String {
        format!(
            "urn:aula:{}:milestone:{}:{}:{}",
            self.genesis_sha256, self.district, self.handle, self.number
        )
    }

    fn evidence(&self) -> Value {
        let skill = self.skill.map(|skill| format!(" of skill {skill:05}")).unwrap_or_default();
        let narrative = format!(
            "Milestone {} ({}{skill}) of handle {} in district {}, final in block {} of the ledger whose genesis file has SHA-256 {}.",
            self.number, self.kind, self.handle, self.district, self.height, self.genesis_sha256
        );
        json!({"id": self.urn(), "type": ["Evidence"], "name": "A milestone of the district's ledger",
            "narrative": narrative, "genre": "ledger milestone"})
    }

    /// The evidence bundle by its hash, as Subresource Integrity writes it.
    fn bundle(&self) -> Value {
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(self.bundle_sha256);
        json!({"id": format!("urn:aula:bundle:{}", hex::encode(self.bundle_sha256)),
            "mediaType": "application/octet-stream", "digestSRI": format!("sha256-{digest}")})
    }
}

/// The credential with an eddsa-rdfc-2022 proof, as JSON text.
///
/// # Errors
/// [`IssueError::Sign`].
pub fn with_proof(
    mut credential: Map<String, Value>,
    key: &SigningKey,
    created: Moment,
) -> Result<String, IssueError> {
    let issuer = credential.get("issuer").and_then(json::id_of).unwrap_or_default().to_owned();
    let method = verification_method(&issuer, key);
    integrity::sign(&mut credential, key, &method, &created.text(), Contexts::pinned())?;
    Ok(format!("{:#}", Value::Object(credential)))
}

/// The credential as a token.
pub fn as_token(credential: &Map<String, Value>, key: &SigningKey) -> String {
    let issuer = credential.get("issuer").and_then(json::id_of).unwrap_or_default();
    jwt::sign(credential, key, &verification_method(issuer, key))
}

/// The issuer's document, to be published at its id: which key may assert for it.
pub fn controller_document(issuer: &str, key: &SigningKey) -> Value {
    let method = verification_method(issuer, key);
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": issuer,
        "verificationMethod": [{
            "id": method,
            "type": "Multikey",
            "controller": issuer,
            "publicKeyMultibase": multikey_of(&key.verifying_key()),
        }],
        "assertionMethod": [method],
    })
}

#[cfg(test)]
mod tests;
