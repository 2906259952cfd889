//! Makes batches and sends them, on a thread of its own. A collector that takes nothing is left alone for a while, longer each time, and
//! what closes meanwhile is dropped: nothing here ever makes anybody wait.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::wire::request;
use super::{Closed, Message, Settings, drop_spans};

/// Spans of one request at most.
const MAX_BATCH: usize = 512;
/// How long a span waits for others.
const EVERY: Duration = Duration::from_secs(1);
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first rest after a failure; it doubles.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The longest.
const MAX_REST: Duration = Duration::from_secs(60);
/// Most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

struct Sender {
    settings: Settings,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    dropped: Arc<AtomicU64>,
    rest: Duration,
    rests_until: Option<Instant>,
}

/// Starts the thread; it ends with the last who may send.
pub(crate) fn start(
    settings: &Settings,
    waiting: Receiver<Message>,
    dropped: Arc<AtomicU64>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let none = reqwest::redirect::Policy::none();
    // A proxy that the environment names would be told what one host alone may hear.
    let client = reqwest::Client::builder().no_proxy().redirect(none).timeout(TIMEOUT);
    let client = client.build().map_err(io::Error::other)?;
    let settings = settings.clone();
    let mut sender = Sender { settings, client, runtime, dropped, rest: FIRST_REST, rests_until: None };
    std::thread::Builder::new().name("traces".into()).spawn(move || sender.run(&waiting))?;
    Ok(())
}

impl Sender {
    fn run(&mut self, waiting: &Receiver<Message>) {
        let (mut batch, mut since) = (Vec::new(), Instant::now());
        loop {
            let patience = if batch.is_empty() { MAX_REST } else { EVERY.saturating_sub(since.elapsed()) };
            match waiting.recv_timeout(patience) {
                Ok(Message::Span(span)) => {
                    if batch.is_empty() {
                        since = Instant::now();
                    }
                    batch.push(*span);
                    if batch.len() >= MAX_BATCH {
                        self.send(&mut batch);
                    }
                }
                Ok(Message::Flush(reply)) => {
                    self.send(&mut batch);
                    // Who waited may have gone.
                    let _ = reply.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.send(&mut batch),
                Err(RecvTimeoutError::Disconnected) => return self.send(&mut batch),
            }
        }
    }

    /// Sends a batch, or drops it.
    fn send(&mut self, batch: &mut Vec<Closed>) {
        let batch = std::mem::take(batch);
        if batch.is_empty() {
            return;
        }
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return drop_spans(&self.dropped, batch.len());
        }
        match self.runtime.block_on(post(&self.client, &self.settings, &batch)) {
            Ok(rejected) => {
                if self.rests_until.take().is_some() {
                    tracing::info!("the collector of spans takes them again");
                }
                self.rest = FIRST_REST;
                if rejected > 0 {
                    drop_spans(&self.dropped, rejected.min(batch.len()));
                }
            }
            Err(why) => {
                // The recorder may be younger than this thread.
                super::describe();
                drop_spans(&self.dropped, batch.len());
                if self.rests_until.is_none() {
                    tracing::warn!(
                        why,
                        "the collector of spans takes none: they are dropped and counted until it does"
                    );
                }
                self.rests_until = Instant::now().checked_add(self.rest);
                self.rest = self.rest.saturating_mul(2).min(MAX_REST);
            }
        }
    }
}

/// Sends; gives how many spans the collector rejects.
async fn post(client: &reqwest::Client, settings: &Settings, batch: &[Closed]) -> Result<usize, String> {
    let body = request(settings, batch).to_string();
    let asked = client.post(&settings.address).header(CONTENT_TYPE, "application/json").body(body);
    // The error would show the address, which may hold a key.
    let mut answer = asked.send().await.map_err(|error| error.without_url().to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    let mut told = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        if told.len() + piece.len() > MAX_ANSWER {
            return Ok(0);
        }
        told.extend_from_slice(&piece);
    }
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    let rejected = &told["partialSuccess"]["rejectedSpans"];
    // A number of 64 bits is a text in this JSON; some write it as a number.
    let count = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
