//! The little of XML that data formats use: elements, attributes, text, comments, CDATA; entities of the standard and
//! numeric ones. No document types, no external anything.

use std::collections::BTreeSet;

use crate::text::Unreadable;

const DEEPEST: usize = 64;
/// Bytes of a reference's name: `#x10ffff` with leading zeros to spare.
const LONGEST_REFERENCE: usize = 16;

/// An element with everything inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// With its prefix, as written.
    pub name: String,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
    /// The elements directly inside it, in order.
    pub children: Vec<Element>,
    /// Its text, without that of its elements.
    pub text: String,
    /// Where its first byte is.
    pub line: usize,
}

impl Element {
    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of a child: none when it is not there.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |child| &child.children)
    }

    /// The attribute's value, entities replaced; none when it is not there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The trimmed text of a child.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

/// Reads a document's root.
///
/// # Errors
/// When the bytes are not UTF-8 or not well-formed.
pub fn read(bytes: &[u8]) -> Result<Element, Unreadable> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Unreadable::at("file", "XML is UTF-8 here, this is not"))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Unreadable::at("file", "it is empty XML: there is no element in it"));
    }
    Reader { text, at: 0, counted: (0, 1) }.document()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// A place and its line, so that lines are counted once.
    counted: (usize, usize),
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> usize {
        let lines =
            self.text.as_bytes()[self.counted.0..self.at].iter().filter(|byte| **byte == b'\n').count();
        self.counted = (self.at, self.counted.1 + lines);
        self.counted.1
    }

    fn fault<T>(&mut self, what: &str) -> Result<T, Unreadable> {
        Err(Unreadable::line(self.line(), what))
    }

    fn until(&mut self, end: &str) -> Result<&'a str, Unreadable> {
        match self.text[self.at..].find(end) {
            Some(found) => {
                let inside = &self.text[self.at..self.at + found];
                self.at += found + end.len();
                Ok(inside)
            }
            None => self.fault(&format!("the file stops before {end}")),
        }
    }

    fn document(mut self) -> Result<Element, Unreadable> {
        let mut open: Vec<Element> = Vec::new();
        loop {
            let Some(next) = self.text[self.at..].find('<') else {
                return self.fault("the file stops before its root ends");
            };
            let text = &self.text[self.at..self.at + next];
            match open.last_mut() {
                Some(element) => element.text.push_str(&self.unescape(text, self.at)?),
                None if !text.trim().is_empty() => return self.fault("there is text before the root"),
                None => {}
            }
            self.at += next + 1;
            let rest = &self.text[self.at..];
            if rest.starts_with("!--") {
                self.until("-->")?;
            } else if let Some(data) = rest.strip_prefix("![CDATA[") {
                self.at += rest.len() - data.len();
                let data = self.until("]]>")?;
                if let Some(element) = open.last_mut() {
                    element.text.push_str(data);
                }
            } else if rest.starts_with('?') {
                self.until("?>")?;
            } else if rest.starts_with('!') {
                return self.fault("document types are not taken");
            } else if rest.starts_with('/') {
                let name = self.until(">")?[1..].trim();
                let Some(element) = open.pop().filter(|element| element.name == name) else {
                    return self.fault(&format!("</{name}> ends what is not open"));
                };
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            } else if let Some(root) = self.start(&mut open)? {
                return Ok(root);
            }
        }
    }

    /// A start tag; the root when it is empty.
    fn start(&mut self, open: &mut Vec<Element>) -> Result<Option<Element>, Unreadable> {
        let (line, begin) = (self.line(), self.at);
        let inside = self.until(">")?;
        let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, mut rest) = inside.split_at(inside.find(char::is_whitespace).unwrap_or(inside.len()));
        if name.is_empty() || open.len() >= DEEPEST {
            return self.fault("a tag has no name, or elements are nested too deeply");
        }
        let mut element = Element { name: name.to_owned(), line, ..Element::default() };
        let mut seen = BTreeSet::new();
        loop {
            rest = rest.trim_start();
            let Some((key, after)) = rest.split_once('=') else { break };
            let after = after.trim_start();
            let Some(quote) = after.chars().next().filter(|quote| ['"', '\''].contains(quote)) else {
                return self.fault("an attribute's value is not in quotes");
            };
            let Some((value, left)) = after[1..].split_once(quote) else {
                return self.fault("an attribute's value does not end (or holds >)");
            };
            let key = key.trim();
            if key.is_empty() || key.contains(char::is_whitespace) {
                return self.fault("an attribute has no name, or no value");
            }
            if !seen.insert(key) {
                return self.fault(&format!("the attribute {key} is there twice"));
            }
            let at = begin + inside.len() - after.len() + 1;
            element.attributes.push((key.to_owned(), self.unescape(value, at)?));
            if left.starts_with(|char: char| !char.is_whitespace()) {
                return self.fault("there is nothing between two attributes");
            }
            rest = left;
        }
        if !rest.trim().is_empty() {
            return self.fault("an attribute has no value");
        }
        match (empty, open.last_mut()) {
            (false, _) => open.push(element),
            (true, Some(parent)) => parent.children.push(element),
            (true, None) => return Ok(Some(element)),
        }
        Ok(None)
    }

    /// Text with its references replaced; what is not a reference is a fault, and so is a character that XML does not have.
    /// The text begins `from` bytes into the file.
    fn unescape(&mut self, text: &str, from: usize) -> Result<String, Unreadable> {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            plain.push_str(&rest[..at]);
            let name = rest[at + 1..].split_once(';').filter(|(name, _)| name.len() <= LONGEST_REFERENCE);
            let here = from + text.len() - rest.len() + at;
            let Some((name, after)) = name else {
                self.at = here;
                return self.fault("a & begins no reference: it is written &amp;");
            };
            let Some(char) = referred(name) else {
                self.at = here;
                return self.fault(&format!("&{name}; stands for no character"));
            };
            plain.push(char);
            rest = after;
        }
        Ok(plain + rest)
    }
}

/// The character that a reference stands for.
fn referred(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => {
            let number = other.strip_prefix('#')?;
            let (digits, base) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
            let digit = |char: char| char.is_digit(base);
            let number = u32::from_str_radix(digits, base).ok().filter(|_| digits.chars().all(digit))?;
            let written = |char: &char| {
                matches!(*char, '\t' | '\n' | '\r')
                    || *char >= ' ' && !matches!(*char, '\u{fffe}' | '\u{ffff}')
            };
            char::from_u32(number).filter(written)
        }
    }
}

/// Text as XML writes it.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text_are_read() {
        let root = read(b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- c --><a x='1&amp;2' y=\"\">t<b/>u&#65;<c k = 'v'>w</c><![CDATA[<z>]]></a>").unwrap();
        assert_eq!(
            (root.name.as_str(), root.attribute("x"), root.text.as_str()),
            ("a", Some("1&2"), "tuA<z>")
        );
        assert_eq!(
            (root.children.len(), root.text_of("c"), root.child("c").unwrap().attribute("k")),
            (2, Some("w"), Some("v"))
        );
    }

    #[test]
    fn faults_are_said_with_their_line() {
        for (text, why) in [
            ("<a>\n<b></a>", "line 2: </a> ends what is not open"),
            ("<a>\n", "line 1: the file stops before its root ends"),
            ("<a x=1>", "line 1: an attribute's value is not in quotes"),
            ("<!DOCTYPE x>", "line 1: document types are not taken"),
            ("hello", "line 1: the file stops before its root ends"),
            ("<a>\n<b x='1' y='2' x='3'/></a>", "line 2: the attribute x is there twice"),
            ("<a>\n\n a & b</a>", "line 3: a & begins no reference: it is written &amp;"),
            ("<a x='1'y='2'/>", "line 1: there is nothing between two attributes"),
            ("<a>\n<b y='1'\nx='\na&b'\n/></a>", "line 4: a & begins no reference: it is written &amp;"),
            ("<a>\n<b>&#0;</b></a>", "line 2: &#0; stands for no character"),
            ("<a>&#xd800;</a>", "line 1: &#xd800; stands for no character"),
            ("<a>&#+65;</a>", "line 1: &#+65; stands for no character"),
            ("<a>&nbsp;</a>", "line 1: &nbsp; stands for no character"),
            ("<a x y='1'/>", "line 1: an attribute has no name, or no value"),
            (" \n", "file: it is empty XML: there is no element in it"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), why);
        }
        assert!(read(&"<a>".repeat(100).into_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(junk: Vec<u8>, text in "[<>/a='\"&;# !\\[\\]-]{0,60}") {
            let _ = (read(&junk), read(text.as_bytes()));
        }
    }
}
