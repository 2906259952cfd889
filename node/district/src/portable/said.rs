//! An event and a whole record as people and programs read them.

use aula_twin_runtime::event::{Attendance, Correctness, Event, EventBody, EventError};
use aula_vault::access::Whole;
use aula_vault::feeds::KeptEvent;
use serde_json::{Map, Value, json};

use super::form::EventLine;
use aula_ledger::types::Handle;

/// JSON as it was written, else an object with the bytes' hex.
pub fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!({ "hex": hex::encode(bytes) }))
}

/// What happened.
pub fn says(body: &EventBody) -> Value {
    match body {
        EventBody::Response { item, skills, correctness, duration_ms } => {
            let skills: Vec<u16> = skills.as_slice().iter().map(|skill| skill.0).collect();
            let correct = *correctness == Correctness::Correct;
            json!({ "kind": "response", "item": item.0, "skills": skills, "correct": correct, "duration_ms": duration_ms })
        }
        EventBody::Written { sentiment } => json!({ "kind": "written", "sentiment_e4": sentiment.e4() }),
        EventBody::Session { minutes, active_minutes } => {
            json!({ "kind": "session", "minutes": minutes, "active_minutes": active_minutes })
        }
        EventBody::Attendance(mark) => {
            let mark = match mark {
                Attendance::Present => "present",
                Attendance::Late => "late",
                Attendance::Absent => "absent",
                Attendance::Excused => "excused",
            };
            json!({ "kind": "attendance", "mark": mark })
        }
        EventBody::ResourceUse { resource, used_minutes, available_minutes } => {
            json!({ "kind": "resource_use", "resource": resource.0, "used_minutes": used_minutes, "available_minutes": available_minutes })
        }
        EventBody::Assessment { skill, grade, year, score_e1 } => {
            json!({ "kind": "assessment", "skill": skill.0, "grade": grade, "school_year": year, "score_e1": score_e1 })
        }
        EventBody::InterventionOpened { intervention } => {
            json!({ "kind": "intervention_opened", "intervention": intervention.0 })
        }
        EventBody::InterventionClosed { intervention } => {
            json!({ "kind": "intervention_closed", "intervention": intervention.0 })
        }
        EventBody::InputRecorded { input, value } => {
            json!({ "kind": "input_recorded", "input": input, "value": value })
        }
        EventBody::Correction { target, replacement } => {
            let place = hex::encode(crate::event_place::place(target));
            json!({ "kind": "correction", "target": place, "replacement": replacement.as_deref().map(says) })
        }
    }
}

/// The line of an event as the vault keeps it.
///
/// # Errors
/// Bytes that are no event.
pub fn line(handle: Handle, kept: &KeptEvent) -> Result<EventLine, EventError> {
    let event = Event::decode(&kept.event)?;
    Ok(EventLine {
        handle,
        place: hex::encode(&kept.key),
        event: hex::encode(kept.event.as_slice()),
        at_ms: event.effective_ms(),
        source: event.key.source.0,
        sequence: event.key.sequence,
        says: says(&event.body),
        origin: (!kept.origin.is_empty()).then(|| value(&kept.origin)),
    })
}

/// A student's whole record in one object, for those whose it is.
///
/// # Errors
/// Bytes that are no event.
pub fn record(whole: &Whole) -> Result<Value, EventError> {
    let fields: Map<String, Value> =
        whole.fields.iter().map(|(name, bytes)| (name.to_string(), value(bytes))).collect();
    let mut events = Vec::with_capacity(whole.events.len());
    for kept in &whole.events {
        let event = Event::decode(&kept.event)?;
        events.push(json!({ "at_ms": event.effective_ms(), "says": says(&event.body) }));
    }
    let place = whole.roster.as_ref().map(|place| {
        json!({
            "local_id": place.local_id, "school": place.school, "local_school": place.local_school,
            "enrolled": place.enrolled, "modified_ms": place.modified_ms,
        })
    });
    let consents: Vec<Value> = whole
        .consents
        .iter()
        .map(|(purpose, choice)| json!({ "purpose": purpose, "choice": choice }))
        .collect();
    let readers: Vec<Value> = whole
        .relations
        .iter()
        .map(|(reader, relations)| json!({ "reader": reader, "relations": relations }))
        .collect();
    Ok(json!({
        "fields": fields, "events": events, "roster": place, "consents": consents, "readers": readers,
        "corrections": whole.corrections,
    }))
}
