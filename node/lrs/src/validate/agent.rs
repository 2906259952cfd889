//! Agents and groups.

use super::text::{is_iri, is_mailto, is_sha1};
use super::{At, Checked, Refused, each, iri, is_string, object, object_type, optional, required, texted};
use crate::json::{Json, Object};
use crate::limits::MAX_ID_BYTES;

/// The inverse functional identifiers.
pub const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];

/// An agent or a group, by its `objectType`; an agent without one.
///
/// # Errors
/// [`Refused`].
pub fn actor(value: &Json) -> Checked {
    match value.get("objectType").map(Json::as_text) {
        Some(Some("Group")) => group(value),
        None | Some(Some("Agent")) => agent(value),
        Some(_) => Err(Refused::new("must be Agent or Group")).at("objectType"),
    }
}

/// An agent: one person or system, with exactly one identifier.
///
/// # Errors
/// [`Refused`].
pub fn agent(value: &Json) -> Checked {
    let found = object(value, &["objectType", "name", "mbox", "mbox_sha1sum", "openid", "account"])?;
    object_type(found, "Agent")?;
    optional(found, "name", is_string)?;
    match identifiers(found)? {
        1 => Ok(()),
        _ => Err(Refused::new("an agent needs exactly one of mbox, mbox_sha1sum, openid, account")),
    }
}

/// A group: identified like an agent, or anonymous with members.
///
/// # Errors
/// [`Refused`].
pub fn group(value: &Json) -> Checked {
    let found =
        object(value, &["objectType", "name", "mbox", "mbox_sha1sum", "openid", "account", "member"])?;
    required(found, "objectType", |_| Ok(()))?;
    object_type(found, "Group")?;
    optional(found, "name", is_string)?;
    let identifiers = identifiers(found)?;
    optional(found, "member", |members| each(members, agent))?;
    let members = found.get("member").and_then(Json::as_array).map_or(0, <[Json]>::len);
    match (identifiers, members) {
        (1, _) => Ok(()),
        (0, 1..) => Ok(()),
        (0, _) => Err(Refused::new("a group without an identifier needs members")),
        _ => Err(Refused::new("a group has at most one of mbox, mbox_sha1sum, openid, account")),
    }
}

/// Who vouches for a statement: an agent, or an anonymous group of two, an application with its user.
///
/// # Errors
/// [`Refused`].
pub fn authority(value: &Json) -> Checked {
    actor(value)?;
    let is_group = value.text_of("objectType") == Some("Group");
    let anonymous =
        value.as_object().is_some_and(|found| IDENTIFIERS.iter().all(|key| found.get(key).is_none()));
    let members = value.get("member").and_then(Json::as_array).map_or(0, <[Json]>::len);
    match is_group && !(anonymous && members == 2) {
        true => Err(Refused::new("a group as authority is anonymous and has exactly two members")),
        false => Ok(()),
    }
}

/// Checks the identifiers that are there, and counts them.
fn identifiers(found: &Object) -> Result<usize, Refused> {
    optional(found, "mbox", texted("mailto: and a mail address", is_mailto))?;
    optional(found, "mbox_sha1sum", texted("a SHA-1 in hexadecimal", is_sha1))?;
    optional(found, "openid", texted("an IRI with a scheme", is_iri))?;
    optional(found, "account", |value| {
        let account = object(value, &["homePage", "name"])?;
        required(account, "homePage", iri)?;
        let named = |text: &str| (1..=MAX_ID_BYTES).contains(&text.len());
        required(account, "name", texted("a string of 1 to 2048 bytes", named))
    })?;
    Ok(IDENTIFIERS.iter().filter(|key| found.get(key).is_some()).count())
}
