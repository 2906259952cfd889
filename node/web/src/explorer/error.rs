//! Errors as pages: the API's own words, with its status.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::shell;
use crate::api_error::{ApiError, ErrorDetail};

/// What the API says to programs of an address that is none of its.
const SEE_ROUTES: &str = "see /openapi.json";

/// What a page answers when it cannot be shown.
#[derive(Debug)]
pub(super) struct PageError(ApiError);

impl<E: Into<ApiError>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// A page, or why there is none.
pub(super) type Shown = Result<Response, PageError>;

impl PageError {
    /// 404, with the page that lists what there is.
    pub(super) fn missing(what: String, list: &str) -> Self {
        Self(ApiError::not_found(format!("There is no {what} here."), format!("All are listed on {list}.")))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        page(self.0.status(), self.0.detail())
    }
}

/// An error of any route or of the gate as a page.
pub fn page(status: StatusCode, detail: &ErrorDetail) -> Response {
    let is_address = detail.hint == SEE_ROUTES;
    let content = html! {
        h1 { (status.as_u16()) " " (status.canonical_reason().unwrap_or("error")) }
        @if is_address && status == StatusCode::NOT_FOUND {
            p { "There is no page at this address." }
            p { "It may have been cut or mistyped: the pages stand above, and the search finds districts, schools, rounds, blocks and transactions." }
        } @else if is_address {
            p { "This address cannot be read: a part of it is not what stands there." }
            p { (detail.message) }
        } @else {
            p { (detail.message) }
            p { (detail.hint) }
        }
        p { a href="/" { "To the overview" } }
    };
    let mut response = shell::bare("Not shown", content);
    *response.status_mut() = status;
    response
}
