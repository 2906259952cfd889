//! The queue of all feeds of a node, the group commit, and the fold.
//!
//! Two threads. The writer takes whatever waits, up to [`MAX_GROUP`] messages, into the vault in one synced batch, tells every
//! sender, and hands the new events on; the folder brings the twins up to date and tells whoever listens. While the vault is
//! closed, or the disk refuses ([`crate::breaker`]), groups go to the hot spool as long as that has room, and back into the vault
//! when it is open.
//! While that backlog is older than [`LAG_MS`], kinds that may wait go to the cold spool, which is entered when nothing else waits.
//! Invariants: a sender hears only of what is on disk, in the vault or in a spool; who is told [`Busy`] was not taken in. Absent:
//! what messages mean.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use aula_district::live::{Changed, LiveError, LiveTwins};
use aula_ledger::types::Handle;
use aula_lrs::desk::Turn;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_vault::VaultError;
use aula_vault::room::{Over, Room};
use axum::http::StatusCode;
use tokio::sync::oneshot;

use crate::breaker::Breaker;
use crate::door::{Closed, Door, Lent, lent};
use crate::given::{Feed, Given};
use crate::spool::{Spool, SpoolError};
use crate::taking::{Levelled, Levelling};

mod share;
#[cfg(test)]
mod tests;
mod writer;

use share::Share;
use writer::Writer;

/// Messages of one group commit at most: one sync for about 0.1 s of the highest rate measured.
pub const MAX_GROUP: usize = 8_192;
/// Messages that wait at most; more are told 429.
pub const MAX_QUEUED: usize = 65_536;
/// Messages of one submission at most.
pub const MAX_SUBMITTED: usize = 10_000;
/// A backlog older than this lets kinds wait that may, milliseconds (the design's 25 s).
pub const LAG_MS: u64 = 25_000;
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
    /// The vault has its share of the disk.
    #[error(
        "the vault has its share of the disk: send it again after {ROOM_S} seconds; the operator was told"
    )]
    Over,
}

impl Busy {
    /// The answer's status over HTTP, and after how many seconds to send again.
    pub const fn told(self) -> (StatusCode, u64) {
        match self {
            Self::Queue => (StatusCode::TOO_MANY_REQUESTS, RETRY_S),
            Self::Closed | Self::Full => (StatusCode::SERVICE_UNAVAILABLE, RETRY_S),
            Self::Over => (StatusCode::INSUFFICIENT_STORAGE, ROOM_S),
        }
    }
}

/// When to send again what was not taken in, seconds.
pub const RETRY_S: u64 = 2;
/// When to send again what a vault had no room for, seconds: somebody has to give it some.
pub const ROOM_S: u64 = 60;

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

    /// Events of these students are in the vault and their twins were not folded: whoever wants them folds them from there.
    fn missed(&self, _: &[Handle]) {}
}

/// How a pipeline works.
#[derive(Clone)]
pub struct Settings {
    /// The twins' parameters.
    pub params: Params,
    /// The folder of the spools, and most bytes of both together; none without spools.
    pub spool: Option<(PathBuf, u64)>,
    /// How much disk the vault may take; none without a limit.
    pub room: Option<Room>,
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

/// What the writer is asked.
enum Work {
    Messages(Job),
    Levelling(Levelling, oneshot::Sender<Result<Levelled, Lent>>),
}

/// What the folder is told.
#[derive(Default)]
struct Folding {
    events: Vec<(Handle, Event)>,
    /// Whose twins are folded from the vault.
    anew: Vec<Handle>,
}

/// The pipeline of a node.
pub struct Pipeline {
    sender: Mutex<Option<SyncSender<Work>>>,
    queued: Arc<AtomicUsize>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    twins: Arc<Mutex<LiveTwins>>,
    state: Arc<Mutex<State>>,
    share: Arc<Mutex<Share>>,
    turn: Turn,
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
    /// Messages that were refused since the start because the vault had its share of the disk.
    pub over: u64,
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
        let share = Arc::new(Mutex::new(Share::of(settings.room.clone())));
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
            share: share.clone(),
            feeds: settings.feeds.iter().map(|feed| (feed.name.clone(), feed.clone())).collect(),
            taking: None,
            breaker: Breaker::default(),
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
        let sender = Mutex::new(Some(sender));
        let (threads, turn) = (Mutex::new(threads), Turn::default());
        Ok(Self { sender, queued, threads, twins, state, share, turn })
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
            Some(sender) => sender.try_send(Work::Messages(Job { given, reply })),
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

    /// Changes what a replica or its district has otherwise, and waits for it on this thread: on disk on return, and folded soon.
    /// What became of it; new events and whose twins are folded anew were handed on.
    ///
    /// # Errors
    /// [`Lent`]: nothing has changed; nothing of it waits in a spool, since the other side has it.
    pub fn level_and_wait(&self, levelling: Levelling) -> Result<Levelled, Lent> {
        let (reply, answer) = oneshot::channel();
        let closed = |busy: Busy| Closed(busy.to_string());
        match locked(&self.sender).as_ref() {
            Some(sender) => {
                sender.try_send(Work::Levelling(levelling, reply)).map_err(|_| closed(Busy::Queue))?;
            }
            None => return Err(closed(Busy::Closed).into()),
        }
        answer.blocking_recv().unwrap_or_else(|_| Err(closed(Busy::Closed).into()))
    }

    /// Whether the vault has room for what somebody is about to write there beside the pipeline.
    ///
    /// # Errors
    /// [`Over`]: it has its share of the disk.
    pub fn room(&self) -> Result<(), Over> {
        locked(&self.share).check(Instant::now())
    }

    /// Whose turn it is to write in the vault's record store, beside the pipeline.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// How it stands.
    pub fn state(&self) -> State {
        State { queued: self.queued.load(Ordering::Relaxed), ..locked(&self.state).clone() }
    }

    /// The twins in memory.
    pub fn twins(&self) -> &Mutex<LiveTwins> {
        &self.twins
    }

    /// Folds twins with other parameters from now on: those in memory are forgotten, and folded from the vault when they are wanted.
    pub fn set_params(&self, params: Params) {
        locked(&self.twins).set_params(params);
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

/// Folds groups of events until the writer ends.
fn fold(
    door: &dyn Door,
    groups: &Receiver<Folding>,
    twins: &Mutex<LiveTwins>,
    observer: Option<&dyn Observer>,
) {
    while let Ok(Folding { events, anew }) = groups.recv() {
        anew.iter().for_each(|handle| locked(twins).forget_of(handle));
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
                    observer.missed(&anew);
                }
            }
            Err(why) => {
                // Twins that are not in memory are folded from the vault, which has the events.
                tracing::debug!(%why, "twins are folded from the vault when they are wanted");
                locked(twins).forget();
                if let Some(observer) = observer {
                    let of_events = told.iter().map(|(handle, _)| *handle);
                    observer.missed(&anew.into_iter().chain(of_events).collect::<Vec<_>>());
                }
            }
        }
    }
}
