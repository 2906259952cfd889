//! A request, read as far as every resource needs it.

use aula_foreign::form::decoded;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;

use super::answer::Fault;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub method: Method,
    /// Below where the routes are mounted.
    pub path: String,
    /// The whole path, for links.
    pub whole_path: String,
    pub query: Vec<(String, String)>,
    headers: HeaderMap,
    pub body: Bytes,
    /// It came as a POST that names its method (1.0.3, Communication 1.3).
    pub is_alternate: bool,
}

/// Headers that the alternate syntax sends as form parameters.
const FORM_HEADERS: [&str; 8] = [
    "authorization",
    "x-experience-api-version",
    "content-type",
    "content-length",
    "if-match",
    "if-none-match",
    "accept",
    "accept-language",
];

impl Asked {
    pub fn new(parts: Parts, whole_path: &str, body: Bytes) -> Result<Self, Fault> {
        let query = form(parts.uri.query().unwrap_or_default())?;
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            whole_path: whole_path.to_owned(),
            query,
            headers: parts.headers,
            body,
            is_alternate: false,
        })
    }

    /// The header, when it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The request that a POST with the parameter `method` stands for; others as they are.
    pub fn plain(self) -> Result<Self, Fault> {
        if self.method != Method::POST || !self.query.iter().any(|(name, _)| name == "method") {
            return Ok(self);
        }
        let [(_, method)] = self.query.as_slice() else {
            return Err(Fault::bad("with the alternate request syntax the query holds nothing but method"));
        };
        let method = match method.as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "PUT" => Method::PUT,
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => return Err(Fault::bad("method is GET, HEAD, PUT, POST or DELETE")),
        };
        let is_form = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !is_form && !self.body.is_empty() {
            return Err(Fault::bad(
                "the alternate request syntax is sent as application/x-www-form-urlencoded",
            ));
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| Fault::bad("the form is not UTF-8"))?;
        let mut headers = self.headers;
        headers.remove("content-type");
        let (mut query, mut body) = (Vec::new(), None);
        for (name, value) in form(text)? {
            let lower = name.to_ascii_lowercase();
            if let Some(header) = FORM_HEADERS.iter().find(|header| **header == lower) {
                let value = HeaderValue::from_str(&value)
                    .map_err(|_| Fault::bad("a header in the form is not text"))?;
                headers.insert(HeaderName::from_static(header), value);
            } else if name == "content" {
                body = Some(Bytes::from(value));
            } else {
                query.push((name, value));
            }
        }
        if body.is_none() && (method == Method::PUT || method == Method::POST) {
            return Err(Fault::bad("the form has no parameter content"));
        }
        if !headers.contains_key("content-type") {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        Ok(Self { method, query, headers, body: body.unwrap_or_default(), is_alternate: true, ..self })
    }
}

/// `name=value&…` with percent and plus signs decoded.
fn form(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decoded(name.as_bytes())?, decoded(value.as_bytes())?))
    });
    pairs.collect::<Option<_>>().ok_or(Fault::bad("a parameter is not percent-encoded UTF-8"))
}

#[cfg(test)]
mod tests {
    use aula_foreign::form::encoded;

    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_encoded_in_a_link_is_read_back(text in "\\PC{0,30}") {
            let value = encoded(&text);
            proptest::prop_assert_eq!(form(&format!("a={value}")).ok(), Some(vec![("a".to_owned(), text)]));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text in "[%a-f0-9+=&é]{0,30}") {
            let _ = form(&text);
        }
    }
}
