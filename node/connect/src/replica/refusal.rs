//! What a district answers a replica instead: status, code, what to do.

use aula_lrs::desk::DeskError;
use aula_lrs::store::StoreError;
use aula_vault::VaultError;
use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::wire::{RefusalBody, RefusalDetail};
use crate::door::Lent;
use crate::pipeline::RETRY_S;

/// Status, code, what to do.
#[derive(Debug)]
pub(super) struct Refusal(pub StatusCode, pub &'static str, pub String);

impl Refusal {
    pub fn malformed(why: impl std::fmt::Display) -> Self {
        Self(StatusCode::BAD_REQUEST, "malformed", why.to_string())
    }

    pub fn session_over() -> Self {
        Self(StatusCode::CONFLICT, "session_over", "this levelling is over: begin another".into())
    }

    fn vault_refused(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a replica cannot be levelled with: the vault refuses");
        let why = "the district's vault refuses, and not for a moment: its operator must look (`aula doctor`, the node's log)";
        Self(StatusCode::INTERNAL_SERVER_ERROR, "vault_refused", why.into())
    }

    pub fn busy(what: impl std::fmt::Display) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, "busy", format!("{what}: come again after {RETRY_S} s"))
    }
}

impl From<Lent> for Refusal {
    fn from(why: Lent) -> Self {
        match why {
            Lent::Closed(_) | Lent::Vault(VaultError::Busy) => {
                Self::busy("the district's vault is with a command for a moment")
            }
            // Somebody was erased since it began.
            Lent::Vault(VaultError::Erased(_) | VaultError::UnknownHandle(_)) => Self::session_over(),
            Lent::Vault(error) => Self::vault_refused(&error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Busy(_) => Self::busy("the district's vault is with a command for a moment"),
            StoreError::Broken(_) => Self::vault_refused(&why),
        }
    }
}

impl From<DeskError> for Refusal {
    fn from(why: DeskError) -> Self {
        match why {
            DeskError::Store(why) => why.into(),
            // Of single records the desk says what became of them.
            why => Self::malformed(why),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let body = RefusalBody { error: RefusalDetail { code: code.to_owned(), message } };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_S.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Closed;

    #[test]
    fn a_vault_that_is_damaged_is_told_otherwise_than_one_that_is_busy() {
        let told = |why: Lent| {
            let Refusal(status, code, _) = why.into();
            (status.as_u16(), code)
        };
        for (why, expected) in [
            (Closed("a command has it".into()).into(), (503, "busy")),
            (VaultError::Busy.into(), (503, "busy")),
            (VaultError::Damaged("an event is cut".into()).into(), (500, "vault_refused")),
            (VaultError::Unwritable("no space".into()).into(), (500, "vault_refused")),
            (VaultError::Unbound.into(), (500, "vault_refused")),
            (VaultError::Erased(aula_ledger::types::Handle([1; 32])).into(), (409, "session_over")),
        ] {
            assert_eq!(told(why), expected);
        }
        let shown = Refusal::from(Lent::from(VaultError::Damaged("row 7".into())));
        assert!(!shown.2.contains("row 7"), "what the vault says is the operator's");
        let waits = |refusal: Refusal| refusal.into_response().headers().contains_key(RETRY_AFTER);
        assert!(waits(Refusal::busy("it")) && !waits(shown));
    }
}
