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
        Self { place: shown(&place.to_string()), what: shown(&what.to_string()) }
    }

    /// A fault in a line, counted from 1.
    pub fn line(number: usize, what: impl fmt::Display) -> Self {
        Self::at(format_args!("line {number}"), what)
    }
}

/// Most characters of a word or of something in quotes that a fault repeats of a file.
const MOST_REPEATED: usize = 60;

/// A sentence whose long words and quotations are cut: what a file holds may be a line without an end.
fn shown(text: &str) -> String {
    if text.len() <= MOST_REPEATED {
        return text.to_owned();
    }
    let (mut out, mut length) = (String::with_capacity(text.len().min(1_000)), 0);
    let (mut quoted, mut escaped) = (false, false);
    for char in text.chars() {
        let edge = char == '"' && !escaped;
        escaped = quoted && char == '\\' && !escaped;
        if edge || (!quoted && char.is_whitespace()) {
            quoted ^= edge;
            length = 0;
            out.push(char);
            continue;
        }
        length += 1;
        match length {
            1..=MOST_REPEATED => out.push(char),
            _ if length == MOST_REPEATED + 1 => out.push('…'),
            _ => {}
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_of_a_file_is_cut() {
        let long = "a b\"".repeat(1_000);
        let told = Unreadable::line(3, format_args!("{long:?} is not a number, but {}", "9".repeat(500)));
        let (quoted, rest) = told.what.split_once(" is not a number, but ").unwrap();
        assert_eq!((quoted.chars().count(), quoted.ends_with("…\"")), (63, true), "{told}");
        assert_eq!(rest, format!("{}…", "9".repeat(60)));
        let plain = "a sentence of many words and of more than sixty characters stays as it is, \"with a word\" in quotes";
        assert_eq!(Unreadable::at(&long, plain).what, plain);
    }
}
