//! Dashboards of a running node: the twins' parameters they fold by, and the events that feeds bring.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, Weak};

use aula_connect::pipeline::{Observer, Pipeline};
use aula_district::live::Changed;
use aula_home::Home;
use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;
use aula_web::dashboard::Hub;

use super::in_force::params;
use aula_store::ChainDb;

/// What the node keeps for dashboards.
pub(super) fn hub(home: &Home, db: &Arc<ChainDb>) -> Arc<Hub> {
    let (hub, home, db) = (Arc::new(Hub::default()), home.clone(), db.clone());
    hub.take_params(move || params(&home, &db).map_err(|failure| failure.message));
    hub
}

/// Tells dashboards of what feeds folded.
pub struct Told {
    hub: Arc<Hub>,
    pipeline: OnceLock<Weak<Pipeline>>,
}

impl Told {
    /// Tells one hub's dashboards; nothing before [`Self::follow`] says whose twins they are.
    pub fn of(hub: &Arc<Hub>) -> Arc<Self> {
        Arc::new(Self { hub: hub.clone(), pipeline: OnceLock::new() })
    }

    /// Says whose twins they are, once.
    pub fn follow(&self, pipeline: &Arc<Pipeline>) {
        // There is one pipeline a node.
        let _ = self.pipeline.set(Arc::downgrade(pipeline));
    }
}

impl Observer for Told {
    fn folded(&self, events: &[(Handle, Event)], changed: &[Changed]) {
        let Some(pipeline) = self.pipeline.get().and_then(Weak::upgrade) else { return };
        let mut watched: HashMap<Handle, Vec<&Event>> = HashMap::new();
        for (handle, event) in events {
            if watched.contains_key(handle) || self.hub.follows(handle) {
                watched.entry(*handle).or_default().push(event);
            }
        }
        let twins = pipeline.twins().lock().unwrap_or_else(PoisonError::into_inner);
        for one in changed {
            let Some(events) = watched.get(&one.handle) else { continue };
            let Some(state) = twins.get(&one.handle) else { continue };
            let in_order = one.lost.is_empty() && one.folded <= events.len();
            self.hub.moved(&one.handle, events, in_order, state);
        }
    }
}
