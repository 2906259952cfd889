//! What the standard's objects must look like. Nothing here knows what is stored.
//!
//! Every refusal names the place and what to write instead. Keys that the standard does not name are refused, as it asks.

mod activity;
mod agent;
mod attachment;
mod context;
mod result;
mod statement;
#[cfg(test)]
mod tests;
pub mod text;

pub use activity::activity;
pub use agent::{IDENTIFIERS, actor, agent, authority, group};
pub use attachment::SIGNATURE;
pub use statement::{VOIDED, is_voiding, statement};

use crate::json::{Json, Object};
use crate::time::Stamp;

/// Why something is not taken: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Keys from the inside out.
    path: Vec<String>,
    why: String,
}

impl Refused {
    /// A refusal of the value at hand.
    pub fn new(why: impl Into<String>) -> Self {
        Self { path: Vec::new(), why: why.into() }
    }

    fn within(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        match path.is_empty() {
            true => f.write_str(&self.why),
            false => write!(f, "{}: {}", path.join("."), self.why),
        }
    }
}

impl std::error::Error for Refused {}

/// The outcome of a check.
pub type Checked = Result<(), Refused>;

/// Says where a check failed.
trait At {
    fn at(self, key: &str) -> Self;
}

impl<T> At for Result<T, Refused> {
    fn at(self, key: &str) -> Self {
        self.map_err(|refused| refused.within(key))
    }
}

/// The object with these keys and no others.
fn object<'a>(value: &'a Json, keys: &[&str]) -> Result<&'a Object, Refused> {
    let found = value.as_object().ok_or_else(|| Refused::new("must be a JSON object"))?;
    match found.iter().find(|(key, _)| !keys.contains(key)) {
        Some((key, _)) => {
            Err(Refused::new(format!("has no property {key:?}; the standard knows {}", keys.join(", "))))
        }
        None => Ok(found),
    }
}

/// Checks a member when it is there.
fn optional(object: &Object, key: &str, check: impl FnOnce(&Json) -> Checked) -> Checked {
    object.get(key).map_or(Ok(()), check).at(key)
}

/// Checks a member that must be there.
fn required(object: &Object, key: &str, check: impl FnOnce(&Json) -> Checked) -> Checked {
    object.get(key).ok_or_else(|| Refused::new("is missing")).and_then(check).at(key)
}

/// Checks every item of an array.
fn each(value: &Json, check: impl Fn(&Json) -> Checked) -> Checked {
    let items = value.as_array().ok_or_else(|| Refused::new("must be an array"))?;
    items.iter().enumerate().try_for_each(|(place, item)| check(item).at(&place.to_string()))
}

fn string(value: &Json) -> Result<&str, Refused> {
    value.as_text().ok_or_else(|| Refused::new("must be a string"))
}

fn is_string(value: &Json) -> Checked {
    string(value).map(|_| ())
}

fn boolean(value: &Json) -> Checked {
    if matches!(value, Json::Bool(_)) { Ok(()) } else { Err(Refused::new("must be true or false")) }
}

/// A check of a text by a predicate.
fn texted(what: &'static str, holds: fn(&str) -> bool) -> impl Fn(&Json) -> Checked {
    move |value| if holds(string(value)?) { Ok(()) } else { Err(Refused::new(format!("must be {what}"))) }
}

fn iri(value: &Json) -> Checked {
    texted("an IRI with a scheme, such as http://example.org/x", text::is_iri)(value)
}

fn uuid(value: &Json) -> Checked {
    texted("a UUID (RFC 4122)", text::is_uuid)(value)
}

fn timestamp(value: &Json) -> Checked {
    texted("a timestamp such as 2026-01-31T08:00:00.000Z", |text| Stamp::parse(text).is_some())(value)
}

fn language_map(value: &Json) -> Checked {
    let map = value.as_object().ok_or_else(|| Refused::new("must be a map from languages to strings"))?;
    map.iter().try_for_each(|(tag, text)| {
        let known = text::is_language_tag(tag);
        let refused = || Refused::new("must be a language tag (RFC 5646), such as en or de-CH");
        known.then_some(()).ok_or_else(refused).and_then(|()| is_string(text)).at(tag)
    })
}

/// Extensions: keys are IRIs, values anything.
fn extensions(value: &Json) -> Checked {
    let map = value.as_object().ok_or_else(|| Refused::new("must be a JSON object"))?;
    map.iter().try_for_each(|(key, _)| match text::is_iri(key) {
        true => Ok(()),
        false => Err(Refused::new("keys of extensions must be IRIs")).at(key),
    })
}

/// The object's type, which must be `kind` when it is given.
fn object_type(object: &Object, kind: &str) -> Checked {
    optional(object, "objectType", |value| match string(value)? == kind {
        true => Ok(()),
        false => Err(Refused::new(format!("must be {kind}"))),
    })
}

/// `StatementRef`: it need not be kept here, nor anywhere yet.
fn statement_reference(value: &Json) -> Checked {
    let found = object(value, &["objectType", "id"])?;
    required(found, "objectType", |_| Ok(()))?;
    object_type(found, "StatementRef")?;
    required(found, "id", uuid)
}
