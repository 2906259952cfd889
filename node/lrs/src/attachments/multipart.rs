//! `multipart/mixed` (RFC 2046, 5.1) as xAPI uses it: the statements first, then attachments with their hash.

use super::Attachment;
use crate::limits::MAX_PARTS;
use crate::validate::text::{is_media_type, is_sha2};

/// Why a multipart body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The header names no boundary.
    #[error("the Content-Type has no boundary, or not one of 1 to 70 characters (RFC 2046)")]
    Boundary,
    /// The boundary does not end the body.
    #[error("the body does not begin, part and end with the boundary (RFC 2046)")]
    Unbounded,
    /// More parts than a request may have: none of them is read.
    #[error("more than {MAX_PARTS} parts")]
    TooMany,
    /// A part's headers.
    #[error("part {0}: {1}")]
    Part(usize, &'static str),
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
    /// What stands between the headers and the next boundary, unchanged.
    pub bytes: &'a [u8],
}

impl Part<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The boundary that a Content-Type names.
///
/// # Errors
/// [`MultipartError::Boundary`].
pub fn boundary_of(content_type: &str) -> Result<String, MultipartError> {
    let named = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    let fits = |text: &String| {
        (1..=70).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    named.filter(fits).ok_or(MultipartError::Boundary)
}

/// Reads a body: the bytes of the statements, and the attachments.
///
/// # Errors
/// [`MultipartError`].
pub fn read<'a>(body: &'a [u8], boundary: &str) -> Result<(&'a [u8], Vec<Attachment>), MultipartError> {
    let parts = split(body, boundary)?;
    let (first, others) = parts.split_first().ok_or(MultipartError::Unbounded)?;
    let is_json = first.header("content-type").is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(MultipartError::Part(1, "the first part is application/json"));
    }
    let attachments =
        others.iter().enumerate().map(|(place, part)| attachment(place.saturating_add(2), part));
    Ok((first.bytes, attachments.collect::<Result<_, _>>()?))
}

fn attachment(number: usize, part: &Part<'_>) -> Result<Attachment, MultipartError> {
    let binary =
        part.header("content-transfer-encoding").is_some_and(|kind| kind.eq_ignore_ascii_case("binary"));
    if !binary {
        return Err(MultipartError::Part(number, "needs Content-Transfer-Encoding: binary"));
    }
    let sha2 = part.header("x-experience-api-hash").map(str::to_ascii_lowercase).filter(|text| is_sha2(text));
    let sha2 = sha2.ok_or(MultipartError::Part(number, "needs X-Experience-API-Hash with a SHA-2"))?;
    let content_type = part.header("content-type").unwrap_or("application/octet-stream").to_owned();
    if !is_media_type(&content_type) {
        return Err(MultipartError::Part(number, "its Content-Type is not a media type"));
    }
    Ok(Attachment { sha2, content_type, bytes: part.bytes.to_vec() })
}

fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, MultipartError> {
    let dashes = format!("--{boundary}");
    let inner = format!("\r\n{dashes}");
    let mut rest = match body.strip_prefix(dashes.as_bytes()) {
        Some(rest) => rest,
        // What stands before the first boundary does not count.
        None => body
            .get(find(body, inner.as_bytes()).ok_or(MultipartError::Unbounded)?..)
            .unwrap_or_default()
            .strip_prefix(inner.as_bytes())
            .ok_or(MultipartError::Unbounded)?,
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if parts.len() == MAX_PARTS {
            return Err(MultipartError::TooMany);
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let content = rest.get(padding..).and_then(|rest| rest.strip_prefix(b"\r\n"));
        let content = content.ok_or(MultipartError::Unbounded)?;
        let end = find(content, inner.as_bytes()).ok_or(MultipartError::Unbounded)?;
        let (own, after) = content.split_at(end);
        parts.push(part(own, parts.len().saturating_add(1))?);
        rest = after.strip_prefix(inner.as_bytes()).ok_or(MultipartError::Unbounded)?;
    }
}

fn part(bytes: &[u8], number: usize) -> Result<Part<'_>, MultipartError> {
    let (head, bytes) = match bytes.strip_prefix(b"\r\n") {
        Some(bytes) => (&[][..], bytes),
        None => {
            let end =
                find(bytes, b"\r\n\r\n").ok_or(MultipartError::Part(number, "its headers do not end"))?;
            let (head, rest) = bytes.split_at(end);
            (head, rest.get(4..).unwrap_or_default())
        }
    };
    let head =
        std::str::from_utf8(head).map_err(|_| MultipartError::Part(number, "its headers are not text"))?;
    let mut headers = Vec::new();
    for line in head.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) =
            line.split_once(':').ok_or(MultipartError::Part(number, "a header has no colon"))?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Part { headers, bytes })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    // Boundaries begin with \r, which is rare: the rest is compared only there.
    let first = *what.first()?;
    let mut from = 0;
    loop {
        let at = bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        let start = from.checked_add(at)?;
        if bytes.get(start..)?.starts_with(what) {
            return Some(start);
        }
        from = start.checked_add(1)?;
    }
}

/// Writes a body of statements and attachments under a boundary that stands in none of them, and gives its Content-Type.
pub fn write(statements: &str, attachments: &[Attachment]) -> (String, Vec<u8>) {
    let boundary = hex::encode(rand::random::<[u8; 24]>());
    let mut body = format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n{statements}").into_bytes();
    for one in attachments {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {}\r\n\r\n",
            one.content_type, one.sha2
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&one.bytes);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/mixed; boundary={boundary}"), body)
}
