//! Lines and fields of text files as bytes: tabs, runs of spaces, CRLF and any 8-bit encoding are taken; names stay
//! the bytes they were, so that an answer names things exactly as the question did.

use std::fmt;

/// Why a file is not what it should be: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Unreadable {
    /// A line, an element or a column.
    pub place: String,
    /// One sentence, without a full stop.
    pub what: String,
}

impl Unreadable {
    /// A fault at a place.
    pub fn at(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self { place: place.to_string(), what: what.to_string() }
    }

    /// A fault in a line, counted from 1.
    pub fn line(number: usize, what: impl fmt::Display) -> Self {
        Self::at(format_args!("line {number}"), what)
    }
}

/// A name as its file spells it. Compared byte by byte; shown with what is not UTF-8 replaced.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Name(pub Vec<u8>);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// The lines that hold something, with their numbers from 1, split at blanks.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<&[u8]>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').enumerate().filter_map(|(index, line)| {
        let fields: Vec<&[u8]> =
            line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).collect();
        (!fields.is_empty()).then_some((index + 1, fields))
    })
}

/// A whole number of at most `most`, written in digits alone.
///
/// # Errors
/// When the field is no such number.
pub fn number(line: usize, field: &[u8], what: &str, most: u32) -> Result<u32, Unreadable> {
    let text = String::from_utf8_lossy(field);
    let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let value = if digits { text.parse::<u64>().unwrap_or(u64::MAX) } else { u64::MAX };
    match u32::try_from(value) {
        Ok(value) if value <= most => Ok(value),
        _ if digits => Err(Unreadable::line(line, format_args!("{what} is {text}, more than {most}"))),
        _ => Err(Unreadable::line(line, format_args!("{what} is {text:?}, not a whole number"))),
    }
}
