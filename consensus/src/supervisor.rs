//! Runs sessions of the engine one after another, each in the mode that is safe.
//!
//! The rule: a node signs when it has a key, the guard's file is whole, the validators' heights were heard, and the tip has
//! reached the height up to which its memory may be incomplete. Until then it follows. Nothing here waits for an operator unless that file
//! is gone: a lost or damaged write-ahead log costs one height as a follower.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_malachitebft_app_channel::Channels;
use arc_malachitebft_engine::util::events::Event as EngineEvent;
use aula_ledger::chain::validators::address;
use aula_ledger::keys::public_key;
use aula_ledger::types::Height;
use ed25519_dalek::SigningKey;
use tokio::sync::{broadcast, mpsc, watch};

use crate::context::{Address, AulaContext};
use crate::door::{Door, guard};
use crate::driver::{Driver, Ended, Follows, Services, Wires};
use crate::engine::{self, Session, SessionConfig, all_peers};
use crate::events::{Event, Fatal, Mode};
use crate::peer_watch;
use crate::sign_guard::{Opened, SignGuard};
use crate::signing::GuardedSigner;
use crate::wal::{self, Wal};

/// The validator key and what guards it.
pub(crate) struct Signing {
    pub(crate) key: Option<SigningKey>,
    pub(crate) path: PathBuf,
    pub(crate) confirmed: Option<Height>,
    /// Opened once; shared by all sessions.
    pub(crate) guard: Option<Arc<SignGuard>>,
}

/// What the status shows of the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) mode: Mode,
    pub(crate) attention: Option<String>,
}

/// The task behind a [`crate::handle::Handle`].
pub(crate) struct Supervisor {
    pub(crate) services: Services,
    pub(crate) session: SessionConfig,
    pub(crate) signing: Signing,
    pub(crate) engine_peers: Arc<AtomicUsize>,
    pub(crate) shown: Arc<Mutex<Shown>>,
    pub(crate) stopped: watch::Receiver<bool>,
    /// Set while this node follows because it has not heard the validators' heights, or its guard does not know them:
    /// the height that it heard.
    pub(crate) behind: Option<Option<u64>>,
}

impl Supervisor {
    /// Runs until stopped or until something fails that this node must not survive.
    pub(crate) async fn run(mut self) -> Result<(), Fatal> {
        let listen = &self.session.listen;
        let guard = guard::start(listen, Door::new(self.services.gossip.known())).await.map_err(|error| {
            Fatal::engine(format!("cannot listen on {listen}: {error}; is another node using it?"))
        })?;
        // The guard stands at the public address for as long as this runs.
        self.session.listen = guard.engine.clone();
        if self.signing.confirmed.is_some() {
            self.services.heights.allow();
        }
        loop {
            let (signer, mode) = self.choose_mode()?;
            self.show(|shown| shown.mode = mode);
            tracing::info!(?mode, "consensus starts");
            let _ = self.services.events.send(Event::Started(mode));
            let refusals = self.signing.guard.as_ref().map_or(0, |guard| guard.refusals());
            match self.one_session(signer, mode).await {
                Ok(Ended::Stopped) => return Ok(()),
                Ok(Ended::MaySign) => self.behind = None,
                Ok(Ended::Behind(heard)) => self.fall_behind(heard),
                Err(fatal) => {
                    let refused =
                        self.signing.guard.as_ref().is_some_and(|guard| guard.refusals() > refusals);
                    if !refused {
                        tracing::error!(%fatal, "consensus cannot go on");
                        return Err(fatal);
                    }
                    // The engine stops when a signature is refused: it had forgotten what it signed at this height.
                    tracing::warn!("the sign guard refused a signature; following until this height is past");
                }
            }
        }
    }

    /// The signer of the next session, `None` for a follower, and the mode.
    fn choose_mode(&mut self) -> Result<(Option<GuardedSigner>, Mode), Fatal> {
        let never = (None, Mode::Follower { until: None });
        let Some(key) = self.signing.key.clone() else { return Ok(never) };
        let Some(guard) = self.open_guard()? else { return Ok(never) };
        let own = Address(address(&public_key(&key)));
        let tip = self.services.store.tip()?.height.0;
        let found = wal::check(&self.session.wal, &self.session.genesis, own, &guard, tip)
            .map_err(|error| Fatal::engine(format!("{}: {error}", self.session.wal.display())))?;
        let mut until = guard.floor().max(self.signing.confirmed.map_or(0, |confirmed| confirmed.0));
        match found {
            Wal::Fit => {}
            Wal::Cut(text) => self.warn(text, Event::WalDamaged),
            Wal::Lost { height, why } => {
                // An operator's word goes before the guard's: all validators may have lost their logs at once.
                let height = self.signing.confirmed.map_or(height, |confirmed| confirmed.0);
                self.warn(format!("{why}; following until height {height} is decided"), Event::WalDamaged);
                until = until.max(height);
            }
        }
        if guard.take_conflict() {
            until = until.max(guard.last_height());
        }
        if tip < until {
            return Ok((None, Mode::Follower { until: Some(Height(until)) }));
        }
        if let Some(heard) = self.behind {
            let until = heard.map(|height| Height(height).next());
            return Ok((None, Mode::Follower { until }));
        }
        Ok((Some(GuardedSigner::new(self.session.genesis, key, guard)), Mode::Validator))
    }

    /// The guard; `None` when its file is gone and no operator has said from where on it is safe to sign.
    fn open_guard(&mut self) -> Result<Option<Arc<SignGuard>>, Fatal> {
        if let Some(guard) = &self.signing.guard {
            return Ok(Some(Arc::clone(guard)));
        }
        let path = self.signing.path.clone();
        let failed = |error: crate::sign_guard::GuardError| Fatal::engine(format!("{error}"));
        let what = match SignGuard::open(&path).map_err(failed)? {
            Opened::Ready(guard) => {
                let guard = Arc::new(guard);
                self.signing.guard = Some(Arc::clone(&guard));
                return Ok(Some(guard));
            }
            Opened::Missing => "is missing".to_owned(),
            Opened::Damaged(why) => format!("is damaged: {why}"),
        };
        let Some(confirmed) = self.signing.confirmed else {
            let text = format!(
                "the sign guard's file {} {what}. This node follows and signs nothing. Look up the chain's height, \
                 and start it with a confirmed height above everything this key may have signed",
                path.display()
            );
            self.warn(text, Event::GuardLost);
            return Ok(None);
        };
        let guard = Arc::new(SignGuard::create(&path, confirmed.0).map_err(failed)?);
        let text = format!(
            "the sign guard's file {} {what}; signing starts above height {confirmed}, as confirmed",
            path.display()
        );
        self.warn(text, Event::GuardLost);
        self.signing.guard = Some(Arc::clone(&guard));
        Ok(Some(guard))
    }

    async fn one_session(&self, signer: Option<GuardedSigner>, mode: Mode) -> Result<Ended, Fatal> {
        let base = self.services.blocks.base(self.services.store.as_ref())?;
        let peers = all_peers(&self.services, &base)?;
        let quorums = Arc::clone(&self.services.quorums);
        let heights = Arc::clone(&self.services.heights);
        let started = engine::start(&self.session, &peers, signer.clone(), quorums, heights).await?;
        let Session { channels, handle: engine, inbox, verdicts } = started;
        let Channels { consensus, network, events, requests: _requests, net_requests } = channels;
        let catches_up = signer.is_none() && self.behind.is_some();
        let until = match mode {
            Mode::Follower { until: Some(until) } if !catches_up => Some(until.into()),
            _ => None,
        };
        let signed = self.signing.guard.as_ref().map_or(0, |guard| guard.last_height());
        let follows = Follows { until, catches_up, signed };
        let (silent, silent_peers) = mpsc::channel(1);
        let watch =
            tokio::spawn(peer_watch::watch(net_requests.clone(), Arc::clone(&self.engine_peers), silent));
        let (alarm, mut alarms) = mpsc::channel(1);
        let listen = tokio::spawn(watch_log(events.subscribe(), alarm));
        let wires = Wires { network, network_requests: net_requests, inbox, engine: Box::new(verdicts) };
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
        self.engine_peers.store(0, Ordering::Relaxed);
        engine::stop(engine, &self.session.wal).await;
        ended
    }

    /// The others are ahead of what the guard knows, or were not heard: follow meanwhile.
    fn fall_behind(&mut self, heard: Option<u64>) {
        self.behind = Some(heard);
        let text = match heard {
            Some(height) => format!(
                "the validators are at height {height} and this node's sign guard is older: it may be a restored copy. It \
                 follows until the height after that one is final, then signs"
            ),
            None => "validators with more than a third of the power have not said how far they are: this node follows and \
                     signs nothing until they have. Start the others, or start this one with a confirmed height above \
                     everything its key may have signed"
                .to_owned(),
        };
        tracing::warn!("{text}");
        self.show(|shown| shown.attention = Some(text));
    }

    /// Tells the operator, in the log, the status and the events.
    fn warn(&self, text: String, event: impl FnOnce(String) -> Event) {
        tracing::warn!("{text}");
        self.show(|shown| shown.attention = Some(text.clone()));
        let _ = self.services.events.send(event(text));
    }

    fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The engine hangs when its log fails under it; this ends the session instead.
async fn watch_log(mut events: broadcast::Receiver<EngineEvent<AulaContext>>, alarm: mpsc::Sender<Fatal>) {
    loop {
        let text = match events.recv().await {
            Ok(EngineEvent::WalCorrupted(error)) => format!("the write-ahead log is damaged: {error}"),
            Ok(EngineEvent::WalReplayError(error)) => {
                format!("the write-ahead log cannot be replayed: {error}")
            }
            Ok(EngineEvent::WalResetError(error)) => format!("the write-ahead log cannot be reset: {error}"),
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let _ = alarm.send(Fatal::engine(format!("{text}; move it away and start again"))).await;
        return;
    }
}
