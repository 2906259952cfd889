//! The first open of a link, and the page that it leads to.

use std::sync::Arc;

use aula_foreign::address::origin;
use aula_home::clock::now_ms;
use aula_vault::access::ReaderRole;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::channel::Hub;
use super::page::{self, Shown};
use super::refusal::Refusal;
use super::session::{Grant, Token};
use super::source::{self, Look};
use super::words::Lang;
use crate::family_link::{self, LinkRole};
use crate::http::{AppState, FromPath, FromQuery, wants_page};
use crate::lang::LangQuery;

/// Exchanges a link for a session, and leads to an address without it.
pub(super) async fn exchange(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    FromPath(link): FromPath<String>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Response {
    let lang = Lang::of(asked.lang.as_deref(), &headers);
    let now_ms = now_ms();
    let (id, link, reader) = match family_link::check_dashboard(&node.links, &link, now_ms) {
        Ok(found) => found,
        Err(refused) => return Refusal::from(refused).answer(lang, wants_page(&headers)),
    };
    let role = match reader.role {
        LinkRole::Student => ReaderRole::Student,
        LinkRole::Family => ReaderRole::Family,
        LinkRole::Teacher => ReaderRole::Teacher,
    };
    let grant = Grant {
        district: link.district,
        school_year: link.school_year,
        handle: link.handle,
        reader: reader.name,
        role,
        link: Some(id),
        framed_by: Vec::new(),
        expires_ms: link.expires_ms,
    };
    let token = hub.sessions.mint(grant, now_ms);
    let lasts_s = link.expires_ms.saturating_sub(now_ms) / 1_000;
    let cookie = token.cookie(lasts_s, node.limits.tls_certificate.is_some());
    let query = asked.lang.as_deref().and_then(Lang::tagged).map(|lang| format!("?lang={}", lang.tag()));
    let address = format!("/s/of/{}{}", token.name(), query.unwrap_or_default());
    let mut answer = StatusCode::SEE_OTHER.into_response();
    page::private(answer.headers_mut());
    for (name, value) in [(header::SET_COOKIE, cookie), (header::LOCATION, address)] {
        // Hex digits and our own words: both are a header's value.
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// The session that a request shows, under the name that its address has.
pub(super) fn session(hub: &Hub, headers: &HeaderMap, name: &str) -> Result<(Token, Grant), Refusal> {
    let token = Token::of_cookies(headers).ok_or(Refusal::NoSession)?;
    let grant = hub.sessions.find(&token, name, now_ms()).ok_or(Refusal::NoSession)?;
    Ok((token, grant))
}

pub(super) async fn show(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    FromPath(name): FromPath<String>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
) -> Response {
    let lang = Lang::of(asked.lang.as_deref(), &headers);
    let (token, grant) = match session(&hub, &headers, &name) {
        Ok(found) => found,
        Err(refusal) => return refusal.answer(lang, wants_page(&headers)),
    };
    match made(&node, &hub, (&token, &grant), lang).await {
        Ok(page) => page,
        Err(refusal) => refusal.answer(lang, wants_page(&headers)),
    }
}

/// The page of a session, whose grant says who may frame it.
pub(super) async fn made(
    node: &Arc<AppState>,
    hub: &Arc<Hub>,
    (token, grant): (&Token, &Grant),
    lang: Lang,
) -> Result<Response, Refusal> {
    let framed_by = (!grant.framed_by.is_empty()).then(|| grant.framed_by.join(" "));
    let opened = source::look(node, hub, grant, Look::Listed).await?;
    let (seq, parts) = opened.channel.all();
    let shown = Shown {
        grant,
        granted: &opened.granted,
        name: opened.name.as_deref(),
        epoch: opened.channel.epoch,
        seq,
        parts: &parts,
        token,
        bearer: framed_by.is_some(),
        lang,
    };
    Ok(page::whole(&shown, framed_by.as_deref()))
}

/// The dashboard as the answer to an LMS's launch that the caller has verified, for a frame of the grant's origins
/// (`https://lms.example`): the page holds its session itself, since a frame of another site gets no cookies. The caller serves
/// [`super::framed`] at the same origin.
pub async fn within(node: &Arc<AppState>, hub: &Arc<Hub>, grant: Grant, headers: &HeaderMap) -> Response {
    let lang = Lang::of(None, headers);
    if !may_frame(&grant.framed_by) {
        return Refusal::Foreign.answer(lang, true);
    }
    let token = hub.sessions.mint(grant, now_ms());
    let Some(grant) = hub.sessions.find(&token, &token.name(), now_ms()) else {
        return Refusal::NoSession.answer(lang, true);
    };
    match made(node, hub, (&token, &grant), lang).await {
        Ok(page) => page,
        Err(refusal) => refusal.answer(lang, true),
    }
}

/// Whether these are origins and nothing behind them, for they become part of a header.
fn may_frame(origins: &[String]) -> bool {
    !origins.is_empty() && origins.iter().all(|text| origin(text).is_some_and(|own| own == *text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_only_origins_may_frame_and_this_machine_is_known_by_its_address() {
        for (text, may) in [
            ("https://lms.example", true),
            ("https://lms.example:8443", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://127.0.0.1:80@evil.example", false),
            ("http://lms.example", false),
            ("https://lms.example/", false),
            ("https://lms.example; script-src *", false),
            ("https://*.example", false),
        ] {
            assert_eq!(may_frame(&[text.to_owned()]), may, "{text}");
            assert!(!may_frame(&[text.to_owned(), "x".to_owned()]));
        }
        assert!(!may_frame(&[]));
    }
}
