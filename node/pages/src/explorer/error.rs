//! Errors as pages: the API's own words, with its status.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use super::shell;
use aula_web::api_error::{ApiError, ErrorDetail};
use aula_web::pages::Page;

/// What the API says to programs of an address that is not one of its.
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
    pub(super) fn missing(what: String, list: &Page) -> Self {
        let next = format!("All are listed on {}.", list.address);
        Self(ApiError::not_found(format!("There is no {what} here."), next))
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        page(self.0.status(), self.0.detail())
    }
}

/// What programs are told, as people read it: with a capital and a full stop.
fn sentence(told: &str) -> String {
    let mut letters = told.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if told.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
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
            p { (sentence(&detail.message)) }
        } @else {
            p { (sentence(&detail.message)) }
            p { (sentence(&detail.hint)) }
        }
        p { a href="/" { "To the overview" } }
    };
    let mut response = shell::bare("Not shown", content);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_programs_are_told_is_a_sentence_for_people() {
        assert_eq!(sentence("there is no such link"), "There is no such link.");
        assert_eq!(sentence("All are listed on /schools."), "All are listed on /schools.");
    }
}
