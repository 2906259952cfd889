//! When two statements are the same (xAPI 1.0.3, Data 2.3.1 and 2.6; 2.0, 4.2.4): what the store sets does not count, nor
//! the case of hexadecimal digits, default types, the order of members and related activities, how a verb is displayed
//! and how an activity is described.

use crate::json::{Json, Object};
use crate::time::Stamp;
use crate::validate::SIGNATURE;

/// True when `sent` says what `kept` says. A timestamp that `sent` leaves out is the store's to set.
pub fn same(kept: &Json, sent: &Json) -> bool {
    let (Some(mut kept), Some(mut sent)) = (kept.as_object().cloned(), sent.as_object().cloned()) else {
        return false;
    };
    if sent.get("timestamp").is_none() {
        kept.remove("timestamp");
    }
    for one in [&mut kept, &mut sent] {
        for key in ["stored", "authority", "version"] {
            one.remove(key);
        }
        lower(one, "id");
        statement(one);
    }
    kept == sent
}

/// The statement without its signatures: what a signature signs.
pub(crate) fn unsigned(statement: &Json) -> Json {
    let mut statement = statement.clone();
    let Some(object) = statement.as_object_mut() else { return statement };
    let kept = object.get("attachments").and_then(Json::as_array).map(|items| {
        items.iter().filter(|item| item.text_of("usageType") != Some(SIGNATURE)).cloned().collect::<Vec<_>>()
    });
    match kept {
        Some(kept) if kept.is_empty() => drop(object.remove("attachments")),
        Some(kept) => object.set("attachments", Json::Array(kept)),
        None => {}
    }
    statement
}

fn statement(one: &mut Object) {
    if let Some(stamp) = one.get("timestamp").and_then(Json::as_text).and_then(Stamp::parse) {
        one.set("timestamp", Json::text(stamp.to_utc()));
    }
    change(one, "actor", actor);
    change(one, "verb", |verb| drop(verb.remove("display")));
    change(one, "object", |object| match object.get("objectType").and_then(Json::as_text) {
        Some("Agent" | "Group") => actor(object),
        Some("StatementRef") => lower(object, "id"),
        Some("SubStatement") => statement(object),
        _ => activity(object),
    });
    change(one, "context", context);
    change(one, "result", |result| {
        if let Some(text) = result.get("duration").and_then(Json::as_text) {
            let hundredths = crate::time::to_hundredths(text);
            result.set("duration", Json::Text(hundredths));
        }
    });
}

fn context(one: &mut Object) {
    lower(one, "registration");
    change(one, "instructor", actor);
    change(one, "team", actor);
    change(one, "statement", |reference| lower(reference, "id"));
    change(one, "contextActivities", |related| {
        for (_, value) in related.iter_mut() {
            let mut list = match std::mem::replace(value, Json::Null) {
                Json::Array(items) => items,
                single => vec![single],
            };
            list.iter_mut().filter_map(Json::as_object_mut).for_each(activity);
            list.sort_by_cached_key(sorted);
            *value = Json::Array(list);
        }
    });
    for (list, key) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        if let Some(Json::Array(items)) = one.get_mut(list) {
            items.iter_mut().filter_map(Json::as_object_mut).for_each(|item| change(item, key, actor));
        }
    }
}

fn actor(one: &mut Object) {
    if one.get("objectType").is_none() {
        one.set("objectType", Json::text("Agent"));
    }
    lower(one, "mbox_sha1sum");
    if let Some(Json::Array(members)) = one.get_mut("member") {
        members.iter_mut().filter_map(Json::as_object_mut).for_each(actor);
        members.sort_by_cached_key(sorted);
    }
}

fn activity(one: &mut Object) {
    one.remove("definition");
    one.set("objectType", Json::text("Activity"));
}

/// A text that does not depend on the order of keys.
fn sorted(value: &Json) -> String {
    let Some(object) = value.as_object() else { return value.to_string() };
    let mut members: Vec<String> =
        object.iter().map(|(key, value)| format!("{key:?}{}", sorted(value))).collect();
    members.sort();
    members.concat()
}

fn change(one: &mut Object, key: &str, with: impl FnOnce(&mut Object)) {
    if let Some(found) = one.get_mut(key).and_then(Json::as_object_mut) {
        with(found);
    }
}

fn lower(one: &mut Object, key: &str) {
    if let Some(Json::Text(text)) = one.get_mut(key) {
        text.make_ascii_lowercase();
    }
}
