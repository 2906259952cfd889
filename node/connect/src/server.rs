//! The HTTP listener of a feed of frames: `POST /events` with lines of JSON or binary frames.
//!
//! Flow: who asks (Basic, [`crate::clients`]) → the body within its limits → messages → the pipeline → 200 once all of them are
//! on disk, with what became of them. `?dry_run=1` reads and counts, and takes nothing in. 401 unknown client, 403 one without
//! `statements/write`, 413 too large, 415 another type, 429, 503 and 507 (the vault has its
//! share of the disk) with Retry-After when nothing is taken in. Absent: TLS, which a
//! proxy ends.

use std::sync::Arc;

use aula_home::clock::now_ms;
use aula_ingest::event::frame;
use aula_lrs::clients::Clients;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use crate::given::{Feed, Form, Given};
use crate::intake::{Asked, Intake, Known, retry_s};
use crate::pipeline::{Busy, MAX_SUBMITTED};
use crate::strangers::limited;

#[cfg(test)]
mod tests;

/// Most bytes of a request: the most messages of the longest usual length.
pub const MAX_BODY_BYTES: usize = 8 << 20;
/// The type of binary frames.
pub const FRAMES: &str = "application/x-aula-frames";
/// The type of lines of JSON.
pub const LINES: &str = "application/x-ndjson";
/// Who may send.
const KNOWN: Known = (Clients::known, "no client of this feed: send Basic with its name and secret");

/// The routes of a feed.
pub fn router(frames: Arc<Intake>) -> Router {
    let routes = Router::new()
        .route("/events", post(take))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(frames);
    limited(routes)
}

fn refusal(status: StatusCode, message: impl std::fmt::Display) -> Response {
    let code = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase().replace(' ', "_");
    let body = json!({ "error": { "code": code, "message": message.to_string() } }).to_string();
    let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Basic realm=\"feed\""));
    }
    if let Some(seconds) = retry_s(status) {
        headers.insert(RETRY_AFTER, axum::http::HeaderValue::from(seconds));
    }
    response
}

async fn take(State(frames): State<Arc<Intake>>, Query(asked): Query<Asked>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let known = frames.place().and_then(|place| Ok((place, frames.sender(&headers, KNOWN)?)));
    let (_place, sender) = match known {
        Ok(known) => known,
        Err((status, message)) => return refusal(status, message),
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // A stranger's body is not read at all.
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("send at most {MAX_BODY_BYTES} bytes at once"),
        );
    };
    let given = match read(&frames.feed, &body, kind, &sender) {
        Ok(given) => given,
        Err((status, message)) => return refusal(status, message),
    };
    if asked.dry_run == 1 {
        let refused = given.iter().filter(|given| given.message.is_err()).count();
        return answer(&json!({ "messages": given.len(), "refused": refused, "dry_run": true }));
    }
    let answered = match frames.pipeline.submit(given) {
        Ok(waiting) => waiting.await.unwrap_or(Err(Busy::Closed)),
        Err(busy) => Err(busy),
    };
    match answered {
        Ok(done) => answer(&json!({
            "new": done.new, "known": done.known, "dead_letters": done.dead_letters, "spooled": done.spooled,
        })),
        Err(busy) => refusal(busy.told().0, busy),
    }
}

fn answer(json: &serde_json::Value) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], json.to_string()).into_response()
}

/// The messages of a body.
fn read(
    feed: &Arc<Feed>,
    body: &Bytes,
    kind: &str,
    sender: &Arc<str>,
) -> Result<Vec<Given>, (StatusCode, String)> {
    let now = now_ms();
    let (form, parts): (Form, Vec<&[u8]>) = match kind {
        FRAMES => {
            let frames = frame::cut(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
            (Form::Frame, frames)
        }
        LINES => {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            (Form::Line, lines.collect())
        }
        _ => {
            let message = format!("Content-Type must be {LINES} or {FRAMES}");
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
    };
    if parts.len() > MAX_SUBMITTED {
        let message = format!("{} messages: send at most {MAX_SUBMITTED} at once", parts.len());
        return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let read =
        |(number, raw): (u32, &[u8])| Given::read(feed, form, body.slice_ref(raw), (sender, number), now);
    Ok((1..).zip(parts).filter_map(read).collect())
}
