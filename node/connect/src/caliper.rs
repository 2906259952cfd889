//! The endpoint of a feed of Caliper: `POST /caliper` with an envelope.
//!
//! Flow: who asks (Bearer, [`crate::clients`]) → the envelope, whole or refused with its place ([`aula_ingest::event::caliper`]) → its
//! events through the pipeline → 200 with an empty body once all of them are on disk. `?dry_run=1` checks and takes nothing
//! in. Refusals are problems of RFC 7807: 400 what is not the standard's, 401 and 403, 413, 415, 422 another version, 429, 503
//! and 507 (the vault has its share of the disk) with Retry-After. Absent: TLS, which a proxy ends; entities that are described alone, which are checked and not kept.

use std::sync::Arc;

use aula_home::clock::now_ms;
use aula_ingest::event::caliper::{Events, MAX_ENVELOPE_BYTES, Refused, envelope};
use aula_lrs::clients::Clients;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use crate::given::{Feed, Form, Given};
use crate::intake::{Asked, Intake, Known, retry_s};
use crate::pipeline::{Busy, MAX_SUBMITTED};

#[cfg(test)]
mod tests;

type Refusal = (StatusCode, String);

/// Who may send.
const KNOWN: Known = (Clients::bearer, "no client of this feed: send Authorization: Bearer with its secret");

/// The events as messages; those whose rule says that they are not events are left out.
fn given(feed: &Arc<Feed>, events: Events, sender: &Arc<str>) -> Vec<Given> {
    let now = now_ms();
    let read = |(number, event): (u32, String)| {
        Given::read(feed, Form::Caliper, Bytes::from(event), (sender, number), now)
    };
    events.events.into_iter().filter_map(read).collect()
}

/// The routes of a feed.
pub fn router(endpoint: Arc<Intake>) -> Router {
    Router::new()
        .route("/caliper", post(take))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(MAX_ENVELOPE_BYTES))
        .with_state(endpoint)
}

async fn take(
    State(endpoint): State<Arc<Intake>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let taken = async {
        let told = |(status, why): (StatusCode, &str)| (status, why.to_owned());
        let _place = endpoint.place().map_err(told)?;
        let sender = endpoint.sender(&headers, KNOWN).map_err(told)?;
        taken(&endpoint, &sender, &headers, &body, asked.dry_run == 1).await
    };
    match taken.await {
        Ok(response) => response,
        Err(refused) => refusal(refused),
    }
}

async fn taken(
    endpoint: &Intake,
    sender: &Arc<str>,
    headers: &HeaderMap,
    body: &Bytes,
    dry: bool,
) -> Result<Response, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json".into()));
    }
    let events = envelope(body).map_err(refused)?;
    let (count, entities) = (events.events.len(), events.entities);
    let given = given(&endpoint.feed, events, sender);
    if dry {
        let letters = given.iter().filter(|given| given.message.is_err()).count();
        let told = json!({ "events": count, "entities": entities, "dead_letters": letters, "dry_run": true });
        return Ok((StatusCode::OK, [(CONTENT_TYPE, "application/json")], told.to_string()).into_response());
    }
    // An envelope may have more events than one submission takes; what was taken of one that fails is known when it comes again.
    let mut rest = given;
    while !rest.is_empty() {
        let behind = rest.split_off(rest.len().min(MAX_SUBMITTED));
        let waiting = endpoint.pipeline.submit(rest).map_err(busy)?;
        waiting.await.unwrap_or(Err(Busy::Closed)).map_err(busy)?;
        rest = behind;
    }
    Ok(StatusCode::OK.into_response())
}

fn busy(busy: Busy) -> Refusal {
    (busy.told().0, busy.to_string())
}

fn refused(refused: Refused) -> Refusal {
    let status = match refused {
        Refused::Json(_) | Refused::Fault(_) => StatusCode::BAD_REQUEST,
        Refused::Version => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    (status, refused.to_string())
}

fn refusal((status, detail): Refusal) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let mut response =
        (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"caliper\""));
    }
    if let Some(seconds) = retry_s(status) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
