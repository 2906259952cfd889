//! Providers end sessions that they began: nobody is asked who sends the notice, since the provider's signature on it says so.

use super::*;
use crate::saml::{Answer, Came};

impl Desk {
    /// Ends what a provider says is over.
    fn ends(&self, provider: &str, ended: &crate::claims::Ended) -> usize {
        let sessions = self.sessions.end(provider, ended);
        tracing::info!(provider, sessions, "a provider ended sessions");
        sessions
    }

    fn saml_ended(&self, name: &str, came: Came<'_>) -> Result<Response, Refusal> {
        let provider = self.provider(name)?;
        let Client::Saml(client) = &provider.client else {
            return Err(bad("this provider speaks OpenID Connect"));
        };
        let Answer { ended, back } = client.ended(came, self.now()).map_err(bad)?;
        let sessions = self.ends(name, &ended);
        match back {
            Some(url) => Ok(sent(&url, [])),
            None => Ok(json_of(StatusCode::OK, &json!({ "ended": sessions }))),
        }
    }
}

/// The provider's answer to a logout of ours, which nothing waits for: the session was over before it was asked.
fn is_answer(fields: &BTreeMap<String, String>) -> bool {
    fields.contains_key("SAMLResponse") && !fields.contains_key("SAMLRequest")
}

pub(super) async fn oidc(
    State(desk): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let fields = form_of(&desk, request).await?;
    let notice = fields.get("logout_token").ok_or_else(|| bad("logout_token is missing"))?;
    let provider = desk.provider(&name)?;
    let Client::Oidc(client) = &provider.client else { return Err(bad("this provider speaks SAML")) };
    let ended = client.ended(notice, desk.now()).await.map_err(|error| match error {
        oidc::OidcError::Unreachable(_) => busy(error),
        // The standard's word for each refusal is 400.
        oidc::OidcError::Refused(_) => bad(error),
    })?;
    let sessions = desk.ends(&name, &ended);
    Ok(json_of(StatusCode::OK, &json!({ "ended": sessions })))
}

pub(super) async fn saml_redirect(
    State(desk): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let query = request.uri().query().unwrap_or_default();
    if is_answer(&form(query.as_bytes())?) {
        return Ok(json_of(StatusCode::OK, &json!({ "ended": 0 })));
    }
    desk.saml_ended(&name, Came::Redirect(query))
}

pub(super) async fn saml_post(
    State(desk): State<Shared>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let fields = form_of(&desk, request).await?;
    if is_answer(&fields) {
        return Ok(json_of(StatusCode::OK, &json!({ "ended": 0 })));
    }
    let fields: Vec<(String, String)> = fields.into_iter().collect();
    desk.saml_ended(&name, Came::Post(&fields))
}
