//! The queue of all feeds of a node, the group commit, and the fold.
//!
//! Two threads. The writer takes whatever waits, up to [`MAX_GROUP`] messages, into the vault in one synced batch, tells every
//! sender, and hands the new events on; the folder brings the twins up to date and tells whoever listens. While the vault is
//! closed, or the disk refuses, groups go to the hot spool as long as that has room, and back into the vault when it is open.
//! While that backlog is older than [`LAG_MS`], kinds that may wait go to the cold spool, which is entered when nothing else waits.
//! Invariants: a sender hears only of what is on disk, in the vault or in a spool; who is told [`Busy`] was not taken in. Absent:
//! what messages mean.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use aula_district::live::{Changed, LiveError, LiveTwins};
use aula_home::clock::now_ms;
use aula_ingest::event::{Kind, Reason};
use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_vault::VaultError;
use aula_vault::seal::Cipher;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::door::{Door, Lent, lent};
use crate::given::{Feed, Given};
use crate::spool::{Spool, SpoolError, Spooled};
use crate::taking::{Fate, Taken, Taking};

#[cfg(test)]
mod tests;

/// Messages of one group commit at most: one sync for about 0.1 s of the highest rate measured.
pub const MAX_GROUP: usize = 8_192;
/// Messages that wait at most; more are told 429.
pub const MAX_QUEUED: usize = 65_536;
/// Messages of one submission at most.
pub const MAX_SUBMITTED: usize = 10_000;
/// A backlog older than this lets kinds wait that may, milliseconds (the design's 25 s).
pub const LAG_MS: u64 = 25_000;
/// How often spools are looked at while nothing comes.
const TICK: Duration = Duration::from_millis(200);
/// Groups of the hot spool that go back into the vault between two looks at the queue.
const AT_ONCE: usize = 4;
/// Groups between the writer and the folder.
const FOLDING: usize = 16;

/// Nothing was taken in: send it again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Too much waits.
    #[error("more waits than is taken in: send it again after {RETRY_S} seconds")]
    Queue,
    /// The vault is closed, and no spool takes it.
    #[error("the vault is closed for a moment: send it again after {RETRY_S} seconds")]
    Closed,
    /// The spool is full, or the disk.
    #[error("the spool or the disk is full: send it again after {RETRY_S} seconds; the operator was told")]
    Full,
}

/// When to send again what was not taken in, seconds.
pub const RETRY_S: u64 = 2;

/// What became of a submission: all of it is on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// New events.
    pub new: usize,
    /// Events that were there already.
    pub known: usize,
    /// Messages that became letters.
    pub dead_letters: usize,
    /// Messages in a spool, whose fate is known later.
    pub spooled: usize,
}

/// Who is told what was folded.
pub trait Observer: Send + Sync {
    /// These events are in the twins now, which changed so.
    fn folded(&self, events: &[(Handle, Event)], changed: &[Changed]);
}

/// How a pipeline works.
#[derive(Clone)]
pub struct Settings {
    /// The twins' parameters.
    pub params: Params,
    /// The folder of the spools, and most bytes of both together; none without spools.
    pub spool: Option<(PathBuf, u64)>,
    /// The feeds, for what lies in the spools.
    pub feeds: Vec<Arc<Feed>>,
    /// Who is told what was folded.
    pub observer: Option<Arc<dyn Observer>>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("spool", &self.spool).finish_non_exhaustive()
    }
}

struct Job {
    given: Vec<Given>,
    reply: oneshot::Sender<Result<Summary, Busy>>,
}

/// The pipeline of a node.
pub struct Pipeline {
    sender: Mutex<Option<SyncSender<Job>>>,
    queued: Arc<AtomicUsize>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    twins: Arc<Mutex<LiveTwins>>,
    state: Arc<Mutex<State>>,
}

/// How a pipeline stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Messages that wait.
    pub queued: usize,
    /// Bytes in the hot and the cold spool.
    pub spooled_bytes: [u64; 2],
    /// Age of the oldest message in the hot spool, milliseconds.
    pub lag_ms: u64,
    /// Why nothing enters the vault now.
    pub attention: Option<String>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("queued", &self.queued).finish_non_exhaustive()
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipeline {
    /// Starts the two threads.
    ///
    /// # Errors
    /// A spool that cannot be used, a thread that cannot be started.
    pub fn start(door: Arc<dyn Door>, settings: Settings) -> Result<Self, SpoolError> {
        let (sender, jobs) = sync_channel(MAX_QUEUED);
        let (folding, groups) = sync_channel(FOLDING);
        let queued = Arc::new(AtomicUsize::new(0));
        let twins = Arc::new(Mutex::new(LiveTwins::new(settings.params.clone())));
        let state = Arc::new(Mutex::new(State::default()));
        let spool = |name: &str| -> Result<Option<Spool>, SpoolError> {
            settings
                .spool
                .as_ref()
                .map(|(folder, limit)| Spool::at(&folder.join(name), limit / 2))
                .transpose()
        };
        let writer = Writer {
            door: door.clone(),
            hot: spool("hot.spool")?,
            cold: spool("cold.spool")?,
            feeds: settings.feeds.iter().map(|feed| (feed.name.clone(), feed.clone())).collect(),
            taking: None,
            cipher: None,
            draining: VecDeque::new(),
            drained: 0,
            folding,
            queued: queued.clone(),
            state: state.clone(),
        };
        let (own, observer) = (twins.clone(), settings.observer.clone());
        let thread = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let started = std::thread::Builder::new().name(name.into()).spawn(run);
            started.map_err(|error| SpoolError::Disk(error, PathBuf::from("a thread")))
        };
        let threads = vec![
            thread("feed-writer", Box::new(move || writer.run(&jobs)))?,
            thread("feed-folder", Box::new(move || fold(&*door, &groups, &own, observer.as_deref())))?,
        ];
        Ok(Self { sender: Mutex::new(Some(sender)), queued, threads: Mutex::new(threads), twins, state })
    }

    /// Submits messages; the answer comes when they are on disk.
    ///
    /// # Errors
    /// [`Busy`]: nothing was taken in.
    pub fn submit(&self, given: Vec<Given>) -> Result<oneshot::Receiver<Result<Summary, Busy>>, Busy> {
        let (reply, answer) = oneshot::channel();
        let count = given.len();
        if count == 0 {
            // The receiver is here still.
            let _ = reply.send(Ok(Summary::default()));
            return Ok(answer);
        }
        if self.queued.fetch_add(count, Ordering::Relaxed) + count > MAX_QUEUED {
            self.queued.fetch_sub(count, Ordering::Relaxed);
            return Err(Busy::Queue);
        }
        let sent = match locked(&self.sender).as_ref() {
            Some(sender) => sender.try_send(Job { given, reply }),
            None => return Err(Busy::Closed),
        };
        sent.map_err(|error| {
            self.queued.fetch_sub(count, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => Busy::Queue,
                TrySendError::Disconnected(_) => Busy::Closed,
            }
        })?;
        Ok(answer)
    }

    /// Submits messages and waits for the answer on this thread.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn submit_and_wait(&self, given: Vec<Given>) -> Result<Summary, Busy> {
        self.submit(given)?.blocking_recv().unwrap_or(Err(Busy::Closed))
    }

    /// How it stands.
    pub fn state(&self) -> State {
        State { queued: self.queued.load(Ordering::Relaxed), ..locked(&self.state).clone() }
    }

    /// The twins in memory.
    pub fn twins(&self) -> &Mutex<LiveTwins> {
        &self.twins
    }

    /// Takes in nothing more, finishes what waits, and ends.
    pub fn stop(&self) {
        drop(locked(&self.sender).take());
        for thread in locked(&self.threads).drain(..) {
            // A panic was told where it happened.
            let _ = thread.join();
        }
    }
}

struct Writer {
    door: Arc<dyn Door>,
    hot: Option<Spool>,
    cold: Option<Spool>,
    feeds: BTreeMap<String, Arc<Feed>>,
    taking: Option<Taking>,
    cipher: Option<Cipher>,
    /// Groups of the hot spool that are on their way back, and how many of its bytes they are.
    draining: VecDeque<Vec<Spooled>>,
    drained: u64,
    folding: SyncSender<Vec<(Handle, Event)>>,
    queued: Arc<AtomicUsize>,
    state: Arc<Mutex<State>>,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let patience = if self.draining.is_empty() { TICK } else { Duration::ZERO };
            match jobs.recv_timeout(patience) {
                Ok(first) => {
                    let mut group = vec![first];
                    let mut count = group.iter().map(|job| job.given.len()).sum::<usize>();
                    while count < MAX_GROUP
                        && let Ok(job) = jobs.try_recv()
                    {
                        count += job.given.len();
                        group.push(job);
                    }
                    self.group(group);
                    self.queued.fetch_sub(count, Ordering::Relaxed);
                    self.drain_hot();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.drain_hot();
                    self.drain_cold();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tell();
        }
    }

    fn lag_ms(&self) -> u64 {
        let oldest = self.hot.as_ref().and_then(Spool::oldest_ms);
        oldest.map_or(0, |oldest| now_ms().saturating_sub(oldest))
    }

    fn tell(&self) {
        let bytes = |spool: &Option<Spool>| spool.as_ref().map_or(0, Spool::bytes);
        let mut state = locked(&self.state);
        state.spooled_bytes = [bytes(&self.hot), bytes(&self.cold)];
        state.lag_ms = self.lag_ms();
    }

    fn attend(&self, why: Option<String>) {
        let mut state = locked(&self.state);
        if let Some(why) = why.as_ref().filter(|why| state.attention.as_ref() != Some(why)) {
            tracing::warn!(why, "feeds do not enter the vault now");
        }
        state.attention = why;
    }

    fn group(&mut self, jobs: Vec<Job>) {
        // Without the spools' key nothing can wait there: everything enters at once.
        let lags = self.lag_ms() > LAG_MS && self.cipher.is_some();
        let (mut all, mut waiting, mut parts) = (Vec::new(), Vec::new(), Vec::with_capacity(jobs.len()));
        for Job { given, reply } in jobs {
            let count = given.len();
            let (wait, now): (Vec<Given>, Vec<Given>) =
                given.into_iter().partition(|given| lags && self.cold.is_some() && may_wait(given));
            parts.push((now.len(), wait.len(), count, reply));
            all.extend(now);
            waiting.extend(wait);
        }
        if !waiting.is_empty() {
            // A full spool refuses before anything is acknowledged.
            match self.push(Which::Cold, &waiting) {
                Ok(()) => {}
                Err(why) => {
                    self.attend(Some(why.to_string()));
                    for (.., reply) in parts {
                        let _ = reply.send(Err(Busy::Full));
                    }
                    return;
                }
            }
        }
        match self.take(&all) {
            Ok(taken) => {
                self.attend(None);
                let mut fates = taken.fates.iter();
                for (now, wait, _, reply) in parts {
                    let mut summary = Summary { spooled: wait, ..Summary::default() };
                    for fate in fates.by_ref().take(now) {
                        match fate {
                            Fate::New => summary.new += 1,
                            Fate::Known => summary.known += 1,
                            Fate::Letter(_) => summary.dead_letters += 1,
                        }
                    }
                    // Who went away will send it again, and it is there already.
                    let _ = reply.send(Ok(summary));
                }
                self.hand_on(taken.events);
            }
            Err(why) => {
                self.attend(Some(why.to_string()));
                let pushed = self.push(Which::Hot, &all);
                for (_, _, count, reply) in parts {
                    let answer = match &pushed {
                        Ok(()) => Ok(Summary { spooled: count, ..Summary::default() }),
                        Err(Unspooled::NoSpool | Unspooled::NoKey) => Err(Busy::Closed),
                        Err(Unspooled::Spool(_)) => Err(Busy::Full),
                    };
                    let _ = reply.send(answer);
                }
            }
        }
    }

    fn take(&mut self, group: &[Given]) -> Result<Taken, Lent> {
        let (taking, cipher) = (&mut self.taking, &mut self.cipher);
        lent(&*self.door, |vault| {
            let mut ready = match taking.take().filter(|taking| taking.is_of(vault)) {
                Some(ready) => ready,
                None => {
                    let key = vault.keystore().district_key("feed-spool")?;
                    *cipher = Some(Cipher::new(&key));
                    Taking::new(vault)?
                }
            };
            let taken = ready.take(vault, group);
            *taking = Some(ready);
            taken
        })
    }

    fn hand_on(&self, events: Vec<(Handle, Event)>) {
        if !events.is_empty() && self.folding.send(events).is_err() {
            tracing::error!("twins are folded no longer; the events are in the vault");
        }
    }

    fn push(&mut self, which: Which, group: &[Given]) -> Result<(), Unspooled> {
        let cipher = self.cipher.as_ref().ok_or(Unspooled::NoKey)?;
        let spool = match which {
            Which::Hot => self.hot.as_mut(),
            Which::Cold => self.cold.as_mut(),
        };
        let spool = spool.ok_or(Unspooled::NoSpool)?;
        let spooled: Vec<Spooled> = group.iter().map(spooled).collect();
        Ok(spool.push(cipher, &spooled)?)
    }

    /// One group of the hot spool back into the vault; the file is emptied after the last.
    fn drain_hot(&mut self) {
        if self.hot.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        if self.draining.is_empty() {
            let Some(cipher) = self.cipher_or_open() else { return };
            self.cipher = Some(cipher);
            let Some(cipher) = self.cipher.as_ref() else { return };
            match hot_records(self.hot.as_ref(), cipher) {
                Ok(records) => {
                    self.drained = self.hot.as_ref().map_or(0, Spool::bytes);
                    self.draining = records.into();
                }
                Err(error) => return self.attend(Some(error.to_string())),
            }
        }
        for _ in 0..AT_ONCE {
            let Some(group) = self.draining.pop_front() else { break };
            let taken = self.read(&group).and_then(|given| self.take(&given).map_err(|why| why.to_string()));
            match taken {
                Ok(taken) => self.hand_on(taken.events),
                Err(why) => {
                    self.draining.push_front(group);
                    return self.attend(Some(why));
                }
            }
        }
        if !self.draining.is_empty() {
            return;
        }
        self.attend(None);
        // What was pushed meanwhile stays: all of it is read again then, and what is known is known.
        if let Some(hot) = self.hot.as_mut().filter(|hot| hot.bytes() == self.drained)
            && let Err(error) = hot.clear()
        {
            self.attend(Some(error.to_string()));
        }
    }

    /// Everything in the cold spool into the vault, when nothing else waits.
    fn drain_cold(&mut self) {
        let idle = self.hot.as_ref().is_none_or(Spool::is_empty);
        if !idle || self.cold.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let Some(cipher) = self.cipher_or_open() else { return };
        let records = hot_records(self.cold.as_ref(), &cipher);
        self.cipher = Some(cipher);
        let records = match records {
            Ok(records) => records,
            Err(error) => return self.attend(Some(error.to_string())),
        };
        for group in records {
            let taken = self.read(&group).and_then(|given| {
                let taken = self.take(&given).map_err(|why| why.to_string())?;
                if let Some(taking) = &mut self.taking {
                    given.iter().for_each(|given| taking.count_deferred(given));
                }
                Ok(taken)
            });
            match taken {
                Ok(taken) => self.hand_on(taken.events),
                Err(why) => return self.attend(Some(why)),
            }
        }
        if let Some(Err(error)) = self.cold.as_mut().map(Spool::clear) {
            self.attend(Some(error.to_string()));
        }
    }

    /// The spools' key: held, or asked of the vault once it is open.
    fn cipher_or_open(&mut self) -> Option<Cipher> {
        if self.cipher.is_none()
            && let Err(why) = self.take(&[])
        {
            self.attend(Some(why.to_string()));
        }
        self.cipher.take()
    }

    /// Reads a group again; an error when config.toml no longer has its feed, so that nothing of it is lost.
    fn read(&self, group: &[Spooled]) -> Result<Vec<Given>, String> {
        let mut all = Vec::with_capacity(group.len());
        for spooled in group {
            let feed = self.feeds.get(&spooled.feed).ok_or_else(|| {
                format!("the spool has messages of the feed {}: put it back into config.toml", spooled.feed)
            })?;
            let (raw, sender) = (Bytes::copy_from_slice(&spooled.raw), Arc::from(spooled.sender.as_str()));
            all.extend(Given::read(feed, spooled.form, raw, (&sender, spooled.number), spooled.received_ms));
        }
        Ok(all)
    }
}

fn hot_records(spool: Option<&Spool>, cipher: &Cipher) -> Result<Vec<Vec<Spooled>>, SpoolError> {
    spool.map_or(Ok(Vec::new()), |spool| spool.records(cipher))
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Hot,
    Cold,
}

#[derive(Debug, thiserror::Error)]
enum Unspooled {
    #[error("there is no spool")]
    NoSpool,
    #[error("the spool's key is in the vault, which was not open yet")]
    NoKey,
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

fn may_wait(given: &Given) -> bool {
    match &given.message {
        Ok(message) => Kind::of(&message.what).is_some_and(Kind::may_wait),
        Err(refusal) => refusal.reason != Reason::Refused,
    }
}

fn spooled(given: &Given) -> Spooled {
    Spooled {
        feed: given.feed.name.clone(),
        form: given.form,
        raw: given.raw.to_vec(),
        sender: given.sender.to_string(),
        number: given.number,
        received_ms: given.received_ms,
    }
}

/// Folds groups of events until the writer ends.
fn fold(
    door: &dyn Door,
    groups: &Receiver<Vec<(Handle, Event)>>,
    twins: &Mutex<LiveTwins>,
    observer: Option<&dyn Observer>,
) {
    while let Ok(events) = groups.recv() {
        let told = if observer.is_some() { events.clone() } else { Vec::new() };
        let folded = lent(door, |vault| match locked(twins).fold(vault, events) {
            Ok(changed) => Ok(changed),
            Err(LiveError::Vault(error)) => Err(error),
            Err(LiveError::Event(error)) => Err(VaultError::Damaged(error.to_string())),
        });
        match folded {
            Ok(changed) => {
                if let Some(observer) = observer {
                    observer.folded(&told, &changed);
                }
            }
            Err(why) => {
                // Twins that are not in memory are folded from the vault, which has the events.
                tracing::debug!(%why, "twins are folded from the vault when they are wanted");
                locked(twins).forget();
            }
        }
    }
}
