//! Credentials as tokens: VC-JWT of Open Badges 3.0 (8.2), payload of VC Data Model 1.1 (`vc`) or 2.0 (the credential itself).
//!
//! Algorithms are EdDSA, ES256 and RS256. `none` and shared secrets are refused by name; the key decides the algorithm, and a
//! header that says another is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};

use super::jcs;
use super::json;
use super::keys::Key;
use super::limits::MAX_BYTES;
use super::time::Moment;

/// A token, not yet verified.
#[derive(Debug, Clone)]
pub struct Token {
    header: Value,
    payload: Value,
    signed: String,
    signature: Vec<u8>,
}

/// Why a token does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token at all.
    #[error("it is not a token of three parts in base64url")]
    NotAToken,
    /// A part that is not what it should be.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// An algorithm that proves nothing.
    #[error(
        "the token's algorithm is {0:?}; EdDSA, ES256 and RS256 are checked, and nothing else proves anything"
    )]
    Algorithm(String),
    /// Another key.
    #[error("the token says {says} and the key is of {key}")]
    WrongKey {
        /// Of the header.
        says: String,
        /// The one algorithm that the key takes.
        key: &'static str,
    },
    /// The signature does not hold.
    #[error("the signature is not this key's over this token")]
    Signature,
    /// A claim of the token differs from the credential.
    #[error("the token's {0} is not the credential's")]
    Claim(&'static str),
}

/// Claims of the token that are not parts of the credential.
const REGISTERED: [&str; 7] = ["iss", "sub", "jti", "nbf", "exp", "iat", "aud"];

impl Token {
    /// Parses a compact token, white space around it allowed.
    ///
    /// # Errors
    /// [`TokenError::NotAToken`], [`TokenError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let text = std::str::from_utf8(bytes).map_err(|_| TokenError::NotAToken)?.trim();
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotAToken)?;
        if text.len() > MAX_BYTES || payload.contains('.') {
            return Err(TokenError::NotAToken);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotAToken);
        let object = |bytes: &[u8], what: &str| match json::parse(bytes) {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(TokenError::Malformed(format!("its {what} is not an object"))),
            Err(error) => Err(TokenError::Malformed(format!("its {what}: {error}"))),
        };
        let header = object(&decode(header)?, "header")?;
        let payload = object(&decode(payload)?, "payload")?;
        let signature = decode(signature)?;
        Ok(Self { header, payload, signed: signed.to_owned(), signature })
    }

    /// The credential inside.
    ///
    /// # Errors
    /// When `vc` is there and is not an object.
    pub fn credential(&self) -> Result<Value, TokenError> {
        match self.payload.get("vc") {
            Some(vc) if vc.is_object() => Ok(vc.clone()),
            Some(_) => Err(TokenError::Malformed("its vc is not an object".to_owned())),
            None => {
                let mut map = self.payload.as_object().cloned().unwrap_or_default();
                for claim in REGISTERED {
                    map.remove(claim);
                }
                Ok(Value::Object(map))
            }
        }
    }

    /// The name of its key, if it gives one.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }

    /// The key that it carries itself, if it does.
    pub fn own_key(&self) -> Option<&Value> {
        self.header.get("jwk")
    }

    /// Whether the algorithm is one that is checked, and the header asks for nothing that is not known here.
    ///
    /// # Errors
    /// [`TokenError::Algorithm`], [`TokenError::Malformed`].
    pub fn form(&self) -> Result<(), TokenError> {
        let algorithm = self.algorithm();
        if !["EdDSA", "ES256", "RS256"].contains(&algorithm) {
            return Err(TokenError::Algorithm(algorithm.to_owned()));
        }
        if self.header.get("crit").is_some() || self.header.get("b64").is_some() {
            return Err(TokenError::Malformed("its header asks for extensions".to_owned()));
        }
        Ok(())
    }

    fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// Checks the signature under a key.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn check(&self, key: &Key) -> Result<(), TokenError> {
        self.form()?;
        if self.algorithm() != key.algorithm() {
            return Err(TokenError::WrongKey { says: self.algorithm().to_owned(), key: key.algorithm() });
        }
        if key.verifies(self.signed.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(TokenError::Signature)
        }
    }

    /// Whether the token's own claims say what the credential says.
    ///
    /// # Errors
    /// [`TokenError::Claim`], [`TokenError::Malformed`].
    pub fn agrees(&self, credential: &Value) -> Result<(), TokenError> {
        let subject = json::many(credential.get("credentialSubject")).first();
        let pairs = [
            ("iss", credential.get("issuer").and_then(json::id_of)),
            ("jti", credential.get("id").and_then(Value::as_str)),
            ("sub", subject.and_then(|subject| subject.get("id")).and_then(Value::as_str)),
        ];
        for (claim, theirs) in pairs {
            match self.payload.get(claim) {
                None => {}
                Some(Value::String(own)) if Some(own.as_str()) == theirs => {}
                Some(_) => return Err(TokenError::Claim(claim)),
            }
        }
        self.period().map(|_| ())
    }

    /// Not before, and not after.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] when a claim is not a number.
    pub fn period(&self) -> Result<(Option<Moment>, Option<Moment>), TokenError> {
        let moment = |claim: &str| match self.payload.get(claim) {
            None => Ok(None),
            Some(value) => Moment::from_seconds(value)
                .map(Some)
                .ok_or_else(|| TokenError::Malformed(format!("its {claim} is not a number of seconds"))),
        };
        Ok((moment("nbf")?, moment("exp")?))
    }
}

/// Signs a credential as a token with EdDSA: the credential itself and the claims that repeat it.
pub fn sign(credential: &Map<String, Value>, key: &SigningKey, key_id: &str) -> String {
    let mut payload = credential.clone();
    payload.remove("proof");
    let text = |value: Option<&Value>| value.and_then(json::id_of).map(|id| Value::String(id.to_owned()));
    let seconds = |name: &str| {
        let moment = credential.get(name).and_then(Value::as_str).and_then(Moment::parse);
        moment.map(|moment| Value::from(moment.0.div_euclid(1000)))
    };
    let claims = [
        ("iss", text(credential.get("issuer"))),
        ("jti", text(credential.get("id"))),
        ("sub", text(json::many(credential.get("credentialSubject")).first().and_then(|s| s.get("id")))),
        ("nbf", seconds("validFrom")),
        ("exp", seconds("validUntil")),
    ];
    for (claim, value) in claims {
        if let Some(value) = value {
            payload.insert(claim.to_owned(), value);
        }
    }
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": key_id });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(jcs::canonical(value));
    let signed = format!("{}.{}", encode(&header), encode(&Value::Object(payload)));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}
