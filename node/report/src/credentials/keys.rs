//! Public keys of issuers: Multikey text and JSON Web Keys, and what a signature under each is.
//!
//! A key knows its own algorithm, and nothing else can be checked with it: a token that says RS256 over an Ed25519 key is
//! refused before any arithmetic.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use p256::ecdsa::signature::Verifier as _;
use serde_json::Value;

/// Multicodec prefixes (varints) of the keys that are read.
const ED25519_PREFIX: [u8; 2] = [0xed, 0x01];
const P256_PREFIX: [u8; 2] = [0x80, 0x24];

/// RSA keys: 2,048 to 8,192 bits; smaller ones are broken, larger ones only cost time.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Ed25519, 32 bytes.
    Ed25519(Box<VerifyingKey>),
    /// NIST P-256.
    P256(Box<p256::ecdsa::VerifyingKey>),
    /// RSA: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus, big endian.
        n: Vec<u8>,
        /// The public exponent, big endian.
        e: Vec<u8>,
    },
}

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not multibase in base58 or base64url.
    #[error("it is not multibase (z… or u…)")]
    Multibase,
    /// Another multicodec.
    #[error("it is neither an Ed25519 (z6Mk…) nor a P-256 (zDna…) key")]
    Codec,
    /// Bytes that are not a point of the curve.
    #[error("its bytes are not a point of the curve")]
    Point,
    /// A JSON Web Key that cannot be used here.
    #[error("the JSON Web Key {0}")]
    Jwk(&'static str),
}

impl Key {
    /// From Multikey text: `z6Mk…` or `zDna…`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_multikey(text: &str) -> Result<Self, KeyError> {
        Self::from_multicodec(&multibase(text).ok_or(KeyError::Multibase)?)
    }

    /// From the bytes inside Multikey text.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_multicodec(bytes: &[u8]) -> Result<Self, KeyError> {
        if let Some(rest) = bytes.strip_prefix(&ED25519_PREFIX) {
            Self::ed25519(rest).ok_or(KeyError::Point)
        } else if let Some(rest) = bytes.strip_prefix(&P256_PREFIX) {
            if rest.len() != 33 {
                return Err(KeyError::Point);
            }
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(rest).map_err(|_| KeyError::Point)?;
            Ok(Self::P256(Box::new(key)))
        } else {
            Err(KeyError::Codec)
        }
    }

    /// From a JSON Web Key (RFC 7517, RFC 8037). A key with its private half is refused: it is everybody's by now.
    ///
    /// # Errors
    /// [`KeyError::Jwk`], [`KeyError::Point`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok());
        if ["d", "p", "q", "k"].iter().any(|private| jwk.get(*private).is_some()) {
            return Err(KeyError::Jwk(
                "holds a private key, which whoever has the credential could sign with",
            ));
        }
        if text("use").is_some_and(|for_what| for_what != "sig") {
            return Err(KeyError::Jwk("is not for signatures"));
        }
        match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => {
                let x = bytes("x").ok_or(KeyError::Jwk("has no x"))?;
                Self::ed25519(&x).ok_or(KeyError::Point)
            }
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (bytes("x"), bytes("y"));
                let (Some(x), Some(y)) = (x, y) else { return Err(KeyError::Jwk("has no x or no y")) };
                if x.len() != 32 || y.len() != 32 {
                    return Err(KeyError::Point);
                }
                let point = [&[4][..], &x, &y].concat();
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).map_err(|_| KeyError::Point)?;
                Ok(Self::P256(Box::new(key)))
            }
            (Some("RSA"), _) => {
                let (Some(n), Some(e)) = (bytes("n"), bytes("e")) else {
                    return Err(KeyError::Jwk("has no n or no e"));
                };
                if !RSA_BYTES.contains(&n.len()) || n.first() == Some(&0) || e.is_empty() || e.len() > 4 {
                    return Err(KeyError::Jwk("is not an RSA key of 2048 to 8192 bits"));
                }
                Ok(Self::Rsa { n, e })
            }
            _ => Err(KeyError::Jwk("is not of a kind that is read: Ed25519, P-256 or RSA")),
        }
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn ed25519(bytes: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        (!key.is_weak()).then(|| Self::Ed25519(Box::new(key)))
    }

    /// Multikey text; for RSA, which has none in common use, `rsa:` and the modulus in base64url.
    pub fn text(&self) -> String {
        match self {
            Self::Ed25519(key) => base58([&ED25519_PREFIX[..], key.as_bytes()].concat()),
            Self::P256(_) => base58(self.multicodec().unwrap_or_default()),
            Self::Rsa { n, .. } => format!("rsa:{}", URL_SAFE_NO_PAD.encode(n)),
        }
    }

    /// The bytes of the Multikey of a P-256 key, as ecdsa-sd-2023 signs them.
    pub fn multicodec(&self) -> Option<Vec<u8>> {
        match self {
            Self::P256(key) => Some([&P256_PREFIX[..], key.to_encoded_point(true).as_bytes()].concat()),
            Self::Ed25519(key) => Some([&ED25519_PREFIX[..], key.as_bytes()].concat()),
            Self::Rsa { .. } => None,
        }
    }

    /// The algorithm of tokens that this key signs (RFC 7518, RFC 8037).
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa { .. } => "RS256",
        }
    }

    /// Whether `signature` is this key's over `message`: strict Ed25519, ECDSA with SHA-256 in 64 bytes, or RSASSA-PKCS1-v1_5
    /// with SHA-256.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rsa { n, e } => {
                let parameters = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
                ring::signature::RsaPublicKeyComponents { n, e }
                    .verify(parameters, message, signature)
                    .is_ok()
            }
        }
    }
}

/// Multikey text of an Ed25519 public key.
pub fn multikey_of(key: &VerifyingKey) -> String {
    Key::Ed25519(Box::new(*key)).text()
}

/// Multibase in base58btc.
pub fn base58(bytes: impl AsRef<[u8]>) -> String {
    format!("z{}", bs58::encode(bytes).into_string())
}

/// Multibase in base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    format!("u{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The bytes of multibase text in base58btc (`z`, at most 1,024 characters: its decoder takes the square of the length) or
/// base64url (`u`).
pub fn multibase(text: &str) -> Option<Vec<u8>> {
    if let Some(rest) = text.strip_prefix('z') {
        return (rest.len() <= 1024).then(|| bs58::decode(rest).into_vec().ok()).flatten();
    }
    URL_SAFE_NO_PAD.decode(text.strip_prefix('u')?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn multikeys_come_back() {
        for text in [
            "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi",
            "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP",
        ] {
            assert_eq!(Key::from_multikey(text).map(|k| k.text()), Ok(text.to_owned()));
        }
        assert_eq!(
            Key::from_multikey("z42twTcNeSYcnqg1FLuSFs2bsGH3ZqbRHFmvS9XMsYhjxvHN"),
            Err(KeyError::Codec)
        );
        assert_eq!(Key::from_multikey("Mkj"), Err(KeyError::Multibase));
    }

    #[test]
    fn weak_and_private_keys_are_refused() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert_eq!(Key::ed25519(&identity), None);
        let private = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "AA"});
        assert!(matches!(Key::from_jwk(&private), Err(KeyError::Jwk(why)) if why.contains("private")));
        let short = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB"});
        assert!(matches!(Key::from_jwk(&short), Err(KeyError::Jwk(_))));
        let octets = json!({"kty": "oct"});
        assert!(matches!(Key::from_jwk(&octets), Err(KeyError::Jwk(_))));
    }

    #[test]
    fn a_signature_of_rfc_8037_is_verified() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap_or_default();
        let key = Key::from_jwk(&jwk);
        assert_eq!(key.as_ref().map(|k| k.verifies(message, &signature)), Ok(true));
        assert_eq!(key.map(|k| k.verifies(&message[1..], &signature)), Ok(false));
    }
}
