//! Why there is no dashboard to show, as a page that says what to do.

use aula_ledger::access::Denial;
use aula_vault::VaultError;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::page;
use super::words::{Lang, Word};
use crate::api_error::ApiError;
use crate::family_link::LinkRefused;

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The address is no link of this node's.
    NoLink,
    /// The link's time is over.
    Expired,
    /// The district took it back.
    Revoked,
    /// The session has ended, or is another browser's.
    NoSession,
    /// The access check says no.
    Denied(Denial),
    /// This node has no vault of the district.
    Elsewhere,
    /// The vault is in use by a command.
    Closed,
    /// As many dashboards as may are open.
    Full,
    /// Something is broken, and the log says what.
    Unusable,
    /// What was written in the form is not taken.
    Text,
    /// Too many corrections wait.
    TooMany,
    /// The page asks from another site.
    Foreign,
}

impl From<LinkRefused> for Refusal {
    fn from(refused: LinkRefused) -> Self {
        match refused {
            LinkRefused::Unknown => Self::NoLink,
            LinkRefused::Expired => Self::Expired,
            LinkRefused::Revoked => Self::Revoked,
            LinkRefused::Folder { .. } => {
                tracing::error!(error = %refused, "a dashboard's link cannot be checked");
                Self::Unusable
            }
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match (error.detail().code.as_str(), error.status()) {
            ("vault_busy", _) => Self::Closed,
            (_, StatusCode::NOT_FOUND) => Self::Elsewhere,
            _ => Self::Unusable,
        }
    }
}

impl Refusal {
    /// Of a vault that fails.
    pub fn vault(error: VaultError) -> Self {
        match error {
            VaultError::Busy | VaultError::NotActing(_) => Self::Closed,
            VaultError::Erased(_) => Self::Denied(Denial::Erased),
            error => {
                tracing::error!(%error, "a dashboard cannot be read");
                Self::Unusable
            }
        }
    }

    /// Whether to try again soon: nothing is wrong with the reader.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Closed | Self::Full | Self::Unusable)
    }

    const fn told(self) -> (StatusCode, &'static str, Word) {
        match self {
            Self::NoLink => (StatusCode::UNAUTHORIZED, "bad_link", Word::NoLink),
            Self::Expired => (StatusCode::UNAUTHORIZED, "link_expired", Word::LinkExpired),
            Self::Revoked => (StatusCode::UNAUTHORIZED, "link_revoked", Word::LinkRevoked),
            Self::NoSession => (StatusCode::UNAUTHORIZED, "no_session", Word::NoSession),
            Self::Denied(Denial::Erased) => (StatusCode::FORBIDDEN, "erased", Word::Erased),
            Self::Denied(Denial::ConsentWithdrawn) => {
                (StatusCode::FORBIDDEN, "consent_withdrawn", Word::ConsentWithdrawn)
            }
            Self::Denied(Denial::NoRelation) => (StatusCode::FORBIDDEN, "no_relation", Word::NoRelation),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "insufficient_data", Word::NoConsent),
            Self::Elsewhere => (StatusCode::UNAUTHORIZED, "no_vault", Word::Elsewhere),
            Self::Closed => (StatusCode::SERVICE_UNAVAILABLE, "vault_busy", Word::Closed),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, "too_many_dashboards", Word::Full),
            Self::Unusable => (StatusCode::SERVICE_UNAVAILABLE, "vault_unusable", Word::Unusable),
            Self::Text => (StatusCode::BAD_REQUEST, "bad_text", Word::BadText),
            Self::TooMany => (StatusCode::CONFLICT, "too_many_corrections", Word::TooMany),
            Self::Foreign => (StatusCode::FORBIDDEN, "foreign_origin", Word::Foreign),
        }
    }

    /// Its name for programs.
    pub const fn code(self) -> &'static str {
        self.told().1
    }

    /// In a sentence or two, with what to do.
    pub fn sentence(self, lang: Lang) -> &'static str {
        self.told().2.said(lang)
    }

    /// As the answer to who asks for a page, or to a program.
    pub fn answer(self, lang: Lang, wants_page: bool) -> Response {
        let (status, code, word) = self.told();
        let mut answer = match wants_page {
            false => {
                let hint = "ask the district for a new link";
                let error = ApiError::new(status, code, word.said(Lang::En), hint);
                axum::response::IntoResponse::into_response(error)
            }
            true => page::answer(
                lang,
                Word::Title.said(lang),
                (
                    page::SCRIPT,
                    html! { main #content { h1 { (Word::NotShown.said(lang)) } p .lead { (word.said(lang)) } } },
                ),
                None,
            ),
        };
        *answer.status_mut() = status;
        page::private(answer.headers_mut());
        answer
    }
}
