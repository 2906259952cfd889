//! `/v1/stream`: each final block as one WebSocket message, from a height on, without gaps or repeats.
//!
//! The client names the height it wants next (`?from=H`, the tip's next when left out); after a broken
//! connection it asks again from the last it saw plus one. A client too slow to take a message within ten
//! seconds is let go: it can resume. Streams are counted against the operator's limit.

use std::sync::Arc;
use std::time::Duration;

use aula_ledger::types::Height;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::chain;
use super::error::{ApiError, ErrorBody};
use super::extract::FromQuery;
use super::node::Node;

/// How long a client may take for one message.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// With nothing to send, how often the connection is probed.
const PING_EVERY: Duration = Duration::from_secs(20);
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
#[utoipa::path(get, path = "/v1/stream", tag = "chain", params(StreamQuery),
    responses((status = 101, description = "switching to WebSocket"), (status = 503, body = ErrorBody)))]
pub async fn stream(
    State(node): State<Arc<Node>>,
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
    Ok(upgrade.max_message_size(MAX_INCOMING_BYTES).on_upgrade(move |socket| async move {
        let _permit = permit;
        run(&node, socket, next).await;
    }))
}

async fn run(node: &Node, mut socket: WebSocket, mut next: Height) {
    let mut tips = node.db.watch_tip();
    loop {
        let view = node.view();
        while next <= view.tip().height {
            let Ok(Some(block)) = chain::detail(&view, next) else { return };
            let Ok(text) = serde_json::to_string(&block) else { return };
            if !send(&mut socket, Message::Text(text.into())).await {
                return;
            }
            next = next.next();
        }
        drop(view);
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

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_LIMIT, socket.send(message)).await, Ok(Ok(())))
}
