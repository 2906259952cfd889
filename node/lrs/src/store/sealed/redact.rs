//! Taking people out of a statement, putting them back, saying that one is gone, and telling what is left from another statement.

use std::collections::BTreeMap;

use aula_ledger::types::Handle;

use crate::json::{Json, Object};
use crate::statements::{identifier, same};

/// The home page of agents that stand for people, and the extension that says that one was erased.
const REDACTED: &str = "urn:aula:redacted";

/// Puts an opaque agent wherever a student stands, and gives what stood there, by the name of the opaque one. Students
/// inside another's object are taken out first, so that no part holds two of them. One person's opaque agents begin alike.
pub(super) fn take_out(statement: &mut Json, who: &BTreeMap<&str, Handle>) -> BTreeMap<Handle, Object> {
    let mut found: BTreeMap<Handle, (String, Object)> = BTreeMap::new();
    innermost_first(statement, &mut |value| {
        let Some(handle) = identifier(value).and_then(|own| who.get(own.as_str()).copied()) else { return };
        let random = || hex::encode(rand::random::<[u8; 16]>());
        let (person, taken) = found.entry(handle).or_insert_with(|| (random(), Object::default()));
        let name = format!("{person}-{}", taken.len());
        let kind = if value.text_of("objectType") == Some("Group") { "Group" } else { "Agent" };
        let own = std::mem::replace(value, opaque(kind, &name));
        taken.set(&name, own);
    });
    found.into_iter().map(|(handle, (_, taken))| (handle, taken)).collect()
}

/// Whether a statement is the one of which this is left: whoever stands where somebody was taken out, and whatever is attached to it. The
/// other one may have lost people itself, the same or fewer.
pub fn is_left_of(left: &Json, other: &Json) -> bool {
    let (mut left, mut other) = (left.clone(), other.clone());
    for one in [&mut left, &mut other] {
        take_attachments(one);
        unmark(one);
    }
    take_out_alike(&left, &mut other);
    same(&left, &other)
}

/// Puts the opaque agents of one statement where somebody stands in another one.
fn take_out_alike(left: &Json, other: &mut Json) {
    if left.get("account").is_some_and(|account| account.text_of("homePage") == Some(REDACTED)) {
        if identifier(other).is_some() {
            *other = left.clone();
        }
        return;
    }
    match (left, other) {
        (Json::Array(left), Json::Array(other)) => {
            left.iter().zip(other.iter_mut()).for_each(|(left, other)| take_out_alike(left, other));
        }
        (Json::Object(left), Json::Object(other)) => {
            for (key, left) in left.iter() {
                if let Some(other) = other.get_mut(key) {
                    take_out_alike(left, other);
                }
            }
        }
        _ => {}
    }
}

/// Puts people back where their opaque agents stand.
pub(super) fn put_back(value: &mut Json, taken: &Object) {
    if let Some(own) = value.get("account").filter(|account| account.text_of("homePage") == Some(REDACTED))
        && let Some(own) = own.text_of("name").and_then(|name| taken.get(name))
    {
        *value = own.clone();
    }
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| put_back(item, taken)),
        Json::Object(object) => object.iter_mut().for_each(|(_, item)| put_back(item, taken)),
        _ => {}
    }
}

fn opaque(kind: &str, name: &str) -> Json {
    let account = Json::object([("homePage", Json::text(REDACTED)), ("name", Json::text(name))]);
    Json::object([("objectType", Json::text(kind)), ("account", account)])
}

fn innermost_first(value: &mut Json, visit: &mut dyn FnMut(&mut Json)) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| innermost_first(item, visit)),
        Json::Object(object) => object.iter_mut().for_each(|(_, item)| innermost_first(item, visit)),
        _ => {}
    }
    visit(value);
}

/// Takes the descriptions of attachments out: of the statement, and of the one inside it.
pub(super) fn take_attachments(statement: &mut Json) -> BTreeMap<&'static str, Json> {
    let mut taken = BTreeMap::new();
    if let Some(one) = statement.as_object_mut() {
        taken.extend(one.remove("attachments").map(|list| ("outer", list)));
        let inner = one.get_mut("object").and_then(Json::as_object_mut);
        taken.extend(inner.and_then(|inner| inner.remove("attachments")).map(|list| ("inner", list)));
    }
    taken
}

/// Says in the statement's context that somebody in it was erased.
pub(super) fn mark(statement: &mut Json) {
    let Some(one) = statement.as_object_mut() else { return };
    let mut context = one.get("context").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut extensions = context.get("extensions").and_then(Json::as_object).cloned().unwrap_or_default();
    extensions.set(REDACTED, Json::Bool(true));
    context.set("extensions", Json::Object(extensions));
    one.set("context", Json::Object(context));
}

/// Takes out what [`mark`] says.
fn unmark(statement: &mut Json) {
    let Some(one) = statement.as_object_mut() else { return };
    let Some(context) = one.get_mut("context").and_then(Json::as_object_mut) else { return };
    let says_no_more =
        context.get_mut("extensions").and_then(Json::as_object_mut).is_some_and(|extensions| {
            extensions.remove(REDACTED);
            extensions.is_empty()
        });
    if says_no_more {
        context.remove("extensions");
    }
    if context.is_empty() {
        one.remove("context");
    }
}
