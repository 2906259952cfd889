//! What every consumer does alike: addresses that may be asked, tokens, answers within a size, and patience with providers that are
//! busy.
//!
//! Invariants: redirects are not followed; answers have limits; what is told of a refusal is its own sentence and no more, and no secret
//! is in an error. A busy or failing provider (429, 500, 502, 503, 504, no connection) is asked again, after what it says or after
//! a time that doubles.

use std::time::Duration;

use aula_foreign::address::is_this_machine;
use aula_foreign::said::shown as shown_text;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

/// Most objects of all collections.
pub(crate) const MAX_OBJECTS: usize = 2_000_000;

/// Most answers of one asking, of all collections and repeated ones too, where the provider's file says nothing else.
pub(crate) const fn usual_pages() -> u64 {
    20_000
}

/// Most bytes of them.
pub(crate) const fn usual_bytes() -> u64 {
    1 << 30
}

/// Most bytes of a token's answer.
const MAX_TOKEN_BYTES: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a busy provider is asked again.
const TRIES: u32 = 4;
/// The first wait, which doubles, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Why a roster was not had. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// A file that is not valid. Never says what is in it.
    #[error("the provider's file is refused: write {0}")]
    Provider(&'static str),
    /// An address that must not be asked.
    #[error("{0} must begin with https://, or http:// on loopback")]
    Address(String),
    /// No connection, or one that ended, after every try.
    #[error("{0} does not answer")]
    Network(String, #[source] reqwest::Error),
    /// Another status than success.
    #[error("{0} answers {1}: {2}")]
    Status(String, u16, String),
    /// Not a token.
    #[error("{0} gives no token")]
    Token(String),
    /// Not a page.
    #[error("{0} is not a page of {1}: {2}")]
    Page(String, &'static str, String),
    /// A next page somewhere else, or for ever.
    #[error("{0} leads to a page that is not its own, or to itself")]
    Next(String),
    /// Fewer objects than the provider counts.
    #[error("{0} gave {1} of {2} objects: ask again")]
    Short(&'static str, usize, usize),
    /// Changes that far back are not kept any more.
    #[error("the provider knows changes after {0} alone: leave out --since and ask for the whole")]
    Forgotten(u64),
    /// No changes are kept at all.
    #[error("{0} keeps no changes: leave out --since and ask for the whole")]
    NoChanges(String),
    /// No copy of one moment is to be had.
    #[error("{0} has no snapshot now: make one there, or take `snapshot` out of the provider's file")]
    NoSnapshot(String),
    /// It changed too much while it was read.
    #[error("{0} changed again and again while it was read: ask again in a quieter hour")]
    Restless(&'static str),
    /// Too much of something.
    #[error("more than {0} {1}")]
    TooMany(usize, &'static str),
    /// More than the provider's file allows.
    #[error("{0} gave more than {1} {2} and goes on: if it has that much, set {3} in the provider's file")]
    Endless(String, u64, &'static str, &'static str),
}

/// What was taken so far.
#[derive(Debug)]
pub(crate) struct Taken {
    max_pages: u64,
    max_bytes: u64,
    pages: u64,
    bytes: u64,
}

impl Taken {
    /// Nothing yet, of so many answers and bytes at most: a provider may page for ever.
    pub const fn of(max_pages: u64, max_bytes: u64) -> Self {
        Self { max_pages, max_bytes, pages: 0, bytes: 0 }
    }

    /// Counts an answer.
    pub fn add(&mut self, url: &Url, body: &[u8]) -> Result<(), ConsumerError> {
        self.pages = self.pages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(body.len() as u64);
        for (taken, most, what, name) in [
            (self.pages, self.max_pages, "pages", "max_pages"),
            (self.bytes, self.max_bytes, "bytes", "max_bytes"),
        ] {
            if taken > most {
                return Err(ConsumerError::Endless(shown(url), most, what, name));
            }
        }
        Ok(())
    }
}

/// An address that may be asked.
pub(crate) fn address(text: &str) -> Result<Url, ConsumerError> {
    let refused = || ConsumerError::Address(text.split('?').next().unwrap_or_default().to_owned());
    let url = Url::parse(text).map_err(|_| refused())?;
    let loopback = url.host_str().is_some_and(is_this_machine);
    let spoken = url.scheme() == "https" || url.scheme() == "http" && loopback;
    if spoken && url.username().is_empty() { Ok(url) } else { Err(refused()) }
}

/// A client that follows no redirects.
pub(crate) fn client() -> Result<Client, ConsumerError> {
    let none = reqwest::redirect::Policy::none();
    let failed = |error: reqwest::Error| ConsumerError::Network("this machine".into(), error);
    Client::builder().redirect(none).timeout(TIMEOUT).build().map_err(failed)
}

/// A token by client credentials.
pub(crate) async fn token(
    client: &Client,
    url: &str,
    (name, secret): (&str, &str),
    scope: Option<&str>,
) -> Result<String, ConsumerError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(scope.map(|scope| ("scope", scope)));
    let request = || client.post(url).basic_auth(name, Some(secret)).form(&form);
    let (_, body) = answered(url, request, MAX_TOKEN_BYTES).await?;
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| ConsumerError::Token(url.to_owned()))?;
    Ok(granted.access_token)
}

/// An address without what is asked of it.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// Whether a status is of a provider that may answer later.
fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// A success within a size; a busy provider is asked again.
pub(crate) async fn answered(
    url: &str,
    request: impl Fn() -> reqwest::RequestBuilder,
    most: usize,
) -> Result<(HeaderMap, Vec<u8>), ConsumerError> {
    let shown = url.split('?').next().unwrap_or_default().to_owned();
    let failed = |error: reqwest::Error| ConsumerError::Network(shown.clone(), error.without_url());
    let mut wait = FIRST_WAIT;
    for left in (0..=TRIES).rev() {
        let mut response = match request().send().await {
            Err(error) if left > 0 && (error.is_connect() || error.is_timeout()) => {
                tokio::time::sleep(wait).await;
                wait = wait.saturating_mul(2).min(MAX_WAIT);
                continue;
            }
            other => other.map_err(failed)?,
        };
        let status = response.status();
        let headers = response.headers().clone();
        if is_busy(status) && left > 0 {
            let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            tokio::time::sleep(said.map_or(wait, Duration::from_secs).min(MAX_WAIT)).await;
            wait = wait.saturating_mul(2).min(MAX_WAIT);
            continue;
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > most {
                return Err(ConsumerError::TooMany(most, "bytes in an answer"));
            }
        }
        if status.is_success() {
            return Ok((headers, body));
        }
        return Err(ConsumerError::Status(shown, status.as_u16(), said(&body)));
    }
    Err(ConsumerError::Status(shown, 503, "no reason given".into()))
}

/// What a refusal says: `imsx_description` of OneRoster, `detail` of a problem (RFC 7807), Ed-Fi's `message`, or OAuth's `error`;
/// nothing else of it is shown.
fn said(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = ["imsx_description", "error_description", "detail", "message", "error"];
    let text = names.iter().find_map(|name| value.get(*name)?.as_str());
    shown_text(text.unwrap_or("no reason given"), 200)
}
