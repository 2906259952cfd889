//! Cookies, forms and queries, as browsers send them.

use std::collections::BTreeMap;

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

/// A value within a query.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The fields of a form or query; none when a name stands twice or it is not UTF-8.
pub(super) fn fields(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (decoded(pair.get(..at)?)?, decoded(pair.get(at + 1..).unwrap_or_default())?);
        if all.insert(name, value).is_some() {
            return None;
        }
    }
    Some(all)
}

pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok())?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = rest.get(2..)?;
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).ok()
}
