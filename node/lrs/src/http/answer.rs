//! Answers, and faults turned into them at one place.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use crate::attachments::MultipartError;
use crate::desk::DeskError;
use crate::json::{Json, ReadError};
use crate::statements::QueryError;
use crate::store::StoreError;
use crate::validate::Refused;
use crate::version::Version;

#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    pub version: Option<Version>,
    /// Only the head is sent.
    pub is_head: bool,
}

impl Answer {
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), version: None, is_head: false }
    }

    pub fn json(json: &Json) -> Self {
        Self::bytes("application/json".into(), json.to_string().into_bytes())
    }

    pub fn bytes(content_type: String, body: Vec<u8>) -> Self {
        let mut answer = Self { body, ..Self::empty(StatusCode::OK) };
        answer.set("content-type", content_type);
        answer
    }

    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.push((name, value.into()));
    }

    pub fn into_response(self) -> Response {
        let length = self.body.len();
        let mut response = Response::new(if self.is_head { Body::empty() } else { Body::from(self.body) });
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            // A header that cannot be written is one that a stored media type would have to smuggle in.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        if self.is_head {
            response.headers_mut().insert("content-length", HeaderValue::from(length));
        }
        response
    }
}

/// Why a request is not served.
#[derive(Debug)]
pub(super) enum Fault {
    /// 400.
    Bad(String),
    /// 401.
    Stranger,
    /// 403.
    Forbidden,
    /// 404.
    NotFound(String),
    /// 405, and what is allowed.
    Method(&'static str),
    /// 409.
    Conflict(String),
    /// 412.
    Precondition(String),
    /// 413, and the limit in bytes.
    TooLarge(usize),
    /// 503.
    Busy(String),
    /// 500.
    Broken(String),
}

impl Fault {
    pub fn bad(why: &str) -> Self {
        Self::Bad(why.to_owned())
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        let (status, text) = match &fault {
            Fault::Bad(text) => (StatusCode::BAD_REQUEST, text.clone()),
            Fault::Stranger => {
                (StatusCode::UNAUTHORIZED, "no client of this store has this name and secret".to_owned())
            }
            Fault::Forbidden => (StatusCode::FORBIDDEN, "the client's scopes do not include this".to_owned()),
            Fault::NotFound(text) => (StatusCode::NOT_FOUND, text.clone()),
            Fault::Method(allowed) => {
                (StatusCode::METHOD_NOT_ALLOWED, format!("this resource takes {allowed}"))
            }
            Fault::Conflict(text) => (StatusCode::CONFLICT, text.clone()),
            Fault::Precondition(text) => (StatusCode::PRECONDITION_FAILED, text.clone()),
            Fault::TooLarge(limit) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("more than {limit} bytes: send less at once"))
            }
            Fault::Busy(text) => (StatusCode::SERVICE_UNAVAILABLE, text.clone()),
            Fault::Broken(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the store failed; its log says how".to_owned())
            }
        };
        let mut answer = Answer { status, ..Answer::json(&Json::object([("error", Json::Text(text))])) };
        match fault {
            Fault::Stranger => answer.set("www-authenticate", "Basic realm=\"xAPI\", charset=\"UTF-8\""),
            Fault::Method(allowed) => answer.set("allow", allowed),
            Fault::Busy(_) => answer.set("retry-after", "1"),
            Fault::Broken(why) => tracing::error!(why, "the record store failed"),
            _ => {}
        }
        answer
    }
}

impl From<DeskError> for Fault {
    fn from(error: DeskError) -> Self {
        let text = error.to_string();
        match error {
            DeskError::Conflict(_) => Self::Conflict(text),
            DeskError::Twice(_) | DeskError::VoidsVoiding(_) | DeskError::Unmergeable(_) => Self::Bad(text),
            DeskError::Unmet(crate::documents::Unmet::Failed) => Self::Precondition(text),
            DeskError::Unmet(crate::documents::Unmet::Unconditional) => Self::Conflict(text),
            DeskError::Unmet(crate::documents::Unmet::Silent) => Self::Bad(text),
            DeskError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) => Self::Busy(error.to_string()),
            StoreError::Broken(_) => Self::Broken(error.to_string()),
        }
    }
}

macro_rules! bad {
    ($($error:ty),*) => { $(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Bad(error.to_string())
            }
        }
    )* };
}

bad!(QueryError, ReadError, Refused, MultipartError);
