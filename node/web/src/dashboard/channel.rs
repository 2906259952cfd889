//! The parts of students whose dashboards are open, each change under a number of its own.
//!
//! Flow: [`Hub::channel`] gives a student's channel, or makes it → whoever refreshes it or hears of events puts parts in
//! ([`Channel::put`]); only what differs gets a number → a reader who has seen everything up to a number asks for what came since
//! ([`Channel::since`]). Invariants: numbers of a channel ascend without a gap and its epoch is no other's, so that a reader who
//! comes back with both misses nothing, or is given everything. Absent: who may see what, which each reader's grant decides.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;
use rand::RngCore;
use rand::rngs::OsRng;
use tokio::sync::{Semaphore, watch};

use super::kept_levels::KeptLevels;
use super::parts::{Key, Part};
use super::session::Sessions;
use super::twin::Follower;

/// Sockets at once.
const MAX_OPEN: usize = 20_000;
/// How long a channel stays when nobody looks: long enough to come back.
const KEPT: Duration = Duration::from_secs(120);
/// After how long a channel that is looked at anew is read anew.
pub(super) const FRESH: Duration = Duration::from_secs(25);
/// How often a page that is open is looked at again.
pub const CHECK_EVERY: Duration = Duration::from_secs(30);
/// How long the twins' parameters hold before they are asked for again.
const PARAMS_HOLD: Duration = Duration::from_secs(600);

/// Where the twins' parameters in force come from.
type ParamsSource = Box<dyn Fn() -> Result<Params, String> + Send + Sync>;

/// A change: its number and the part, none when it is gone.
type Entry = (u64, Option<Part>);

/// Dashboards of a node.
pub struct Hub {
    /// Who may see which.
    pub sessions: Sessions,
    /// Levels by day, for heatmaps.
    pub levels: KeptLevels,
    pub(super) places: Arc<Semaphore>,
    /// How often link, consent and vault are looked at again while a page is open.
    pub(super) check_every: Duration,
    channels: Mutex<HashMap<Handle, Arc<Channel>>>,
    source: OnceLock<ParamsSource>,
    params: Mutex<Option<(Instant, Arc<Params>)>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sessions: Sessions::default(),
            levels: KeptLevels::default(),
            places: Arc::new(Semaphore::new(MAX_OPEN)),
            check_every: CHECK_EVERY,
            channels: Mutex::default(),
            source: OnceLock::new(),
            params: Mutex::default(),
        }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// One that looks again so often whether a reader may still see.
    #[must_use]
    pub fn checking_every(check_every: Duration) -> Self {
        Self { check_every, ..Self::default() }
    }

    /// Says where the twins' parameters come from; once.
    pub fn take_params(&self, source: impl Fn() -> Result<Params, String> + Send + Sync + 'static) {
        // A second source would be the same.
        let _ = self.source.set(Box::new(source));
    }

    /// The twins' parameters in force.
    ///
    /// # Errors
    /// Why there are none.
    pub fn params(&self) -> Result<Arc<Params>, String> {
        let mut kept = locked(&self.params);
        if let Some((_, params)) = kept.as_ref().filter(|(since, _)| since.elapsed() < PARAMS_HOLD) {
            return Ok(params.clone());
        }
        let source = self.source.get().ok_or("this node follows no twins")?;
        let params = Arc::new(source()?);
        *kept = Some((Instant::now(), params.clone()));
        Ok(params)
    }

    /// A student's channel, empty when it is new.
    pub(super) fn channel(&self, handle: &Handle) -> Arc<Channel> {
        let mut channels = locked(&self.channels);
        if let Some(channel) = channels.get(handle) {
            locked(&channel.inner).touched = Instant::now();
            return channel.clone();
        }
        if channels.len() % 256 == 255 {
            channels.retain(|_, channel| !channel.is_forgotten());
        }
        let channel = Arc::new(Channel::new());
        channels.insert(*handle, channel.clone());
        channel
    }

    /// How many students' dashboards are followed.
    pub fn followed(&self) -> usize {
        locked(&self.channels).len()
    }

    /// Whether somebody follows this student.
    pub fn follows(&self, handle: &Handle) -> bool {
        locked(&self.channels).contains_key(handle)
    }

    /// Tells of events that a feed folded into a student's twin; `in_order` says that they came last and amended nothing.
    pub fn moved(&self, handle: &Handle, events: &[&Event], in_order: bool, state: &TwinState) {
        let Some(channel) = locked(&self.channels).get(handle).cloned() else { return };
        let Ok(params) = self.params() else { return };
        channel.follow(events, in_order, state, &params);
    }
}

/// A student's parts, and what changed when.
#[derive(Debug)]
pub(super) struct Channel {
    /// Of no other channel.
    pub epoch: u64,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    seq: u64,
    entries: BTreeMap<Key, Entry>,
    follower: Option<Follower>,
    /// How many events the vault had, or a feed brought since.
    events: usize,
    read: Option<Instant>,
    touched: Instant,
}

impl Channel {
    fn new() -> Self {
        let (changed, _) = watch::channel(0);
        let inner = Inner {
            seq: 0,
            entries: BTreeMap::new(),
            follower: None,
            events: 0,
            read: None,
            touched: Instant::now(),
        };
        // 53 bits: a browser's number holds it.
        Self { epoch: OsRng.next_u64() >> 11, inner: Mutex::new(inner), changed }
    }

    fn is_forgotten(&self) -> bool {
        self.changed.receiver_count() == 0 && locked(&self.inner).touched.elapsed() > KEPT
    }

    /// Hears of changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether what stands here was read from the vault lately, or the vault has as many events as this heard of.
    pub fn is_fresh(&self) -> bool {
        locked(&self.inner).read.is_some_and(|read| read.elapsed() < FRESH)
    }

    /// Whether the events of the vault, so many, are all here; notes that they were looked at.
    pub fn has_events(&self, count: usize) -> bool {
        let mut inner = locked(&self.inner);
        let has = inner.follower.is_some() && inner.events == count;
        if has {
            inner.read = Some(Instant::now());
        }
        has
    }

    /// Takes the twin as it was folded from the vault's events.
    pub fn read(&self, follower: Follower, state: &TwinState, events: usize, params: &Params) {
        let parts = follower.parts(state, params);
        let mut inner = locked(&self.inner);
        (inner.follower, inner.events, inner.read) = (Some(follower), events, Some(Instant::now()));
        let twins = |key: &Key| !matches!(key, Key::Decision(_) | Key::Correction(_));
        self.replace(inner, parts, twins);
    }

    /// Takes what stands beside the twin: decisions and corrections.
    pub fn stand(&self, parts: Vec<(Key, Part)>) {
        let beside = |key: &Key| matches!(key, Key::Decision(_) | Key::Correction(_));
        self.replace(locked(&self.inner), parts, beside);
    }

    /// Puts parts in and takes out those of the same kind that are not among them.
    fn replace(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        parts: Vec<(Key, Part)>,
        same: impl Fn(&Key) -> bool,
    ) {
        let gone: Vec<Key> = inner
            .entries
            .iter()
            .filter(|(key, (_, part))| {
                same(key) && part.is_some() && parts.iter().all(|(other, _)| other != *key)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            inner.put(key, None);
        }
        for (key, part) in parts {
            inner.put(key, Some(part));
        }
        self.tell(inner);
    }

    fn follow(&self, events: &[&Event], in_order: bool, state: &TwinState, params: &Params) {
        let mut inner = locked(&self.inner);
        let Some(mut follower) = inner.follower.take() else { return };
        let (parts, new) = follower.moved(events, in_order, state, params);
        inner.follower = Some(follower);
        // Late ones are not counted: the next look at the vault finds more events than this, and reads them all.
        inner.events = inner.events.saturating_add(new);
        for (key, part) in parts {
            inner.put(key, Some(part));
        }
        self.tell(inner);
    }

    fn tell(&self, inner: MutexGuard<'_, Inner>) {
        let seq = inner.seq;
        drop(inner);
        self.changed.send_if_modified(|told| std::mem::replace(told, seq) != seq);
    }

    /// The last number.
    pub fn seq(&self) -> u64 {
        locked(&self.inner).seq
    }

    /// Everything that changed after a number, by number; none is a part that is gone.
    pub fn since(&self, seq: u64) -> Vec<(u64, Key, Option<Part>)> {
        let inner = locked(&self.inner);
        let later = inner.entries.iter().filter(|(_, (number, _))| *number > seq);
        let mut later: Vec<_> = later.map(|(key, (number, part))| (*number, *key, part.clone())).collect();
        later.sort_unstable_by_key(|(number, ..)| *number);
        later
    }

    /// Every part that is there, in the page's order, and the number up to which they are.
    pub fn all(&self) -> (u64, Vec<(Key, Part)>) {
        let inner = locked(&self.inner);
        let there = inner.entries.iter().filter_map(|(key, (_, part))| Some((*key, part.clone()?)));
        (inner.seq, there.collect())
    }
}

impl Inner {
    fn put(&mut self, key: Key, part: Option<Part>) {
        if self.entries.get(&key).is_some_and(|(_, stands)| *stands == part) {
            return;
        }
        self.seq += 1;
        self.entries.insert(key, (self.seq, part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_with_a_number_gets_what_came_since_and_nothing_twice() {
        let channel = Channel::new();
        let mut heard = channel.watch();
        channel.stand(vec![(Key::Decision(1), Part::MoreUnits(1)), (Key::Decision(2), Part::MoreUnits(2))]);
        assert!(heard.has_changed().is_ok_and(|changed| changed));
        heard.mark_unchanged();
        let seen = channel.seq();
        // The same again is no change.
        channel.stand(vec![(Key::Decision(1), Part::MoreUnits(1)), (Key::Decision(2), Part::MoreUnits(2))]);
        assert!(heard.has_changed().is_ok_and(|changed| !changed));
        channel.stand(vec![(Key::Decision(2), Part::MoreUnits(3))]);
        let since: Vec<_> = channel.since(seen).into_iter().map(|(_, key, part)| (key, part)).collect();
        assert_eq!(since, [(Key::Decision(1), None), (Key::Decision(2), Some(Part::MoreUnits(3)))]);
        assert_eq!(channel.since(channel.seq()), []);
        assert_eq!(channel.all().1, [(Key::Decision(2), Part::MoreUnits(3))]);
        assert_eq!(channel.since(0).len(), 2);
    }
}
