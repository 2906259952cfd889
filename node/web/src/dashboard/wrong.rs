//! "This is wrong": what the form sends, into the vault, for the district to answer.

use std::sync::Arc;

use aula_home::clock::now_ms;
use aula_vault::corrections::{Asking, CorrectionError};
use axum::extract::{Extension, Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::channel::Hub;
use super::live::is_own_origin;
use super::open::{self, session};
use super::page;
use super::refusal::Refusal;
use super::render::ABOUT;
use super::session::{Grant, Token};
use super::source::{self, Look};
use super::words::Lang;
use crate::http::lent_vault::with_vault;
use crate::http::{AppState, FromPath, FromQuery, wants_page};
use crate::lang::LangQuery;

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    about: String,
    says: String,
    /// The session, from a page in a frame.
    #[serde(default)]
    token: Option<String>,
}

/// Takes a correction and leads back to the page.
pub(super) async fn ask(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    FromPath(name): FromPath<String>,
    FromQuery(asked): FromQuery<LangQuery>,
    headers: HeaderMap,
    said: Result<Form<Said>, axum::extract::rejection::FormRejection>,
) -> Response {
    let lang = Lang::of(asked.lang.as_deref(), &headers);
    let kept = async {
        let said = said.map_err(|_| Refusal::Text)?.0;
        let (token, grant) = if let Some(text) = &said.token {
            let token = Token::parse(text).ok_or(Refusal::NoSession)?;
            let grant = hub.sessions.find(&token, &name, now_ms()).ok_or(Refusal::NoSession)?;
            (token, grant)
        } else {
            session(&hub, &headers, &name)?
        };
        // A cookie goes along with what another site's page sends: only this origin's own form counts.
        if !is_own_form(&headers) {
            return Err(Refusal::Foreign);
        }
        keep(&node, &hub, &grant, said).await?;
        Ok((token, grant))
    };
    match kept.await {
        Err(refusal) => refusal.answer(lang, wants_page(&headers)),
        // A frame has no cookie to come back with.
        Ok((token, grant)) if !grant.framed_by.is_empty() => {
            let page = open::made(&node, &hub, (&token, &grant), lang).await;
            page.unwrap_or_else(|refusal| refusal.answer(lang, true))
        }
        Ok((token, _)) => {
            let mut answer = StatusCode::SEE_OTHER.into_response();
            page::private(answer.headers_mut());
            let address = format!("/s/of/{}?lang={}#corrections", token.name(), lang.tag());
            if let Ok(address) = address.parse() {
                answer.headers_mut().insert(header::LOCATION, address);
            }
            answer
        }
    }
}

/// Whether a form was sent by a page of this origin. The page tells no referrer, so that browsers say `Origin: null` of its form;
/// `Sec-Fetch-Site`, which no page can set, says the rest (Fetch Metadata, W3C).
fn is_own_form(headers: &HeaderMap) -> bool {
    is_own_origin(headers) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

async fn keep(node: &Arc<AppState>, hub: &Arc<Hub>, grant: &Grant, said: Said) -> Result<(), Refusal> {
    let opened = source::look(node, hub, grant, Look::Again).await?;
    if !opened.granted.inspects() {
        return Err(Refusal::NoSession);
    }
    if ABOUT.iter().all(|(name, _)| *name != said.about) {
        return Err(Refusal::Text);
    }
    let own = grant.clone();
    let kept = with_vault(node.clone(), move |_, vault| {
        let asking =
            Asking { reader: &own.reader, role: own.role.name(), about: &said.about, says: said.says.trim() };
        Ok(vault.ask_correction(&own.handle, asking, now_ms()).map(|_| ()).map_err(|error| match error {
            CorrectionError::TooMany => Refusal::TooMany,
            CorrectionError::Vault(error) => Refusal::vault(error),
            _ => Refusal::Text,
        }))
    });
    kept.await.map_err(Refusal::from)??;
    tracing::info!("a correction was asked for; `aula district corrections` lists it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_without_a_referrer_is_this_origins_own_if_the_browser_says_so() {
        let sent = |pairs: &[(&'static str, &'static str)]| {
            let named = |(name, value): &(&'static str, &'static str)| {
                (header::HeaderName::from_static(name), header::HeaderValue::from_static(value))
            };
            is_own_form(&pairs.iter().map(named).collect())
        };
        assert!(sent(&[("host", "aula.example"), ("origin", "https://aula.example")]));
        assert!(sent(&[("host", "aula.example"), ("origin", "null"), ("sec-fetch-site", "same-origin")]));
        for site in ["same-site", "cross-site", "none"] {
            assert!(
                !sent(&[("host", "aula.example"), ("origin", "null"), ("sec-fetch-site", site)]),
                "{site}"
            );
        }
        assert!(!sent(&[("host", "aula.example"), ("origin", "null")]));
        assert!(!sent(&[("host", "aula.example"), ("origin", "https://other.example")]));
        assert!(!sent(&[]));
    }
}
