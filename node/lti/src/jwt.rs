//! Tokens signed with RS256 by a key that a platform publishes, and with nothing else.
//!
//! Flow: [`Token::split`] reads header and claims, of which nothing is believed yet → [`Token::verified`] finds the key by its `kid` and
//! checks the signature. Invariants: no other algorithm is taken, whatever the header or the key say; keys are RSA of at
//! least 2,048 bits; an extension that must be understood refuses the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde_json::Value;

/// Most bytes of a token.
pub const MAX_TOKEN_BYTES: usize = 64 << 10;
/// Most bytes of a set of keys.
pub const MAX_JWKS_BYTES: usize = 256 << 10;
/// Most keys of a set.
const MAX_KEYS: usize = 100;
/// Least bytes of a key's modulus: 2,048 bits.
const MIN_MODULUS_BYTES: usize = 256;
/// Most bytes of one: larger ones cost time.
const MAX_MODULUS_BYTES: usize = 1_024;
/// How deep claims may lie in each other.
const MAX_DEPTH: usize = 16;

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not three parts of JSON and a signature.
    #[error("it is not a signed token")]
    Malformed,
    /// `none`, a secret's, or another algorithm than RS256.
    #[error("only RS256 is taken")]
    Algorithm,
    /// It asks for an extension that must be understood.
    #[error("its header has an extension that is not understood")]
    Extension,
    /// No key of that name.
    #[error("the platform publishes no key of that kid")]
    UnknownKey,
    /// The key is not RSA for signatures, or too short.
    #[error("the key is not RSA for signatures with 2048 to 8192 bits")]
    Key,
    /// The signature is another's.
    #[error("the signature does not fit")]
    Signature,
}

/// A token of which nothing is believed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    kid: String,
    signed: String,
    signature: Vec<u8>,
    claims: Value,
}

fn part(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)
}

fn is_flat(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    match value {
        Value::Array(list) => list.iter().all(|one| is_flat(one, left)),
        Value::Object(members) => members.values().all(|one| is_flat(one, left)),
        _ => true,
    }
}

impl Token {
    /// Reads the parts of a token.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn split(text: &str) -> Result<Self, Refused> {
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Malformed);
        };
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Malformed);
        }
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(|_| Refused::Malformed);
        let head = json(&part(header)?)?;
        let word = |name: &str| head.get(name).and_then(Value::as_str);
        if word("alg") != Some("RS256") {
            return Err(Refused::Algorithm);
        }
        if head.get("crit").is_some() || head.get("b64").is_some() || head.get("zip").is_some() {
            return Err(Refused::Extension);
        }
        let kid = word("kid").filter(|kid| !kid.is_empty()).ok_or(Refused::UnknownKey)?.to_owned();
        let read = json(&part(claims)?)?;
        if !read.is_object() || !is_flat(&read, MAX_DEPTH) {
            return Err(Refused::Malformed);
        }
        Ok(Self { kid, signed: format!("{header}.{claims}"), signature: part(signature)?, claims: read })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The claims, once the signature was checked.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verified(&self, keys: &[Key]) -> Result<&Value, Refused> {
        let key = keys.iter().find(|key| key.kid == self.kid).ok_or(Refused::UnknownKey)?;
        let key = key.key.as_ref().ok_or(Refused::Key)?;
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        key.verify_signature(&algorithm, self.signed.as_bytes(), &self.signature)
            .map_err(|_| Refused::Signature)?;
        Ok(&self.claims)
    }
}

/// A key as a platform publishes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    kid: String,
    /// None of one that signs no launch.
    key: Option<CoreJsonWebKey>,
}

impl Key {
    /// Whether it has this name.
    pub fn is(&self, kid: &str) -> bool {
        self.kid == kid
    }
}

/// Reads a published set of keys; those without a name are left out.
///
/// # Errors
/// [`Refused::Malformed`].
pub fn keys(bytes: &[u8]) -> Result<Vec<Key>, Refused> {
    if bytes.len() > MAX_JWKS_BYTES {
        return Err(Refused::Malformed);
    }
    let set: Value = serde_json::from_slice(bytes).map_err(|_| Refused::Malformed)?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or(Refused::Malformed)?;
    let named = keys.iter().take(MAX_KEYS).filter_map(|key| {
        let kid = key.get("kid").and_then(Value::as_str)?;
        Some(Key { kid: kid.to_owned(), key: usable(key) })
    });
    Ok(named.collect())
}

fn usable(key: &Value) -> Option<CoreJsonWebKey> {
    let word = |name: &str| key.get(name).and_then(Value::as_str);
    let fits = word("kty") == Some("RSA")
        && word("use").is_none_or(|word| word == "sig")
        && word("alg").is_none_or(|word| word == "RS256");
    let modulus = word("n").and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())?;
    let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
    if !fits || !(MIN_MODULUS_BYTES..=MAX_MODULUS_BYTES).contains(&bytes) {
        return None;
    }
    // Only what is needed: some platforms add certificates and their own members.
    let bare = serde_json::json!({
        "kty": "RSA", "use": "sig", "kid": word("kid"), "n": word("n")?.trim_end_matches('='), "e": word("e")?.trim_end_matches('='),
    });
    serde_json::from_value(bare).ok()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Launches of a public library's tests, which lie beside the project (`AULA_SHARED` names the folder above).
    fn given(name: &str) -> Option<Value> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let beside = ["../../../shared/data", "../../../../shared/data"].map(|way| own.join(way));
        let mut roots = std::env::var_os("AULA_SHARED").map(PathBuf::from).into_iter().chain(beside);
        let text = roots.find_map(|root| std::fs::read(root.join("lti13").join(name)).ok());
        if text.is_none() {
            eprintln!("skipped: lti13/{name} is not there (AULA_SHARED names the folder above)");
        }
        serde_json::from_slice(&text?).ok()
    }

    fn opened(file: &Value) -> Result<Value, Refused> {
        let set = serde_json::json!({ "keys": file["jwks"] }).to_string();
        let token = Token::split(file["tokens"][0]["id_token"].as_str().unwrap_or_default())?;
        token.verified(&keys(set.as_bytes())?).cloned()
    }

    #[test]
    fn a_public_launch_is_verified_and_one_with_a_key_of_512_bits_is_not() {
        if let Some(file) = given("test_deep_link.json") {
            assert_eq!(opened(&file).as_ref(), Ok(&file["tokens"][0]["claims"]));
            let mut broken = file.clone();
            let token = file["tokens"][0]["id_token"]
                .as_str()
                .unwrap_or_default()
                .replace("eyJodHRwczovL3B1", "eyJodHRwczovL3B2");
            broken["tokens"][0]["id_token"] = token.into();
            assert!(matches!(opened(&broken), Err(Refused::Signature | Refused::Malformed)));
        }
        if let Some(file) = given("test_resource_link.json") {
            assert_eq!(opened(&file), Err(Refused::Key));
        }
    }

    #[test]
    fn sets_of_keys_are_read_within_limits() {
        assert_eq!(keys(b"{}"), Err(Refused::Malformed));
        assert_eq!(keys(&vec![b' '; MAX_JWKS_BYTES + 1]), Err(Refused::Malformed));
        let set =
            serde_json::json!({ "keys": [{ "kty": "oct", "kid": "a", "k": "AAAA" }, { "kty": "RSA" }, 7] });
        let read = keys(set.to_string().as_bytes()).unwrap_or_default();
        assert_eq!((read.len(), read[0].key.is_none()), (1, true));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!(
            "{}.{}.AA",
            part("{\"alg\":\"RS256\",\"kid\":\"a\"}"),
            part(&format!("{{\"a\":{deep}}}"))
        );
        assert_eq!(Token::split(&token), Err(Refused::Malformed));
    }
}
