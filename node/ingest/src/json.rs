//! JSON of strangers: no member twice, no deeper than is asked for.
//!
//! `serde_json` keeps the last of two members of one name, so that two readers of one text may see two messages; here such a text is
//! refused. Numbers out of a double's range and text that is not UTF-8 are refused by the parser itself. Errors tell places,
//! never values.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not JSON that is read here (line {line}, column {column}): {what}")]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong, without values.
    pub what: &'static str,
}

const TWICE: &str = "a member stands twice";
const DEEP: &str = "values lie too deep in each other";
const MALFORMED: &str = "it is malformed, not UTF-8, or has a number out of range";

/// Reads one value.
///
/// # Errors
/// [`JsonError`] with the place.
pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let told = |error: serde_json::Error| {
        let text = error.to_string();
        let what = match () {
            () if text.starts_with(TWICE) => TWICE,
            () if text.starts_with(DEEP) || text.starts_with("recursion limit") => DEEP,
            () => MALFORMED,
        };
        JsonError { line: error.line(), column: error.column(), what }
    };
    let value = Level(max_depth).deserialize(&mut reader).map_err(told)?;
    reader.end().map_err(told)?;
    Ok(value)
}

/// How many levels may still open.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom(DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(MALFORMED))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut all = Vec::new();
        while let Some(value) = list.next_element_seed(below)? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(below)?;
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_value_with_each_member_once() {
        let text = br#"{"a": [1, -2, 2.5, "x", null, true], "b": {"a": 18446744073709551615}}"#;
        assert_eq!(parse(text, 3), Ok(serde_json::from_slice(text).unwrap_or_default()));
        for (text, what) in [
            (&b"{\"a\":1,\"a\":1}"[..], TWICE),
            (b"{\"b\":{\"a\":1,\"\\u0061\":2}}", TWICE),
            (b"[[[[1]]]]", DEEP),
            (b"{\"a\":{\"a\":{\"a\":{}}}}", DEEP),
            (b"1e400", MALFORMED),
            (b"\"\xff\"", MALFORMED),
            (b"{} {}", MALFORMED),
            (b"{\"a\":", MALFORMED),
            (b"", MALFORMED),
        ] {
            assert_eq!(parse(text, 3).map_err(|error| error.what), Err(what), "{text:?}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), 64).map_err(|error| error.what), Err(DEEP));
    }
}
