//! A note for a program: one POST of JSON, signed, straight to a public address over https.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};

use crate::DeliveryError;
use crate::public::{self, allowed};
use crate::sign::{HEADER, signature};
use crate::trust::trusting;

/// For the whole of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest secret, bytes.
pub const MIN_SECRET: usize = 32;

/// Who receives. It has no Debug: that would show the secret.
#[derive(Clone, Copy)]
pub struct Receiver<'a> {
    /// Where: https, and at a public address.
    pub url: &'a str,
    /// What it knows the sender by.
    pub secret: &'a [u8],
    /// A certificate authority to trust beside the usual ones, PEM.
    pub authority: Option<&'a [u8]>,
}

/// Posts it. The receiver answers with 2xx; whatever else it says is not read.
///
/// # Errors
/// An address that may not be asked, a secret that is too short, a certificate that is not valid, a receiver that does not answer so.
pub async fn post(to: &Receiver<'_>, seconds: u64, body: Vec<u8>) -> Result<(), DeliveryError> {
    let Receiver { url, secret, authority } = *to;
    if secret.len() < MIN_SECRET {
        return Err(DeliveryError::Setting(format!("the secret of {url} has less than {MIN_SECRET} bytes")));
    }
    let asked =
        Url::parse(url).map_err(|why| DeliveryError::Setting(format!("{url} is not an address: {why}")))?;
    allowed(&asked).map_err(|why| DeliveryError::Setting(format!("{url} is not asked: {why}")))?;
    let client = trusting(public::builder(TIMEOUT), authority, url)?;
    let client = client.build().map_err(|error| DeliveryError::request(url, &error))?;
    by(&client, asked, secret, (seconds, body)).await
}

async fn by(
    client: &Client,
    asked: Url,
    secret: &[u8],
    (seconds, body): (u64, Vec<u8>),
) -> Result<(), DeliveryError> {
    let url = asked.to_string();
    let failed = |error: reqwest::Error| DeliveryError::request(&url, &error);
    let signed = signature(secret, seconds, &body);
    let answer =
        client.post(asked).header(CONTENT_TYPE, "application/json").header(HEADER, signed).body(body);
    let status = answer.send().await.map_err(failed)?.status();
    if status.is_success() { Ok(()) } else { Err(DeliveryError::peer(&url, format!("it answered {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told;

    #[tokio::test]
    async fn what_may_not_be_asked_is_not() {
        let secret = [1; MIN_SECRET];
        for (url, secret, word) in [
            ("http://example.org/", &secret[..], "https"),
            ("https://127.0.0.1/", &secret[..], "public"),
            ("https://localhost:1/", &secret[..], "not a public address"),
            ("https://example.org/", &secret[1..], "32 bytes"),
            ("not an address", &secret[..], "is not an address"),
        ] {
            let told = post(&Receiver { url, secret, authority: None }, 0, b"{}".to_vec()).await;
            let told = told.map_err(|error| error.to_string());
            assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{url}: {told:?}");
        }
        let to = Receiver { url: "https://example.org/", secret: &secret, authority: Some(&b"none"[..]) };
        let told = post(&to, 0, b"{}".to_vec()).await.map_err(|error| error.to_string());
        assert!(told.as_ref().is_err_and(|told| told.contains("not a certificate")), "{told:?}");
    }

    /// A name is looked at whenever a connection is made, so that one which was public a moment ago is no way in (DNS rebinding).
    #[tokio::test]
    async fn a_name_of_a_private_address_is_refused_by_the_client_itself()
    -> Result<(), Box<dyn std::error::Error>> {
        let client = public::client(TIMEOUT)?;
        for (url, word) in
            [("https://localhost:1/", "not a public address"), ("http://example.org/", "scheme")]
        {
            let told = by(&client, Url::parse(url)?, &[1; MIN_SECRET], (0, Vec::new())).await;
            let told = told.map_err(|error| error.to_string());
            assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{url}: {told:?}");
        }
        Ok(())
    }

    /// The receiver of `scripts/delivery/servers.py`, which checks the signature. It is at no public address, so this asks as [`post`]
    /// does but for that.
    #[tokio::test]
    #[ignore = "asks for servers: scripts/delivery-peers.sh"]
    async fn python_https_takes_a_signed_webhook_and_one_that_is_slow_full_or_moved_is_told()
    -> Result<(), Box<dyn std::error::Error>> {
        let (port, authority) = (told("AULA_HOOK_PORT")?, std::fs::read(told("AULA_SMTP_CA")?)?);
        let secret = std::fs::read(told("AULA_HOOK_SECRET")?)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        // As every client for addresses that others named, but that this name is known beforehand.
        let at: std::net::SocketAddr = format!("127.0.0.1:{port}").parse()?;
        let plain = || public::builder(TIMEOUT).resolve("localhost", at);
        let ask = async |path: &str, secret: &[u8]| {
            let client = trusting(plain(), Some(authority.as_slice()), path)?.build()?;
            let url = Url::parse(&format!("https://localhost:{port}{path}"))?;
            let asked = by(&client, url, secret.trim_ascii(), (now, br#"{"alert":1}"#.to_vec())).await;
            Ok::<_, Box<dyn std::error::Error>>(asked.map_err(|error| error.to_string()))
        };
        assert_eq!(ask("/", &secret).await?, Ok(()));
        for (path, word) in [("/full", "500"), ("/moved", "307"), ("/slow", "timed out")] {
            let told = ask(path, &secret).await?;
            assert!(told.as_ref().is_err_and(|told| told.contains(word)), "{path}: {told:?}");
        }
        let other = ask("/", &[7; MIN_SECRET]).await?;
        assert!(other.as_ref().is_err_and(|told| told.contains("403")), "another secret: {other:?}");
        // A certificate that nobody trusts.
        let url = Url::parse(&format!("https://localhost:{port}/"))?;
        assert!(by(&plain().build()?, url, secret.trim_ascii(), (now, Vec::new())).await.is_err());
        Ok(())
    }
}
