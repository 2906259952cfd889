//! Where a value comes from, and the steps that make it: in this order, whatever the order in the file.
//!
//! 1. one of `column`, `at`, `columns` (the first that is not empty), `join` (with `with` between), `constant`
//! 2. `slice`, `before`, `after`, `remove`; outer spaces go; a word of `missing` becomes nothing
//! 3. `values` (with `others`), `lower`, `pad`; `default` where nothing is left
//! 4. as a number: `decimal`, `multiply`, `add`, `min`, `max`; as a date: `format`; as a condition: `is`, `is_not`, `filled`,
//!    `at_least`, `at_most`
//!
//! A text alone is the name of a column, or with `=` before it a constant.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Source(pub(super) Steps);

/// The steps; see the module.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Steps {
    pub(super) column: Option<String>,
    pub(super) at: Option<usize>,
    pub(super) columns: Vec<String>,
    pub(super) join: Vec<Source>,
    pub(super) with: String,
    pub(super) constant: Option<String>,
    pub(super) slice: Option<(usize, usize)>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) remove: Vec<String>,
    pub(super) values: BTreeMap<String, Word>,
    pub(super) others: Others,
    pub(super) lower: bool,
    pub(super) pad: usize,
    pub(super) default: Option<Word>,
    pub(super) number: bool,
    pub(super) decimal: Option<Word>,
    pub(super) multiply: Option<Word>,
    pub(super) add: Option<Word>,
    pub(super) min: Option<Word>,
    pub(super) max: Option<Word>,
    pub(super) unit: Option<String>,
    pub(super) format: Option<String>,
    pub(super) is: Vec<Word>,
    pub(super) is_not: Vec<Word>,
    pub(super) filled: Option<bool>,
    pub(super) at_least: Option<Word>,
    pub(super) at_most: Option<Word>,
}

/// What becomes of a word that `values` does not list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// Refuses the row.
    #[default]
    Refuse,
    /// Stays as it is.
    Keep,
    /// Becomes nothing.
    Drop,
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, \"=\" and a constant, or a table of steps")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Source, E> {
        Ok(match text.strip_prefix('=') {
            Some(constant) => Source(Steps { constant: Some(constant.to_owned()), ..Steps::default() }),
            None => Source::column(text),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        Steps::deserialize(MapAccessDeserializer::new(map)).map(Source)
    }
}

/// A word or a number, as a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word(pub(super) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Word, E> {
        Ok(Word(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Word, E> {
        Ok(Word(number.to_string()))
    }
}

impl Source {
    /// A column as it stands.
    pub(super) fn column(name: &str) -> Self {
        Self(Steps { column: Some(name.to_owned()), ..Steps::default() })
    }
}
