//! JSON within limits: UTF-8, no duplicate keys, bounded depth and size.
//!
//! A duplicate key would let two readers of one signed text see two different credentials, so it is refused.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::limits::{MAX_BYTES, MAX_DEPTH, MAX_VALUES};

/// Why a text was not read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// More than [`MAX_BYTES`].
    #[error("it has {0} bytes, more than the {MAX_BYTES} that a credential may have")]
    TooLarge(usize),
    /// Bytes that are no text; the position is that of the first bad byte, from 0.
    #[error("it is not UTF-8 (byte {0})")]
    NotUtf8(usize),
    /// Not JSON, or outside the limits.
    #[error("it is not JSON that can be signed: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Parses a document.
///
/// # Errors
/// [`JsonError`], in words that stand after the file's name.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.len() > MAX_BYTES {
        return Err(JsonError::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError::NotUtf8(e.valid_up_to()))?;
    let mut left = MAX_VALUES;
    let mut reader = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let value = Strict { depth: MAX_DEPTH, left: &mut left }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The members of a value that may be one or a list of them; none when it is absent or null.
pub fn many(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

/// The id of something that stands either as its id or as an object with one.
pub fn id_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id").and_then(Value::as_str))
}

/// Whether `type` names this, alone or among others.
pub fn has_type(value: &Value, name: &str) -> bool {
    many(value.get("type")).iter().any(|t| t == name)
}

struct Strict<'a> {
    depth: usize,
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom(format!("it has more than {MAX_VALUES} values")))?;
        deserializer.deserialize_any(self)
    }
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.depth.checked_sub(1).ok_or_else(|| E::custom(format!("it is deeper than {MAX_DEPTH} levels")))
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Strict { depth, left: &mut *self.left })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Key)? {
            let value = access.next_value_seed(Strict { depth, left: &mut *self.left })?;
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice in one object")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        parse(bytes).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        assert!(refused(br#"{"a":1,"b":{"x":1,"x":2}}"#).contains("\"x\" stands twice"));
        assert!(refused(b"{\"a\":\"\xff\"}").contains("not UTF-8 (byte 6)"));
        assert!(refused(b"{} {}").contains("trailing"));
        assert!(refused(b"").contains("EOF"));
    }

    #[test]
    fn size_and_depth_have_bounds() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(refused(&deep).contains("deeper than 48"));
        let wide = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(refused(wide.as_bytes()).contains("more than 100000 values"));
        assert!(refused(&vec![b' '; MAX_BYTES + 1]).contains("1048577 bytes"));
        assert!(parse(&[vec![b'['; 48], vec![b']'; 48]].concat()).is_ok());
    }
}
