//! Writing: compact, members in their order, numbers as they came.

use std::fmt::{self, Display, Write};

use super::Json;

impl Json {
    /// Its text. Much quicker than by way of [`Display`], which asks a formatter for each piece.
    pub fn written(&self) -> String {
        let mut text = String::with_capacity(512);
        // A String takes whatever is written.
        let _ = put(self, &mut text);
        text
    }
}

impl Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        put(self, f)
    }
}

fn put(value: &Json, to: &mut impl Write) -> fmt::Result {
    match value {
        Json::Null => to.write_str("null"),
        Json::Bool(value) => to.write_str(if *value { "true" } else { "false" }),
        Json::Number(number) => to.write_str(number.as_str()),
        Json::Text(text) => quote(text, to),
        Json::Array(items) => {
            to.write_str("[")?;
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    to.write_str(",")?;
                }
                put(item, to)?;
            }
            to.write_str("]")
        }
        Json::Object(object) => {
            to.write_str("{")?;
            for (place, (key, value)) in object.iter().enumerate() {
                if place > 0 {
                    to.write_str(",")?;
                }
                quote(key, to)?;
                to.write_str(":")?;
                put(value, to)?;
            }
            to.write_str("}")
        }
    }
}

fn quote(text: &str, to: &mut impl Write) -> fmt::Result {
    to.write_str("\"")?;
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        // Bytes below 0x80 are letters of their own, so that no letter is cut.
        let (before, from) = rest.split_at(at);
        to.write_str(before)?;
        match from.as_bytes().first().copied().unwrap_or_default() {
            b'"' => to.write_str("\\\"")?,
            b'\\' => to.write_str("\\\\")?,
            b'\n' => to.write_str("\\n")?,
            b'\r' => to.write_str("\\r")?,
            b'\t' => to.write_str("\\t")?,
            control => write!(to, "\\u{control:04x}")?,
        }
        rest = from.get(1..).unwrap_or_default();
    }
    to.write_str(rest)?;
    to.write_str("\"")
}
