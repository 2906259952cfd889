//! Refusals as the standard writes them: `imsx_StatusInfo` with its codes.

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Seconds after which a busy provider is worth asking again.
const RETRY_S: u64 = 5;

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The filter is not valid, or names what the type does not have.
    Filter(String),
    /// `fields` names what the type does not have.
    Selection(String),
    /// Another parameter is not valid.
    Data(String),
    /// No token, or not one that holds.
    Unauthorised,
    /// The token does not reach so far.
    Forbidden(String),
    /// No such object, or no such place.
    Unknown(String),
    /// Something else than GET.
    Method,
    /// Too much at once, or the vault is with somebody else.
    Busy,
    /// A fault of this side; why stands in the log.
    Fault,
}

impl Refusal {
    /// Status and `imsx_codeMinorFieldValue`.
    pub const fn codes(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Filter(_) => (StatusCode::BAD_REQUEST, "invalid_filter_field"),
            Self::Selection(_) => (StatusCode::BAD_REQUEST, "invalid_selection_field"),
            Self::Data(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invaliddata"),
            Self::Unauthorised => (StatusCode::UNAUTHORIZED, "unauthorisedrequest"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Unknown(_) => (StatusCode::NOT_FOUND, "unknownobject"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "forbidden"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "server_busy"),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error"),
        }
    }

    fn description(&self) -> &str {
        match self {
            Self::Filter(why)
            | Self::Selection(why)
            | Self::Data(why)
            | Self::Forbidden(why)
            | Self::Unknown(why) => why,
            Self::Unauthorised => {
                "send Authorization: Bearer with a token of this provider's token endpoint that has not ended"
            }
            Self::Method => "this provider is read by GET",
            Self::Busy => "busy: ask again as Retry-After says",
            Self::Fault => "the provider failed; its operator's log says why",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, minor) = self.codes();
        let major = if self == Self::Method { "unsupported" } else { "failure" };
        let body = json!({
            "imsx_codeMajor": major, "imsx_severity": "error", "imsx_description": self.description(),
            "imsx_CodeMinor": { "imsx_codeMinorField": [
                { "imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor },
            ] },
        });
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        let mut response = (status, headers, body.to_string()).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorised => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"oneroster\""));
            }
            Self::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_S));
            }
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            _ => {}
        }
        response
    }
}
