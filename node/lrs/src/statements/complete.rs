//! What a store sets in a statement that it takes.

use crate::json::{Json, Object};
use crate::time::Stamp;
use crate::version::Version;

/// What is set before the statement has its place.
#[derive(Debug, Clone)]
pub struct Set<'a> {
    /// The identifier, when the statement has none.
    pub id: &'a str,
    /// Who vouches for it: the client.
    pub authority: &'a Json,
    /// The version that the request spoke.
    pub version: Version,
}

/// Completes a statement that passed [`crate::validate::statement`], but for when it is stored ([`stamp`]).
pub fn complete(statement: &mut Json, set: &Set<'_>) {
    let Some(one) = statement.as_object_mut() else { return };
    if one.get("id").is_none() {
        one.set("id", Json::text(set.id));
    }
    one.set("authority", set.authority.clone());
    if one.get("version").is_none() {
        one.set("version", Json::text(set.version.of_statement()));
    }
    inner(one, set.version);
    if let Some(object) = one.get_mut("object").and_then(Json::as_object_mut)
        && object.get("objectType").and_then(Json::as_text) == Some("SubStatement")
    {
        inner(object, set.version);
    }
}

/// Says when it is stored; that is also its timestamp, when it has none.
pub fn stamp(statement: &mut Json, stored: Stamp) {
    let Some(one) = statement.as_object_mut() else { return };
    let text = stored.to_utc();
    if one.get("timestamp").is_none() {
        one.set("timestamp", Json::text(&text));
    }
    one.set("stored", Json::Text(text));
}

fn inner(one: &mut Object, version: Version) {
    // 2.0 answers in UTC whatever was sent; 1.0.3 keeps what was sent.
    if version == Version::Two
        && let Some(text) = one.get("timestamp").and_then(Json::as_text)
        && !text.ends_with('Z')
        && let Some(stamp) = Stamp::parse(text)
    {
        one.set("timestamp", Json::text(stamp.to_utc()));
    }
    let related = one.get_mut("context").and_then(Json::as_object_mut);
    if let Some(related) = related.and_then(|c| c.get_mut("contextActivities")).and_then(Json::as_object_mut)
    {
        for (_, value) in related.iter_mut() {
            if matches!(value, Json::Object(_)) {
                *value = Json::Array(vec![std::mem::replace(value, Json::Null)]);
            }
        }
    }
}
