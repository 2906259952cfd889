//! Cookies, as browsers send them.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// The name under which a browser keeps what it alone knows.
pub(super) fn key_of(state: &str) -> String {
    format!("aula_lti_{}", state.get(..16).unwrap_or_default())
}

pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}
