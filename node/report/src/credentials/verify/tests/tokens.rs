//! Credentials as tokens, and what passes for one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;

use super::*;

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn payload() -> Value {
    Value::Object(badge())
}

/// A token with this header and payload, signed by whatever the closure does.
fn token(header: &Value, payload: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}").into_bytes()
}

fn refused(token: &[u8], words: &str) -> Result<(), Failure> {
    let report = judge(token)?;
    let told = report.checks.iter().filter(|check| !check.ok).any(|check| check.detail.contains(words));
    assert!(report.verdict() == Verdict::Invalid && told, "{words}: {:?}", report.checks);
    Ok(())
}

#[test]
fn a_token_holds_until_a_character_changes() -> Result<(), Failure> {
    let own = key(1);
    let text = jwt::sign(&badge(), &own, &method(&own));
    let report = judge(text.as_bytes())?;
    assert!(report.valid, "{}", report.reason);
    for at in (0..text.len()).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(judge(&bytes).map_or(true, |report| !report.valid), "character {at}");
    }
    Ok(())
}

#[test]
fn no_algorithm_and_shared_secrets_prove_nothing() -> Result<(), Failure> {
    let own = key(1);
    let public = own.verifying_key();
    for alg in ["none", "None", "HS256", "RS1", ""] {
        let header = json!({"alg": alg, "kid": method(&own)});
        refused(&token(&header, &payload(), |_| Vec::new()), "algorithm")?;
        // Key confusion: the public key as a shared secret.
        refused(&token(&header, &payload(), |_| public.as_bytes().to_vec()), "algorithm")?;
    }
    Ok(())
}

#[test]
fn the_key_decides_the_algorithm() -> Result<(), Failure> {
    let own = key(1);
    for alg in ["RS256", "ES256"] {
        let header = json!({"alg": alg, "kid": method(&own)});
        refused(
            &token(&header, &payload(), |bytes| own.sign(bytes).to_bytes().to_vec()),
            "the key is of EdDSA",
        )?;
    }
    Ok(())
}

#[test]
fn a_header_that_asks_for_more_is_refused() -> Result<(), Failure> {
    let own = key(1);
    let sign = |bytes: &[u8]| own.sign(bytes).to_bytes().to_vec();
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false))] {
        let mut header = json!({"alg": "EdDSA", "kid": method(&own)});
        header[name] = value;
        refused(&token(&header, &payload(), sign), "extensions")?;
    }
    let public = URL_SAFE_NO_PAD.encode(own.verifying_key().as_bytes());
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": public, "d": URL_SAFE_NO_PAD.encode(own.to_bytes())});
    refused(&token(&json!({"alg": "EdDSA", "jwk": jwk}), &payload(), sign), "private key")
}

#[test]
fn claims_that_differ_from_the_credential_are_refused() -> Result<(), Failure> {
    let own = key(1);
    let header = json!({"alg": "EdDSA", "kid": method(&own)});
    let sign = |bytes: &[u8]| own.sign(bytes).to_bytes().to_vec();
    for (claim, value) in [
        ("iss", json!("https://mallory.example/")),
        ("jti", json!("urn:uuid:2")),
        ("sub", json!("did:example:other")),
        ("exp", json!("tomorrow")),
    ] {
        let mut payload = payload();
        payload[claim] = value;
        refused(&token(&header, &payload, sign), claim)?;
    }
    let mut old = payload();
    old["exp"] = json!(1_700_000_000);
    refused(&token(&header, &old, sign), "valid until 2023-11-14T22:13:20Z")
}

#[test]
fn the_older_payload_is_read_and_its_key_too() -> Result<(), Failure> {
    let own = key(1);
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(own.verifying_key().as_bytes())});
    let payload = json!({"vc": payload(), "iss": ISSUER, "nbf": 1_780_272_000});
    let text =
        token(&json!({"alg": "EdDSA", "jwk": jwk}), &payload, |bytes| own.sign(bytes).to_bytes().to_vec());
    let report = judge(&text)?;
    assert_eq!((report.valid, report.issuer.trust), (true, Some(Trust::SelfAsserted)), "{}", report.reason);
    Ok(())
}

#[test]
fn es256_holds() -> Result<(), Failure> {
    let own = p256::ecdsa::SigningKey::from_slice(&[7; 32])?;
    let public = Key::P256(Box::new(*own.verifying_key())).text();
    let header = json!({"alg": "ES256", "kid": format!("{ISSUER}#{public}")});
    let sign = |bytes: &[u8]| -> Vec<u8> {
        let signature: p256::ecdsa::Signature = own.sign(bytes);
        signature.to_bytes().to_vec()
    };
    let report = judge(&token(&header, &payload(), sign))?;
    assert!(report.valid, "{}", report.reason);
    refused(&token(&header, &payload(), |bytes| sign(&bytes[1..])), "signature")
}

/// Signed by OpenSSL with a key that was thrown away (`node/report/vectors/README.md`).
#[test]
fn rs256_holds() -> Result<(), Failure> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/own/rs256.jwt");
    let text = std::fs::read_to_string(path)?;
    let report = judge(text.as_bytes())?;
    assert!(report.valid && report.issuer.trust == Some(Trust::SelfAsserted), "{}", report.reason);
    // The modulus as an HMAC key, and the same bytes called ES256.
    let (_, rest) = text.split_once('.').ok_or("three parts")?;
    for alg in ["HS256", "ES256", "EdDSA"] {
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.split('.').next().ok_or("a header")?)?)?;
        let changed = json!({"alg": alg, "jwk": header["jwk"]});
        let report = judge(format!("{}.{rest}", encode(&changed)).as_bytes())?;
        assert_eq!(report.verdict(), Verdict::Invalid, "{alg}");
    }
    Ok(())
}
