//! The fold of a set of events: same events, same bytes, in whatever order they came.
//!
//! Purpose: schools and devices record apart and meet later. Flow: a [`History`] holds one student's events
//! in their total order and the state they fold to; [`History::add`] takes any batch (late, doubled, out of
//! order), finds the earliest place it changes, goes back to a checkpoint before it and folds the rest again.
//! Invariants: the set is a join (union; for two events that claim one key, the lesser), so it is
//! commutative, associative and idempotent; the state is a function of the set alone; an event that [`step`]
//! refuses is kept, listed and changes nothing. Absent: the network, and vector clocks, which only find what
//! is missing: see [`crate::replica`].

use crate::event::{Event, EventBody, EventError, EventKey};
use crate::params::Params;
use crate::transitions::Transition;
use crate::twin::{StepError, TwinState, step};
use std::collections::BTreeMap;
use std::ops::Bound;

#[cfg(test)]
mod tests;

/// Events between two checkpoints. Folding so many again takes about 0.1 ms.
const CHECKPOINT_EVENTS: usize = 256;
/// Checkpoints kept, the latest ones: late events are mostly hours late, not months. Each is a whole state.
const MAX_CHECKPOINTS: usize = 2;

/// What a fold gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The twin after all events that were not refused.
    pub state: TwinState,
    /// The transitions, in order.
    pub transitions: Vec<Transition>,
    /// Events that were refused where they stand, and why.
    pub refused: Vec<(EventKey, StepError)>,
}

impl Folded {
    fn start(state: TwinState) -> Self {
        Self { state, transitions: Vec::new(), refused: Vec::new() }
    }

    fn take(&mut self, event: &Event, params: &Params) {
        match step(&mut self.state, event, params) {
            Ok(mut records) => self.transitions.append(&mut records),
            Err(why) => self.refused.push((event.key, why)),
        }
    }
}

/// A state part way through the order, and how much of the lists belongs to it.
#[derive(Debug, Clone)]
struct Checkpoint {
    /// The last event inside, folded or refused.
    through: EventKey,
    state: TwinState,
    transitions: usize,
    refused: usize,
}

/// One student's events and the state they fold to.
#[derive(Debug, Clone)]
pub struct History {
    events: BTreeMap<EventKey, Event>,
    /// Correction in force by target: the last one in the order wins.
    corrections: BTreeMap<EventKey, EventKey>,
    folded: Folded,
    checkpoints: Vec<Checkpoint>,
    since_checkpoint: usize,
    /// The last event inside the fold.
    through: Option<EventKey>,
    /// Where the history begins: nothing, or a snapshot and the last event inside it.
    base: (TwinState, Option<EventKey>),
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// Events not held before.
    pub new: usize,
    /// Events held already.
    pub known: usize,
    /// Keys claimed by two different events; the lesser stays.
    pub conflicts: Vec<EventKey>,
    /// Events that could not be taken, and why: malformed, or before the snapshot the history begins with.
    pub unusable: Vec<(EventKey, Unusable)>,
    /// Events folded again.
    pub refolded: usize,
}

/// Why an event cannot be part of a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The event itself is wrong.
    #[error("the event is refused")]
    Event(#[from] EventError),
    /// It, or what it corrects, lies inside the snapshot: the caller needs an earlier one.
    #[error("the event belongs before the snapshot this history begins with")]
    BeforeBase,
}

/// Events as they count, in order: corrections applied, and themselves left out. Nothing is folded.
#[must_use]
pub fn counted(events: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut corrections: BTreeMap<EventKey, (EventKey, Option<Box<EventBody>>)> = BTreeMap::new();
    let mut plain = BTreeMap::new();
    for event in events {
        match event.body {
            EventBody::Correction { target, replacement } => {
                let last = corrections.entry(target).or_insert((event.key, replacement.clone()));
                if event.key > last.0 {
                    *last = (event.key, replacement);
                }
            }
            _ => {
                plain.insert(event.key, event);
            }
        }
    }
    let counts = plain.into_values().filter_map(|event| match corrections.remove(&event.key) {
        None => Some(event),
        Some((_, replacement)) => replacement.map(|body| Event { body: *body, ..event }),
    });
    counts.collect()
}

impl History {
    /// An empty history.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self::from_state(TwinState::new(params), None)
    }

    /// A history that begins with a snapshot, which holds everything up to `through`.
    #[must_use]
    pub fn from_state(state: TwinState, through: Option<EventKey>) -> Self {
        let through = through.max(state.watermark());
        Self {
            events: BTreeMap::new(),
            corrections: BTreeMap::new(),
            folded: Folded::start(state.clone()),
            checkpoints: Vec::new(),
            since_checkpoint: 0,
            through,
            base: (state, through),
        }
    }

    /// The state, transitions and refusals of all events held.
    #[must_use]
    pub const fn folded(&self) -> &Folded {
        &self.folded
    }

    /// The state of all events held.
    #[must_use]
    pub const fn state(&self) -> &TwinState {
        &self.folded.state
    }

    /// The events held, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    /// An event held.
    #[must_use]
    pub fn get(&self, key: &EventKey) -> Option<&Event> {
        self.events.get(key)
    }

    /// Takes a batch and brings the state up to date.
    pub fn add(&mut self, batch: impl IntoIterator<Item = Event>, params: &Params) -> Added {
        let mut added = Added::default();
        let mut earliest: Option<EventKey> = None;
        for event in batch {
            if let Some(place) = self.insert(event, &mut added) {
                earliest = Some(earliest.map_or(place, |e| e.min(place)));
            }
        }
        if let Some(place) = earliest {
            added.refolded = self.refold_from(place, params);
        }
        added
    }

    /// Puts one event into the set; returns the earliest place in the order that it changes.
    fn insert(&mut self, event: Event, added: &mut Added) -> Option<EventKey> {
        let place = match &event.body {
            EventBody::Correction { target, .. } => (*target).min(event.key),
            _ => event.key,
        };
        if let Err(why) = event.check() {
            added.unusable.push((event.key, why.into()));
            return None;
        }
        if self.base.1.is_some_and(|through| place <= through) {
            added.unusable.push((event.key, Unusable::BeforeBase));
            return None;
        }
        match self.events.get(&event.key) {
            Some(held) if *held == event => {
                added.known += 1;
                return None;
            }
            Some(held) => {
                added.conflicts.push(event.key);
                let mut earliest = place;
                if let EventBody::Correction { target, .. } = &held.body {
                    earliest = earliest.min(*target);
                }
                if *held <= event {
                    return None;
                }
                self.events.insert(event.key, event);
                self.rebuild_corrections();
                return Some(earliest);
            }
            None => added.new += 1,
        }
        if let EventBody::Correction { target, .. } = &event.body {
            let last = self.corrections.entry(*target).or_insert(event.key);
            *last = event.key.max(*last);
        }
        self.events.insert(event.key, event);
        Some(place)
    }

    /// Lets go of what lies before the older of the checkpoints kept, once there are that many, so that a twin that is
    /// followed live stays small: the history begins there from now on, and its lists hold only what came after. Gives
    /// how many events it let go of. An event that belongs before is unusable then ([`Unusable::BeforeBase`]): whoever
    /// has all events folds them anew.
    pub fn forget(&mut self) -> usize {
        if self.checkpoints.len() < MAX_CHECKPOINTS {
            return 0;
        }
        let oldest = self.checkpoints.remove(0);
        let held = self.events.len();
        let mut later = self.events.split_off(&oldest.through);
        later.remove(&oldest.through);
        self.events = later;
        self.corrections.retain(|target, _| *target > oldest.through);
        self.folded.transitions.drain(..oldest.transitions.min(self.folded.transitions.len()));
        self.folded.refused.drain(..oldest.refused.min(self.folded.refused.len()));
        for checkpoint in &mut self.checkpoints {
            checkpoint.transitions = checkpoint.transitions.saturating_sub(oldest.transitions);
            checkpoint.refused = checkpoint.refused.saturating_sub(oldest.refused);
        }
        self.base = (oldest.state, Some(oldest.through));
        held.saturating_sub(self.events.len())
    }

    fn rebuild_corrections(&mut self) {
        self.corrections.clear();
        for event in self.events.values() {
            if let EventBody::Correction { target, .. } = &event.body {
                // Ascending order: the last one stays.
                self.corrections.insert(*target, event.key);
            }
        }
    }

    /// The event as it counts: itself, what a correction says instead, or nothing.
    fn effective(&self, event: &Event) -> Option<Event> {
        // A correction cannot be corrected; a later correction of the same target replaces it.
        let is_correction = matches!(event.body, EventBody::Correction { .. });
        let correction = self.corrections.get(&event.key).filter(|_| !is_correction);
        match correction.and_then(|key| self.events.get(key)).map(|c| &c.body) {
            Some(EventBody::Correction { replacement, .. }) => replacement.as_ref().map(|body| Event {
                key: event.key,
                skew: event.skew,
                body: body.as_ref().clone(),
            }),
            _ => Some(event.clone()),
        }
    }

    /// Folds again from the latest state before `place`; returns how many events that took.
    fn refold_from(&mut self, place: EventKey, params: &Params) -> usize {
        self.rewind_before(place);
        let after = self.through.map_or(Bound::Unbounded, Bound::Excluded);
        let mut folded = std::mem::replace(&mut self.folded, Folded::start(TwinState::new(params)));
        let mut count = 0;
        for (key, event) in self.events.range((after, Bound::Unbounded)) {
            if let Some(event) = self.effective(event) {
                folded.take(&event, params);
            }
            count += 1;
            self.through = Some(*key);
            self.since_checkpoint += 1;
            if self.since_checkpoint >= CHECKPOINT_EVENTS {
                self.since_checkpoint = 0;
                self.checkpoints.push(Checkpoint {
                    through: *key,
                    state: folded.state.clone(),
                    transitions: folded.transitions.len(),
                    refused: folded.refused.len(),
                });
            }
        }
        self.folded = folded;
        let surplus = self.checkpoints.len().saturating_sub(MAX_CHECKPOINTS);
        self.checkpoints.drain(..surplus);
        count
    }

    /// Puts the fold back to a place before `place`: where it is, a checkpoint, or the beginning.
    fn rewind_before(&mut self, place: EventKey) {
        if self.through.is_none_or(|through| through < place) {
            return;
        }
        self.checkpoints.retain(|c| c.through < place);
        self.since_checkpoint = 0;
        if let Some(checkpoint) = self.checkpoints.last() {
            self.folded.state = checkpoint.state.clone();
            self.folded.transitions.truncate(checkpoint.transitions);
            self.folded.refused.truncate(checkpoint.refused);
            self.through = Some(checkpoint.through);
        } else {
            self.folded = Folded::start(self.base.0.clone());
            self.through = self.base.1;
        }
    }
}
