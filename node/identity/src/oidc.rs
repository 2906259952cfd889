//! OpenID Connect: the code flow with PKCE, state and nonce, and what an ID token must be.
//!
//! Flow: discovery and keys, kept for an hour → [`Client::begin`] sends the browser to the provider → the code comes back
//! with the state → [`Client::finish`] exchanges it with the PKCE secret and verifies the ID token; claims that the mapping reads and the
//! token lacks are asked for at the provider's own page of them (`userinfo`). A provider ends sessions by `ended`. Redirects are not
//! followed, an answer has at most 1 MiB and 10 s.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, Scope, TokenResponse,
};
use serde_json::Value;

use aula_foreign::shelf::Shelf;

use crate::claims::{Said, of_json};
use crate::settings::{ClientAuth, Oidc};

mod ended;
mod jws;
mod userinfo;

/// A client of a provider that was discovered.
type Discovered = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// How long discovery and keys are kept.
const METADATA_MS: u64 = 3_600_000;
/// How soon they are asked for again when a token is not verified by them.
const AGAIN_MS: u64 = 30_000;
const MAX_ANSWER: usize = 1 << 20;
/// How far a token's time of issue may lie from this node's clock.
const ISSUED_WITHIN_S: u64 = 600;

/// How far the provider's clock may be behind this node's when a token ends.
const SKEW_S: u64 = 60;
/// Notices of ended sessions that are remembered at most.
const MAX_NOTICES: usize = 100_000;

/// What is asked of tokens' signatures: a public key's, of today's strength.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why nobody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be reached, or answers something else.
    #[error("the provider cannot be asked now: {0}")]
    Unreachable(String),
    /// The answer is not one to this login.
    #[error("the login is refused: {0}")]
    Refused(String),
}

fn refused(why: impl std::fmt::Display) -> OidcError {
    OidcError::Refused(why.to_string())
}

/// What a login keeps until the browser comes back.
#[derive(Debug)]
pub struct Kept {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Where a browser is sent, the state that comes back, and what is kept.
#[derive(Debug)]
pub struct Begun {
    /// The provider's page, with all parameters.
    pub url: String,
    /// What comes back beside the code and finds the login.
    pub state: String,
    /// What the login keeps.
    pub kept: Kept,
}

/// A client of one provider.
#[derive(Debug)]
pub struct Client {
    provider: Oidc,
    redirect: String,
    http: reqwest::Client,
    metadata: Mutex<Option<(u64, Arc<ProviderMetadataWithLogout>)>>,
    notices: Shelf<()>,
}

impl Client {
    /// A client whose browsers come back to `redirect`.
    ///
    /// # Errors
    /// When there is no TLS on this machine.
    pub fn new(provider: Oidc, redirect: String) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { provider, redirect, http, metadata: Mutex::default(), notices: Shelf::new(MAX_NOTICES) })
    }

    /// The provider's metadata with its keys; `fresh` asks again unless that was done lately.
    async fn metadata(&self, now_ms: u64, fresh: bool) -> Result<Arc<ProviderMetadataWithLogout>, OidcError> {
        let kept = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = kept {
            let age = now_ms.saturating_sub(at);
            if age < AGAIN_MS || !fresh && age < METADATA_MS {
                return Ok(metadata);
            }
        }
        let gone = |error: &dyn std::fmt::Display| OidcError::Unreachable(error.to_string());
        let issuer = IssuerUrl::new(self.provider.issuer.clone()).map_err(|error| gone(&error))?;
        let http = |request| fetch(self.http.clone(), request);
        let found = ProviderMetadataWithLogout::discover_async(issuer, &http).await;
        let found = Arc::new(found.map_err(|error| gone(&error))?);
        let endpoints = [
            Some(found.authorization_endpoint().url()),
            found.token_endpoint().map(|url| url.url()),
            Some(found.jwks_uri().url()),
            found.userinfo_endpoint().map(|url| url.url()),
        ];
        if endpoints.into_iter().flatten().any(|url| !crate::settings::is_secure(url.as_str())) {
            return Err(refused("an endpoint of the provider is not encrypted"));
        }
        *self.metadata.lock().unwrap_or_else(PoisonError::into_inner) = Some((now_ms, found.clone()));
        Ok(found)
    }

    /// Begins a login.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn begin(&self, now_ms: u64) -> Result<Begun, OidcError> {
        let metadata = self.metadata(now_ms, false).await?;
        let client = self.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut asked = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in &self.provider.scopes {
            asked = asked.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = asked.url();
        let (url, state) = (url.to_string(), state.secret().clone());
        Ok(Begun { url, state, kept: Kept { nonce, verifier } })
    }

    fn client(&self, metadata: &ProviderMetadataWithLogout) -> Result<Discovered, OidcError> {
        let redirect = RedirectUrl::new(self.redirect.clone()).map_err(refused)?;
        let id = ClientId::new(self.provider.client_id.clone());
        let secret = self.provider.client_secret.clone().map(ClientSecret::new);
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        Ok(client.set_auth_type(self.auth_type(metadata)).set_redirect_uri(redirect))
    }

    /// How the secret is sent: as the operator says, else in the header, the standard's own, unless the provider takes it in the
    /// form alone.
    fn auth_type(&self, metadata: &ProviderMetadataWithLogout) -> AuthType {
        use openidconnect::core::CoreClientAuthMethod::{ClientSecretBasic, ClientSecretPost};
        let takes = metadata.token_endpoint_auth_methods_supported();
        let by_form_alone =
            takes.is_some_and(|all| all.contains(&ClientSecretPost) && !all.contains(&ClientSecretBasic));
        match self.provider.client_auth {
            Some(ClientAuth::Post) => AuthType::RequestBody,
            None if by_form_alone => AuthType::RequestBody,
            Some(ClientAuth::Basic) | None => AuthType::BasicAuth,
        }
    }

    /// Where a browser ends its session with the provider itself, if the provider says so and was asked lately.
    pub fn farewell(&self) -> Option<String> {
        let kept = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone()?.1;
        let mut url = kept.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        if !crate::settings::is_secure(url.as_str()) {
            return None;
        }
        url.query_pairs_mut().append_pair("client_id", &self.provider.client_id);
        Some(url.into())
    }

    /// Exchanges the code and gives the claims of the verified ID token, and of the provider's page of claims where the token lacks some
    /// that are `needed`. `issuer` is the answer's own `iss`, where there is one.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn finish(
        &self,
        kept: Kept,
        (code, issuer): (&str, Option<&str>),
        needed: &[&str],
        now_ms: u64,
    ) -> Result<Said, OidcError> {
        // RFC 9207: an answer that another provider gave is not this one's.
        if issuer.is_some_and(|issuer| issuer != self.provider.issuer) {
            return Err(refused("the answer is another provider's"));
        }
        let metadata = self.metadata(now_ms, false).await?;
        let client = self.client(&metadata)?;
        let http = |request| fetch(self.http.clone(), request);
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(refused)?;
        let answer = exchange.set_pkce_verifier(kept.verifier).request_async(&http).await;
        let answer = answer.map_err(|error| refused(format!("the code was not taken: {error}")))?;
        let token = answer.id_token().ok_or_else(|| refused("the provider sent no ID token"))?;
        let access = answer.access_token();
        let value = match self.verified(&metadata, token, &kept.nonce, access, now_ms) {
            Ok(value) => value,
            // Keys are replaced: once more with the provider's present ones.
            Err(_) => {
                let fresh = self.metadata(now_ms, true).await?;
                self.verified(&fresh, token, &kept.nonce, access, now_ms)?
            }
        };
        let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut said = Said { claims: of_json(&value), subject: word("sub"), session: word("sid") };
        if needed.iter().any(|name| !said.claims.contains_key(*name)) {
            let subject = said.subject.as_deref().unwrap_or_default();
            for (name, values) in self.userinfo(access, subject, now_ms).await? {
                said.claims.entry(name).or_insert(values);
            }
        }
        Ok(said)
    }

    fn verified(
        &self,
        metadata: &ProviderMetadataWithLogout,
        token: &CoreIdToken,
        nonce: &Nonce,
        access: &openidconnect::AccessToken,
        now_ms: u64,
    ) -> Result<Value, OidcError> {
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.provider.client_id.clone()),
            self.provider.client_secret.clone().map(ClientSecret::new),
        );
        let now_s = now_ms / 1_000;
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_other_audience_verifier_fn(|_| false)
            .set_time_fn(move || moment(now_s.saturating_sub(SKEW_S)))
            .set_issue_time_verifier_fn(move |issued| {
                let issued = u64::try_from(issued.timestamp()).unwrap_or_default();
                if issued.abs_diff(now_s) <= ISSUED_WITHIN_S {
                    Ok(())
                } else {
                    Err("it was issued at another time than now".to_owned())
                }
            });
        let claims = token.claims(&verifier, nonce).map_err(refused)?;
        if let Some(said) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(refused)?;
            let key = token.signing_key(&verifier).map_err(refused)?;
            let own = AccessTokenHash::from_token(access, algorithm, key).map_err(refused)?;
            if own != *said {
                return Err(refused("the access token is not the one that the ID token names"));
            }
        }
        self.payload(token)
    }

    /// The claims of a token that was verified, as they were signed.
    fn payload(&self, token: &CoreIdToken) -> Result<Value, OidcError> {
        let text = token.to_string();
        let part = text.split('.').nth(1).ok_or_else(|| refused("the ID token has no claims"))?;
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(refused)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(refused)?;
        let party = value.get("azp").and_then(Value::as_str);
        if party.is_some_and(|party| party != self.provider.client_id) {
            return Err(refused("the ID token was made for another client"));
        }
        Ok(value)
    }
}

/// A time as the library writes it.
fn moment(seconds: u64) -> chrono::DateTime<chrono::Utc> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .unwrap_or_default()
}

/// An answer of a provider, bounded.
async fn fetch(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let request = reqwest::Request::try_from(request)?;
    let mut answer = client.execute(request).await?;
    let mut head = openidconnect::http::Response::builder().status(answer.status().as_u16());
    for (name, value) in answer.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Err(FetchError::Long);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(head.body(bytes)?)
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Form(#[from] openidconnect::http::Error),
    #[error("the answer has more than 1 MiB")]
    Long,
}

#[cfg(test)]
mod tests;
