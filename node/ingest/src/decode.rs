//! Bytes to text: a byte order mark, UTF-16 with or without one, UTF-8, else Windows-1252.
//!
//! Windows-1252 is what Western European exports that are not UTF-8 are in; it contains Latin-1's letters. A file that is
//! UTF-8 but for a few bytes stays UTF-8: those become U+FFFD, and their rows are refused rather than guessed at.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The character that stands for bytes that are not text.
pub const UNREADABLE: char = '\u{fffd}';

/// Text, and which encoding it was in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The encoding's name.
    pub encoding: &'static str,
}

/// No encoding of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an encoding that is known (for example utf-8, windows-1252, iso-8859-15, utf-16le)")]
pub struct UnknownEncoding(pub String);

/// Decodes; `declared` is the mapping's word, a byte order mark is stronger.
///
/// # Errors
/// [`UnknownEncoding`].
pub fn decode(bytes: Vec<u8>, declared: Option<&str>) -> Result<Decoded, UnknownEncoding> {
    let declared = match declared {
        Some(label) => {
            Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| UnknownEncoding(label.to_owned()))?)
        }
        None => None,
    };
    let (encoding, skip) = match Encoding::for_bom(&bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (declared.unwrap_or_else(|| guess(&bytes)), 0),
    };
    if encoding == UTF_8 && skip == 0 {
        // No copy of a large file that is what it should be.
        return Ok(match String::from_utf8(bytes) {
            Ok(text) => Decoded { text, encoding: encoding.name() },
            Err(error) => Decoded {
                text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
                encoding: encoding.name(),
            },
        });
    }
    let (text, _) = encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or_default());
    Ok(Decoded { text: text.into_owned(), encoding: encoding.name() })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..bytes.len().min(4_096)).unwrap_or_default();
    // Text in UTF-16 has a zero in nearly every pair: first in big endian, second in little endian.
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    if half > 1 && zeros(1) > half * 3 / 4 && zeros(0) == 0 {
        return UTF_16LE;
    }
    if half > 1 && zeros(0) > half * 3 / 4 && zeros(1) == 0 {
        return UTF_16BE;
    }
    let (mut wide, mut wrong) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    if wrong > wide { WINDOWS_1252 } else { UTF_8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> (String, &'static str) {
        let decoded = decode(bytes.to_vec(), None).expect("no label");
        (decoded.text, decoded.encoding)
    }

    #[test]
    fn each_habit_of_encoding_is_read() {
        assert_eq!(of("Zoë".as_bytes()), ("Zoë".into(), "UTF-8"));
        assert_eq!(of(b"\xef\xbb\xbfZo\xc3\xab"), ("Zoë".into(), "UTF-8"));
        assert_eq!(of(b"Zo\xeb,\x80"), ("Zoë,€".into(), "windows-1252"));
        let little: Vec<u8> = "local_id,Zoë".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "local_id,Zoë".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(of(&little), ("local_id,Zoë".into(), "UTF-16LE"));
        assert_eq!(of(&big), ("local_id,Zoë".into(), "UTF-16BE"));
        assert_eq!(of(&[&b"\xff\xfe"[..], &little].concat()).0, "local_id,Zoë");
        // One bad byte in a file of UTF-8 does not turn its other letters into others.
        assert_eq!(of(b"Zo\xc3\xab \xc3\xa9 Zo\xeb"), ("Zoë é Zo\u{fffd}".into(), "UTF-8"));
        assert_eq!(decode(b"Zo\xeb".to_vec(), Some("latin1")).map(|d| d.text), Ok("Zoë".into()));
        assert!(decode(Vec::new(), Some("klingon")).is_err());
        assert_eq!(of(&[]).0, "");
    }
}
