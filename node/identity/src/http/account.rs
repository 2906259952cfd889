//! What a session or a token may do: ask whose it is, be exchanged for a credential, and keep tokens and sessions in order.

use super::*;
use crate::tokens::TokensError;

const LEFT: &str = "the district's directory does not have this account as staff any more";

/// Who asks.
pub(super) struct Asker {
    reader: String,
    role: String,
    /// When what was shown ends.
    until_ms: u64,
    /// The session's number; none of a token.
    session: Option<String>,
    /// By which provider the session began.
    provider: Option<String>,
}

impl Desk {
    /// Who asks with a session, or with a token of this scope. What changes something by a cookie needs the header beside it.
    fn asker(&self, headers: &HeaderMap, scope: Option<Scope>, changes: bool) -> Result<Asker, Refusal> {
        let needed = |why: &str| Refusal(StatusCode::UNAUTHORIZED, why.to_owned());
        let now = self.now();
        if let Some(value) = headers.get(AUTHORIZATION) {
            let text = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
            let token = text.and_then(|text| self.tokens.find(text, now));
            let token = token.ok_or_else(|| needed("this token is not known, is over, or was revoked"))?;
            return match scope {
                Some(scope) if token.scopes.contains(&scope) => Ok(Asker {
                    role: self.role_now(&token.reader, token.role).ok_or_else(|| needed(LEFT))?,
                    reader: token.reader,
                    until_ms: token.until_ms,
                    session: None,
                    provider: None,
                }),
                _ => Err(denied("this token's scopes do not open this")),
            };
        }
        let secret = cookie(headers, SESSION_COOKIE)
            .ok_or_else(|| needed("log in first: /identity/login/PROVIDER"))?;
        if changes && headers.get(ASKED_HEADER).is_none() {
            return Err(denied("send the header Aula-Request with it"));
        }
        let session =
            self.sessions.find(secret, now).ok_or_else(|| needed("the session is over: log in again"))?;
        let Session { id, reader, role, until_ms, provider, .. } = session;
        let Some(role) = self.role_now(&reader, role) else {
            self.sessions.revoke_reader(&reader);
            return Err(needed(LEFT));
        };
        Ok(Asker { reader, role, until_ms, session: Some(id), provider: Some(provider) })
    }

    /// The role that the directory gives a reader now; the one of the login where it says nothing, none of who is no staff.
    pub(super) fn role_now(&self, reader: &str, role: String) -> Option<String> {
        match self.directory.of(reader) {
            Employed::Unsaid => Some(role),
            Employed::As(now) => Some(now),
            Employed::Not => None,
        }
    }

    fn admin(&self, headers: &HeaderMap, changes: bool) -> Result<Asker, Refusal> {
        let asker = self.asker(headers, None, changes)?;
        if asker.role == "admin" { Ok(asker) } else { Err(denied("this is for the district's admins")) }
    }
}

pub(super) async fn me(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asker = desk.asker(&headers, Some(Scope::Me), false)?;
    let standing = desk.standing(&asker.reader).await?;
    let told = json!({
        "reader": asker.reader, "role": asker.role, "until_ms": asker.until_ms, "sections": standing.sections,
        "session": asker.session,
    });
    Ok(json_of(StatusCode::OK, &told))
}

pub(super) async fn credential(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asker = desk.asker(&headers, Some(Scope::Vault), true)?;
    // The roster is asked now, not as it was at the login.
    let standing = desk.standing(&asker.reader).await?;
    if let Err(refusal) = desk.fits(&asker.role, &standing) {
        desk.sessions.revoke_reader(&asker.reader);
        return Err(refusal);
    }
    let until_ms = asker.until_ms.min(desk.now().saturating_add(desk.credential_ms));
    let (office, role, reader) = (desk.office.clone(), asker.role.clone(), asker.reader.clone());
    let signed = tokio::task::spawn_blocking(move || office.credential(&role, &reader, until_ms)).await;
    let signed = signed.unwrap_or(Err(Unavailable)).map_err(busy)?;
    tracing::info!(reader = asker.reader, role = asker.role, until_ms, "a credential was issued");
    Ok(json_of(StatusCode::OK, &json!({ "credential": signed, "until_ms": until_ms })))
}

pub(super) async fn logout(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asker = desk.asker(&headers, None, true)?;
    if let Some(id) = asker.session {
        desk.sessions.revoke(&id);
    }
    // The provider's own session goes on until the browser goes there.
    let provider = asker.provider.and_then(|name| desk.provider(&name).ok());
    let there = provider.and_then(|provider| match &provider.client {
        Client::Oidc(client) => client.farewell(),
        Client::Saml(_) => None,
    });
    let mut response = json_of(StatusCode::OK, &json!({ "ended": true, "provider": there }));
    let over = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&over) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    Ok(response)
}

pub(super) async fn tokens(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asker = desk.asker(&headers, None, false)?;
    let own = |token: &crate::tokens::Token| asker.role == "admin" || token.reader == asker.reader;
    Ok(json_of(StatusCode::OK, &json!({ "tokens": desk.tokens.list(own, desk.now()) })))
}

/// What a new token is to be.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    name: String,
    scopes: Vec<Scope>,
    days: u32,
}

pub(super) async fn make_token(
    State(desk): State<Shared>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    desk.asker(&headers, None, true)?;
    let body = body_of(&desk, request).await?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| {
        bad(format!("send {{\"name\",\"scopes\":[\"me\",\"vault\"] or [\"scim\"],\"days\"}}: {error}"))
    })?;
    let made = tokio::task::spawn_blocking(move || {
        // Once more: the session may have ended while the body came, and the role is the one of now.
        let asker = desk.asker(&headers, None, true)?;
        if wanted.scopes.contains(&Scope::Scim) && asker.role != "admin" {
            return Err(denied("a token of the scope scim is an admin's to make"));
        }
        let (who, what) = ((&*asker.reader, &*asker.role), (&*wanted.name, &*wanted.scopes, wanted.days));
        desk.tokens.make(who, what, desk.now()).map_err(|error| unkept(&error))
    });
    let (text, token) = made.await.map_err(|_| busy("the token was not made: try again"))??;
    tracing::info!(reader = token.reader, token = token.id, until_ms = token.until_ms, "a token was made");
    Ok(json_of(StatusCode::CREATED, &json!({ "token": text, "listed": token })))
}

pub(super) async fn revoke_token(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let asker = desk.asker(&headers, None, true)?;
    let revoked = tokio::task::spawn_blocking(move || {
        desk.tokens.revoke(&id, |token| asker.role == "admin" || token.reader == asker.reader)
    });
    let revoked = revoked.await.map_err(|_| busy("the token was not revoked: try again"))?;
    revoked_of(revoked.map_err(|error| unkept(&error))?)
}

/// What who asked is told when the tokens stay as they were.
fn unkept(error: &TokensError) -> Refusal {
    match error {
        TokensError::Refused(_) => bad(error),
        TokensError::Withheld(why) => busy(format!("the tokens stay as they were: {why}")),
        TokensError::File { .. } | TokensError::Open(_) => {
            tracing::error!(%error, "tokens cannot be kept");
            busy("the tokens stay as they were and cannot be changed now: tell the district's operator")
        }
    }
}

pub(super) async fn sessions(State(desk): State<Shared>, headers: HeaderMap) -> Result<Response, Refusal> {
    desk.admin(&headers, false)?;
    Ok(json_of(StatusCode::OK, &json!({ "sessions": desk.sessions.list(desk.now()) })))
}

pub(super) async fn revoke_session(
    State(desk): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    desk.admin(&headers, true)?;
    revoked_of(desk.sessions.revoke(&id))
}

fn revoked_of(revoked: bool) -> Result<Response, Refusal> {
    let none = || Refusal(StatusCode::NOT_FOUND, "there is none of this number".into());
    if revoked { Ok(json_of(StatusCode::OK, &json!({ "revoked": true }))) } else { Err(none()) }
}
