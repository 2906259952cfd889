//! A batch as `ExportTraceServiceRequest` in OTLP's JSON: identifiers in hex, numbers of 64 bits as texts.

use serde_json::{Value, json};

use super::{Closed, Settings, Told};

fn value(told: &Told) -> Value {
    match told {
        Told::Word(word) => json!({ "stringValue": word }),
        Told::Number(number) => json!({ "intValue": number.to_string() }),
        Told::Truth(truth) => json!({ "boolValue": truth }),
    }
}

fn word(key: &str, word: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": word } })
}

/// Whether what it is of failed, as far as its fields tell.
fn failed(span: &Closed) -> bool {
    span.fields.iter().any(|(field, told)| match (field.name, told) {
        ("status", Told::Number(status)) => *status >= 500,
        ("failed", Told::Truth(failed)) => *failed,
        _ => false,
    })
}

/// How it is called: a request by its method and pattern, as the conventions want it.
fn name(span: &Closed) -> String {
    let of = |name: &str| {
        span.fields.iter().find_map(|(field, told)| match told {
            Told::Word(word) if field.name == name => Some(word.as_str()),
            _ => None,
        })
    };
    match (of("method"), of("route"), of("duty")) {
        (Some(method), Some(route), _) => format!("{method} {route}"),
        (_, _, Some(duty)) => format!("{} {duty}", span.known.name),
        _ => span.known.name.to_owned(),
    }
}

fn span(span: &Closed) -> Value {
    let attributes: Vec<Value> =
        span.fields.iter().map(|(field, told)| json!({ "key": field.told, "value": value(told) })).collect();
    let mut one = json!({
        "traceId": hex::encode(span.trace), "spanId": hex::encode(span.id), "name": name(span), "kind": span.known.kind,
        "startTimeUnixNano": span.begun_ns.to_string(), "endTimeUnixNano": span.ended_ns.to_string(),
        "attributes": attributes, "status": if failed(span) { json!({ "code": 2 }) } else { json!({}) },
    });
    if let (Some(parent), Some(one)) = (span.parent, one.as_object_mut()) {
        one.insert("parentSpanId".into(), hex::encode(parent).into());
    }
    one
}

/// The body of a request.
pub(crate) fn request(settings: &Settings, spans: &[Closed]) -> Value {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let resource = [
        word("service.name", "aula"),
        word("service.version", &settings.version),
        word("service.instance.id", &settings.tenant),
        word("telemetry.sdk.language", "rust"),
        word("telemetry.sdk.name", "aula-traces"),
        word("telemetry.sdk.version", &settings.version),
    ];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "aula", "version": settings.version }, "spans": spans }],
    }] })
}
