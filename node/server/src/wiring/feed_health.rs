//! Tells how this node's feeds get on, for the district's alerts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::feed_health::{Health, TOLD_EVERY};
use aula_connect::given::Feed;
use aula_connect::pipeline::{Observer, Pipeline};
use aula_district::live::Changed;
use aula_home::Home;
use aula_home::clock::now_ms;
use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;

/// When events of which source were folded last; passes on what it is told.
pub(super) struct Seen {
    next: Arc<dyn Observer>,
    last_ms: Mutex<BTreeMap<u64, u64>>,
}

impl Seen {
    /// Before another observer.
    pub(super) fn before(next: Arc<dyn Observer>) -> Arc<Self> {
        Arc::new(Self { next, last_ms: Mutex::default() })
    }

    fn last(&self, source: u64) -> Option<u64> {
        self.last_ms.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied()
    }
}

impl Observer for Seen {
    fn folded(&self, events: &[(Handle, Event)], changed: &[Changed]) {
        {
            let (mut last, now) = (self.last_ms.lock().unwrap_or_else(PoisonError::into_inner), now_ms());
            for (_, event) in events {
                last.insert(event.key.source.0, now);
            }
        }
        self.next.folded(events, changed);
    }

    fn missed(&self, handles: &[Handle]) {
        self.next.missed(handles);
    }
}

/// Writes it for as long as the pipeline is there.
pub(super) async fn tell(home: Home, feeds: Vec<Arc<Feed>>, pipeline: Weak<Pipeline>, seen: Arc<Seen>) {
    let (began_ms, mut since, mut told) = (now_ms(), None, true);
    loop {
        let Some(state) = pipeline.upgrade().map(|pipeline| pipeline.state()) else { return };
        let now = now_ms();
        since = state.attention.as_ref().map(|_| since.unwrap_or(now));
        let last_ms = feeds
            .iter()
            .map(|feed| (feed.name.clone(), seen.last(feed.source.0).unwrap_or(began_ms)))
            .collect();
        let health = Health {
            at_ms: now,
            attention: state.attention,
            attention_since_ms: since,
            lag_ms: state.lag_ms,
            last_ms,
        };
        let own = home.clone();
        match tokio::task::spawn_blocking(move || health.write(&own)).await {
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
