//! The socket of an open dashboard: what changed, at most every [`EVERY`], in messages of at most [`MAX_BYTES`].
//!
//! Flow: only a page of this origin connects → its first message says which session, if no cookie does, and up to which change of
//! which epoch it has everything → the look is listed once for the whole connection → changes are sent as they come, or
//! all parts when the epoch is another's → every [`Hub::check_every`] link, consent and vault are looked at again; who may no longer
//! see is told why, and the socket closes. Invariants: while a check is overdue nothing is sent; a message's `seq` says that
//! everything up to it was sent, so that whoever comes back with it misses nothing.

use std::sync::Arc;
use std::time::Duration;

use aula_home::clock::now_ms;
use aula_twin_runtime::clock::DAY_MS;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use metrics::{counter, gauge, histogram};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::channel::{Channel, Hub};
use super::open::session;
use super::parts::Granted;
use super::refusal::Refusal;
use super::render;
use super::session::{Grant, Token};
use super::source::{self, Look};
use super::words::Lang;
use crate::http::{AppState, FromPath, wants_page};

/// Between two messages with changes.
const EVERY: Duration = Duration::from_millis(250);
/// Most bytes of a message.
const MAX_BYTES: usize = 2_048;
/// Bytes of a message around its changes.
const FRAME_BYTES: usize = 96;
/// How soon again when the vault was in use.
const AGAIN: Duration = Duration::from_secs(2);
/// With nothing to send, how often the connection is probed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long a client may take for one message, and for its first.
const LIMIT: Duration = Duration::from_secs(10);
/// Clients say little.
const MAX_INCOMING_BYTES: usize = 512;

/// What a client says first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    epoch: u64,
    after: u64,
    lang: String,
    #[serde(default)]
    bearer: Option<String>,
}

/// Whether a request comes from a page of this origin, by what the browser says of it.
pub(super) fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == text(header::HOST)
}

/// Opens the socket.
pub(super) async fn upgrade(
    State(node): State<Arc<AppState>>,
    Extension(hub): Extension<Arc<Hub>>,
    FromPath(name): FromPath<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let refuse = |refusal: Refusal| refusal.answer(Lang::of(None, &headers), wants_page(&headers));
    let Ok(upgrade) = upgrade else { return refuse(Refusal::NoSession) };
    if !is_own_origin(&headers) {
        counter!("aula_dashboards_refused_total", "why" => "origin").increment(1);
        return refuse(Refusal::Foreign);
    }
    let Ok(permit) = hub.places.clone().try_acquire_owned() else { return refuse(Refusal::Full) };
    let shown = session(&hub, &headers, &name).ok().map(|(_, grant)| grant);
    // A message is sent as it is made: the usual buffers, 256 KiB a socket, would lie empty.
    let upgrade = upgrade.max_message_size(MAX_INCOMING_BYTES);
    let upgrade = upgrade.read_buffer_size(MAX_INCOMING_BYTES).write_buffer_size(0);
    upgrade.on_upgrade(move |mut socket| async move {
        let _permit = permit;
        gauge!("aula_dashboards_open").increment(1.0);
        if let Err(ended) = greet(&node, &hub, &mut socket, shown, &name).await {
            let word = json!({ "end": ended.0.code(), "text": ended.0.sentence(ended.1) });
            send(&mut socket, &word).await;
        }
        gauge!("aula_dashboards_open").decrement(1.0);
    })
}

/// Why a socket ends, in the reader's language.
struct Ended(Refusal, Lang);

/// Hears who it is, and serves until the end.
async fn greet(
    node: &Arc<AppState>,
    hub: &Arc<Hub>,
    socket: &mut WebSocket,
    shown: Option<Grant>,
    name: &str,
) -> Result<(), Ended> {
    let Ok(Some(Ok(Message::Text(text)))) = timeout(LIMIT, socket.recv()).await else { return Ok(()) };
    let Ok(hello) = serde_json::from_str::<Hello>(&text) else { return Ok(()) };
    let lang = Lang::tagged(&hello.lang).unwrap_or(Lang::En);
    let ended = |refusal| Ended(refusal, lang);
    let told = hello.bearer.as_deref().and_then(Token::parse);
    let told = told.and_then(|token| hub.sessions.find(&token, name, now_ms()));
    let grant = told.or(shown).ok_or(ended(Refusal::NoSession))?;
    let opened = source::look(node, hub, &grant, Look::Listed).await.map_err(ended)?;
    let own = opened.channel.epoch == hello.epoch && hello.after <= opened.channel.seq();
    let mut reader = Reader {
        granted: opened.granted,
        channel: opened.channel,
        seen: if own { hello.after } else { 0 },
        lang,
        reset: !own,
    };
    reader.serve(node, hub, socket, &grant).await.map_err(ended)
}

/// What one socket has sent, and may.
struct Reader {
    granted: Granted,
    channel: Arc<Channel>,
    seen: u64,
    lang: Lang,
    /// The client is to forget what it has.
    reset: bool,
}

impl Reader {
    async fn serve(
        &mut self,
        node: &Arc<AppState>,
        hub: &Arc<Hub>,
        socket: &mut WebSocket,
        grant: &Grant,
    ) -> Result<(), Refusal> {
        let mut heard = self.channel.watch();
        let mut pending = self.reset || self.channel.seq() > self.seen;
        let (mut send_from, mut check_at) = (Instant::now(), Instant::now() + hub.check_every);
        let mut ping_at = Instant::now() + PING_EVERY;
        // Waited for no longer than a day: sessions are shorter.
        let ends_at =
            Instant::now() + Duration::from_millis(grant.expires_ms.saturating_sub(now_ms()).min(DAY_MS));
        let mut since = Instant::now();
        let mut paused = false;
        if !pending && !send(socket, &json!({ "live": true })).await {
            return Ok(());
        }
        loop {
            tokio::select! {
                // First: once the session is over nothing more is sent, whatever waits.
                biased;
                () = sleep_until(ends_at) => return Err(Refusal::NoSession),
                changed = heard.changed(), if !pending => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    (pending, since) = (true, Instant::now());
                }
                () = sleep_until(send_from), if pending && !paused => {
                    let (message, more) = self.message();
                    if let Some(message) = message {
                        let (text, bytes) = (message.to_string(), histogram!("aula_dashboard_delta_bytes"));
                        bytes.record(text.len() as f64);
                        if !sent(socket, Message::Text(text.into())).await {
                            return Ok(());
                        }
                        histogram!("aula_dashboard_delta_seconds").record(since.elapsed().as_secs_f64());
                        send_from = Instant::now() + EVERY;
                    }
                    pending = more;
                }
                () = sleep_until(check_at) => {
                    // The clock of the wall may have been put on.
                    if grant.expires_ms <= now_ms() {
                        return Err(Refusal::NoSession);
                    }
                    match source::look(node, hub, grant, Look::Again).await {
                        Ok(opened) if opened.channel.epoch == self.channel.epoch => {
                            self.granted = opened.granted;
                            check_at = Instant::now() + hub.check_every;
                            if std::mem::take(&mut paused) && !send(socket, &json!({ "live": true })).await {
                                return Ok(());
                            }
                        }
                        // The channel was let go and made anew: the client comes back and is given everything.
                        Ok(_) => return Ok(()),
                        Err(refusal) if refusal.passes() => {
                            check_at = Instant::now() + AGAIN;
                            if !std::mem::replace(&mut paused, true)
                                && !send(socket, &json!({ "paused": true })).await {
                                return Ok(());
                            }
                        }
                        Err(refusal) => return Err(refusal),
                    }
                }
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + PING_EVERY;
                    if !sent(socket, Message::Ping(Vec::new().into())).await {
                        return Ok(());
                    }
                }
                incoming = socket.recv() => match incoming {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                    Some(Ok(_)) => {}
                },
            }
        }
    }

    /// The next message, as much as fits; none when nothing that the reader may see has changed. And whether there is more.
    fn message(&mut self) -> (Option<Value>, bool) {
        let reset = std::mem::take(&mut self.reset);
        let (mut put, mut bytes, mut more) = (Vec::new(), FRAME_BYTES, false);
        for (number, key, part) in self.channel.since(self.seen) {
            if self.granted.shows(key, part.as_ref()) {
                let html =
                    part.map(|part| render::part(key, &render::for_message(part), self.lang).into_string());
                let change = json!([render::id(key), render::place(key), html]);
                let size = change.to_string().len() + 1;
                if bytes + size > MAX_BYTES && !put.is_empty() {
                    more = true;
                    break;
                }
                bytes += size;
                put.push(change);
            }
            self.seen = number;
        }
        if put.is_empty() && !reset {
            return (None, false);
        }
        let mut message = json!({ "epoch": self.channel.epoch, "seq": self.seen, "put": put });
        if reset && let Some(fields) = message.as_object_mut() {
            fields.insert("reset".into(), Value::Bool(true));
        }
        (Some(message), more)
    }
}

async fn send(socket: &mut WebSocket, word: &Value) -> bool {
    sent(socket, Message::Text(word.to_string().into())).await
}

async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(LIMIT, socket.send(message)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_origin_is_its_own() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "node.example:8480".parse().expect("a header"));
        assert!(!is_own_origin(&headers), "a page always says where it is from");
        for (origin, own) in [
            ("https://node.example:8480", true),
            ("http://node.example:8480", true),
            ("https://node.example", false),
            ("https://evil.example:8480", false),
            ("null", false),
        ] {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            assert_eq!(is_own_origin(&headers), own, "{origin}");
        }
    }
}
