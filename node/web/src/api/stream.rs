//! `/v1/stream`: each final block as one WebSocket message, from a height on, without gaps or repeats.
//!
//! The client names the height it wants next (`?from=H`, the tip's next when left out); after a broken
//! connection it asks again from the last it saw plus one. A client too slow to take a message within ten
//! seconds is let go: it can resume. Streams are counted against the operator's limit.

use std::sync::Arc;
use std::time::Duration;

use aula_api::paths;
use aula_ledger::types::Height;
use aula_store::ChainView;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::chain;
use crate::api_error::{ApiError, ErrorBody};
use crate::http::cache::{Kept, Lifetime};
use crate::http::gzip::MAX_ANSWER_BYTES;
use crate::http::{AppState, FromQuery};

/// How long a client may take for one message.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// With nothing to send, how often the connection is probed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Of so many newest blocks the message is kept for the next stream.
const SHARED_BLOCKS: u64 = 16;
/// Clients have nothing to say: their messages are short or the connection is closed.
const MAX_INCOMING_BYTES: usize = 1024;

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    /// The first height to send; the tip's next when left out.
    pub from: Option<u64>,
}

/// Final blocks as they come, as WebSocket text messages in the form of /v1/blocks/{height}
#[utoipa::path(get, path = paths::STREAM, tag = "chain", params(StreamQuery),
    responses((status = 101, description = "switching to WebSocket"), (status = 503, body = ErrorBody)))]
pub async fn stream(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<StreamQuery>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|e| {
        ApiError::bad_request(format!("this route is a WebSocket: {e}"), "connect with ws:// or wss://")
    })?;
    let permit = node.streams.clone().try_acquire_owned().map_err(|_| {
        let hint = "try again later, or poll /v1/blocks";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "all streams are taken", hint)
    })?;
    let next = query.from.map_or_else(|| node.view().tip().height.next(), |from| Height(from.max(1)));
    let upgrade = upgrade.max_message_size(MAX_INCOMING_BYTES);
    // Each block is one message that is sent at once: the usual buffers, 256 KiB a stream, would lie empty.
    let upgrade = upgrade.read_buffer_size(MAX_INCOMING_BYTES).write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _permit = permit;
        run(&node, socket, next).await;
    }))
}

async fn run(node: &Arc<AppState>, mut socket: WebSocket, mut next: Height) {
    let mut tips = node.db.watch_tip();
    loop {
        loop {
            // Taken anew for each block: a slow client must not hold the database to what it once showed.
            let view = node.view();
            if next > view.tip().height {
                break;
            }
            let Some(text) = block(node, &view, next).await else { return };
            if !send(&mut socket, Message::Text(text)).await {
                return;
            }
            next = next.next();
        }
        tokio::select! {
            changed = tips.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(PING_EVERY) => {
                if !send(&mut socket, Message::Ping(Vec::new().into())).await {
                    return;
                }
            }
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// A block's message. New blocks are made once for all streams and the route; of the past, one client's business, few are
/// made at a time, so that many who read a long chain do not crowd out everything else.
async fn block(node: &Arc<AppState>, view: &Arc<ChainView>, height: Height) -> Option<Utf8Bytes> {
    let tip = view.tip().height.0;
    let key = paths::block(height);
    if let Some(kept) = node.cache.find(&key, tip) {
        return Utf8Bytes::try_from(kept.body.clone()).ok();
    }
    let turn = Arc::new(node.past.clone().acquire_owned().await.ok()?);
    // Somebody else's turn may have made it.
    if let Some(kept) = node.cache.find(&key, tip) {
        return Utf8Bytes::try_from(kept.body.clone()).ok();
    }
    let (view, held) = (view.clone(), turn.clone());
    let made = tokio::task::spawn_blocking(move || {
        // Also when the client has gone.
        let _held = held;
        let block = chain::detail(&view, height).ok()??;
        serde_json::to_vec(&block).ok()
    });
    let body = Bytes::from(made.await.ok()??);
    if tip.saturating_sub(height.0) < SHARED_BLOCKS && body.len() <= MAX_ANSWER_BYTES {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        node.cache.keep(key, Arc::new(Kept::new(headers, body.clone(), Lifetime::Final, tip)));
    }
    Utf8Bytes::try_from(body).ok()
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_LIMIT, socket.send(message)).await, Ok(Ok(())))
}
