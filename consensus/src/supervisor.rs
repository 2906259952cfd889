//! Runs sessions of the engine one after another, each in the mode that is safe ([`crate::modes`]).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arc_malachitebft_app_channel::Channels;
use arc_malachitebft_core_consensus::Error as ConsensusError;
use arc_malachitebft_engine::util::events::Event as EngineEvent;
use tokio::sync::{broadcast, mpsc, watch};

use crate::context::AulaContext;
use crate::door::{Door, guard};
use crate::driver::all_peers;
use crate::driver::{Driver, Ended, Services, Wires};
use crate::engine::{self, EngineNetwork, Session, SessionConfig};
use crate::events::{Event, FatalError, Mode};
use crate::gossip::Gossip;
use crate::modes::{Modes, Warning};
use crate::pace::Pace;
use crate::peer_watch::{self, Connected};
use crate::signing::GuardedSigner;

/// What the status shows of the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) mode: Mode,
    pub(crate) attention: Option<String>,
}

/// The task behind a [`crate::running::RunningConsensus`].
pub(crate) struct Supervisor {
    pub(crate) services: Services,
    pub(crate) session: SessionConfig,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) modes: Modes,
    pub(crate) engine_peers: Arc<Connected>,
    pub(crate) shown: Arc<Mutex<Shown>>,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Supervisor {
    /// Runs until stopped or until something fails that this node must not survive.
    pub(crate) async fn run(mut self) -> Result<(), FatalError> {
        let listen = &self.session.listen;
        let guard = guard::start(listen, Door::new(self.gossip.known())).await.map_err(|error| {
            FatalError::engine(format!("cannot listen on {listen}: {error}; is another node using it?"))
        })?;
        // The guard stands at the public address for as long as this runs.
        self.session.listen = guard.engine.clone();
        let ended = self.sessions().await;
        guard.close().await;
        ended
    }

    async fn sessions(&mut self) -> Result<(), FatalError> {
        if self.modes.confirmed.is_some() {
            self.services.heights.allow();
        }
        loop {
            let tip = self.services.store.tip()?.height;
            let (chosen, warnings) = self.modes.choose(tip, &self.services.runtime)?;
            warnings.into_iter().for_each(|warning| self.warn(warning));
            let (signer, mode) = chosen;
            self.show(|shown| shown.mode = mode);
            tracing::info!(?mode, "consensus starts");
            let _ = self.services.events.send(Event::Started(mode));
            let refusals = self.modes.refusals();
            match self.one_session(signer, mode).await {
                Ok(Ended::Stopped) => return Ok(()),
                Ok(Ended::MaySign) => self.modes.behind = None,
                Ok(Ended::Behind(waits)) => {
                    let text = self.modes.fall_behind(waits);
                    tracing::warn!("{text}");
                    self.show(|shown| shown.attention = Some(text));
                }
                Err(fatal) => {
                    if self.modes.refusals() == refusals {
                        tracing::error!(%fatal, "consensus cannot go on");
                        return Err(fatal);
                    }
                    // The engine stops when a signature is refused: it had forgotten what it signed at this height.
                    tracing::warn!("the sign guard refused a signature; following until this height is past");
                }
            }
        }
    }

    async fn one_session(&self, signer: Option<GuardedSigner>, mode: Mode) -> Result<Ended, FatalError> {
        // Let go at once: the store keeps on disk what is read through a base, and a session lasts for as long as the node.
        let peers = all_peers(&self.services, &self.services.blocks.base(self.services.store.as_ref())?)?;
        let quorums = Arc::clone(&self.services.quorums);
        let heights = Arc::clone(&self.services.heights);
        heights.session_begins();
        let wal = self.modes.log(signer.is_some());
        let session = SessionConfig { wal: wal.clone(), ..self.session.clone() };
        let pace = Pace::new(Arc::clone(&self.services.height));
        let started = engine::start(&session, &peers, signer.clone(), quorums, heights, pace).await?;
        let Session { channels, handle: engine, inbox, actors } = started;
        let Channels { consensus, network, events, requests: _requests, net_requests } = channels;
        let follows = self.modes.follows(signer.is_some(), mode);
        let (silent, silent_peers) = mpsc::channel(1);
        let watch = tokio::spawn(peer_watch::watch(
            net_requests.clone(),
            Arc::clone(&self.engine_peers),
            Arc::clone(&self.services.heights),
            silent,
        ));
        let (alarm, mut alarms) = mpsc::channel(1);
        let listen = tokio::spawn(watch_log(events.subscribe(), signer.clone(), alarm));
        let network =
            EngineNetwork { messages: network, requests: net_requests, gossip: Arc::clone(&self.gossip) };
        let wires = Wires {
            network: Box::new(network),
            inbox,
            engine: Box::new(actors),
            // Other processes of this node had other numbers.
            stream: u64::from(std::process::id()) << 32,
            holding: Arc::default(),
        };
        let driver = Driver::new(self.services.clone(), signer, follows, wires, peers);
        let ended = match driver {
            Err(fatal) => Err(fatal),
            Ok(driver) => tokio::select! {
                ended = driver.run(consensus, silent_peers, self.stopped.clone()) => ended,
                Some(fatal) = alarms.recv() => Err(fatal),
            },
        };
        watch.abort();
        listen.abort();
        self.engine_peers.set(BTreeSet::new());
        engine::stop(engine, &wal).await;
        ended
    }

    /// Tells the operator, in the log, the status and the events.
    fn warn(&self, warning: Warning) {
        let Warning { text, event } = warning;
        tracing::warn!("{text}");
        self.show(|shown| shown.attention = Some(text.clone()));
        let _ = self.services.events.send(event(text));
    }

    fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The engine hangs when its log fails under it; this ends the session instead.
async fn watch_log(
    mut events: broadcast::Receiver<EngineEvent<AulaContext>>,
    signer: Option<GuardedSigner>,
    alarm: mpsc::Sender<FatalError>,
) {
    loop {
        let text = match events.recv().await {
            Ok(EngineEvent::WalCorrupted(error)) => format!("the write-ahead log is damaged: {error}"),
            Ok(EngineEvent::WalReplayError(error)) => {
                if let (ConsensusError::ReplayDivergence(_, height, _), Some(signer)) = (&*error, &signer) {
                    signer.note_divergence(*height);
                }
                format!("the write-ahead log cannot be replayed: {error}")
            }
            Ok(EngineEvent::WalResetError(error)) => format!("the write-ahead log cannot be reset: {error}"),
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let _ = alarm.send(FatalError::engine(format!("{text}; move it away and start again"))).await;
        return;
    }
}
