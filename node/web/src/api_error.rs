//! An error on its way to the edge, where it becomes the contract's one body ([`ErrorBody`]) with a status.

pub use aula_api::{ErrorBody, ErrorDetail};
use aula_read::ReadError;
use aula_store::StorageError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error on its way to the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
}

impl ApiError {
    /// An error of any status.
    pub fn new(status: StatusCode, code: &str, message: impl ToString, hint: impl ToString) -> Self {
        let detail = ErrorDetail {
            code: code.into(),
            message: message.to_string(),
            hint: hint.to_string(),
            ledger_code: None,
        };
        Self { status, detail }
    }

    /// 404: there is no such thing; the hint says where those that exist are listed.
    pub fn not_found(what: impl ToString, hint: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what, hint)
    }

    /// 400: the request is not of its form; the hint says what to send.
    pub fn bad_request(what: impl ToString, hint: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", what, hint)
    }

    /// 422: a transaction is refused, with its number.
    pub fn refused(ledger_code: u16, message: impl ToString, hint: impl ToString) -> Self {
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message, hint);
        error.detail.ledger_code = Some(ledger_code);
        error
    }

    /// What the body says.
    pub const fn detail(&self) -> &ErrorDetail {
        &self.detail
    }

    /// Of the answer that carries it.
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "storage",
            "this node cannot read its database",
            error.hint(),
        )
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(error) => error.into(),
            ReadError::State(error) => error.into(),
        }
    }
}

impl From<aula_ledger::state::StoreError> for ApiError {
    fn from(error: aula_ledger::state::StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "storage",
            "this node cannot read its database",
            "ask another node, and tell this one's operator",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let detail = self.detail.clone();
        let mut response = (self.status, Json(ErrorBody { error: self.detail })).into_response();
        // For whoever shows it in another form.
        response.extensions_mut().insert(detail);
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
