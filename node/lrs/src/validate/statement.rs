//! Statements, and the statements inside statements.

use super::attachment::attachment;
use super::context::context;
use super::result::result;
use super::{
    At, Checked, Refused, activity, actor, agent, authority, each, group, iri, language_map, object,
    optional, required, statement_reference, string, timestamp, uuid,
};
use crate::json::{Json, Object};
use crate::version::Version;

/// The verb that voids.
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";
const KEYS: [&str; 11] = [
    "id",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "stored",
    "authority",
    "version",
    "attachments",
];
const INNER_KEYS: [&str; 8] =
    ["objectType", "actor", "verb", "object", "result", "context", "timestamp", "attachments"];

/// Checks a statement as a request of this version sends it.
///
/// # Errors
/// [`Refused`] says where and why.
pub fn statement(value: &Json, version: Version) -> Checked {
    let found = object(value, &KEYS)?;
    optional(found, "id", uuid)?;
    optional(found, "stored", timestamp)?;
    optional(found, "authority", authority)?;
    optional(found, "version", |value| spoken(value, version))?;
    body(found, version, true)?;
    match is_voiding(value)
        && value.get("object").and_then(|o| o.text_of("objectType")) != Some("StatementRef")
    {
        true => Err(Refused::new("a voiding statement's object is a StatementRef")).at("object"),
        false => Ok(()),
    }
}

/// True when the statement's verb is that of voiding.
pub fn is_voiding(statement: &Json) -> bool {
    statement.get("verb").and_then(|verb| verb.text_of("id")) == Some(VOIDED)
}

fn spoken(value: &Json, version: Version) -> Checked {
    match (version, Version::parse(string(value)?)) {
        (_, Some(Version::One)) | (Version::Two, Some(Version::Two)) => Ok(()),
        _ => Err(Refused::new(format!("must be {}, or left out", version.of_statement()))),
    }
}

/// What a statement and an inner statement have in common.
fn body(found: &Object, version: Version, outer: bool) -> Checked {
    required(found, "actor", actor)?;
    required(found, "verb", |value| {
        let verb = object(value, &["id", "display"])?;
        required(verb, "id", iri)?;
        optional(verb, "display", language_map)
    })?;
    let mut about_activity = false;
    required(found, "object", |value| {
        about_activity = target(value, version, outer)?;
        Ok(())
    })?;
    optional(found, "result", result)?;
    optional(found, "context", |value| context(value, about_activity, version))?;
    optional(found, "timestamp", timestamp)?;
    optional(found, "attachments", |value| each(value, attachment))
}

/// Checks the object of a statement; true for an activity.
fn target(value: &Json, version: Version, outer: bool) -> Result<bool, Refused> {
    let kind = match value.get("objectType") {
        Some(kind) => string(kind).at("objectType")?,
        None => "Activity",
    };
    match kind {
        "Activity" => activity(value).map(|()| true),
        "Agent" => agent(value).map(|()| false),
        "Group" => group(value).map(|()| false),
        "StatementRef" => statement_reference(value).map(|()| false),
        "SubStatement" if outer => body(object(value, &INNER_KEYS)?, version, false).map(|()| false),
        "SubStatement" => Err(Refused::new("a SubStatement holds no SubStatement")).at("objectType"),
        _ => {
            Err(Refused::new("must be Activity, Agent, Group, StatementRef or SubStatement")).at("objectType")
        }
    }
}
