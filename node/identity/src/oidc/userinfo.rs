//! Claims that a provider tells at a page of their own, to whoever shows the access token: many providers keep the ID token short.

use openidconnect::AccessToken;
use openidconnect::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;

use super::{Client, OidcError, fetch, jws, refused};
use crate::claims::{Claims, of_json};

impl Client {
    /// The claims there about `subject`, plain or signed; none where the provider has no such page.
    pub(super) async fn userinfo(
        &self,
        access: &AccessToken,
        subject: &str,
        now_ms: u64,
    ) -> Result<Claims, OidcError> {
        let metadata = self.metadata(now_ms, false).await?;
        let Some(page) = metadata.userinfo_endpoint() else { return Ok(Claims::new()) };
        let request = openidconnect::http::Request::get(page.url().as_str())
            .header(AUTHORIZATION, format!("Bearer {}", access.secret()))
            .header(ACCEPT, "application/json, application/jwt")
            .body(Vec::new())
            .map_err(refused)?;
        let gone = |why: &dyn std::fmt::Display| OidcError::Unreachable(format!("its claims: {why}"));
        let answer = fetch(self.http.clone(), request).await.map_err(|error| gone(&error))?;
        if !answer.status().is_success() {
            return Err(gone(&answer.status()));
        }
        let kind =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let value: Value = match kind.split(';').next().unwrap_or_default().trim() {
            "application/jwt" => {
                let text = std::str::from_utf8(answer.body()).map_err(refused)?;
                let (_, value) = jws::verified(metadata.jwks(), text).map_err(refused)?;
                let own = value.get("iss").and_then(Value::as_str) == Some(self.provider.issuer.as_str());
                if !own || !jws::is_for(&value, &self.provider.client_id) {
                    return Err(refused("the provider's claims are another's, or for another client"));
                }
                value
            }
            _ => serde_json::from_slice(answer.body()).map_err(|error| gone(&error))?,
        };
        // Another subject's claims under this login would be a substitution (OpenID Connect Core 5.3.2).
        if subject.is_empty() || value.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(refused("the provider's claims are about somebody else than its ID token"));
        }
        Ok(of_json(&value))
    }
}
