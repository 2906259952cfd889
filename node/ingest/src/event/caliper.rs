//! Caliper Analytics 1.1 and 1.2: envelopes checked against the standard, events as messages by rules that a district can extend.
//!
//! | module | is |
//! |---|---|
//! | `text` | identifiers, moments, durations |
//! | `entities`, `vocabulary` | the standard's types, properties, events and actions |
//! | `check` | whether a part of an envelope is one of them |
//! | `rules` | what events mean, as TOML: the built-in rules, a district's own before them |
//! | `message` | the message of an event |
//!
//! Flow: [`envelope`] reads a request whole or not at all → each event is a text of its own ([`Events`]) → [`Rules::message`]. Invariants:
//! one fault refuses the whole envelope and names its place; entities that are described alone are checked and are no
//! events. Absent: HTTP and who may send, which `aula-connect` knows.

use serde_json::Value;

use crate::json;

mod check;
mod entities;
mod message;
mod rules;
mod text;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use rules::Rules;

pub use super::rules_file::RulesError;

/// Most bytes of an envelope.
pub const MAX_ENVELOPE_BYTES: usize = 8 << 20;
/// Most events and entities of an envelope.
pub const MAX_PARTS: usize = 10_000;
/// Most bytes of one event as it is kept.
pub const MAX_EVENT_BYTES: usize = 256 << 10;
/// How deep values may lie in each other.
pub const MAX_DEPTH: usize = 64;

/// A version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Caliper 1.1 (2018).
    V1p1,
    /// Caliper 1.2 (2020).
    V1p2,
}

/// The contexts of the versions.
const CONTEXTS: [(Version, &str); 2] = [
    (Version::V1p1, "http://purl.imsglobal.org/ctx/caliper/v1p1"),
    (Version::V1p2, "http://purl.imsglobal.org/ctx/caliper/v1p2"),
];

impl Version {
    /// The number.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1p1 => "1.1",
            Self::V1p2 => "1.2",
        }
    }

    /// The context, which `dataVersion` names too.
    pub const fn context(self) -> &'static str {
        match self {
            Self::V1p1 => CONTEXTS[0].1,
            Self::V1p2 => CONTEXTS[1].1,
        }
    }
}

/// What is wrong, and where: `data.3.actor.id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place, members and numbers joined by dots.
    pub place: String,
    /// What must stand there.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, what } = self;
        if place.is_empty() { f.write_str(what) } else { write!(f, "{place}: {what}") }
    }
}

impl Fault {
    fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// The same, seen from one level up.
    fn below(mut self, member: &str) -> Self {
        self.place =
            if self.place.is_empty() { member.to_owned() } else { format!("{member}.{}", self.place) };
        self
    }
}

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not JSON, or not as it is read here.
    #[error(transparent)]
    Json(#[from] json::JsonError),
    /// Not an envelope, or a part of it is not of the standard.
    #[error("{0}")]
    Fault(Fault),
    /// Another version.
    #[error("dataVersion: {0} and {1} are read here", CONTEXTS[0].1, CONTEXTS[1].1)]
    Version,
    /// Too much of something.
    #[error("{0}")]
    TooLarge(String),
}

/// The events of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Each as JSON, with its number in the envelope, from 1.
    pub events: Vec<(u32, String)>,
    /// Entities that were described alone.
    pub entities: usize,
}

/// Reads and checks an envelope.
///
/// # Errors
/// [`Refused`]: nothing of it is taken then.
pub fn envelope(bytes: &[u8]) -> Result<Events, Refused> {
    if bytes.len() > MAX_ENVELOPE_BYTES {
        return Err(Refused::TooLarge(format!("an envelope has at most {MAX_ENVELOPE_BYTES} bytes")));
    }
    let refused = |place: &str, what: &str| Refused::Fault(Fault::at(place, what));
    let value = json::parse(bytes, MAX_DEPTH)?;
    let members = value.as_object().ok_or_else(|| refused("", "must be an envelope: an object"))?;
    let known = ["sensor", "sendTime", "dataVersion", "data"];
    if let Some(missing) = known.iter().find(|name| !members.contains_key(**name)) {
        return Err(refused(
            missing,
            "is missing: a message is an envelope with sensor, sendTime, dataVersion and data",
        ));
    }
    if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(refused(other, "is not a member of an envelope"));
    }
    let member = |name: &str| members.get(name).and_then(Value::as_str);
    if member("sensor").is_none_or(str::is_empty) {
        return Err(refused("sensor", "must be the identifier of a sensor"));
    }
    if member("sendTime").is_none_or(|moment| text::moment_ms(moment).is_none()) {
        return Err(refused("sendTime", "must be a moment as YYYY-MM-DDTHH:mm:ss.SSSZ"));
    }
    let named = member("dataVersion").ok_or_else(|| refused("dataVersion", "must be a text"))?;
    let same = |(_, context): &&(Version, &str)| *context == named;
    let (version, _) = CONTEXTS.iter().find(same).ok_or(Refused::Version)?;
    let data = members.get("data").and_then(Value::as_array);
    let data = data.ok_or_else(|| refused("data", "must be a list"))?;
    if data.is_empty() {
        return Err(refused("data", "must have an event or an entity"));
    }
    if data.len() > MAX_PARTS {
        return Err(Refused::TooLarge(format!("an envelope has at most {MAX_PARTS} events and entities")));
    }
    let mut events = Events { events: Vec::new(), entities: 0 };
    for ((at, part), number) in data.iter().enumerate().zip(1..) {
        let place = |fault: Fault| Refused::Fault(fault.below(&at.to_string()).below("data"));
        match check::part(part, *version).map_err(place)? {
            check::What::Entity => events.entities += 1,
            check::What::Event => {
                let event = part.to_string();
                if event.len() > MAX_EVENT_BYTES {
                    let what = format!("data.{at}: an event has at most {MAX_EVENT_BYTES} bytes");
                    return Err(Refused::TooLarge(what));
                }
                events.events.push((number, event));
            }
        }
    }
    Ok(events)
}

/// Checks one event or entity that stands alone, as in a file of examples.
///
/// # Errors
/// [`Fault`] with the place.
pub fn described(value: &Value, version: Version) -> Result<(), Fault> {
    check::part(value, version).map(|_| ())
}
