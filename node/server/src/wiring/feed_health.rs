//! Tells how this node's feeds get on: for the district's alerts, and as figures.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::feed_health::{Health, TOLD_EVERY};
use aula_connect::given::Feed;
use aula_connect::pipeline::{Observer, Pipeline};
use aula_district::live::Changed;
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;
use metrics::{counter, describe_counter, describe_gauge, gauge};

/// The spools' files, by the word of their figure.
const SPOOLS: [(&str, &str); 2] = [("hot", "hot.spool"), ("cold", "cold.spool")];

/// What a source's events came to since the process began.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// When one was folded last, milliseconds since 1970.
    last_ms: u64,
    events: u64,
}

/// What events of which source were folded; passes on what it is told.
pub(super) struct Seen {
    next: Arc<dyn Observer>,
    came: Mutex<BTreeMap<u64, Came>>,
}

impl Seen {
    /// Before another observer.
    pub(super) fn before(next: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self { next, came: Mutex::default() })
    }

    fn of(&self, source: u64) -> Option<Came> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied()
    }
}

impl Observer for Seen {
    fn folded(&self, events: &[(Handle, Event)], changed: &[Changed]) {
        {
            let (mut came, now) = (self.came.lock().unwrap_or_else(PoisonError::into_inner), now_ms());
            for (_, event) in events {
                let source = came.entry(event.key.source.0).or_default();
                *source = Came { last_ms: now, events: source.events.saturating_add(1) };
            }
        }
        self.next.folded(events, changed);
    }

    fn missed(&self, handles: &[Handle]) {
        self.next.missed(handles);
    }
}

fn describe() {
    describe_gauge!("aula_feeds_lag_seconds", metrics::Unit::Seconds, "age of the oldest event that waits");
    describe_gauge!("aula_feeds_stopped", "1 while nothing enters the vault");
    describe_gauge!("aula_feeds_spool_bytes", metrics::Unit::Bytes, "bytes that wait for the vault");
    describe_counter!("aula_feed_events_total", "events of a feed that were folded");
    describe_gauge!(
        "aula_feed_last_event_timestamp_seconds",
        "when an event of a feed was folded last, in seconds since 1970 UTC"
    );
}

/// The same as figures.
fn figures(feeds: &[Arc<Feed>], health: &Health, seen: &Seen) {
    gauge!("aula_feeds_lag_seconds").set(health.lag_ms as f64 / 1_000.0);
    gauge!("aula_feeds_stopped").set(f64::from(u8::from(health.attention.is_some())));
    for feed in feeds {
        let came = seen.of(feed.source.0);
        let events = came.unwrap_or_default().events;
        counter!("aula_feed_events_total", "feed" => feed.name.clone()).absolute(events);
        if let Some(came) = came {
            let last = gauge!("aula_feed_last_event_timestamp_seconds", "feed" => feed.name.clone());
            last.set(came.last_ms as f64 / 1_000.0);
        }
    }
}

/// What waits on the disk.
fn spools(folder: &Path) {
    for (spool, file) in SPOOLS {
        let bytes = std::fs::metadata(folder.join(file)).map_or(0, |found| found.len());
        gauge!("aula_feeds_spool_bytes", "spool" => spool).set(bytes as f64);
    }
}

/// Writes it for as long as the pipeline is there.
pub(super) async fn tell(home: Home, feeds: Vec<Arc<Feed>>, pipeline: Weak<Pipeline>, seen: Arc<Seen>) {
    describe();
    let (began_ms, mut since, mut told) = (now_ms(), None, true);
    loop {
        let Some(state) = pipeline.upgrade().map(|pipeline| pipeline.state()) else { return };
        let now = now_ms();
        since = state.attention.as_ref().map(|_| since.unwrap_or(now));
        let last_ms = feeds
            .iter()
            .map(|feed| (feed.name.clone(), seen.of(feed.source.0).map_or(began_ms, |came| came.last_ms)))
            .collect();
        let health = Health {
            at_ms: now,
            attention: state.attention,
            attention_since_ms: since,
            lag_ms: state.lag_ms,
            last_ms,
        };
        figures(&feeds, &health, &seen);
        let own = home.clone();
        let write = move || {
            spools(&own.feeds_dir());
            health.write(&own)
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => told = true,
            // Once, not every five seconds.
            Ok(Err(failure)) if told => {
                tracing::warn!(error = failure.message, next = failure.hint, "the feeds' health is not told");
                told = false;
            }
            Ok(Err(_)) => {}
            Err(_) => return,
        }
        tokio::time::sleep(TOLD_EVERY).await;
    }
}
