//! Contexts: of 1.0.3, and with the agents and groups that 2.0 adds.

use super::text::is_language_tag;
use super::{
    At, Checked, Refused, activity, actor, agent, each, extensions, group, iri, is_string, object,
    object_type, optional, required, statement_reference, texted, uuid,
};
use crate::json::Json;
use crate::version::Version;

/// The lists of related activities.
pub(crate) const RELATIONS: [&str; 4] = ["parent", "grouping", "category", "other"];
/// Of 2.0; all but the last two are of 1.0.3.
const KEYS: [&str; 11] = [
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
    "contextAgents",
    "contextGroups",
];

/// `about_activity`: whether the statement's object is an activity, without which it has no revision or platform.
pub(super) fn context(value: &Json, about_activity: bool, version: Version) -> Checked {
    let keys: &[&str] = if version == Version::One { &KEYS[..9] } else { &KEYS };
    let found = object(value, keys)?;
    optional(found, "registration", uuid)?;
    optional(found, "instructor", actor)?;
    optional(found, "team", group)?;
    optional(found, "contextActivities", related)?;
    optional(found, "revision", is_string)?;
    optional(found, "platform", is_string)?;
    optional(found, "language", texted("a language tag (RFC 5646)", is_language_tag))?;
    optional(found, "statement", statement_reference)?;
    optional(found, "extensions", extensions)?;
    optional(found, "contextAgents", |value| {
        each(value, |item| relevant(item, "contextAgent", "agent", agent))
    })?;
    optional(found, "contextGroups", |value| {
        each(value, |item| relevant(item, "contextGroup", "group", group))
    })?;
    match ["revision", "platform"].into_iter().find(|key| !about_activity && found.get(key).is_some()) {
        Some(key) => Err(Refused::new("only with an activity as object")).at(key),
        None => Ok(()),
    }
}

fn related(value: &Json) -> Checked {
    let found = object(value, &RELATIONS)?;
    for key in RELATIONS {
        optional(found, key, |value| match value {
            Json::Array(_) => each(value, activity),
            single => activity(single),
        })?;
    }
    Ok(())
}

/// An agent or a group in a context, with the types of its relevance.
fn relevant(value: &Json, kind: &str, key: &'static str, check: fn(&Json) -> Checked) -> Checked {
    let found = object(value, &["objectType", key, "relevantTypes"])?;
    required(found, "objectType", |_| Ok(()))?;
    object_type(found, kind)?;
    required(found, key, check)?;
    optional(found, "relevantTypes", |value| match value.as_array() {
        Some([]) => Err(Refused::new("must not be empty")),
        _ => each(value, iri),
    })
}
