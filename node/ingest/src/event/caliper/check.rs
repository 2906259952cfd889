//! Whether an event or entity is one of the standard, with the place of what is not.
//!
//! Flow: the context says the version → an event by its row of [`vocabulary`], an entity by its type, each property by its
//! row of [`entities`]. What is not Caliper's belongs into `extensions`, or under a context of its own. Faults tell places
//! and the standard's words, never what stands there of a person.

use serde_json::{Map, Value};

use super::entities::{Kind, PROPERTIES, VALUES, is_kind_of, type_of};
use super::text::{is_duration, is_iri, is_moment, is_uuid_urn, moment_ms};
use super::vocabulary::{self, EventType, PROFILES, event_type};
use super::{CONTEXTS, Fault, Version};

type Members = Map<String, Value>;
type Checked = Result<(), Fault>;

/// Most bytes of one text: a posted message is the longest that the standard carries.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// What an event or entity is read by.
#[derive(Debug, Clone, Copy)]
struct Rulebook {
    version: Version,
    /// Another context is in force: members that Caliper does not know may be its.
    foreign: bool,
}

/// What a part of an envelope describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Event,
    Entity,
}

/// Checks one part of an envelope.
pub(super) fn part(value: &Value, envelope: Version) -> Result<What, Fault> {
    let members =
        value.as_object().ok_or_else(|| Fault::at("", "must be an object: an event or an entity"))?;
    let rules = context(members.get("@context"), envelope)?;
    let term = term(members)?;
    match event_type(term, rules.version) {
        Some(row) => event(members, row, rules).map(|()| What::Event),
        None if type_of(term, rules.version).is_some() => {
            entity(members, "Entity", rules).map(|()| What::Entity)
        }
        None => Err(unknown_type(rules.version)),
    }
}

fn unknown_type(version: Version) -> Fault {
    Fault::at("type", format!("must be a type of event or entity of Caliper {}", version.name()))
}

fn term(members: &Members) -> Result<&str, Fault> {
    match members.get("type") {
        Some(Value::String(term)) => Ok(term),
        Some(_) => Err(Fault::at("type", "must be a text")),
        None => Err(Fault::at("type", "is missing")),
    }
}

/// The version by the top-level context: Caliper's, alone or last of a list.
fn context(value: Option<&Value>, envelope: Version) -> Result<Rulebook, Fault> {
    let wrong = |what: &str| {
        Fault::at("@context", format!("{what}: {} or a list that ends with it", envelope.context()))
    };
    let (last, foreign) = match value {
        None => return Err(wrong("is missing")),
        Some(Value::String(own)) => (own.as_str(), &[][..]),
        Some(Value::Array(list)) => match list.split_last() {
            Some((Value::String(last), before)) => (last.as_str(), before),
            _ => return Err(wrong("must end with Caliper's own")),
        },
        Some(_) => return Err(wrong("must be a text or a list")),
    };
    let own = CONTEXTS.iter().find(|(_, context)| is_same_context(context, last));
    let Some((version, _)) = own else { return Err(wrong("is not Caliper's")) };
    if *version != envelope {
        return Err(wrong("is another version's than the envelope's dataVersion"));
    }
    let good = |context: &Value| match context {
        Value::String(text) => is_iri(text),
        Value::Object(_) => true,
        _ => false,
    };
    if let Some(at) = foreign.iter().position(|context| !good(context)) {
        return Err(Fault::at(format!("@context.{at}"), "must be an IRI or an object of terms"));
    }
    // Profiles that 1.2 took up were extensions of 1.1 with contexts of their own.
    let extended = |context: &Value| {
        context
            .as_str()
            .is_some_and(|text| text.contains("/ctx/caliper/v1p1/") && text.ends_with("-extension"))
    };
    let version = if foreign.iter().any(extended) { Version::V1p2 } else { *version };
    Ok(Rulebook { version, foreign: !foreign.is_empty() })
}

fn is_same_context(context: &str, given: &str) -> bool {
    given == context
        || given.strip_prefix("https").is_some_and(|rest| context.strip_prefix("http") == Some(rest))
}

fn event(members: &Members, row: &EventType, rules: Rulebook) -> Checked {
    let id = text(members, "id")?;
    if !is_uuid_urn(id) {
        return Err(Fault::at("id", "must be a UUID as a URN: urn:uuid:…"));
    }
    let action = text(members, "action")?;
    if !vocabulary::is_action(action, rules.version) {
        return Err(Fault::at("action", format!("must be an action of Caliper {}", rules.version.name())));
    }
    let action = vocabulary::action(action);
    if !row.actions.is_empty() && !row.actions.contains(&action) {
        let known = row.actions.join(", ");
        return Err(Fault::at("action", format!("{action} is not an action of a {}: {known}", row.term)));
    }
    if moment_ms(text(members, "eventTime")?).is_none() {
        return Err(Fault::at("eventTime", MOMENT));
    }
    let needed = |name: &'static str| {
        members.get(name).filter(|value| !value.is_null()).ok_or_else(|| Fault::at(name, "is missing"))
    };
    let (actor, object) = (needed("actor")?, needed("object")?);
    one_of(actor, row.actors, rules).map_err(|fault| fault.below("actor"))?;
    one_of(object, row.objects, rules).map_err(|fault| fault.below("object"))?;
    if row.term == "SessionEvent" && action == "TimedOut" {
        one_of(actor, &["SoftwareApplication"], rules).map_err(|fault| fault.below("actor"))?;
        one_of(object, &["Session"], rules).map_err(|fault| fault.below("object"))?;
    }
    for (name, value) in members {
        let wanted = match name.as_str() {
            "@context" | "id" | "type" | "action" | "eventTime" | "actor" | "object" => continue,
            "generated" => {
                one_of(value, row.generated, rules).map_err(|fault| fault.below(name))?;
                continue;
            }
            "target" => row.target,
            "referrer" => "Entity",
            "edApp" => "SoftwareApplication",
            "group" => "Organization",
            "membership" => "Membership",
            "session" => "Session",
            "federatedSession" => "LtiSession",
            "extensions" => {
                property(value, Kind::Open, rules).map_err(|fault| fault.below(name))?;
                continue;
            }
            "profile" if rules.version >= Version::V1p2 => {
                let known = value.as_str().is_some_and(|word| PROFILES.contains(&word));
                if !known {
                    return Err(Fault::at("profile", format!("must be one of {}", PROFILES.join(", "))));
                }
                continue;
            }
            _ if rules.foreign => continue,
            _ => return Err(Fault::at(name.as_str(), UNKNOWN)),
        };
        property(value, Kind::Entity(wanted), rules).map_err(|fault| fault.below(name))?;
    }
    Ok(())
}

const MOMENT: &str = "must be a moment as YYYY-MM-DDTHH:mm:ss.SSSZ";
const UNKNOWN: &str = "is not a property of the standard: put it into extensions";

fn text<'a>(members: &'a Members, name: &str) -> Result<&'a str, Fault> {
    match members.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Fault::at(name, "must be a text")),
        None => Err(Fault::at(name, "is missing")),
    }
}

/// An entity of one of these types, or its identifier.
fn one_of(value: &Value, wanted: &[&str], rules: Rulebook) -> Checked {
    let fits = |members: &Members| {
        let term = members.get("type").and_then(Value::as_str).unwrap_or_default();
        wanted.iter().any(|wanted| is_kind_of(term, wanted, rules.version))
    };
    match value {
        Value::Null => Ok(()),
        Value::Object(members) => {
            nested(members, "Entity", rules)?;
            if fits(members) {
                Ok(())
            } else {
                Err(Fault::at("type", format!("must be {}", wanted.join(" or "))))
            }
        }
        _ => reference(value),
    }
}

fn reference(value: &Value) -> Checked {
    match value {
        Value::String(text) if is_iri(text) => Ok(()),
        _ => Err(Fault::at("", "must be an entity, or its identifier as an IRI")),
    }
}

fn entity(members: &Members, wanted: &str, rules: Rulebook) -> Checked {
    let own = term(members)?;
    if type_of(own, rules.version).is_none() {
        let what = format!("must be a type of entity of Caliper {}", rules.version.name());
        return Err(Fault::at("type", what));
    }
    if !is_kind_of(own, wanted, rules.version) {
        return Err(Fault::at("type", format!("must be {wanted} or a kind of it")));
    }
    if !is_iri(text(members, "id")?) {
        return Err(Fault::at("id", "must be an absolute IRI"));
    }
    properties(members, rules)
}

/// An entity within another, which may have a context of its own beside Caliper's.
fn nested(members: &Members, wanted: &str, rules: Rulebook) -> Checked {
    let is_ours = |context: &Value| {
        context.as_str().is_some_and(|text| CONTEXTS.iter().any(|(_, own)| is_same_context(own, text)))
    };
    let own = members.get("@context").is_some_and(|context| !is_ours(context));
    entity(members, wanted, Rulebook { foreign: rules.foreign || own, ..rules })
}

fn properties(members: &Members, rules: Rulebook) -> Checked {
    for (name, value) in members {
        let row = PROPERTIES.iter().find(|(own, _, since)| own == name && *since <= rules.version);
        match row {
            Some((_, kind, _)) => property(value, *kind, rules).map_err(|fault| fault.below(name))?,
            None if rules.foreign => {}
            None => return Err(Fault::at(name.as_str(), UNKNOWN)),
        }
    }
    Ok(())
}

fn property(value: &Value, kind: Kind, rules: Rulebook) -> Checked {
    let refused = |what: &str| Err(Fault::at("", what));
    let plain = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    if let Value::String(text) = value
        && text.len() > MAX_TEXT_BYTES
    {
        return refused("is longer than 64 KiB");
    }
    match (kind, value) {
        // The standard asks to leave out what is null, and forbids it nowhere.
        (_, Value::Null)
        | (Kind::Any, _)
        | (Kind::Text, Value::String(_))
        | (Kind::Truth, Value::Bool(_)) => Ok(()),
        (Kind::Plain, value) if plain(value) => Ok(()),
        (Kind::Moment, Value::String(text)) if is_moment(text) => Ok(()),
        (Kind::Duration, Value::String(text)) if is_duration(text) => Ok(()),
        (Kind::Count, Value::Number(number)) if number.as_u64().is_some() => Ok(()),
        (Kind::Number, Value::Number(_)) => Ok(()),
        (Kind::List, Value::Array(list)) if list.iter().all(plain) => Ok(()),
        (Kind::Open, Value::Object(_) | Value::Array(_)) => Ok(()),
        (Kind::Entity(wanted), Value::Object(members)) => nested(members, wanted, rules),
        (Kind::Entity(_), value) => reference(value),
        (Kind::Entities(wanted), Value::Array(list)) => {
            each(list, |one| property(one, Kind::Entity(wanted), rules))
        }
        (Kind::Value(wanted), Value::Object(members)) => bare(members, wanted, rules),
        (Kind::Values(wanted), Value::Array(list)) => {
            each(list, |one| property(one, Kind::Value(wanted), rules))
        }
        (Kind::Text, _) => refused("must be a text"),
        (Kind::Plain, _) => refused("must be a text, a number, or true or false"),
        (Kind::Moment, _) => refused(MOMENT),
        (Kind::Duration, _) => refused("must be a duration of ISO 8601, such as PT40M12S"),
        (Kind::Count, _) => refused("must be a whole number from 0"),
        (Kind::Number, _) => refused("must be a number"),
        (Kind::Truth, _) => refused("must be true or false"),
        (Kind::List, _) => refused("must be a list of texts"),
        (Kind::Entities(_) | Kind::Values(_), _) => refused("must be a list"),
        (Kind::Value(_) | Kind::Open, _) => refused("must be an object"),
    }
}

fn each(list: &[Value], check: impl Fn(&Value) -> Checked) -> Checked {
    list.iter().enumerate().try_for_each(|(at, one)| check(one).map_err(|fault| fault.below(&at.to_string())))
}

/// A value without an identifier.
fn bare(members: &Members, wanted: &str, rules: Rulebook) -> Checked {
    let row = VALUES.iter().find(|(own, _, since)| *own == wanted && *since <= rules.version);
    let needed = match row {
        Some((_, needed, _)) if term(members)? == wanted => *needed,
        _ => return Err(Fault::at("type", format!("must be {wanted}"))),
    };
    if let Some(missing) = needed.iter().find(|name| !members.contains_key(**name)) {
        return Err(Fault::at(*missing, "is missing"));
    }
    properties(members, rules)
}

/// Every type stands below one that stands in the table, and every property's type is one: looked at by a test.
#[cfg(test)]
pub(super) fn dangling() -> Vec<&'static str> {
    let known = |term: &str| type_of(term, Version::V1p2).is_some();
    let above = super::entities::TYPES.iter().flat_map(|(_, above, _)| above.iter().copied());
    let named = PROPERTIES.iter().filter_map(|(_, kind, _)| match kind {
        Kind::Entity(term) | Kind::Entities(term) => Some(*term),
        _ => None,
    });
    let of_events = vocabulary::EVENTS.iter().flat_map(|row| {
        row.actors.iter().chain(row.objects).chain(row.generated).copied().chain([row.target])
    });
    above.chain(named).chain(of_events).filter(|term| !known(term)).collect()
}
