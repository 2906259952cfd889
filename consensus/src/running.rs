//! Starting, watching and stopping a node's consensus.
//!
//! Flow: [`start`] opens the sign guard, starts gossip and a supervisor, and returns a [`RunningConsensus`]. The supervisor
//! decides, from the guard, the write-ahead log and the tip, whether this node may sign, runs a session of the
//! engine in that mode, and starts the next one when a follower has passed what it must not sign, or when the
//! guard refused a signature (which stops the engine).
//!
//! Invariant: a key is used only while its guard's file is whole and every height it may have signed with a lost
//! memory is past.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_malachitebft_core_consensus::PeerId as EnginePeerId;
use aula_ledger::types::{Hash, Height, ValidatorAddress};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::config::{Config, Keys, Ports, ProposeTimeoutError};
use crate::damage::Damage;
use crate::driver::Services;
use crate::driver::all_peers;
use crate::engine::{SessionConfig, for_gossip};
use crate::events::{Event, FatalError, Mode};
use crate::gossip::{self, Gossip, GossipConfig, GossipError};
use crate::heights::Kept;
use crate::mempool::{AtTip, Mempool, Occasion, Refusal, Submitted};
use crate::modes::Modes;
use crate::peer_watch::Connected;
use crate::ports::{FileDisk, StoreError, TokioRuntime};
use crate::proposal::BlockBuilder;
use crate::supervisor::{Shown, Supervisor};

mod snapshots;

/// Events that a slow listener may be behind before it misses some.
const EVENTS: usize = 1024;
/// Batches of transactions from peers that may wait to be checked.
const INCOMING: usize = 256;
/// Least time between what is told to new listeners.
const NEWCOMER_PAUSE: Duration = Duration::from_millis(500);

/// Why a node's consensus does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A time to propose that cannot be used.
    #[error(transparent)]
    Timeout(#[from] ProposeTimeoutError),
    /// Gossip does not start.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// No address for gossip follows from the engine's.
    #[error("the listen address {0} has no TCP port below 65535; give gossip an address of its own")]
    ListenAddress(Multiaddr),
}

/// What a node is doing, for its API and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The last decided height.
    pub height: Height,
    /// The round of the height being decided.
    pub round: u64,
    /// Whether it signs.
    pub mode: Mode,
    /// The last thing an operator should know of: a damaged log, a lost guard. Stays until the next one.
    pub attention: Option<String>,
    /// Peers connected to the engine.
    pub peers: usize,
    /// Peers connected to gossip.
    pub gossip_peers: usize,
    /// Transactions in this node's pool, those behind a gap included.
    pub waiting_transactions: usize,
    /// Bytes of these transactions together.
    pub waiting_bytes: usize,
    /// How far the last block's time lies ahead of this node's clock, in milliseconds; 0 when it does not. `None`: the
    /// clock cannot be read.
    pub ahead_of_clock_ms: Option<u64>,
    /// Blocks keep arriving more than 10 s old while this node is level: what that says of its clock, with the next step. None
    /// while they come fresh.
    pub fast_clock: Option<String>,
}

/// Which blocks a node has, or says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Its identity.
    pub peer: PeerId,
    /// From this height on, 1 where it has all.
    pub oldest: Height,
    /// Up to this height.
    pub tip: Height,
}

/// A running node's consensus. Stop it with [`RunningConsensus::stop`]; dropping it asks it to stop and does not wait.
pub struct RunningConsensus {
    services: Services,
    gossip: Arc<Gossip>,
    engine_peers: Arc<Connected>,
    shown: Arc<Mutex<Shown>>,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<Option<Result<(), FatalError>>>,
    incoming: JoinHandle<()>,
    telling: JoinHandle<()>,
}

impl RunningConsensus {
    /// Submits a transaction: checks it, keeps it, tells the peers. May take as long as verifying a signature.
    ///
    /// # Errors
    /// [`Refusal`], with the code and the sentence for the submitter.
    pub fn submit(&self, bytes: Vec<u8>) -> Result<Submitted, Refusal> {
        let services = &self.services;
        let submitted = with_tip(services, |tip| services.pool.submit(bytes, tip))?;
        let told = match submitted {
            Submitted::New(id) => services.pool.get(&id).map(|pooled| Arc::clone(&pooled.bytes)),
            // Whoever asks again may do so because nobody has heard of it.
            Submitted::Known(id) => services.pool.tell_known(&id),
        };
        if let Some(bytes) = told {
            self.gossip.publish(bytes);
        }
        Ok(submitted)
    }

    /// The pool, for looking transactions up.
    pub fn pool(&self) -> &Mempool {
        &self.services.pool
    }

    /// Events from now on. A listener that falls behind by 1,024 misses some and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.services.events.subscribe()
    }

    /// What the node is doing.
    pub fn status(&self) -> Status {
        let (waiting_transactions, waiting_bytes) = self.services.pool.size();
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Status {
            height: Height(self.services.height.load(Ordering::Relaxed)),
            round: self.services.round.load(Ordering::Relaxed),
            mode: shown.mode,
            attention: shown.attention,
            peers: self.engine_peers.count(),
            gossip_peers: self.gossip.counts().peers.load(Ordering::Relaxed),
            waiting_transactions,
            waiting_bytes,
            ahead_of_clock_ms: self.ahead_of_clock_ms(),
            fast_clock: self.services.lateness.words(),
        }
    }

    /// How many of the validators are connected, this node's own not counted: followers decide nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn validators_connected(&self) -> Result<usize, StoreError> {
        let (services, tip) = (&self.services, Height(self.services.height.load(Ordering::Relaxed)));
        let state = services.store.state()?;
        // Settled in any state: a block that is decided between two reads changes nothing.
        let validators = services.executor.following_validators(state.as_ref(), tip)?;
        let peers = services.executor.validator_peers(state.as_ref())?;
        let decides =
            |address: &ValidatorAddress| validators.get(address).is_some_and(|found| found.power > 0);
        let others = peers.iter().filter(|(address, peer)| *peer != services.own_peer && decides(address));
        Ok(self.engine_peers.count_of(others.map(|(_, peer)| peer)))
    }

    /// The highest block that more of the connected validators say they have than can lie, or, where too few are connected, the
    /// middle one of what the peers say: one that lies moves it nowhere. None before one has said so.
    pub fn told_height(&self) -> Option<Height> {
        self.services.heights.told().map(Height)
    }

    /// The highest block that any connected peer says it has, which may be a lie: for who must not take itself for level while one that
    /// is honest knows better.
    pub fn highest_told(&self) -> Option<Height> {
        self.services.heights.highest().map(Height)
    }

    /// Which blocks this node has, and which the connected peers say they have. It is their word: nothing here has checked it.
    pub fn keepers(&self) -> Vec<Keeper> {
        let services = &self.services;
        let tip = Height(services.height.load(Ordering::Relaxed));
        let own = services.store.oldest().map(|oldest| Keeper { peer: services.own_peer, oldest, tip });
        let keeper = |(peer, kept): (EnginePeerId, Kept)| {
            let peer = PeerId::from_bytes(&peer.to_bytes()).ok()?;
            Some(Keeper { peer, oldest: Height(kept.oldest), tip: Height(kept.tip) })
        };
        let said = services.heights.kept().into_iter().filter_map(keeper);
        // A store that fails has nothing to offer, and says so elsewhere.
        own.into_iter().chain(said).collect()
    }

    /// The chain that this node follows is known to be the consortium's: from now on it signs as any other
    /// ([`Config::unproven`]).
    pub fn prove(&self) {
        self.services.heights.let_go();
    }

    /// Validators from whom no vote of the height that is being decided came: who is missing when the chain stands.
    pub fn silent(&self) -> Vec<ValidatorAddress> {
        self.services.quorums.silent()
    }

    fn ahead_of_clock_ms(&self) -> Option<u64> {
        let now = self.services.clock.now_ms().ok()?;
        Some(self.services.time_ms.load(Ordering::Relaxed).saturating_sub(now))
    }

    /// What this node found damaged in its own state, with what to do next; none while all is well. It votes nil on
    /// blocks that it cannot judge, and is not ready.
    pub fn damage(&self) -> Option<String> {
        self.services.blocks.damage()
    }

    /// Completes when consensus has ended: `Ok` after [`Self::stop`], else why it could not go on. Any number of
    /// tasks may wait, and stop waiting.
    ///
    /// # Errors
    /// [`FatalError`]: the process should stop and print it.
    pub async fn wait(&self) -> Result<(), FatalError> {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await.map(|result| result.clone()) {
            Ok(Some(result)) => result,
            // The sender is dropped without a result only when the supervisor's task fails.
            _ => Err(FatalError::program("the supervisor of consensus failed")),
        }
    }

    /// Stops: what is decided is persisted already, the engine's log is closed, connections end. Completes when that
    /// is done.
    ///
    /// # Errors
    /// [`FatalError`] if it had failed before.
    pub async fn stop(&self) -> Result<(), FatalError> {
        // An error means that it has ended.
        let _ = self.stop.send(true);
        let ended = self.wait().await;
        self.gossip.stop();
        ended
    }
}

impl Drop for RunningConsensus {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.incoming.abort();
        self.telling.abort();
        self.gossip.stop();
    }
}

/// Does something with the ledger as it is after the last decided block.
pub(crate) fn with_tip<T>(
    services: &Services,
    work: impl FnOnce(&AtTip<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let state = services.store.state()?;
    let next = Height(services.height.load(Ordering::Relaxed)).next();
    work(&AtTip::new(services.executor.as_ref(), state.as_ref(), next))
}

/// Starts a node's consensus. `genesis` comes from the genesis that the store was initialised with.
///
/// # Errors
/// [`StartError`]. Trouble of the engine itself comes later, through [`RunningConsensus::wait`].
pub async fn start(
    config: Config,
    ports: Ports,
    keys: Keys,
    genesis: Hash,
) -> Result<RunningConsensus, StartError> {
    config.timeouts.check()?;
    let tip = ports.store.tip()?;
    let pool = Arc::new(Mempool::new(genesis, config.limits, tip.height.next(), Arc::clone(&ports.clock)));
    let blocks =
        BlockBuilder::new(genesis, Arc::clone(&ports.executor), Arc::clone(&ports.clock), Arc::clone(&pool));
    let blocks = Arc::new(match config.damage {
        Some(file) => blocks.remembering(Damage::open(file)),
        None => blocks,
    });
    let gossip_listen = match &config.gossip_listen {
        Some(listen) => listen.clone(),
        None => gossip::gossip_address(&config.listen)
            .ok_or_else(|| StartError::ListenAddress(config.listen.clone()))?,
    };
    let (sender, receiver) = mpsc::channel(INCOMING);
    let gossip_config = GossipConfig { listen: gossip_listen, peers: Vec::new() };
    let gossip = Arc::new(gossip::start(keys.network.clone(), &genesis.to_string(), gossip_config, sender)?);
    let (events, _) = broadcast::channel(EVENTS);
    let services = Services {
        genesis,
        store: ports.store,
        executor: ports.executor,
        pool,
        blocks,
        events,
        timeouts: config.timeouts.linear(),
        idle: config.idle,
        busy: config.busy,
        configured_peers: Arc::new(config.peers.clone()),
        own_peer: keys.network.public().to_peer_id(),
        round: Arc::new(AtomicU64::new(0)),
        height: Arc::new(AtomicU64::new(tip.height.0)),
        time_ms: Arc::new(AtomicU64::new(tip.time_ms.0)),
        clock: ports.clock,
        runtime: Arc::new(TokioRuntime::default()),
        quorums: Arc::default(),
        heights: Arc::default(),
        recent: Arc::default(),
        lateness: Arc::default(),
    };
    if config.unproven {
        services.heights.hold();
    }
    gossip.serve_facts(Arc::clone(&services.recent));
    let base = services.blocks.base(services.store.as_ref())?;
    gossip.set_peers(for_gossip(&all_peers(&services, &base)?)).await;
    let engine_peers = Arc::new(Connected::default());
    let shown = Arc::new(Mutex::new(Shown { mode: Mode::Follower { until: None }, attention: None }));
    let (stop, stopped) = watch::channel(false);
    let supervisor = Supervisor {
        services: services.clone(),
        session: SessionConfig {
            moniker: config.moniker,
            genesis,
            listen: config.listen,
            wal: config.wal.clone(),
            network: keys.network,
        },
        gossip: Arc::clone(&gossip),
        modes: Modes {
            genesis,
            key: keys.validator,
            disk: Arc::new(FileDisk),
            sign_guard: config.sign_guard,
            wal: config.wal,
            confirmed: config.confirmed_height,
            guard: None,
            behind: None,
        },
        engine_peers: Arc::clone(&engine_peers),
        shown: Arc::clone(&shown),
        stopped,
    };
    let incoming = tokio::spawn(take_in(services.clone(), receiver));
    let telling = tokio::spawn(tell_again(services.clone(), Arc::clone(&gossip)));
    let (tell, ended) = watch::channel(None);
    tokio::spawn(async move {
        let result = supervisor.run().await;
        // An error means that nobody waits any more.
        let _ = tell.send(Some(result));
    });
    Ok(RunningConsensus { services, gossip, engine_peers, shown, stop, ended, incoming, telling })
}

/// Checks what peers send as if it had been submitted here. Refusals are not answered: most are duplicates or have
/// been decided in the meantime.
async fn take_in(services: Services, mut receiver: mpsc::Receiver<Vec<Vec<u8>>>) {
    while let Some(batch) = receiver.recv().await {
        let services = services.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let checked = with_tip(&services, |tip| {
                for bytes in batch {
                    if let Err(refusal) = services.pool.hear(bytes, tip) {
                        tracing::trace!(%refusal, "a transaction from a peer is not kept");
                    }
                }
                Ok(())
            });
            if let Err(refusal) = checked {
                tracing::debug!(%refusal, "transactions from a peer are not looked at");
            }
        });
        if checked.await.is_err() {
            tracing::error!("checking a batch of transactions failed inside this program");
        }
    }
}

/// Tells the others again of what waits and may not have reached them: as heights pass, and when a peer begins to listen.
async fn tell_again(services: Services, gossip: Arc<Gossip>) {
    let (mut events, mut listeners) = (services.events.subscribe(), gossip.listeners());
    loop {
        let occasion = tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Decided { .. }) => Occasion::Height,
                // Missed heights are made up for at the next one.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            changed = listeners.changed() => match changed {
                Ok(()) => Occasion::NewListener,
                Err(_) => return,
            },
        };
        for bytes in services.pool.due_to_tell(occasion) {
            gossip.publish(bytes);
        }
        if occasion == Occasion::NewListener {
            // A peer that comes and goes costs the others no more than this.
            tokio::time::sleep(NEWCOMER_PAUSE).await;
        }
    }
}
