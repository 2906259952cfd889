//! A platform's services: tokens for granted scopes, the course's roster page by page, a student's progress as a score.
//!
//! Flow: a token by a signed assertion (RFC 7523), kept until shortly before it ends → the service. Invariants: nothing is asked of or
//! sent to an address that is not the platform's; redirects are not followed; answers have a size, pages a number. Absent:
//! what is sent when, which [`crate::http`] decides.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, LINK};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::keys::{Keys, KeysError};
use crate::platform::Platform;
use aula_foreign::link::next_page;
use aula_foreign::secret::drawn;

/// The scope for reading a course's roster.
pub const ROSTER_SCOPE: &str = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly";
/// The scope for sending scores.
pub const SCORE_SCOPE: &str = "https://purl.imsglobal.org/spec/lti-ags/scope/score";

const MEMBERS_TYPE: &str = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json";
const SCORE_TYPE: &str = "application/vnd.ims.lis.v1.score+json";
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// Most pages of a roster.
const MAX_PAGES: usize = 50;
/// Most members of a course.
const MAX_MEMBERS: usize = 10_000;
/// How long an assertion is good.
const ASSERTION_S: u64 = 60;

/// Why a service did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No connection, or no whole answer in time.
    #[error("{0} does not answer")]
    Network(String, #[source] reqwest::Error),
    /// Another status than success.
    #[error("{0} answers {1}")]
    Status(String, u16),
    /// Not what the standard says, or too much of it.
    #[error("{0} answers what is not understood")]
    Answer(String),
    /// An address of somebody else.
    #[error("an address is not the platform's")]
    Address,
    /// The platform granted less.
    #[error("the platform did not grant the scope")]
    Scope,
    /// The tool's own key.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// A member of a course.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The user there.
    pub user_id: String,
    /// `Active` where it is not said.
    #[serde(default)]
    pub status: Option<String>,
    /// Roles in the course.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The identifier of the platform's own student system.
    #[serde(default)]
    pub lis_person_sourcedid: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
    #[serde(default)]
    scope: Option<String>,
}

/// Tokens by platform's name and scope, with the time in milliseconds since 1970 until which each holds.
type Tokens = HashMap<(String, &'static str), (String, u64)>;

/// Speaks to platforms.
#[derive(Debug)]
pub struct Services {
    client: reqwest::Client,
    tokens: Mutex<Tokens>,
}

impl Services {
    /// With a client of its own.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { client, tokens: Mutex::default() })
    }

    /// A published set of keys.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn keys(&self, platform: &Platform) -> Result<Vec<u8>, ServiceError> {
        let request = self.client.get(&platform.jwks_url);
        let (body, _) = answered(&platform.jwks_url, request, crate::jwt::MAX_JWKS_BYTES).await?;
        Ok(body)
    }

    /// A token for one scope.
    async fn token(
        &self,
        platform: &Platform,
        scope: &'static str,
        (assertion, now_ms): (String, u64),
    ) -> Result<String, ServiceError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("scope", scope),
        ];
        let url = &platform.token_url;
        let (body, _) = answered(url, self.client.post(url).form(&form), MAX_ANSWER_BYTES).await?;
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| ServiceError::Answer(url.clone()))?;
        // A platform that grants less than was asked for says so.
        if granted.scope.is_some_and(|granted| !granted.split(' ').any(|one| one == scope)) {
            return Err(ServiceError::Scope);
        }
        let until_ms = now_ms.saturating_add(granted.expires_in.min(3_600).saturating_sub(60) * 1_000);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((platform.name.clone(), scope), (granted.access_token.clone(), until_ms));
        Ok(granted.access_token)
    }

    fn known(&self, platform: &Platform, scope: &'static str, now_ms: u64) -> Option<String> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until_ms) = tokens.get(&(platform.name.clone(), scope))?;
        (*until_ms > now_ms).then(|| token.clone())
    }

    async fn bearer(
        &self,
        platform: &Platform,
        scope: &'static str,
        (keys, now_ms): (&Mutex<Keys>, u64),
    ) -> Result<String, ServiceError> {
        if let Some(token) = self.known(platform, scope, now_ms) {
            return Ok(token);
        }
        let now_s = now_ms / 1_000;
        let claims = json!({
            "iss": platform.client_id, "sub": platform.client_id, "aud": platform.token_url, "iat": now_s,
            "exp": now_s + ASSERTION_S, "jti": drawn(),
        });
        let assertion = keys.lock().unwrap_or_else(PoisonError::into_inner).sign(&claims)?;
        self.token(platform, scope, (assertion, now_ms)).await
    }

    /// The members of a course, page by page.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn members(
        &self,
        platform: &Platform,
        url: &str,
        (keys, now_ms): (&Mutex<Keys>, u64),
    ) -> Result<Vec<Member>, ServiceError> {
        #[derive(Deserialize)]
        struct Page {
            members: Vec<Member>,
        }
        let token = self.bearer(platform, ROSTER_SCOPE, (keys, now_ms)).await?;
        let (mut next, mut members, mut seen) = (Some(url.to_owned()), Vec::new(), Vec::new());
        while let Some(url) = next.take() {
            if !platform.has(&url) {
                return Err(ServiceError::Address);
            }
            if seen.len() >= MAX_PAGES || seen.contains(&url) || members.len() > MAX_MEMBERS {
                return Err(ServiceError::Answer(url));
            }
            let request = self.client.get(&url).bearer_auth(&token).header(ACCEPT, MEMBERS_TYPE);
            let (body, link) = answered(&url, request, MAX_ANSWER_BYTES).await?;
            let page: Page = serde_json::from_slice(&body).map_err(|_| ServiceError::Answer(url.clone()))?;
            members.extend(page.members);
            next = link.as_deref().and_then(next_page);
            seen.push(url);
        }
        Ok(members)
    }

    /// Sends a student's progress to the line of a link.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn score(
        &self,
        platform: &Platform,
        (line, user): (&str, &str),
        (given, most): (u64, u64),
        (keys, now_ms, moment): (&Mutex<Keys>, u64, &str),
    ) -> Result<(), ServiceError> {
        if !platform.has(line) {
            return Err(ServiceError::Address);
        }
        let token = self.bearer(platform, SCORE_SCOPE, (keys, now_ms)).await?;
        // The path of a line gets `/scores`; what stands behind `?` stays behind it (AGS 2.0, 3.4).
        let (path, query) =
            line.split_once('?').map_or((line, String::new()), |(path, query)| (path, format!("?{query}")));
        let url = format!("{}/scores{query}", path.trim_end_matches('/'));
        let score = json!({
            "userId": user, "scoreGiven": given, "scoreMaximum": most, "timestamp": moment,
            "activityProgress": "InProgress", "gradingProgress": "FullyGraded",
        });
        let request = self
            .client
            .post(&url)
            .bearer_auth(&token)
            .header(CONTENT_TYPE, SCORE_TYPE)
            .body(score.to_string());
        answered(&url, request, MAX_ANSWER_BYTES).await.map(|_| ())
    }
}

/// The body of a success within a size, and its links.
async fn answered(
    url: &str,
    request: reqwest::RequestBuilder,
    most: usize,
) -> Result<(Vec<u8>, Option<String>), ServiceError> {
    let shown = url.split('?').next().unwrap_or_default().to_owned();
    let failed = |error: reqwest::Error| ServiceError::Network(shown.clone(), error.without_url());
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(ServiceError::Status(shown, response.status().as_u16()));
    }
    let links: Vec<&str> =
        response.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok()).collect();
    let link = (!links.is_empty()).then(|| links.join(","));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            return Err(ServiceError::Answer(shown));
        }
    }
    Ok((body, link))
}

/// A deep link's answer: one link to the tool's page.
pub fn deep_link_claims(
    platform: &Platform,
    (deployment, data): (&str, Option<&Value>),
    (tool, now_ms): (&str, u64),
) -> Value {
    let now_s = now_ms / 1_000;
    let mut claims = json!({
        "iss": platform.client_id, "aud": [platform.issuer], "iat": now_s, "exp": now_s + 600, "nonce": drawn(),
        "https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiDeepLinkingResponse",
        "https://purl.imsglobal.org/spec/lti/claim/version": "1.3.0",
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": deployment,
        "https://purl.imsglobal.org/spec/lti-dl/claim/content_items": [
            { "type": "ltiResourceLink", "title": "Aula: what is recorded of me", "url": format!("{tool}/lti/launch") },
        ],
    });
    if let (Some(data), Some(members)) = (data, claims.as_object_mut()) {
        members.insert("https://purl.imsglobal.org/spec/lti-dl/claim/data".into(), data.clone());
    }
    claims
}
