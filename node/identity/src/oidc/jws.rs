//! A text that a provider signed, other than an ID token: what it says, if one of the provider's keys signed it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::ALGORITHMS;

/// What a signed text says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    /// What kind of text it is.
    pub(super) typ: Option<String>,
    /// Rules that a reader must know; none is known here.
    crit: Option<Value>,
}

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    #[error("it is not a signed text of three parts")]
    Form,
    #[error("its signature is of a kind that is not taken")]
    Algorithm,
    #[error("no key of the provider made its signature")]
    Key,
}

/// Header and content of a text that one of `keys` signed.
pub(super) fn verified(keys: &CoreJsonWebKeySet, text: &str) -> Result<(Header, Value), Unsigned> {
    let (signed, signature) = text.rsplit_once('.').ok_or(Unsigned::Form)?;
    let (header, content) = signed.split_once('.').ok_or(Unsigned::Form)?;
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unsigned::Form);
    let (header, content, signature) = (bytes(header)?, bytes(content)?, bytes(signature)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| Unsigned::Form)?;
    if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
        return Err(Unsigned::Algorithm);
    }
    let named = |own: Option<&str>| header.kid.is_none() || header.kid.as_deref() == own;
    let made = keys.keys().iter().any(|key| {
        named(key.key_id().map(|id| id.as_str()))
            && key.verify_signature(&header.alg, signed.as_bytes(), &signature).is_ok()
    });
    if !made {
        return Err(Unsigned::Key);
    }
    let content = serde_json::from_slice(&content).map_err(|_| Unsigned::Form)?;
    Ok((header, content))
}

/// Whether a content's `aud` is this client and nobody else.
pub(super) fn is_for(content: &Value, client: &str) -> bool {
    match content.get("aud") {
        Some(Value::String(one)) => one == client,
        Some(Value::Array(all)) => !all.is_empty() && all.iter().all(|one| one.as_str() == Some(client)),
        _ => false,
    }
}
