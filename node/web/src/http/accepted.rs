//! What a caller takes for an answer.

use axum::http::{HeaderMap, header};

/// Whether a page is wanted, not what programs read.
pub fn wants_page(asked: &HeaderMap) -> bool {
    let accepted = asked.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_is_for_who_takes_html() {
        let asked = |accepted| HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accepted))]);
        assert!(wants_page(&asked("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")));
        assert!(!wants_page(&asked("application/json")) && !wants_page(&asked("*/*")));
        assert!(!wants_page(&HeaderMap::new()));
    }
}
