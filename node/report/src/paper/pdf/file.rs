//! A PDF file's objects: numbered, written in order, with a table of where each stands.
//!
//! Source: ISO 32000-1 (PDF 1.7), 7.3 to 7.5.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

/// The number of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref(usize);

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} 0 R", self.0)
    }
}

/// A file that grows object by object.
#[derive(Debug, Default)]
pub struct File {
    objects: Vec<Vec<u8>>,
}

impl File {
    /// A number for an object that is written later.
    pub fn reserve(&mut self) -> Ref {
        self.objects.push(Vec::new());
        Ref(self.objects.len())
    }

    /// Writes a reserved object.
    pub fn set(&mut self, at: Ref, body: impl Into<Vec<u8>>) {
        if let Some(object) = self.objects.get_mut(at.0.saturating_sub(1)) {
            *object = body.into();
        }
    }

    /// Adds an object.
    pub fn add(&mut self, body: impl Into<Vec<u8>>) -> Ref {
        let at = self.reserve();
        self.set(at, body);
        at
    }

    /// Adds a compressed stream; `entries` are its dictionary's besides length and filter.
    pub fn stream(&mut self, entries: &str, bytes: &[u8]) -> Ref {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        // Memory takes what is written.
        let packed = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
        self.raw(&format!("{entries} /Filter /FlateDecode"), &packed)
    }

    /// Adds a stream as it is.
    pub fn raw(&mut self, entries: &str, bytes: &[u8]) -> Ref {
        let mut body = format!("<< {entries} /Length {} >>\nstream\n", bytes.len()).into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\nendstream");
        self.add(body)
    }

    /// The whole file. Its id is a hash of its objects, so that the same objects give the same file.
    pub fn finish(self, catalog: Ref, info: Ref) -> Vec<u8> {
        // Four bytes above 127 say that the file is binary.
        let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut places = Vec::with_capacity(self.objects.len());
        for (at, body) in self.objects.iter().enumerate() {
            places.push(out.len());
            out.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        let id = hex::encode(Sha256::digest(&out).get(..16).unwrap_or_default());
        let table = out.len();
        let mut tail = format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1);
        for place in &places {
            // Writing to a string does not fail.
            let _ = writeln!(tail, "{place:010} 00000 n ");
        }
        let size = places.len() + 1;
        let _ = write!(
            tail,
            "trailer\n<< /Size {size} /Root {catalog} /Info {info} /ID [<{id}> <{id}>] >>\nstartxref\n{table}\n%%EOF\n"
        );
        out.extend_from_slice(tail.as_bytes());
        out
    }
}

/// A text string: UTF-16 with its mark, in hex.
pub fn text(text: &str) -> String {
    let mut out = String::from("<FEFF");
    for unit in text.encode_utf16() {
        let _ = write!(out, "{unit:04X}");
    }
    out.push('>');
    out
}

/// A string of printable ASCII; everything else as in a URL.
pub fn ascii(text: &str) -> String {
    let mut out = String::from("(");
    for byte in text.bytes() {
        match byte {
            b'(' | b')' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0x21..=0x7e => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out.push(')');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        assert_eq!(text("a\u{f1}"), "<FEFF006100F1>");
        assert_eq!(ascii("http://x/(a) \\"), "(http://x/\\(a\\)%20\\\\)");
    }

    #[test]
    fn the_table_says_where_each_object_stands() {
        let mut file = File::default();
        let (catalog, info) = (file.add("<< >>"), file.add("<< >>"));
        let out = file.finish(catalog, info);
        let text = String::from_utf8_lossy(&out);
        let first = text.find("xref\n0 3\n").map(|at| &text[at + 9 + 20..at + 9 + 30]);
        // The mark of a binary file is four bytes, which are read as four signs here.
        assert_eq!(first, Some("0000000015"));
        assert!(out[15..].starts_with(b"1 0 obj"));
    }
}
