//! A node's consensus without threads, sockets or clock of its own: what the simulator runs.
//!
//! The driver, the mempool, the sign guard, the choice of a mode and the engine's state machines (voting, value sync, the
//! write-ahead log) are the ones of a running node. What a running node has from the engine's actors is done here on the
//! caller's thread: [`Node::hear`] takes a message, [`Node::run`] does everything that is due at a moment and says what
//! leaves the node, [`Node::wakes_at`] says when there is something to do without a message. The same calls give the same
//! answers, whatever the machine.
//!
//! Flow: message → the engine's mailbox → `engine` handles one message, its effects at once → the driver is polled when
//! something woke it → until nothing moves any more.
//!
//! Absent on purpose: gossipsub and connections (whoever runs this delivers or does not), the limits of
//! [`crate::door`], and validator proofs. A peer's word counts as that peer's.
//!
//! A running node hangs when its log cannot be written, until somebody restarts it; here it ends with [`FatalError`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aula_ledger::types::{Hash, Height};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::broadcast;

use crate::config::{Config, Keys, Ports, Timeouts};
use crate::driver::{Ended, Services};
use crate::events::{Event, FatalError, Mode};
use crate::mempool::{AtTip, Limits, Mempool, Occasion, Refusal, Submitted};
use crate::modes::Modes;
use crate::ports::{Disk, Moment, Runtime};
use crate::proposal::BlockBuilder;
use crate::running::with_tip;
use crate::signing::Remembered;

mod clock;
mod effects;
mod engine;
pub mod lies;
mod log;
mod mail;
mod message;
mod session;
mod syncing;

use clock::StillClock;
pub use message::{Message, Statement, To};
use session::Session;

/// Most complete blocks of others that a node keeps before they are judged, each of up to [`crate::parts::MAX_BLOCK_BYTES`].
pub const MOST_BLOCKS: usize = crate::driver::MOST_BLOCKS;

/// Most bytes of fetched blocks that wait in a node for their heights.
pub const MOST_SYNCED_BYTES: usize = crate::pace::MOST_SYNCED;

/// Events between two calls of [`Node::run`]; far more than one call makes.
const EVENTS: usize = 4096;

/// What a node runs with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// How long the engine waits.
    pub timeouts: Timeouts,
    /// Time between blocks when there is nothing to do.
    pub idle: Duration,
    /// Least time between blocks when there is.
    pub busy: Duration,
    /// How much may wait for a block.
    pub limits: Limits,
    /// The write-ahead log on the disk.
    pub wal: PathBuf,
    /// The sign guard's file on the disk.
    pub sign_guard: PathBuf,
    /// A height that an operator confirms, see [`crate::Config::confirmed_height`].
    pub confirmed_height: Option<Height>,
    /// How often this node was started before: names of streams differ from those of earlier processes.
    pub start: u32,
    /// What is left to chance: which peer is asked for blocks.
    pub seed: u64,
    /// Signatures that were found good, for all nodes of a simulation.
    pub remembered: Arc<Remembered>,
}

impl Setup {
    /// With the defaults of a running node.
    pub fn new(genesis: Hash, wal: PathBuf, sign_guard: PathBuf) -> Self {
        let defaults = Config::new("", Multiaddr::empty(), wal, sign_guard);
        Self {
            genesis,
            timeouts: defaults.timeouts,
            idle: defaults.idle,
            busy: defaults.busy,
            limits: defaults.limits,
            wal: defaults.wal,
            sign_guard: defaults.sign_guard,
            confirmed_height: None,
            start: 0,
            seed: 0,
            remembered: Arc::default(),
        }
    }
}

/// What leaves a node.
#[derive(Debug, Clone)]
pub enum Output {
    /// A message.
    Send(To, Message),
    /// Something happened.
    Event(Event),
    /// The node cannot go on and has stopped. It must be started again.
    Stopped(FatalError),
}

/// What is collected while a node works.
pub(crate) type Outbox = Arc<Mutex<Vec<Output>>>;

pub(crate) fn put(outbox: &Outbox, output: Output) {
    outbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(output);
}

/// One process of a node.
pub struct Node {
    services: Services,
    modes: Modes,
    setup: Setup,
    clock: Arc<StillClock>,
    outbox: Outbox,
    events: broadcast::Receiver<Event>,
    /// Whom this node is connected with.
    connected: Arc<Mutex<BTreeSet<PeerId>>>,
    session: Option<Session>,
    sessions: u32,
    refusals: u64,
    /// Blocks of value sync whose senders were at fault, and that nobody was told of.
    faults: u64,
    forgot: bool,
    stopped: bool,
}

impl Node {
    /// Starts a node at a moment. `keys.network` is the identity that the others see.
    ///
    /// # Errors
    /// [`FatalError`] when its files cannot be used.
    pub fn start(
        setup: Setup,
        ports: Ports,
        keys: Keys,
        disk: Arc<dyn Disk>,
        now: Duration,
    ) -> Result<Self, FatalError> {
        let clock = Arc::new(StillClock::default());
        clock.set(Moment::after(now));
        let tip = ports.store.tip()?;
        let pool = Mempool::new(setup.genesis, setup.limits, tip.height.next(), Arc::clone(&ports.clock));
        let pool = Arc::new(pool);
        let blocks = BlockBuilder::new(
            setup.genesis,
            Arc::clone(&ports.executor),
            Arc::clone(&ports.clock),
            Arc::clone(&pool),
        );
        let (sender, events) = broadcast::channel(EVENTS);
        let runtime: Arc<dyn Runtime> = clock.clone();
        let services = Services {
            genesis: setup.genesis,
            store: ports.store,
            executor: ports.executor,
            pool,
            blocks: Arc::new(blocks),
            events: sender,
            timeouts: setup.timeouts.linear(),
            idle: setup.idle,
            busy: setup.busy,
            configured_peers: Arc::default(),
            own_peer: keys.network.public().to_peer_id(),
            round: Arc::new(AtomicU64::new(0)),
            height: Arc::new(AtomicU64::new(tip.height.0)),
            time_ms: Arc::new(AtomicU64::new(tip.time_ms.0)),
            clock: ports.clock,
            runtime,
            quorums: Arc::default(),
            heights: Arc::default(),
            recent: Arc::default(),
            lateness: Arc::default(),
        };
        if setup.confirmed_height.is_some() {
            services.heights.allow();
        }
        let modes = Modes {
            genesis: setup.genesis,
            key: keys.validator,
            disk,
            sign_guard: setup.sign_guard.clone(),
            wal: setup.wal.clone(),
            confirmed: setup.confirmed_height,
            guard: None,
            behind: None,
        };
        let mut node = Self {
            services,
            modes,
            setup,
            clock,
            outbox: Outbox::default(),
            events,
            connected: Arc::default(),
            session: None,
            sessions: 0,
            refusals: 0,
            faults: 0,
            forgot: false,
            stopped: false,
        };
        node.begin_session()?;
        Ok(node)
    }

    /// A connection is there. What waits here is told to the newcomer.
    pub fn connect(&mut self, peer: PeerId) {
        self.connected.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(peer);
        if let Some(session) = &mut self.session {
            session.connected(peer);
        }
        for bytes in self.services.pool.due_to_tell(Occasion::NewListener) {
            put(&self.outbox, Output::Send(To::All, Message::Transaction(bytes.as_slice().to_vec().into())));
        }
    }

    /// A connection has ended.
    pub fn disconnect(&mut self, peer: PeerId) {
        self.connected.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&peer);
        if let Some(session) = &mut self.session {
            session.disconnected(peer);
        }
    }

    /// A message from a peer; `publisher` is whose it is, the same peer unless it was passed on.
    pub fn hear(&mut self, from: PeerId, publisher: PeerId, message: &Message) {
        if let Message::Transaction(bytes) = message {
            let heard = with_tip(&self.services, |tip| self.services.pool.hear(bytes.to_vec(), tip));
            if let Err(refusal) = heard {
                tracing::trace!(%refusal, "a transaction from a peer is not kept");
            }
        } else if let Some(session) = &mut self.session {
            session.hear(from, publisher, message);
        }
    }

    /// A transaction that somebody submits here.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn submit(&mut self, bytes: Vec<u8>) -> Result<Submitted, Refusal> {
        let submitted = with_tip(&self.services, |tip: &AtTip<'_>| self.services.pool.submit(bytes, tip))?;
        if let Submitted::New(id) = submitted
            && let Some(pooled) = self.services.pool.get(&id)
        {
            let bytes = pooled.bytes.as_slice().to_vec().into();
            put(&self.outbox, Output::Send(To::All, Message::Transaction(bytes)));
        }
        Ok(submitted)
    }

    /// Does all that is due at a moment, and says what leaves the node.
    pub fn run(&mut self, now: Duration) -> Vec<Output> {
        self.clock.set(Moment::after(now));
        while let Some(session) = &mut self.session {
            let ended = session.run();
            self.faults += session.take_faults();
            let Some(ended) = ended else { break };
            self.session = None;
            let next = match ended {
                Ok(Ended::Stopped) => break,
                Ok(Ended::MaySign) => {
                    self.modes.behind = None;
                    self.begin_session()
                }
                Ok(Ended::Behind(waits)) => {
                    self.modes.fall_behind(waits);
                    self.begin_session()
                }
                // The engine stops when a signature is refused: it had forgotten what it signed at this height.
                Err(_) if self.modes.refusals() > self.refusals => self.begin_session(),
                Err(fatal) => Err(fatal),
            };
            if let Err(fatal) = next {
                self.stopped = true;
                put(&self.outbox, Output::Stopped(fatal));
            }
        }
        self.tell_events();
        std::mem::take(&mut *self.outbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// How many blocks of value sync were refused as their sender's fault, since this was asked last.
    pub fn take_faults(&mut self) -> u64 {
        std::mem::take(&mut self.faults)
    }

    /// When something is due without a message; `None`: never.
    pub fn wakes_at(&self) -> Option<Duration> {
        let session = self.session.as_ref().and_then(Session::wakes_at);
        let clock = self.clock.wakes_at();
        session.into_iter().chain(clock).min().map(Moment::elapsed)
    }

    /// Whether it has stopped by itself.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether it signs nothing for now because what its key signed is not known here, or was to be said otherwise: until that
    /// height is decided, or for good where its guard is gone. Who only waits to hear how far the others are has forgotten nothing.
    pub fn has_forgotten(&self) -> bool {
        self.forgot
    }

    /// Whether it was started with an operator's word.
    pub fn is_confirmed(&self) -> bool {
        self.modes.confirmed.is_some()
    }

    /// Transactions that wait, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        self.services.pool.size()
    }

    /// What this process holds that others can make grow, in bytes and entries: parts of blocks that wait, messages in the
    /// mailbox, blocks asked for; and the most that it held of blocks in parts, and of those not judged yet, since its session began.
    pub fn holds(&self) -> BTreeMap<&'static str, usize> {
        self.session.as_ref().map(Session::holds).unwrap_or_default()
    }

    /// The last decided height.
    pub fn height(&self) -> Height {
        Height(self.services.height.load(Ordering::Relaxed))
    }

    fn begin_session(&mut self) -> Result<(), FatalError> {
        let tip = self.services.store.tip()?.height;
        let ((signer, mode), warnings) = self.modes.choose(tip, &self.services.runtime)?;
        for warning in warnings {
            put(&self.outbox, Output::Event((warning.event)(warning.text)));
        }
        put(&self.outbox, Output::Event(Event::Started(mode)));
        self.refusals = self.modes.refusals();
        let follows = self.modes.follows(signer.is_some(), mode);
        self.forgot = signer.is_none() && !follows.catches_up;
        // A follower that waits for an operator has no height to wait for.
        debug_assert!(signer.is_none() || mode == Mode::Validator);
        let stream = (u64::from(self.setup.start) << 40) | (u64::from(self.sessions) << 32);
        self.sessions += 1;
        let wal = self.modes.log(signer.is_some());
        let session = Session::begin(session::Beginning {
            services: self.services.clone(),
            signer,
            follows,
            disk: Arc::clone(&self.modes.disk),
            wal: &wal,
            outbox: Arc::clone(&self.outbox),
            connected: Arc::clone(&self.connected),
            remembered: Arc::clone(&self.setup.remembered),
            stream,
            seed: self.setup.seed ^ stream,
        })?;
        self.session = Some(session);
        Ok(())
    }

    /// Passes events on; as heights pass, the others are told again of what waits.
    fn tell_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            if matches!(event, Event::Decided { .. }) {
                for bytes in self.services.pool.due_to_tell(Occasion::Height) {
                    let bytes = bytes.as_slice().to_vec().into();
                    put(&self.outbox, Output::Send(To::All, Message::Transaction(bytes)));
                }
            }
            put(&self.outbox, Output::Event(event));
        }
    }
}
