//! A bucket that speaks S3: what is put there is there once, and what is deleted is gone with all of its versions.
//!
//! Flow: [`Bucket::purgeable`] tries on a key of its own that versions and uploads can be deleted → [`Bucket::put`] → years later
//! [`Bucket::purge`] lists every version, every delete marker and every begun upload below a prefix and deletes each. Invariants: a
//! purge lists again when it is done and fails where something is left; an object that is there with other bytes is not written over;
//! plain http goes to this machine alone. Absent: what is kept how long; retries, which are the caller's.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};

use crate::DeliveryError;
use crate::trust::trusting;

mod answer;
mod parts;
mod record;
mod signature;
#[cfg(test)]
mod tests;

use answer::{Listed, Version};
use signature::Signer;

/// For one request with its body.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest answer that is read.
const MAX_ANSWER: usize = 16 << 20;
/// Most pages of a listing: 1,000 versions each.
const MAX_PAGES: usize = 10_000;

/// Where a bucket is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The service's address, such as `https://s3.example.org`.
    pub endpoint: String,
    /// Its name for where it is.
    pub region: String,
    /// Its name there: 3 to 63 characters, the first part of every path.
    pub bucket: String,
    /// The access key's id.
    pub key_id: String,
}

/// Where files are put, with the key that signs each request. Its secret is in no `Debug`.
pub struct Bucket {
    client: Client,
    endpoint: Url,
    bucket: String,
    signer: Signer,
    now_s: fn() -> u64,
    /// Bytes that are held at once.
    part: usize,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket")
            .field("endpoint", &self.endpoint.as_str())
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// What a request says.
struct Asked<'a> {
    method: Method,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
    /// First and last byte of an object that are wanted.
    range: Option<(u64, u64)>,
    /// So much of an object says enough: what is longer is not read to its end.
    enough: Option<usize>,
    /// A header that says when it is done at all, and what it says.
    only_if: Option<(&'static str, &'a str)>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    const fn new(method: Method, key: &'a str) -> Self {
        Self { method, key, query: &[], range: None, enough: None, only_if: None, body: &[] }
    }
}

/// What a request got.
struct Answered {
    status: StatusCode,
    /// The service's own word for what was put.
    tag: Option<String>,
    /// Bytes of the whole object, where a part of it came.
    total: Option<u64>,
    body: Vec<u8>,
}

impl Bucket {
    /// A bucket that is asked with this secret; nothing is asked yet. `authority` is trusted beside the usual ones, PEM; the clock gives
    /// seconds since 1970.
    ///
    /// # Errors
    /// An address that may not be asked, a certificate that is not valid.
    pub fn new(
        place: &Place,
        secret: &str,
        authority: Option<&[u8]>,
        now_s: fn() -> u64,
    ) -> Result<Self, DeliveryError> {
        Self::patient(place, secret, authority, now_s, TIMEOUT)
    }

    /// The same, with a patience of its own for each request.
    ///
    /// # Errors
    /// As [`Bucket::new`].
    pub fn patient(
        place: &Place,
        secret: &str,
        authority: Option<&[u8]>,
        now_s: fn() -> u64,
        timeout: Duration,
    ) -> Result<Self, DeliveryError> {
        let setting = |why: String| DeliveryError::Setting(why);
        let endpoint = Url::parse(&place.endpoint);
        let endpoint =
            endpoint.map_err(|why| setting(format!("{} is not an address: {why}", place.endpoint)))?;
        let host = endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if endpoint.scheme() != "https" && !(endpoint.scheme() == "http" && own) {
            return Err(setting(format!("{} is not asked: only https, or this machine", place.endpoint)));
        }
        if endpoint.path() != "/" || endpoint.query().is_some() || !endpoint.username().is_empty() {
            return Err(setting(format!("{} is more than an address of a service", place.endpoint)));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        if !(3..=63).contains(&place.bucket.len()) || !place.bucket.chars().all(plain) {
            return Err(setting(format!("{:?} is not a name of a bucket", place.bucket)));
        }
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(timeout);
        let client = trusting(client, authority, &place.endpoint)?;
        let client = client.build().map_err(|error| DeliveryError::peer(&place.endpoint, error))?;
        let signer = Signer::new(&place.key_id, secret, &place.region);
        Ok(Self { client, endpoint, bucket: place.bucket.clone(), signer, now_s, part: parts::PART })
    }

    /// Whether what is put below a prefix can be deleted again, all versions and begun uploads: looked at the bucket's locks and tried
    /// on an object of its own.
    ///
    /// # Errors
    /// Why not.
    pub async fn purgeable(&self, prefix: &str) -> Result<(), DeliveryError> {
        let locks = Asked { query: &[("object-lock", "")], ..Asked::new(Method::GET, "") };
        let Answered { status, body, .. } = self.ask(locks).await?;
        if status.is_success()
            && answer::text(&body, "ObjectLockEnabled").is_some_and(|word| word == "Enabled")
        {
            return Err(self.cannot("its objects can be locked (object lock)"));
        }
        if status == StatusCode::NOT_FOUND
            && answer::text(&body, "Code").is_some_and(|code| code == "NoSuchBucket")
        {
            return Err(self.cannot("it is not there"));
        }
        let key = format!("{prefix}aula-can-delete-{}", (self.now_s)());
        for bytes in [&b"1"[..], b"2"] {
            self.done(Asked { body: bytes, ..Asked::new(Method::PUT, &key) }).await?;
        }
        self.done(Asked { query: &[("uploads", "")], ..Asked::new(Method::POST, &key) }).await?;
        // An ordinary deletion, as any program makes one: in a bucket with versions it leaves a marker.
        self.done(Asked::new(Method::DELETE, &key)).await?;
        self.purge(&key).await.map(|_| ())
    }

    /// Deletes everything whose key begins so: every version, every delete marker, every begun upload. Gives how many objects and
    /// uploads were deleted.
    ///
    /// # Errors
    /// What the service refuses, and when something is left.
    pub async fn purge(&self, prefix: &str) -> Result<usize, DeliveryError> {
        if prefix.is_empty() {
            return Err(DeliveryError::Setting("a purge of a whole bucket is not asked for".into()));
        }
        let mut gone = 0usize;
        for Version { key, id } in self.versions(prefix).await? {
            self.done(Asked { query: &[("versionId", &id)], ..Asked::new(Method::DELETE, &key) }).await?;
            gone = gone.saturating_add(1);
        }
        for Version { key, id } in self.uploads(prefix).await? {
            self.done(Asked { query: &[("uploadId", &id)], ..Asked::new(Method::DELETE, &key) }).await?;
            gone = gone.saturating_add(1);
        }
        let left = self.versions(prefix).await?.len().saturating_add(self.uploads(prefix).await?.len());
        if left > 0 {
            return Err(self.cannot(&format!(
                "{left} versions or uploads below {prefix} are left after they were deleted"
            )));
        }
        Ok(gone)
    }

    /// Keys below a prefix, of every version, each once.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, DeliveryError> {
        let (versions, uploads) = (self.versions(prefix).await?, self.uploads(prefix).await?);
        let mut keys: Vec<String> = versions.into_iter().chain(uploads).map(|one| one.key).collect();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, DeliveryError> {
        self.all(prefix, "versions", ("key-marker", "version-id-marker"), answer::versions).await
    }

    async fn uploads(&self, prefix: &str) -> Result<Vec<Version>, DeliveryError> {
        self.all(prefix, "uploads", ("key-marker", "upload-id-marker"), answer::uploads).await
    }

    /// Every page of a listing.
    async fn all(
        &self,
        prefix: &str,
        what: &str,
        (key_marker, id_marker): (&str, &str),
        read: fn(&[u8]) -> Result<Listed, String>,
    ) -> Result<Vec<Version>, DeliveryError> {
        let (mut found, mut after): (Vec<Version>, Option<(String, String)>) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let mut query = vec![(what, ""), ("prefix", prefix)];
            if let Some((key, id)) = &after {
                query.push((key_marker, key));
                if !id.is_empty() {
                    query.push((id_marker, id));
                }
            }
            let asked = Asked { query: &query, ..Asked::new(Method::GET, "") };
            let listed =
                read(&self.done(asked).await?).map_err(|why| DeliveryError::peer(&self.said(), why))?;
            found.extend(listed.found.into_iter().filter(|one| one.key.starts_with(prefix)));
            match listed.next {
                None => return Ok(found),
                Some(next) if Some(&next) == after.as_ref() => break,
                Some(next) => after = Some(next),
            }
        }
        Err(DeliveryError::peer(&self.said(), format!("its listing of {what} does not end")))
    }

    /// An answer that must be a good one.
    async fn done(&self, asked: Asked<'_>) -> Result<Vec<u8>, DeliveryError> {
        let Answered { status, body, .. } = self.ask(asked).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Answered, DeliveryError> {
        let mut path = format!("/{}", self.bucket);
        if !asked.key.is_empty() {
            path = format!("{path}/{}", signature::path(asked.key));
        }
        let query = signature::query(asked.query);
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let headers =
            self.signer.sign(asked.method.as_str(), &host, (&path, &query), asked.body, (self.now_s)());
        let mut request = self.client.request(asked.method, url).body(asked.body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some((first, last)) = asked.range {
            request = request.header("range", format!("bytes={first}-{last}"));
        }
        if let Some((name, value)) = asked.only_if {
            request = request.header(name, value);
        }
        let failed = |error: reqwest::Error| DeliveryError::request(&self.said(), &error);
        let mut answer = request.send().await.map_err(failed)?;
        let said = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let tag = said("etag").map(str::to_owned);
        let total = said("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let (status, mut body) = (answer.status(), Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(DeliveryError::peer(&self.said(), "its answer is longer than is read"));
            }
            body.extend_from_slice(&chunk);
            if asked.enough.is_some_and(|enough| body.len() > enough) {
                break;
            }
        }
        Ok(Answered { status, tag, total, body })
    }

    fn said(&self) -> String {
        format!("{}{}", self.endpoint, self.bucket)
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> DeliveryError {
        let code = answer::text(body, "Code").unwrap_or_default();
        DeliveryError::peer(&self.said(), format!("it answered {status} {code}").trim_end())
    }

    fn cannot(&self, why: &str) -> DeliveryError {
        DeliveryError::peer(&self.said(), format!("what is put there cannot be deleted: {why}"))
    }
}
