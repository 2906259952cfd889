//! Signed statements: a JSON Web Signature (RFC 7515) by RSA over the statement as it was before it was signed.
//!
//! The header's certificate (`x5c`), when it brings one, must verify the signature; whom it names is the reader's to trust.
//! Without one nothing can be verified here, and what is signed must still be this statement.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::json::{self, Json};
use crate::statements::{same, unsigned};
use crate::validate::{Checked, Refused};

/// Checks that these bytes sign this statement.
pub(super) fn check(bytes: &[u8], statement: &Json) -> Checked {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Refused::new("a signature is a JWS in compact form"))?;
    let parts: Vec<&str> = text.trim().split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(Refused::new("a signature is a JWS in compact form: three parts with two dots"));
    };
    let algorithm = algorithm(&decoded(header)?)?;
    let signed = decoded(payload)?;
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refused::new("the signature is not base64url"))?;
    if !same(&unsigned(statement), &unsigned(&signed)) {
        return Err(Refused::new("the signature signs another statement"));
    }
    let signed_text = text.trim().rsplit_once('.').map_or("", |(signed, _)| signed);
    match certificate(&decoded(header)?)? {
        None => Ok(()),
        Some(der) => verify(&der, algorithm, signed_text.as_bytes(), &signature),
    }
}

fn decoded(part: &str) -> Result<Json, Refused> {
    let bytes =
        URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::new("a part of the signature is not base64url"))?;
    let json = json::read(&bytes).map_err(|error| Refused::new(format!("in the signature: {error}")))?;
    json.as_object()
        .map(|_| ())
        .ok_or_else(|| Refused::new("a part of the signature is not a JSON object"))?;
    Ok(json)
}

fn algorithm(header: &Json) -> Result<&'static RsaParameters, Refused> {
    match header.text_of("alg") {
        Some("RS256") => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Some("RS384") => Ok(&RSA_PKCS1_2048_8192_SHA384),
        Some("RS512") => Ok(&RSA_PKCS1_2048_8192_SHA512),
        _ => Err(Refused::new("a signature's algorithm is RS256, RS384 or RS512")),
    }
}

fn certificate(header: &Json) -> Result<Option<Vec<u8>>, Refused> {
    let Some(chain) = header.get("x5c") else { return Ok(None) };
    let first = chain.as_array().and_then(<[Json]>::first).and_then(Json::as_text);
    let der = first.and_then(|text| STANDARD.decode(text).ok());
    der.map(Some).ok_or_else(|| Refused::new("the signature's x5c is not a list of certificates"))
}

fn verify(der: &[u8], algorithm: &'static RsaParameters, signed: &[u8], signature: &[u8]) -> Checked {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|_| Refused::new("the signature's certificate is unreadable"))?;
    let key = UnparsedPublicKey::new(algorithm, certificate.public_key().subject_public_key.as_ref());
    key.verify(signed, signature)
        .map_err(|_| Refused::new("the signature does not verify under its certificate"))
}
