//! What is sealed, as bytes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::attachments::Attachment;
use crate::documents::{Document, Key, Kind, Shelf};
use crate::json::{self, Json, Number};
use crate::store::TermKey;

/// The marks of a statement's row: flags, and the key of what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    pub voided: bool,
    pub voids: bool,
    pub target: Option<TermKey>,
}

impl Marks {
    pub fn bytes(&self) -> Vec<u8> {
        let flags = u8::from(self.voided) | u8::from(self.voids) << 1;
        [&[flags][..], self.target.as_ref().map_or(&[][..], |target| &target[..])].concat()
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (flags, target) = bytes.split_first()?;
        let target = if target.is_empty() { None } else { Some(target.try_into().ok()?) };
        (*flags < 4).then_some(Self { voided: flags & 1 != 0, voids: flags & 2 != 0, target })
    }
}

/// What goes with the first person erased: attachments, described and in bytes. Nothing without any.
pub(super) fn whole(described: &BTreeMap<&'static str, Json>, attachments: &[Attachment]) -> Vec<u8> {
    if described.is_empty() && attachments.is_empty() {
        return Vec::new();
    }
    let bytes = attachments.iter().map(|one| {
        Json::object([
            ("sha2", Json::text(&one.sha2)),
            ("type", Json::text(&one.content_type)),
            ("bytes", Json::text(STANDARD.encode(&one.bytes))),
        ])
    });
    let mut whole = Json::object([("bytes", Json::Array(bytes.collect()))]);
    if let Some(object) = whole.as_object_mut() {
        described.iter().for_each(|(place, list)| object.set(place, list.clone()));
    }
    whole.to_string().into_bytes()
}

/// Reads the bytes of [`whole`].
pub(super) fn read_whole(bytes: &[u8]) -> Option<Json> {
    if bytes.is_empty() {
        return Some(Json::object([("bytes", Json::Array(Vec::new()))]));
    }
    json::read(bytes).ok()
}

/// Puts the descriptions of attachments back.
pub(super) fn describe(statement: &mut Json, whole: &Json) -> Option<()> {
    let one = statement.as_object_mut()?;
    if let Some(list) = whole.get("outer") {
        one.set("attachments", list.clone());
    }
    if let Some(list) = whole.get("inner") {
        one.get_mut("object")?.as_object_mut()?.set("attachments", list.clone());
    }
    Some(())
}

pub(super) fn attachments(whole: &Json) -> Option<Vec<Attachment>> {
    let read = |one: &Json| {
        Some(Attachment {
            sha2: one.text_of("sha2")?.to_owned(),
            content_type: one.text_of("type")?.to_owned(),
            bytes: STANDARD.decode(one.text_of("bytes")?).ok()?,
        })
    };
    whole.get("bytes")?.as_array()?.iter().map(read).collect()
}

/// A text that no other shelf has. JSON, so that no separator can stand in a part.
pub(super) fn shelf_text(shelf: &Shelf) -> String {
    Json::Array(parts(shelf)).to_string()
}

/// A text that no other document has.
pub(super) fn key_text(key: &Key) -> String {
    let mut parts = parts(&key.shelf);
    parts.extend([optional(key.registration.as_ref()), Json::text(&key.id)]);
    Json::Array(parts).to_string()
}

fn parts(shelf: &Shelf) -> Vec<Json> {
    let kind = Json::Number(Number::from(shelf.kind as u64));
    vec![kind, optional(shelf.activity.as_ref()), optional(shelf.agent.as_ref())]
}

fn optional(text: Option<&String>) -> Json {
    text.map_or(Json::Null, Json::text)
}

pub(super) fn document(key: &Key, document: &Document) -> Json {
    let Shelf { kind, activity, agent } = &key.shelf;
    Json::object([
        ("kind", Json::Number(Number::from(*kind as u64))),
        ("activity", optional(activity.as_ref())),
        ("agent", optional(agent.as_ref())),
        ("registration", optional(key.registration.as_ref())),
        ("id", Json::text(&key.id)),
        ("type", Json::text(&document.content_type)),
        ("updated", Json::Number(Number::from(document.updated_us))),
        ("bytes", Json::text(STANDARD.encode(&document.bytes))),
    ])
}

/// Where a document lies on its shelf.
pub(super) struct Place {
    pub registration: Option<String>,
    pub id: String,
}

pub(super) fn read_document(json: &Json) -> Option<(Place, Document)> {
    let registration = json.text_of("registration").map(str::to_owned);
    let Json::Number(updated) = json.get("updated")? else { return None };
    let document = Document {
        content_type: json.text_of("type")?.to_owned(),
        bytes: STANDARD.decode(json.text_of("bytes")?).ok()?,
        updated_us: updated.as_u64()?,
    };
    Some((Place { registration, id: json.text_of("id")?.to_owned() }, document))
}

/// The shelf that a document says it lies on; none of one that was written before documents said it.
pub(super) fn read_shelf(json: &Json) -> Option<Shelf> {
    let Json::Number(kind) = json.get("kind")? else { return None };
    let kind = [Kind::State, Kind::ActivityProfile, Kind::AgentProfile]
        .into_iter()
        .find(|own| Some(*own as u64) == kind.as_u64())?;
    let text = |name: &str| json.text_of(name).map(str::to_owned);
    Some(Shelf { kind, activity: text("activity"), agent: text("agent") })
}
