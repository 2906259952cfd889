//! The loop over the engine's messages: one function a message, one message at a time.
//!
//! Flow of a height: ConsensusReady or the reply to Finalized starts it → StartedRound (what is already known) →
//! GetValue (build, store, reply, stream) or ReceivedProposalPart (collect, judge, store, reply) → Decided (one
//! synced batch, then the reply) → Finalized (its reply is held while there is nothing to do).
//!
//! Invariants: a block is stored before the engine is told of it; the reply to Decided comes after the synced
//! write; the validator set of a height comes from the state below it; a verdict that a clock gave is never
//! stored; an error of the store ends the loop with [`Fatal`].
//!
//! The engine's bridge waits for most replies before it reads on, so executing here costs no order: work is moved
//! to a thread that may block, and the loop waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_malachitebft_app_channel::app::engine::host::{HeightParams, Next};
use arc_malachitebft_app_channel::{AppMsg, NetworkMsg, NetworkRequest, Reply};
use arc_malachitebft_core_types::LinearTimeouts;
use aula_ledger::types::Hash;
use libp2p::PeerId;
use tokio::sync::{broadcast, mpsc, watch};

use crate::context::{Address, AulaContext, Height, ValidatorSet};
use crate::events::{Event, Fatal};
use crate::gossip::Gossip;
use crate::mempool::Mempool;
use crate::parts::{Assembly, Received};
use crate::ports::{AdmittedPeer, ChainStore, Executor};
use crate::proposal::{Base, Blocks};
use crate::signing::GuardedSigner;

mod decide;
mod peers;
mod propose;
mod receive;

/// Waiting transactions that fill a block by default.
const WHOLE_BLOCK: usize = 1_000;

/// What a driver works with; the same for every session of the engine.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) genesis: Hash,
    pub(crate) store: Arc<dyn ChainStore>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) pool: Arc<Mempool>,
    pub(crate) blocks: Arc<Blocks>,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) timeouts: LinearTimeouts,
    /// How long a height without transactions is held back after the last one started.
    pub(crate) idle: Duration,
    /// How soon after the last one a height with transactions may start.
    pub(crate) busy: Duration,
    /// Peers of the configuration, see [`crate::config::Config::peers`].
    pub(crate) configured_peers: Arc<Vec<AdmittedPeer>>,
    pub(crate) own_peer: PeerId,
    pub(crate) round: Arc<AtomicU64>,
    /// The last decided height, for the status.
    pub(crate) height: Arc<AtomicU64>,
}

/// How a session of the engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was asked to stop.
    Stopped,
    /// A follower passed the height up to which it must not sign, and may start again as a validator.
    MaySign,
}

/// The reply to Finalized, held back while there is nothing to do.
struct Held {
    reply: Reply<Next<AulaContext>>,
    until: Instant,
}

pub(crate) struct Driver {
    services: Services,
    /// `None` for a follower.
    signer: Option<GuardedSigner>,
    /// The height after which a follower may become a validator.
    follow_until: Option<Height>,
    network: mpsc::Sender<NetworkMsg<AulaContext>>,
    network_requests: mpsc::Sender<NetworkRequest>,
    base: Base,
    validators: ValidatorSet,
    assembly: Assembly,
    /// Complete blocks of the next height but one.
    early: Vec<Received>,
    /// Fresh blocks of this height that this node's clock refused, by round and hash.
    untimely: BTreeSet<(u32, Hash)>,
    /// Blocks of this height received, by round: an equivocator sends two, nobody is heard a third time.
    received: BTreeMap<u32, BTreeSet<Hash>>,
    /// Whether somebody has begun to propose for this height.
    proposed: bool,
    held: Option<Held>,
    started: Instant,
    synced: Option<Height>,
    stream: u64,
    peers: BTreeSet<AdmittedPeer>,
}

impl Driver {
    pub(crate) fn new(
        services: Services,
        signer: Option<GuardedSigner>,
        follow_until: Option<Height>,
        network: mpsc::Sender<NetworkMsg<AulaContext>>,
        network_requests: mpsc::Sender<NetworkRequest>,
        peers: BTreeSet<AdmittedPeer>,
    ) -> Result<Self, Fatal> {
        let base = services.blocks.base(services.store.as_ref())?;
        let validators = ValidatorSet::of(&base.validators)?;
        // Stream names of this process differ from those of an earlier one that sent the same block.
        let stream = u64::from(std::process::id()) << 32;
        Ok(Self {
            services,
            signer,
            follow_until,
            network,
            network_requests,
            base,
            validators,
            assembly: Assembly::default(),
            early: Vec::new(),
            untimely: BTreeSet::new(),
            received: BTreeMap::new(),
            proposed: false,
            held: None,
            started: Instant::now(),
            synced: None,
            stream,
            peers,
        })
    }

    /// Runs until stopped or until something fails that this node must not survive. `silent` brings peers to begin
    /// anew with, see [`crate::peer_watch`].
    pub(crate) async fn run(
        mut self,
        mut messages: mpsc::Receiver<AppMsg<AulaContext>>,
        mut silent: mpsc::Receiver<PeerId>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Ended, Fatal> {
        loop {
            let until = self.held.as_ref().map(|held| tokio::time::Instant::from_std(held.until));
            let wake = until.unwrap_or_else(tokio::time::Instant::now);
            let pool = Arc::clone(&self.services.pool);
            let soonest = tokio::time::Instant::from_std(self.started + self.services.busy);
            tokio::select! {
                () = stopped(&mut stop) => return Ok(Ended::Stopped),
                message = messages.recv() => match message {
                    Some(message) => self.handle(message).await?,
                    None => return Err(Fatal::engine("the consensus engine stopped by itself")),
                },
                Some(peer) = silent.recv() => self.reconnect(peer).await,
                () = tokio::time::sleep_until(wake), if until.is_some() => self.release(),
                () = worth_starting(&pool, soonest), if until.is_some() => self.release(),
            }
            if self.follow_until.is_some_and(|until| self.base.tip.height.0 >= until.0) {
                return Ok(Ended::MaySign);
            }
        }
    }

    async fn handle(&mut self, message: AppMsg<AulaContext>) -> Result<(), Fatal> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                self.gather().await;
                answer(reply, (self.height(), self.params()));
                self.update_peers().await
            }
            AppMsg::StartedRound { height, round, proposer, role, reply_value } => {
                self.started_round(height, round, proposer, role, reply_value).await
            }
            AppMsg::GetValue { height, round, reply, .. } => self.get_value(height, round, reply).await,
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                self.received_part(published_by.unwrap_or(from), part, reply).await
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                self.restream(height, round, valid_round, address, value_id).await
            }
            AppMsg::Decided { certificate, reply, .. } => self.decided(certificate, reply).await,
            AppMsg::Finalized { evidence, reply, .. } => {
                self.finalized(&evidence, reply);
                Ok(())
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                answer(reply, Height::from(self.services.store.oldest()?));
                Ok(())
            }
            AppMsg::GetDecidedValues { range, reply } => self.decided_values(range, reply).await,
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                self.synced_value(height, round, proposer, value_bytes, reply).await
            }
            AppMsg::ExtendVote { reply, .. } => {
                answer(reply, None);
                Ok(())
            }
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                // Extensions are disabled, so there is never one to refuse.
                answer(reply, extensions.into_iter().map(|(address, ())| (address, Ok(()))).collect());
                Ok(())
            }
        }
    }

    /// The height that is being decided.
    fn height(&self) -> Height {
        self.base.height().into()
    }

    fn own_address(&self) -> Option<Address> {
        self.signer.as_ref().map(GuardedSigner::address)
    }

    /// What the engine must know to start the current height. No target time: it would delay lone transactions.
    fn params(&self) -> HeightParams<AulaContext> {
        HeightParams::new(self.validators.clone(), self.services.timeouts, None)
    }

    fn tell(&self, event: Event) {
        // An error means that nobody listens.
        let _ = self.services.events.send(event);
    }

    fn note_round(&self, round: u32) {
        self.services.round.store(u64::from(round), Ordering::Relaxed);
    }
}

/// Completes when the next height has something to do: at once for a whole block's worth, else not before `soonest`.
async fn worth_starting(pool: &Mempool, soonest: tokio::time::Instant) {
    pool.wait_ready().await;
    if pool.size().0 < WHOLE_BLOCK {
        tokio::time::sleep_until(soonest).await;
    }
}

/// Completes when the owner asks to stop, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The guard that this returns must not live across an await.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Answers the engine. An error means that it stopped waiting, which its own messages will show.
fn answer<T>(reply: Reply<T>, value: T) {
    let _ = reply.send(value);
}

/// Runs work that may block on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fatal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fatal::program(format!("a part of this program failed: {error}")))
}
