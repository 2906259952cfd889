//! Answers as gzip, for callers that take it. Only public ones: what is told to one caller alone is sent as it is, since
//! the length of compressed text can tell of what stands in it.

use std::io::Write;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Longest answer that is compressed, or kept.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;
/// Shorter answers fit one packet anyway.
const LEAST_BYTES: usize = 1_000;

/// True when the caller takes gzip.
pub fn is_wanted(asked: &HeaderMap) -> bool {
    let mut encodings = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    encodings.any(|list| {
        list.split(',').any(|one| {
            let (name, weight) = one.split_once(';').unwrap_or((one, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
            matches!(name.trim(), "gzip" | "*") && !refused
        })
    })
}

/// True for what shrinks: text, JSON, SVG.
pub fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/") || kind.starts_with("application/json") || kind.starts_with("image/svg")
}

/// The bytes as gzip, if that makes them shorter.
pub fn shorter(body: &[u8]) -> Option<Bytes> {
    if body.len() < LEAST_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let encoded = encoder.write_all(body).and_then(|()| encoder.finish()).ok()?;
    (encoded.len() < body.len()).then(|| encoded.into())
}

/// An answer that is not kept, compressed when its length is known and it is text; a stream goes on as it is.
pub async fn compressed(response: Response) -> Response {
    let length = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let fits = length.is_some_and(|bytes| (LEAST_BYTES..=MAX_ANSWER_BYTES).contains(&bytes));
    if !fits || !is_text(response.headers()) || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_ANSWER_BYTES).await else {
        return Response::from_parts(parts, Body::empty());
    };
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(short) = shorter(&body) else { return Response::from_parts(parts, Body::from(body)) };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(short))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_caller_says_whether_it_takes_gzip() -> Result<(), header::InvalidHeaderValue> {
        for (list, wanted) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, *;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(list)?)]);
            assert_eq!(is_wanted(&asked), wanted, "{list}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
        Ok(())
    }

    #[test]
    fn text_comes_back_and_noise_is_left() -> std::io::Result<()> {
        let text = b"district 7, ".repeat(1_000);
        let short = shorter(&text).unwrap_or_default();
        assert!(short.len() < text.len() / 10);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(short.as_ref()).read_to_end(&mut back)?;
        assert_eq!(back, text);
        assert!(shorter(b"short").is_none());
        Ok(())
    }
}
