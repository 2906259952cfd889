//! A note for a program: one POST of JSON, signed, straight to a public address over https.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use crate::DeliveryError;
use crate::public::{self, allowed};
use crate::sign::{HEADER, signature};

/// For the whole of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest secret, bytes.
pub const MIN_SECRET: usize = 32;

/// Posts it. The receiver answers with 2xx; whatever else it says is not read.
///
/// # Errors
/// An address that may not be asked, a secret that is too short, a receiver that does not answer so.
pub async fn post(url: &str, secret: &[u8], seconds: u64, body: Vec<u8>) -> Result<(), DeliveryError> {
    if secret.len() < MIN_SECRET {
        return Err(DeliveryError::Setting(format!("the secret of {url} has less than {MIN_SECRET} bytes")));
    }
    let asked =
        Url::parse(url).map_err(|why| DeliveryError::Setting(format!("{url} is no address: {why}")))?;
    allowed(&asked).map_err(|why| DeliveryError::Setting(format!("{url} is not asked: {why}")))?;
    let failed = |error: reqwest::Error| DeliveryError::request(url, &error);
    let client = public::client(TIMEOUT).map_err(failed)?;
    let signed = signature(secret, seconds, &body);
    let answer =
        client.post(asked).header(CONTENT_TYPE, "application/json").header(HEADER, signed).body(body);
    let status = answer.send().await.map_err(failed)?.status();
    if status.is_success() { Ok(()) } else { Err(DeliveryError::peer(url, format!("it answered {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_may_not_be_asked_is_not() {
        let secret = [1; MIN_SECRET];
        for (url, secret, word) in [
            ("http://example.org/", &secret[..], "https"),
            ("https://127.0.0.1/", &secret[..], "public"),
            ("https://localhost:1/", &secret[..], "not a public address"),
            ("https://example.org/", &secret[1..], "32 bytes"),
            ("not an address", &secret[..], "no address"),
        ] {
            let told = post(url, secret, 0, b"{}".to_vec()).await.map_err(|error| error.to_string());
            assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{url}: {told:?}");
        }
    }
}
