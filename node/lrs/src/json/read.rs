//! Reading: RFC 8259, and nothing that two readers could take differently.

use super::{Json, Number, Object};
use crate::limits::{MAX_JSON_DEPTH, MAX_JSON_MEMBERS};
use std::collections::BTreeSet;
use std::ops::Range;

/// Why bytes are not taken as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Bytes that are no text: RFC 8259 knows no other encoding.
    #[error("the text is not UTF-8: send JSON as UTF-8")]
    NotUtf8,
    /// Not JSON.
    #[error("not well-formed JSON at byte {0}")]
    Malformed(usize),
    /// A key twice in one object.
    #[error("the key {0:?} stands twice in one object: keep one")]
    DuplicateKey(String),
    /// Nested too deeply.
    #[error("nested more than {MAX_JSON_DEPTH} levels deep")]
    TooDeep,
    /// A limit of this store, not of the standard.
    #[error("an object has more than {MAX_JSON_MEMBERS} members")]
    TooManyMembers,
    /// A number no double holds.
    #[error("the number at byte {0} is longer than 64 characters or beyond 10^308")]
    Number(usize),
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Json, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::NotUtf8)?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == text.len() { Ok(value) } else { Err(reader.malformed()) }
}

/// The items of an array, each with where it stands among the bytes; of anything else itself alone.
///
/// # Errors
/// [`ReadError`].
pub fn read_items(bytes: &[u8]) -> Result<Vec<(Json, Range<usize>)>, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::NotUtf8)?;
    let mut reader = Reader { text, at: 0 };
    let mut items = Vec::new();
    reader.space();
    if reader.peek() == Some(b'[') {
        reader.items(0, &mut |item, range| items.push((item, range)))?;
    } else {
        let from = reader.at;
        let value = reader.value(0)?;
        items.push((value, from..reader.at));
    }
    reader.space();
    if reader.at == text.len() { Ok(items) } else { Err(reader.malformed()) }
}

/// Objects of at most so many members compare each key with the others; larger ones keep a set.
const FEW_MEMBERS: usize = 16;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn malformed(&self) -> ReadError {
        ReadError::Malformed(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, ReadError> {
        if !self.rest().starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json, ReadError> {
        if depth > MAX_JSON_DEPTH {
            return Err(ReadError::TooDeep);
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.malformed()),
        }
    }

    fn number(&mut self) -> Result<Json, ReadError> {
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        let text = self.rest().get(..length).unwrap_or_default();
        let number = Number::parse(text).ok_or(ReadError::Number(self.at))?;
        self.at += length;
        Ok(Json::Number(number))
    }

    fn array(&mut self, depth: usize) -> Result<Json, ReadError> {
        let mut items = Vec::new();
        self.items(depth, &mut |item, _| items.push(item))?;
        Ok(Json::Array(items))
    }

    fn items(&mut self, depth: usize, with: &mut dyn FnMut(Json, Range<usize>)) -> Result<(), ReadError> {
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.space();
            let from = self.at;
            let item = self.value(depth + 1)?;
            with(item, from..self.at);
            self.space();
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.malformed());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, ReadError> {
        self.at += 1;
        let (mut members, mut keys) = (Vec::<(String, Json)>::new(), BTreeSet::new());
        self.space();
        if self.take(b'}') {
            return Ok(Json::Object(Object(members)));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.malformed());
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.malformed());
            }
            let value = self.value(depth + 1)?;
            if members.len() == FEW_MEMBERS {
                keys.extend(members.iter().map(|(own, _)| own.clone()));
            }
            let twice = match members.len() {
                0..FEW_MEMBERS => members.iter().any(|(own, _)| *own == key),
                _ => !keys.insert(key.clone()),
            };
            if twice {
                return Err(ReadError::DuplicateKey(key));
            }
            if members.len() == MAX_JSON_MEMBERS {
                return Err(ReadError::TooManyMembers);
            }
            members.push((key, value));
            self.space();
            if self.take(b'}') {
                return Ok(Json::Object(Object(members)));
            }
            if !self.take(b',') {
                return Err(self.malformed());
            }
        }
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain =
                self.rest().bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            text.push_str(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.malformed()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.at += 1;
        let letter = self.peek().ok_or_else(|| self.malformed())?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.malformed()),
        })
    }

    fn unicode(&mut self) -> Result<char, ReadError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.rest().starts_with("\\u") {
                    return Err(self.malformed());
                }
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.malformed());
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| self.malformed())
    }

    fn hex(&mut self) -> Result<u32, ReadError> {
        let text = self.rest().get(..4).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value =
            text.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or_else(|| self.malformed())?;
        self.at += 4;
        Ok(value)
    }
}
