//! A consumer of OneRoster 1.2's REST API (and 1.1's): a roster and its results, whole or what changed, page by page.
//!
//! Flow: a token by client credentials (OAuth 2) → each collection, `limit` and `offset`, the next page by `Link` or by the count in
//! `X-Total-Count` → what [`aula_ingest::oneroster::rest`] makes of them. A provider that is busy (429, 503) is asked again after
//! what it says, three times. Invariants: pages stay with the origin that was asked; redirects are not followed; answers, pages and
//! objects have limits; a secret is in no error. Absent: what is done with a roster.

use std::time::Duration;

use aula_foreign::link::next_page;
use aula_ingest::oneroster::rest::{self, Collection, MAX_PAGE_BYTES, PageError};
use reqwest::header::{LINK, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// Objects that are asked for at once.
const LIMIT: usize = 1_000;
/// Most pages of a collection.
const MAX_PAGES: usize = 5_000;
/// Most objects of all collections.
const MAX_OBJECTS: usize = 2_000_000;
/// Most bytes of a token's answer.
const MAX_TOKEN_BYTES: usize = 64 << 10;
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a busy provider is asked again, and how long is waited at most.
const TRIES: u32 = 3;
const MAX_WAIT: Duration = Duration::from_secs(30);

const ROSTER_SCOPE: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly";
const RESULTS_SCOPE: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/gradebook-core.readonly";

/// Where a provider is, and who asks: a file of the operator's alone.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What stands before the collections: `https://sis.example.org/ims/oneroster/rostering/v1p2`.
    pub url: String,
    /// The same of the gradebook, where results are asked for.
    #[serde(default)]
    pub results_url: Option<String>,
    /// Where tokens come from.
    pub token_url: String,
    /// Who asks.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Why a roster was not had. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// A file that is none. Never says what is in it.
    #[error(
        "the provider's file is refused: write url, token_url, client_id, client_secret, and results_url if wanted"
    )]
    Provider,
    /// An address that must not be asked.
    #[error("{0} must begin with https://, or http:// on loopback")]
    Address(String),
    /// The network.
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
    Page(String, &'static str, PageError),
    /// A next page somewhere else, or for ever.
    #[error("{0} leads to a page that is not its own, or to itself")]
    Next(String),
    /// Fewer objects than the provider counts.
    #[error("{0} gave {1} of {2} objects: ask again")]
    Short(&'static str, usize, usize),
    /// Too much of something.
    #[error("more than {0} {1}")]
    TooMany(usize, &'static str),
}

/// What a provider gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The collections.
    pub collections: Vec<(Collection, Vec<Value>)>,
    /// The newest change: where a delta begins next time.
    pub newest: Option<String>,
}

/// Reads a provider's file.
///
/// # Errors
/// [`ConsumerError::Provider`], [`ConsumerError::Address`].
pub fn provider(text: &str) -> Result<Provider, ConsumerError> {
    let provider: Provider = toml::from_str(text).map_err(|_| ConsumerError::Provider)?;
    for url in
        [Some(&provider.url), Some(&provider.token_url), provider.results_url.as_ref()].into_iter().flatten()
    {
        address(url)?;
    }
    Ok(provider)
}

/// An address that may be asked.
fn address(text: &str) -> Result<Url, ConsumerError> {
    let refused = || ConsumerError::Address(text.split('?').next().unwrap_or_default().to_owned());
    let url = Url::parse(text).map_err(|_| refused())?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let spoken = url.scheme() == "https" || url.scheme() == "http" && loopback;
    if spoken && url.username().is_empty() { Ok(url) } else { Err(refused()) }
}

/// Asks for the roster, and for results where the provider's file has their address; only what changed since a moment, or all.
///
/// # Errors
/// [`ConsumerError`].
pub async fn fetch(provider: &Provider, since: Option<&str>) -> Result<Fetched, ConsumerError> {
    let none = reqwest::redirect::Policy::none();
    let failed = |error: reqwest::Error| ConsumerError::Network("this machine".into(), error);
    let client = reqwest::Client::builder().redirect(none).timeout(TIMEOUT).build().map_err(failed)?;
    let mut asking = Asking { client, provider, token: String::new(), count: 0 };
    asking.token = asking.token().await?;
    let mut collections = Vec::new();
    for collection in Collection::ROSTER {
        collections.push((collection, asking.all(&provider.url, collection, since).await?));
    }
    if let Some(url) = &provider.results_url {
        for collection in Collection::RESULTS {
            collections.push((collection, asking.all(url, collection, since).await?));
        }
    }
    let newest = collections.iter().filter_map(|(_, objects)| rest::newest(objects)).max();
    Ok(Fetched { collections, newest })
}

struct Asking<'a> {
    client: reqwest::Client,
    provider: &'a Provider,
    token: String,
    count: usize,
}

/// A page as it came.
struct Page {
    objects: Vec<Value>,
    total: Option<usize>,
    next: Option<String>,
}

impl Asking<'_> {
    async fn token(&self) -> Result<String, ConsumerError> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
        }
        let Provider { token_url, client_id, client_secret, results_url, .. } = self.provider;
        let scope = match results_url {
            Some(_) => format!("{ROSTER_SCOPE} {RESULTS_SCOPE}"),
            None => ROSTER_SCOPE.to_owned(),
        };
        let form = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
        let request = || self.client.post(token_url).basic_auth(client_id, Some(client_secret)).form(&form);
        let (_, body) = answered(token_url, request, MAX_TOKEN_BYTES).await?;
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| ConsumerError::Token(token_url.clone()))?;
        Ok(granted.access_token)
    }

    /// Every object of a collection.
    async fn all(
        &mut self,
        base: &str,
        collection: Collection,
        since: Option<&str>,
    ) -> Result<Vec<Value>, ConsumerError> {
        let mut first = address(&format!("{}/{}", base.trim_end_matches('/'), collection.name()))?;
        first.query_pairs_mut().append_pair("limit", &LIMIT.to_string()).append_pair("sort", "sourcedId");
        first.query_pairs_mut().append_pair("orderBy", "asc");
        if let Some(since) = since {
            first.query_pairs_mut().append_pair("filter", &format!("dateLastModified>='{since}'"));
        }
        let at_offset = |offset: usize| {
            let mut url = first.clone();
            url.query_pairs_mut().append_pair("offset", &offset.to_string());
            url
        };
        let (mut url, mut objects, mut total) = (at_offset(0), Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.page(&url, collection).await?;
            let got = page.objects.len();
            self.count += got;
            if self.count > MAX_OBJECTS {
                return Err(ConsumerError::TooMany(MAX_OBJECTS, "objects"));
            }
            objects.extend(page.objects);
            total = page.total.or(total);
            url = match (page.next, total) {
                (Some(next), _) => {
                    let wrong = || ConsumerError::Next(shown(&url));
                    let next = url.join(&next).map_err(|_| wrong())?;
                    // A provider's next page is its own, and another one.
                    if next.origin() != first.origin() || next == url {
                        return Err(wrong());
                    }
                    next
                }
                (None, Some(total)) if objects.len() < total && got > 0 => at_offset(objects.len()),
                (None, Some(total)) if objects.len() < total => {
                    return Err(ConsumerError::Short(collection.name(), objects.len(), total));
                }
                // Without a count a whole page may have another behind it.
                (None, None) if got >= LIMIT => at_offset(objects.len()),
                (None, _) => return Ok(objects),
            };
        }
        Err(ConsumerError::TooMany(MAX_PAGES, "pages"))
    }

    async fn page(&mut self, url: &Url, collection: Collection) -> Result<Page, ConsumerError> {
        let mut asked = self.ask(url).await;
        // A token that ended meanwhile is drawn anew, once.
        if matches!(asked, Err(ConsumerError::Status(_, 401, _))) {
            self.token = self.token().await?;
            asked = self.ask(url).await;
        }
        let (headers, body) = asked?;
        let objects = rest::page(collection, &body)
            .map_err(|why| ConsumerError::Page(shown(url), collection.name(), why))?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let links: Vec<&str> = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok()).collect();
        let total = header("x-total-count").and_then(|text| text.trim().parse().ok());
        Ok(Page { objects, total, next: next_page(&links.join(",")) })
    }

    async fn ask(&self, url: &Url) -> Result<(reqwest::header::HeaderMap, Vec<u8>), ConsumerError> {
        let request =
            || self.client.get(url.clone()).bearer_auth(&self.token).header("accept", "application/json");
        answered(url.as_str(), request, MAX_PAGE_BYTES).await
    }
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// A success within a size; a busy provider is asked again.
async fn answered(
    url: &str,
    request: impl Fn() -> reqwest::RequestBuilder,
    most: usize,
) -> Result<(reqwest::header::HeaderMap, Vec<u8>), ConsumerError> {
    let shown = url.split('?').next().unwrap_or_default().to_owned();
    let failed = |error: reqwest::Error| ConsumerError::Network(shown.clone(), error.without_url());
    let mut tries = 0;
    loop {
        let mut response = request().send().await.map_err(failed)?;
        let status = response.status();
        let headers = response.headers().clone();
        let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if busy && tries < TRIES {
            tries += 1;
            let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            tokio::time::sleep(Duration::from_secs(said.unwrap_or(1)).min(MAX_WAIT)).await;
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
}

/// What a refusal says: `imsx_description` of the standard, or OAuth's `error`; nothing else of it is shown.
fn said(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        ["imsx_description", "error_description", "error"].iter().find_map(|name| value.get(*name)?.as_str());
    let plain: String =
        text.unwrap_or("no reason given").chars().filter(|c| !c.is_control()).take(200).collect();
    plain
}
