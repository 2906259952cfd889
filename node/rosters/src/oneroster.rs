//! A consumer of OneRoster 1.2's REST API (and 1.1's): a roster and its results, whole or what changed, page by page.
//!
//! Flow: a token by client credentials (OAuth 2) → each collection, `limit` and `offset`, the next page by `Link` or by the count in
//! `X-Total-Count` → what [`aula_ingest::oneroster::rest`] makes of them. A provider that is busy (429, 503) is asked again after
//! what it says, three times. Invariants: pages stay with the origin that was asked; redirects are not followed; answers, pages and
//! objects have limits; a secret is in no error. Absent: what is done with a roster.

use aula_foreign::link::next_page;
use aula_ingest::oneroster::rest::{self, Collection, MAX_PAGE_BYTES};
use reqwest::Url;
use reqwest::header::LINK;
use serde::Deserialize;
use serde_json::Value;

pub use crate::asked::ConsumerError;
use crate::asked::{MAX_OBJECTS, Taken, address, answered, client, shown, token, usual_bytes, usual_pages};

#[cfg(test)]
mod tests;

/// Objects that are asked for at once.
const LIMIT: usize = 1_000;

const ROSTER_SCOPE: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly";
const RESULTS_SCOPE: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/gradebook-core.readonly";
const ASSESSMENT_SCOPE: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/assessment.readonly";

/// What a provider's file has.
const WORDS: &str =
    "url, token_url, client_id, client_secret, and results_url, assessments, max_pages, max_bytes if wanted";

/// Where a provider is, and who asks: a file of the operator's alone.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What stands before the collections: `https://sis.example.org/ims/oneroster/rostering/v1p2`.
    pub url: String,
    /// The same of the gradebook, where results are asked for.
    #[serde(default)]
    pub results_url: Option<String>,
    /// Whether results that belong to no class are asked for as well (1.2).
    #[serde(default)]
    pub assessments: bool,
    /// Where tokens come from.
    pub token_url: String,
    /// The client's name, as the provider knows it.
    pub client_id: String,
    /// The client's secret; stands in no error and no log.
    pub client_secret: String,
    /// Most answers of one asking: a provider that pages for ever is left there.
    #[serde(default = "usual_pages")]
    pub max_pages: u64,
    /// Most bytes of them.
    #[serde(default = "usual_bytes")]
    pub max_bytes: u64,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What a provider gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The objects of each collection, in the order in which they were asked for.
    pub collections: Vec<(Collection, Vec<Value>)>,
    /// The newest change: where a delta begins next time.
    pub newest: Option<String>,
}

/// Reads a provider's file.
///
/// # Errors
/// [`ConsumerError::Provider`], [`ConsumerError::Address`].
pub fn provider(text: &str) -> Result<Provider, ConsumerError> {
    let provider: Provider = toml::from_str(text).map_err(|_| ConsumerError::Provider(WORDS))?;
    for url in
        [Some(&provider.url), Some(&provider.token_url), provider.results_url.as_ref()].into_iter().flatten()
    {
        address(url)?;
    }
    if provider.assessments && provider.results_url.is_none() {
        return Err(ConsumerError::Provider(WORDS));
    }
    Ok(provider)
}

/// Asks for the roster, and for results where the provider's file has their address; only what changed since a moment, or all.
///
/// # Errors
/// [`ConsumerError`].
pub async fn fetch(provider: &Provider, since: Option<&str>) -> Result<Fetched, ConsumerError> {
    let taken = Taken::of(provider.max_pages, provider.max_bytes);
    let mut asking = Asking { client: client()?, provider, token: String::new(), count: 0, taken };
    asking.token = asking.token().await?;
    let mut collections = Vec::new();
    for collection in Collection::ROSTER {
        collections.push((collection, asking.all(&provider.url, collection, since).await?));
    }
    if let Some(url) = &provider.results_url {
        let assessments = Collection::ASSESSMENTS.into_iter().filter(|_| provider.assessments);
        for collection in Collection::RESULTS.into_iter().chain(assessments) {
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
    taken: Taken,
}

/// A page as it came.
struct Page {
    objects: Vec<Value>,
    total: Option<usize>,
    next: Option<String>,
}

impl Asking<'_> {
    async fn token(&self) -> Result<String, ConsumerError> {
        let Provider { token_url, client_id, client_secret, results_url, assessments, .. } = self.provider;
        let scope = match (results_url, assessments) {
            (Some(_), true) => format!("{ROSTER_SCOPE} {RESULTS_SCOPE} {ASSESSMENT_SCOPE}"),
            (Some(_), false) => format!("{ROSTER_SCOPE} {RESULTS_SCOPE}"),
            (None, _) => ROSTER_SCOPE.to_owned(),
        };
        token(&self.client, token_url, (client_id, client_secret), Some(&scope)).await
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
        loop {
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
    }

    async fn page(&mut self, url: &Url, collection: Collection) -> Result<Page, ConsumerError> {
        let mut asked = self.ask(url).await;
        // A token that ended meanwhile is drawn anew, once.
        if matches!(asked, Err(ConsumerError::Status(_, 401, _))) {
            self.token = self.token().await?;
            asked = self.ask(url).await;
        }
        let (headers, body) = asked?;
        self.taken.add(url, &body)?;
        let objects = rest::page(collection, &body)
            .map_err(|why| ConsumerError::Page(shown(url), collection.name(), why.to_string()))?;
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
