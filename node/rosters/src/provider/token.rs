//! Tokens by client credentials (RFC 6749, section 4.4): `POST` of a form, the client by Basic or in the form.
//!
//! A token is 256 random bits, kept as its digest, good for an hour and for the scopes that were asked for, which are among the
//! client's. It ends with its client's secret, or as the oldest of a client that has too many. Errors are OAuth's own
//! (`invalid_client`, `invalid_scope`, …).

use std::collections::BTreeSet;

use aula_foreign::form::pairs;
use aula_foreign::secret::drawn;
use aula_foreign::shelf::Shelf;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::clients::{Client, Clients, SCOPES, Scope};

/// How long a token is good, seconds.
pub const LASTS_S: u64 = 3_600;
/// Most tokens at once.
const MAX_TOKENS: usize = 10_000;
/// Most tokens of one client: the oldest ends when it asks for more, so that no client keeps the others from having one.
pub(super) const MAX_CLIENT_TOKENS: usize = 100;

/// To whom a token was given, and for what.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The client, as it was then.
    pub client: Client,
    /// The scopes that were asked for.
    pub scopes: BTreeSet<Scope>,
}

/// Tokens that are good.
#[derive(Debug)]
pub struct Tokens(Shelf<Grant>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Shelf::new(MAX_TOKENS))
    }
}

/// Why no token is given: OAuth's word and what to do.
type Refused = (StatusCode, &'static str, String);

impl Tokens {
    /// Answers a request for a token.
    pub fn answer(&self, clients: &Clients, headers: &HeaderMap, form: &[u8], now_ms: u64) -> Response {
        match self.given(clients, headers, form, now_ms) {
            Ok((token, scopes)) => {
                let scope: Vec<String> =
                    scopes.iter().map(|scope| format!("{SCOPES}{}", scope.word())).collect();
                let body = json!({
                    "access_token": token, "token_type": "bearer", "expires_in": LASTS_S, "scope": scope.join(" "),
                });
                plain(StatusCode::OK, &body.to_string())
            }
            Err((status, word, why)) => {
                let body = json!({ "error": word, "error_description": why });
                let mut response = plain(status, &body.to_string());
                let headers = response.headers_mut();
                if status == StatusCode::UNAUTHORIZED {
                    let realm = HeaderValue::from_static("Basic realm=\"oneroster\"");
                    headers.insert(WWW_AUTHENTICATE, realm);
                }
                if status == StatusCode::SERVICE_UNAVAILABLE {
                    headers.insert(RETRY_AFTER, HeaderValue::from(60));
                }
                response
            }
        }
    }

    fn given(
        &self,
        clients: &Clients,
        headers: &HeaderMap,
        form: &[u8],
        now_ms: u64,
    ) -> Result<(String, BTreeSet<Scope>), Refused> {
        let bad = |why: &str| (StatusCode::BAD_REQUEST, "invalid_request", why.to_owned());
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(bad("send application/x-www-form-urlencoded"));
        }
        let form = pairs(form).ok_or_else(|| bad("the form has a name twice, or is not UTF-8"))?;
        let client = known(clients, headers, &form);
        let client = client.ok_or_else(|| {
            let why = "no client of this provider has this name and secret".to_owned();
            (StatusCode::UNAUTHORIZED, "invalid_client", why)
        })?;
        match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {}
            None => return Err(bad("grant_type is missing")),
            Some(_) => {
                let why = "tokens are given for grant_type=client_credentials".to_owned();
                return Err((StatusCode::BAD_REQUEST, "unsupported_grant_type", why));
            }
        }
        let scopes = match form.get("scope").map(|text| text.trim()).filter(|text| !text.is_empty()) {
            None => client.scopes.clone(),
            Some(text) => {
                let asked = text.split_whitespace();
                let scope = |word: &str| {
                    Scope::parse(word).filter(|scope| client.scopes.contains(scope)).ok_or_else(|| {
                        let why = format!("the client does not have the scope {word:?}");
                        (StatusCode::BAD_REQUEST, "invalid_scope", why)
                    })
                };
                asked.map(scope).collect::<Result<_, _>>()?
            }
        };
        let token = drawn();
        let grant = Grant { client: client.clone(), scopes: scopes.clone() };
        let same = |other: &Grant| other.client.name == client.name;
        let kept = self.0.put_among(&token, grant, (now_ms, LASTS_S * 1_000), (MAX_CLIENT_TOKENS, same));
        kept.map_err(|_| {
            let why = "too many tokens are out: ask again in a minute".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", why)
        })?;
        Ok((token, scopes))
    }

    /// What the token of a request is good for; none where it has none, or one that ended.
    pub fn grant(&self, clients: &Clients, headers: &HeaderMap, now_ms: u64) -> Option<Grant> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        let grant = self.0.get(token.trim(), now_ms).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?.0;
        let client = clients.still(&grant.client)?;
        // A scope that was taken from the client since is gone from its tokens too.
        let scopes = grant.scopes.intersection(&client.scopes).copied().collect();
        Some(Grant { scopes, ..grant })
    }
}

fn known<'a>(
    clients: &'a Clients,
    headers: &HeaderMap,
    form: &std::collections::BTreeMap<String, String>,
) -> Option<&'a Client> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = String::from_utf8(bytes).ok()?;
        let (name, secret) = text.split_once(':')?;
        // RFC 6749, 2.3.1 has both encoded as in a form; most clients send them as they are, and ours need no encoding.
        return clients.of_secret(name, secret);
    }
    clients.of_secret(form.get("client_id")?, form.get("client_secret")?)
}

fn plain(status: StatusCode, body: &str) -> Response {
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body.to_owned())
        .into_response()
}
