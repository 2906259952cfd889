//! Changes as JSON.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::attachments::Attachment;
use crate::documents::{Document, Key, Kind, Shelf};
use crate::json::Json;
use crate::statements::{Term, terms_of};
use crate::store::memory::key_of;
use crate::store::{Change, DocumentChange, NewStatement, TermKey};

pub(super) fn written(change: &Change) -> Json {
    let list = |items: Vec<Json>| Json::Array(items);
    let inherited =
        change.inherited.iter().map(|(place, keys)| list(vec![number(*place), written_keys(keys)]));
    let activities = change.activities.iter().map(|(id, known)| list(vec![Json::text(id), known.clone()]));
    Json::object([
        ("statements", list(change.statements.iter().map(written_statement).collect())),
        ("voided", list(change.voided.iter().map(|place| number(*place)).collect())),
        ("inherited", list(inherited.collect())),
        ("activities", list(activities.collect())),
        ("documents", list(change.documents.iter().map(written_document).collect())),
    ])
}

pub(super) fn read(json: Json) -> Option<Change> {
    let list = |key| json.get(key)?.as_array();
    Some(Change {
        statements: list("statements")?.iter().map(read_statement).collect::<Option<_>>()?,
        voided: list("voided")?.iter().map(as_number).collect::<Option<_>>()?,
        inherited: list("inherited")?
            .iter()
            .map(|pair| {
                let [place, keys] = pair.as_array()? else { return None };
                Some((as_number(place)?, read_keys(keys)?))
            })
            .collect::<Option<_>>()?,
        activities: list("activities")?
            .iter()
            .map(|pair| {
                let [id, known] = pair.as_array()? else { return None };
                Some((id.as_text()?.to_owned(), known.clone()))
            })
            .collect::<Option<_>>()?,
        documents: list("documents")?.iter().map(read_document).collect::<Option<_>>()?,
        // It was applied.
        students: Vec::new(),
    })
}

fn number(value: u64) -> Json {
    Json::Number(value.into())
}

fn as_number(json: &Json) -> Option<u64> {
    if let Json::Number(number) = json { number.as_u64() } else { None }
}

fn written_keys(keys: &BTreeSet<TermKey>) -> Json {
    Json::Array(keys.iter().map(|key| Json::text(hex::encode(key))).collect())
}

fn read_keys(json: &Json) -> Option<BTreeSet<TermKey>> {
    json.as_array()?.iter().map(|text| hex::decode(text.as_text()?).ok()?.try_into().ok()).collect()
}

fn optional(text: Option<&String>) -> Json {
    text.map_or(Json::Null, Json::text)
}

fn text_in(json: &Json, key: &str) -> Option<String> {
    json.text_of(key).map(str::to_owned)
}

/// Terms, people and target are read off the statement again; only the client is not in it.
fn written_statement(new: &NewStatement) -> Json {
    let client =
        new.terms.iter().find_map(|(term, _)| if let Term::Client(name) = term { Some(name) } else { None });
    let attachments = new.attachments.iter().map(|one| {
        Json::object([
            ("sha2", Json::text(&one.sha2)),
            ("type", Json::text(&one.content_type)),
            ("bytes", Json::text(STANDARD.encode(&one.bytes))),
        ])
    });
    Json::object([
        ("place", number(new.place)),
        ("body", new.body.clone()),
        ("client", optional(client)),
        ("inherited", written_keys(&new.inherited)),
        ("voided", Json::Bool(new.voided)),
        ("attachments", Json::Array(attachments.collect())),
    ])
}

fn read_statement(json: &Json) -> Option<NewStatement> {
    let body = json.get("body")?.clone();
    let mut terms = terms_of(&body);
    terms.extend(text_in(json, "client").map(Term::Client));
    let attachment = |one: &Json| {
        let bytes = STANDARD.decode(one.text_of("bytes")?).ok()?;
        Some(Attachment { sha2: text_in(one, "sha2")?, content_type: text_in(one, "type")?, bytes })
    };
    Some(NewStatement {
        place: as_number(json.get("place")?)?,
        terms: terms.into_iter().map(|term| (term.clone(), key_of(&term))).collect(),
        inherited: read_keys(json.get("inherited")?)?,
        people: crate::statements::people_of(&body),
        target: crate::statements::target_of(&body).map(|id| (id.clone(), key_of(&Term::Id(id)))),
        voided: json.get("voided")? == &Json::Bool(true),
        voids: crate::validate::is_voiding(&body),
        attachments: json.get("attachments")?.as_array()?.iter().map(attachment).collect::<Option<_>>()?,
        body,
    })
}

fn written_document(change: &DocumentChange) -> Json {
    let (key, document) = match change {
        DocumentChange::Put(key, document) => (key, Some(document)),
        DocumentChange::Delete(key) => (key, None),
    };
    let document = document.map_or(Json::Null, |document| {
        Json::object([
            ("type", Json::text(&document.content_type)),
            ("bytes", Json::text(STANDARD.encode(&document.bytes))),
            ("updated", number(document.updated_us)),
        ])
    });
    Json::object([
        ("kind", number(key.shelf.kind as u64)),
        ("activity", optional(key.shelf.activity.as_ref())),
        ("agent", optional(key.shelf.agent.as_ref())),
        ("registration", optional(key.registration.as_ref())),
        ("id", Json::text(&key.id)),
        ("document", document),
    ])
}

fn read_document(json: &Json) -> Option<DocumentChange> {
    let kind = match as_number(json.get("kind")?)? {
        0 => Kind::State,
        1 => Kind::ActivityProfile,
        2 => Kind::AgentProfile,
        _ => return None,
    };
    let shelf = Shelf { kind, activity: text_in(json, "activity"), agent: text_in(json, "agent") };
    let key = Key { shelf, registration: text_in(json, "registration"), id: text_in(json, "id")? };
    let document = json.get("document")?;
    if document == &Json::Null {
        return Some(DocumentChange::Delete(key));
    }
    let bytes = STANDARD.decode(document.text_of("bytes")?).ok()?;
    let updated_us = as_number(document.get("updated")?)?;
    Some(DocumentChange::Put(key, Document { content_type: text_in(document, "type")?, bytes, updated_us }))
}
