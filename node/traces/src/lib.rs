//! Spans of this program told to a collector by OTLP over HTTP, as JSON, where the operator asks for it.
//!
//! Flow: a span of [`TARGET`] closes → what the `layer` knows of it by name goes into a bounded queue → a thread of its own makes
//! batches (`wire`) and sends them (`sender`). Invariants: only spans and fields of one table (`known`) are told, each a number,
//! a truth value or a word of this program, so that nothing of a student can be in one; nobody ever waits for the collector: what it
//! does not take, or the queue, is dropped and counted. Absent: logs and figures, which have ways of their own; sampling by others.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::registry::LookupSpan;

mod known;
mod layer;
mod sender;
mod settings;
mod wire;

pub use known::TARGET;
pub use settings::Settings;

/// Spans that wait at most.
const QUEUE: usize = 4_096;

/// A span that closed.
#[derive(Debug, Clone, PartialEq)]
struct Closed {
    /// What it is, by the table.
    known: &'static known::Known,
    trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    /// Nanoseconds since 1970.
    begun_ns: u128,
    ended_ns: u128,
    fields: Vec<(&'static known::Field, Told)>,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Word(String),
    Number(i64),
    Truth(bool),
}

enum Message {
    Span(Box<Closed>),
    /// All that came before it is sent, or dropped: say so.
    Flush(SyncSender<()>),
}

/// Tells spans to a collector for as long as the process runs.
#[derive(Debug, Clone)]
pub struct Traces {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
    one_in: u32,
}

impl Traces {
    /// Starts the thread that sends.
    ///
    /// # Errors
    /// A thread or a client that cannot be made.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        sender::start(settings, waiting, dropped.clone())?;
        Ok(Self { queue, dropped, one_in: settings.one_in.max(1) })
    }

    /// What hears of spans.
    pub fn layer<S>(&self) -> impl tracing_subscriber::Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        layer::filtered(self.clone())
    }

    /// Waits until all that closed before is sent or dropped, and no longer than this.
    pub fn flush(&self, most: Duration) {
        let (begun, (reply, done)) = (Instant::now(), sync_channel(1));
        let mut message = Message::Flush(reply);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(message) {
            if begun.elapsed() >= most {
                return;
            }
            message = back;
            std::thread::sleep(Duration::from_millis(2));
        }
        // Who is asked may have ended, or have too much to do.
        let _ = done.recv_timeout(most.saturating_sub(begun.elapsed()));
    }

    /// Spans that were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn send(&self, span: Closed) {
        if self.queue.try_send(Message::Span(Box::new(span))).is_err() {
            drop_spans(&self.dropped, 1);
        }
    }
}

/// Describes this crate's figures to the recorder.
fn describe() {
    metrics::describe_counter!(
        "aula_spans_dropped_total",
        "spans that the collector did not take, or that found the queue full"
    );
}

fn drop_spans(count: &AtomicU64, spans: usize) {
    let spans = u64::try_from(spans).unwrap_or(u64::MAX);
    count.fetch_add(spans, Ordering::Relaxed);
    metrics::counter!("aula_spans_dropped_total").increment(spans);
}

#[cfg(test)]
mod tests;
