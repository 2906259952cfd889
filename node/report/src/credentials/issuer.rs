//! Whose key it is: from the name that a proof gives it to the key, and how far that is to be trusted.
//!
//! In order: a key that the reader pinned for the issuer; a `did:key`, whose name is the key; the issuer's own document, from
//! the folder or the network that the reader allows; and last the key in the name's fragment, which the credential itself
//! brings. The last shows that nobody changed the credential since, and not who made it: anybody can write such a name.

use serde::Serialize;
use serde_json::Value;

use super::json::many;
use super::keys::Key;
use super::sources::Sources;

/// How far a key is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The reader named it.
    Pinned,
    /// The issuer's document has it.
    Resolved,
    /// The issuer's id is the key.
    DidKey,
    /// The credential brings it.
    SelfAsserted,
}

/// A key that the reader trusts for an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The issuer's id.
    pub issuer: String,
    /// What may sign for this issuer; once a reader has pinned a key, no other may.
    pub key: Key,
}

/// Why a text pins nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Nothing parts an id from a key, or the id is empty.
    #[error("it has no = between the issuer's id and its key")]
    NoKey,
    /// Not a key.
    #[error("its key is not one: {0}")]
    Key(#[from] super::keys::KeyError),
    /// A JSON Web Key that is not JSON.
    #[error("its key is not JSON: {0}")]
    Json(String),
}

impl Pin {
    /// From `ID=KEY`: the key as Multikey text or as a JSON Web Key.
    ///
    /// # Errors
    /// [`PinError`].
    pub fn parse(text: &str) -> Result<Self, PinError> {
        // An id may hold `=` (a DID URL's query), a Multikey none, and a JSON Web Key begins at the first `={`.
        let (issuer, key) = match text.split_once("={") {
            Some((issuer, rest)) => {
                let value = super::json::parse(format!("{{{rest}").as_bytes());
                (issuer, Key::from_jwk(&value.map_err(|e| PinError::Json(e.to_string()))?)?)
            }
            None => {
                let (issuer, key) = text.rsplit_once('=').ok_or(PinError::NoKey)?;
                (issuer, Key::from_multikey(key)?)
            }
        };
        if issuer.is_empty() { Err(PinError::NoKey) } else { Ok(Self { issuer: issuer.to_owned(), key }) }
    }
}

/// Keys that may have signed, and their trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// One, or what the reader pinned.
    pub keys: Vec<Key>,
    /// How far a signature under one of them shows who signed.
    pub trust: Trust,
    /// What else the reader should know.
    pub note: Option<String>,
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoKey {
    /// The proof names a key that is not the issuer's.
    Wrong(String),
    /// The key cannot be had.
    Missing(String),
}

fn found(key: Key, trust: Trust) -> Found {
    Found { keys: vec![key], trust, note: None }
}

/// The keys behind the name that a proof or token gives.
///
/// # Errors
/// [`NoKey`].
pub fn find(method: &str, issuer: &str, pins: &[Pin], sources: &dyn Sources) -> Result<Found, NoKey> {
    let wrong = |why: String| Err(NoKey::Wrong(why));
    if !method.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return wrong(format!("the verification method {method:?} is not a URI"));
    }
    let (controller, fragment) = method.split_once('#').map_or((method, None), |(c, f)| (c, Some(f)));
    let did_key = controller.strip_prefix("did:key:");
    if let (Some(body), Some(fragment)) = (did_key, fragment)
        && body != fragment
    {
        return wrong("the verification method's fragment is not its did:key".to_owned());
    }
    let own = did_key.or(fragment).and_then(|text| Key::from_multikey(text).ok());
    // A did:key may sign for an issuer whose id is not a DID; that shows integrity alone.
    let foreign = if did_key.is_some() { issuer.starts_with("did:") } else { fragment.is_some() };
    if foreign && controller != issuer {
        return wrong(format!("the key belongs to {controller}, and the issuer is {issuer}"));
    }
    if let Some(pinned) = pinned(issuer, own.as_ref(), pins)? {
        return Ok(pinned);
    }
    if let Some(key) = own.clone().filter(|_| did_key.is_some()) {
        let trust = if controller == issuer { Trust::DidKey } else { Trust::SelfAsserted };
        return Ok(found(key, trust));
    }
    let note = match resolved(method, issuer, sources) {
        Ok(Some(document)) => {
            return listed(&document, method, issuer).map(|key| found(key, Trust::Resolved));
        }
        Ok(None) => None,
        Err(error) => Some(error),
    };
    match own {
        Some(key) => Ok(Found { note, ..found(key, Trust::SelfAsserted) }),
        None => Err(NoKey::Missing(match note {
            Some(error) => format!("the key {method} cannot be had: {error}"),
            None => format!(
                "the key {method} cannot be had: give the issuer's document with --did or its key with --issuer"
            ),
        })),
    }
}

/// The keys behind a token that carries its own key, or names none.
///
/// # Errors
/// [`NoKey`].
pub fn find_carried(own: Option<&Value>, issuer: &str, pins: &[Pin]) -> Result<Found, NoKey> {
    let own = match own {
        None => None,
        Some(jwk) => Some(Key::from_jwk(jwk).map_err(|error| NoKey::Wrong(error.to_string()))?),
    };
    if let Some(pinned) = pinned(issuer, own.as_ref(), pins)? {
        return Ok(pinned);
    }
    match own {
        Some(key) => Ok(found(key, Trust::SelfAsserted)),
        None => Err(NoKey::Missing("the token names no key: give the issuer's with --issuer".to_owned())),
    }
}

fn pinned(issuer: &str, own: Option<&Key>, pins: &[Pin]) -> Result<Option<Found>, NoKey> {
    let keys: Vec<Key> = pins.iter().filter(|pin| pin.issuer == issuer).map(|pin| pin.key.clone()).collect();
    match own {
        _ if keys.is_empty() => Ok(None),
        Some(own) if keys.contains(own) => Ok(Some(found(own.clone(), Trust::Pinned))),
        Some(own) => {
            Err(NoKey::Wrong(format!("the key {} is not the one that is pinned for {issuer}", own.text())))
        }
        None => Ok(Some(Found { keys, trust: Trust::Pinned, note: None })),
    }
}

/// The issuer's document, or the document of the one key.
fn resolved(method: &str, issuer: &str, sources: &dyn Sources) -> Result<Option<Value>, String> {
    match sources.controller(issuer)? {
        Some(document) => Ok(Some(document)),
        None if method.contains('#') => Ok(None),
        None => sources.controller(method),
    }
}

/// The key of this name in a document, if the document lets it assert.
fn listed(document: &Value, method: &str, issuer: &str) -> Result<Key, NoKey> {
    let wrong = |why: String| Err(NoKey::Wrong(why));
    let named = |one: &Value| {
        let id = one.as_str().or_else(|| one.get("id").and_then(Value::as_str));
        id.is_some_and(|id| id == method || (id.starts_with('#') && method == format!("{issuer}{id}")))
    };
    let key = if named(document) {
        document
    } else {
        let asserts = many(document.get("assertionMethod"));
        let Some(reference) = asserts.iter().find(|one| named(one)) else {
            return wrong(format!("{issuer}'s document does not list {method} among its assertion methods"));
        };
        if reference.is_object() {
            reference
        } else {
            match many(document.get("verificationMethod")).iter().find(|one| named(one)) {
                Some(key) => key,
                None => return wrong(format!("{issuer}'s document has no key {method}")),
            }
        }
    };
    if key.get("controller").and_then(Value::as_str) != Some(issuer) {
        return wrong(format!("the key {method} is not controlled by {issuer}"));
    }
    if key.get("revoked").is_some() {
        return wrong(format!("the key {method} was revoked"));
    }
    let read = match (key.get("publicKeyMultibase").and_then(Value::as_str), key.get("publicKeyJwk")) {
        (Some(text), _) => Key::from_multikey(text),
        (None, Some(jwk)) => Key::from_jwk(jwk),
        (None, None) => {
            return wrong(format!("the key {method} has neither publicKeyMultibase nor publicKeyJwk"));
        }
    };
    read.map_err(|error| NoKey::Wrong(format!("the key {method} cannot be used: {error}")))
}
