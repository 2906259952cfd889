//! Notices of a provider that a session of its own is over (OpenID Connect Back-Channel Logout 1.0): signed, each taken once.

use serde_json::Value;

use super::{Client, ISSUED_WITHIN_S, OidcError, SKEW_S, jws, refused};
use crate::claims::Ended;

/// What makes a signed text a notice.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl Client {
    /// Whose sessions a notice ends.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn ended(&self, notice: &str, now_ms: u64) -> Result<Ended, OidcError> {
        let metadata = self.metadata(now_ms, false).await?;
        let (header, content) = match jws::verified(metadata.jwks(), notice) {
            Ok(read) => read,
            // Keys are replaced: once more with the provider's present ones.
            Err(_) => {
                let fresh = self.metadata(now_ms, true).await?;
                jws::verified(fresh.jwks(), notice).map_err(refused)?
            }
        };
        let kind = header.typ.as_deref().unwrap_or("jwt").to_ascii_lowercase();
        if !matches!(kind.trim_start_matches("application/"), "jwt" | "logout+jwt") {
            return Err(refused("it is a text of another kind"));
        }
        let ended = self.read(&content, now_ms / 1_000)?;
        let id = content.get("jti").and_then(Value::as_str).ok_or_else(|| refused("jti is missing"))?;
        if self.notices.get(id, now_ms).is_some() {
            return Err(refused("this notice was taken before"));
        }
        let kept_ms = 2 * (ISSUED_WITHIN_S + SKEW_S) * 1_000;
        let kept = self.notices.put(id, (), (now_ms, kept_ms));
        kept.map_err(|_| OidcError::Unreachable("too many notices at once".into()))?;
        Ok(ended)
    }

    fn read(&self, content: &Value, now_s: u64) -> Result<Ended, OidcError> {
        let word = |name: &str| content.get(name).and_then(Value::as_str);
        let seconds = |name: &str| content.get(name).and_then(Value::as_u64);
        if word("iss") != Some(self.provider.issuer.as_str())
            || !jws::is_for(content, &self.provider.client_id)
        {
            return Err(refused("it is another provider's, or for another client"));
        }
        if !content.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
            return Err(refused("it is not a notice of an ended session"));
        }
        if content.get("nonce").is_some() {
            return Err(refused("a notice has no nonce"));
        }
        let issued = seconds("iat").is_some_and(|at| at.abs_diff(now_s) <= ISSUED_WITHIN_S);
        let over = seconds("exp").is_some_and(|at| at.saturating_add(SKEW_S) <= now_s);
        if !issued || over {
            return Err(refused("it was issued at another time than now"));
        }
        let ended = Ended {
            subject: word("sub").map(str::to_owned),
            sessions: word("sid").map(str::to_owned).into_iter().collect(),
        };
        if ended == Ended::default() {
            return Err(refused("it names neither a subject nor a session"));
        }
        Ok(ended)
    }
}
