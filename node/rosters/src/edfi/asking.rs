//! Questions to an ODS API: its addresses, a token, and collections page by page.

use aula_ingest::json;
use reqwest::header::HeaderMap;
use reqwest::{Client, Url};
use serde_json::Value;

use super::{Objects, Provider, Resource};
use crate::asked::{ConsumerError, MAX_OBJECTS, Taken, address, answered, client, shown, token};

/// Objects that are asked for at once: the most that an ODS API gives unless its operator says otherwise.
const LIMIT: usize = 500;
/// How often a collection is read again that moved while it was read.
const AGAIN: usize = 3;
const MAX_PAGE_BYTES: usize = 64 << 20;
const MAX_DEPTH: usize = 16;

/// What is asked of a collection beside its place.
pub(super) type Asked<'a> = &'a [(&'a str, String)];

/// A connection with a token.
pub(super) struct Asking<'a> {
    client: Client,
    provider: &'a Provider,
    token_url: String,
    data_url: String,
    changes_url: String,
    token: String,
    count: usize,
    taken: Taken,
}

/// The change versions that a provider keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Versions {
    pub oldest: u64,
    pub newest: u64,
}

impl<'a> Asking<'a> {
    /// Finds the addresses, and draws a token.
    pub async fn begin(provider: &'a Provider) -> Result<Self, ConsumerError> {
        let client = client()?;
        let root = address(&provider.url)?;
        let told = match (&provider.data_url, &provider.token_url) {
            (Some(_), Some(_)) => Value::Null,
            _ => {
                let ask = || client.get(root.clone()).header("accept", "application/json");
                let (_, body) = answered(root.as_str(), ask, MAX_PAGE_BYTES).await?;
                json::parse(&body, MAX_DEPTH)
                    .map_err(|why| ConsumerError::Page(shown(&root), "addresses", why.to_string()))?
            }
        };
        let found = |own: &Option<String>, name: &str, usual: &str| -> Result<String, ConsumerError> {
            if let Some(own) = own {
                return Ok(own.trim_end_matches('/').to_owned());
            }
            let base = provider.url.trim_end_matches('/');
            let text = told["urls"][name].as_str().map_or_else(|| format!("{base}/{usual}"), str::to_owned);
            // The secret and the students go where the operator's file says, not where somebody's answer does.
            let url = address(&text)?;
            if url.origin() != root.origin() {
                return Err(ConsumerError::Next(provider.url.clone()));
            }
            Ok(text.trim_end_matches('/').to_owned())
        };
        let token_url = found(&provider.token_url, "oauth", "oauth/token")?;
        let data_url = found(&provider.data_url, "dataManagementApi", "data/v3")?;
        let changes_url = found(&provider.changes_url, "changeQueries", "changeQueries/v1")?;
        let taken = Taken::of(provider.max_pages, provider.max_bytes);
        let (token, count) = (String::new(), 0);
        let mut asking = Self { client, provider, token_url, data_url, changes_url, token, count, taken };
        asking.token = asking.drawn().await?;
        Ok(asking)
    }

    async fn drawn(&self) -> Result<String, ConsumerError> {
        let Provider { client_id, client_secret, .. } = self.provider;
        token(&self.client, &self.token_url, (client_id, client_secret), None).await
    }

    /// The change versions that are kept; none of a provider whose change queries are off.
    pub async fn versions(&mut self) -> Result<Option<Versions>, ConsumerError> {
        let url = address(&format!("{}/availableChangeVersions", self.changes_url))?;
        let (_, body) = match self.ask(&url).await {
            Err(ConsumerError::Status(_, 404, _)) if !self.provider.snapshot => return Ok(None),
            other => other?,
        };
        let wrong = |why: String| ConsumerError::Page(shown(&url), "change versions", why);
        let told = json::parse(&body, MAX_DEPTH).map_err(|why| wrong(why.to_string()))?;
        let of = |name: &str| {
            let object = told.as_object()?;
            object.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?.1.as_u64()
        };
        match (of("oldestChangeVersion"), of("newestChangeVersion")) {
            (Some(oldest), Some(newest)) => Ok(Some(Versions { oldest, newest })),
            _ => Err(wrong("it lacks oldestChangeVersion or newestChangeVersion".into())),
        }
    }

    /// Every object of a collection, whole however much it moves: read again where the count says that one was skipped.
    pub async fn all(
        &mut self,
        resource: Resource,
        below: &str,
        asked: Asked<'_>,
    ) -> Result<Objects, ConsumerError> {
        for _ in 0..=AGAIN {
            let (objects, totals) = self.once(resource, below, asked).await?;
            match totals {
                Some((first, last)) if first != last || objects.len() < first => {}
                _ => return Ok(objects),
            }
        }
        Err(ConsumerError::Restless(resource.name()))
    }

    /// The objects of one pass, and the counts that its first and last page told.
    async fn once(
        &mut self,
        resource: Resource,
        below: &str,
        asked: Asked<'_>,
    ) -> Result<(Objects, Option<(usize, usize)>), ConsumerError> {
        let mut base = address(&format!("{}/ed-fi/{}{below}", self.data_url, resource.name()))?;
        base.query_pairs_mut().extend_pairs(asked.iter().map(|(name, value)| (*name, value.as_str())));
        let (mut objects, mut totals, mut read) = (Objects::new(), None, 0);
        let mut page = base.clone();
        page.query_pairs_mut().append_pair("limit", &LIMIT.to_string()).append_pair("totalCount", "true");
        loop {
            let (headers, body) = self.ask(&page).await?;
            let list = list(resource, &page, &body)?;
            let got = list.len();
            read += got;
            self.count += got;
            if self.count > MAX_OBJECTS {
                return Err(ConsumerError::TooMany(MAX_OBJECTS, "objects"));
            }
            for (at, object) in list.into_iter().enumerate() {
                let id = object
                    .get("id")
                    .and_then(Value::as_str)
                    .map_or_else(|| format!("{read}/{at}"), str::to_owned);
                objects.insert(id, object);
            }
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            if let Some(total) = header("total-count").and_then(|text| text.trim().parse().ok()) {
                totals = Some(totals.map_or((total, total), |(first, _)| (first, total)));
            }
            let cursor = header("next-page-token").filter(|token| !token.is_empty());
            let next = match cursor {
                Some(token) => Some([("pageToken", token.to_owned()), ("pageSize", LIMIT.to_string())]),
                // A page that is not full is the last, unless the count says that the provider gives fewer at once.
                None if got > 0
                    && (got >= LIMIT || totals.is_some_and(|(first, _)| read < first))
                    && !by_cursor(&page) =>
                {
                    Some([("offset", read.to_string()), ("limit", LIMIT.to_string())])
                }
                None => None,
            };
            let Some(next) = next else { return Ok((objects, totals)) };
            let before = page.clone();
            page = base.clone();
            page.query_pairs_mut().extend_pairs(next.iter().map(|(name, value)| (*name, value.as_str())));
            if cursor.is_none() {
                page.query_pairs_mut().append_pair("totalCount", "true");
            }
            if page == before {
                return Err(ConsumerError::Next(shown(&page)));
            }
        }
    }

    async fn ask(&mut self, url: &Url) -> Result<(HeaderMap, Vec<u8>), ConsumerError> {
        let mut asked = self.sent(url).await;
        // A token that ended meanwhile is drawn anew, once.
        if matches!(asked, Err(ConsumerError::Status(_, 401, _))) {
            self.token = self.drawn().await?;
            asked = self.sent(url).await;
        }
        match asked {
            Err(ConsumerError::Status(shown, 404 | 410, _)) if self.provider.snapshot => {
                Err(ConsumerError::NoSnapshot(shown))
            }
            Ok((headers, body)) => {
                self.taken.add(url, &body)?;
                Ok((headers, body))
            }
            refused @ Err(_) => refused,
        }
    }

    async fn sent(&self, url: &Url) -> Result<(HeaderMap, Vec<u8>), ConsumerError> {
        let request = || {
            let request =
                self.client.get(url.clone()).bearer_auth(&self.token).header("accept", "application/json");
            if self.provider.snapshot { request.header("Use-Snapshot", "true") } else { request }
        };
        answered(url.as_str(), request, MAX_PAGE_BYTES).await
    }
}

fn by_cursor(page: &Url) -> bool {
    page.query_pairs().any(|(name, _)| name == "pageToken")
}

fn list(resource: Resource, page: &Url, body: &[u8]) -> Result<Vec<Value>, ConsumerError> {
    let wrong = |why: String| ConsumerError::Page(shown(page), resource.name(), why);
    match json::parse(body, MAX_DEPTH).map_err(|why| wrong(why.to_string()))? {
        Value::Array(list) if list.iter().all(Value::is_object) => Ok(list),
        _ => Err(wrong("it is not a list of objects".into())),
    }
}
