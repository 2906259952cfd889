//! The loop over the engine's messages: one function a message, one message at a time.
//!
//! Flow of a height: ConsensusReady or the reply to Finalized starts it → StartedRound (what is already known) →
//! GetValue (build, store, reply, stream) or parts from the inbox (collect, judge and store beside the loop, tell the
//! engine) → Decided (one synced batch, then the reply) → Finalized (its reply is held while there is nothing to do).
//!
//! Invariants: a block is stored before the engine is told of it; the reply to Decided comes after the synced
//! write; the validator set of a height comes from the state below it; a verdict that a clock gave holds for its
//! round and is stored nowhere; an error of the store ends the loop with [`FatalError`].
//!
//! The engine's bridge waits for most replies before it reads on, so building, writing and reading here cost no order:
//! work is moved to a thread that may block, and the loop waits for it. Blocks of others do not come over the bridge
//! (`crate::engine::tap`) and the loop does not wait for their execution: messages of the engine go first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_malachitebft_app_channel::app::engine::host::{HeightParams, Next};
use arc_malachitebft_app_channel::app::types::ProposedValue;
use arc_malachitebft_app_channel::{AppMsg, Reply};
use arc_malachitebft_core_consensus::PeerId as EnginePeerId;
use arc_malachitebft_core_types::LinearTimeouts;
use aula_ledger::types::{Hash, ValidatorAddress};
use tokio::sync::{broadcast, mpsc, watch};

use crate::context::{Address, AulaContext, Height, ValidatorSet};
use crate::divergence::Recent;
use crate::events::{Event, FatalError};
use crate::heights::Heights;
use crate::lateness::Lateness;
use crate::mempool::Mempool;
use crate::parts::Assembly;
use crate::parts::inbox::Inbox;
use crate::ports::{AdmittedPeer, ChainStore, Clock, Executor, Moment, PeerId, Runtime, WorkFailed, run};
use crate::proposal::{Base, BlockBuilder};
use crate::quorums::Quorums;
use crate::signing::GuardedSigner;

mod admitted;
mod decide;
mod diverged;
mod heads;
mod holding;
mod judging;
mod late;
mod network;
mod outdated;
mod peers;
mod propose;
mod ready;
mod receive;
mod rounds;
mod verdicts;

pub(crate) use admitted::{all_peers, engine_peer};
pub(crate) use holding::{Holding, MOST_BLOCKS};
use judging::{Job, Judging};
pub(crate) use network::Network;
use outdated::Last;
use ready::Unsure;
use verdicts::Verdicts;

/// Waiting transactions that fill a block by default.
const WHOLE_BLOCK: usize = 1_000;

/// What a driver works with; the same for every session of the engine.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) genesis: Hash,
    pub(crate) store: Arc<dyn ChainStore>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) pool: Arc<Mempool>,
    pub(crate) blocks: Arc<BlockBuilder>,
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
    /// The last block's time in milliseconds, for the status.
    pub(crate) time_ms: Arc<AtomicU64>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Time and threads.
    pub(crate) runtime: Arc<dyn Runtime>,
    /// The quorums of votes that this node saw at the height being decided.
    pub(crate) quorums: Arc<Quorums>,
    /// How far the validators said they are.
    pub(crate) heights: Arc<Heights>,
    /// What the newest blocks gave, for peers that find something else.
    pub(crate) recent: Arc<Recent>,
    /// How old blocks are when they come.
    pub(crate) lateness: Arc<Lateness>,
}

/// How a session of the engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was asked to stop.
    Stopped,
    /// A follower passed the height up to which it must not sign, and may start again as a validator.
    MaySign,
    /// A validator must follow first.
    Behind(Waits),
}

/// What a node with a key waits for before it may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// The others are at this height, of which its guard knows nothing: the one after it.
    Above(u64),
    /// Their word how far they are.
    Word,
    /// That what it follows is known to be the consortium's chain.
    Proof,
}

/// How often blocks whose quorum was not seen yet are looked at again.
const CLAIMS_AGAIN: Duration = Duration::from_millis(20);

/// How often the validators' heights are looked at while they matter.
const LOOK: Duration = Duration::from_millis(250);

/// What a follower waits for before it may sign, and what its guard knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Follows {
    /// The height after which it may become a validator.
    pub(crate) until: Option<Height>,
    /// It waits until it has heard and reached the validators' heights.
    pub(crate) catches_up: bool,
    /// The last height at which its key signed.
    pub(crate) signed: u64,
}

/// What a driver is connected to in one session of the engine.
pub(crate) struct Wires {
    pub(crate) network: Box<dyn Network>,
    /// Parts of blocks from the network.
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) engine: Box<dyn ToEngine>,
    /// Names of streams of parts count from here on: another number than an earlier process of this node began with.
    pub(crate) stream: u64,
    /// Where the driver says what it keeps.
    pub(crate) holding: Arc<Holding>,
}

/// What the driver tells the engine without being asked.
pub(crate) trait ToEngine: Send + Sync {
    /// What is to be thought of a block from the network.
    fn proposed(&self, value: ProposedValue<AulaContext>);

    /// What to tell the peers of this node's last final height, and the oldest one that it has.
    fn say_height(&self, tip: Height, oldest: Height);
}

/// The reply to Finalized, held back while there is nothing to do.
struct Held {
    reply: Reply<Next<AulaContext>>,
    until: Moment,
}

pub(crate) struct Driver {
    services: Services,
    /// `None` for a follower.
    signer: Option<GuardedSigner>,
    /// The height after which a follower may become a validator.
    follow_until: Option<Height>,
    /// A follower that waits until it has heard and reached the validators' heights.
    catching_up: bool,
    /// The last height at which this node's key signed, as far as its guard knows.
    signed: u64,
    /// Set while a validator waits to begin.
    unsure: Option<Unsure>,
    network: Box<dyn Network>,
    inbox: Arc<Inbox>,
    engine: Box<dyn ToEngine>,
    base: Base,
    validators: ValidatorSet,
    /// Who decided the newest block.
    deciders: aula_ledger::chain::ValidatorSet,
    /// Who decides the height after this one.
    following: ValidatorSet,
    /// The present round of the height being decided.
    round: u32,
    assembly: Assembly,
    judging: Judging,
    at_height: AtHeight,
    /// Complete blocks of the next height, one a round and proposer.
    early: BTreeMap<(u32, Address), Job>,
    /// Whether somebody has begun to propose for this height.
    proposed: bool,
    held: Option<Held>,
    /// Set when the next height is not for this program.
    last: Option<Last>,
    started: Moment,
    /// When the next height is due without anything to do.
    due: Moment,
    /// Under which identity each validator is heard.
    speaks: BTreeMap<ValidatorAddress, EnginePeerId>,
    synced: Option<Height>,
    stream: u64,
    peers: BTreeSet<AdmittedPeer>,
    /// Peers that published junk, and until when they are cut off.
    cut: BTreeMap<PeerId, Moment>,
    holding: Arc<Holding>,
}

/// What is known of the height that is being decided, and forgotten with it.
#[derive(Default)]
struct AtHeight {
    /// The blocks that are stored, by round.
    stored: BTreeSet<(u32, Hash)>,
    verdicts: Verdicts,
    /// Blocks that were taken to be judged, by round: an equivocator sends two, nobody is heard a third time.
    taken: BTreeMap<u32, BTreeSet<Hash>>,
    /// Streams begun, by publisher.
    begun: BTreeMap<EnginePeerId, u32>,
    /// Complete blocks of rounds that have not begun, one a round.
    parked: BTreeMap<u32, Job>,
    /// Complete blocks whose quorum this node has not seen.
    claims: Vec<Job>,
}

impl Driver {
    pub(crate) fn new(
        services: Services,
        signer: Option<GuardedSigner>,
        follows: Follows,
        wires: Wires,
        peers: BTreeSet<AdmittedPeer>,
    ) -> Result<Self, FatalError> {
        let base = services.blocks.base(services.store.as_ref())?;
        let (validators, following) = sets(&base)?;
        let (blocks, store, runtime) =
            (Arc::clone(&services.blocks), Arc::clone(&services.store), Arc::clone(&services.runtime));
        let started = runtime.now();
        let judging = Judging::new(blocks, store, runtime);
        let Wires { network, inbox, engine, stream, holding } = wires;
        inbox.admit(peers.iter().filter_map(|peer| engine_peer(&peer.peer)).collect());
        let mut driver = Self {
            services,
            signer,
            follow_until: follows.until,
            catching_up: follows.catches_up,
            signed: follows.signed,
            unsure: None,
            network,
            inbox,
            engine,
            base,
            deciders: validators.ledger().clone(),
            validators,
            following,
            round: 0,
            assembly: Assembly::default(),
            judging,
            at_height: AtHeight::default(),
            early: BTreeMap::new(),
            proposed: false,
            held: None,
            last: None,
            started,
            due: started,
            speaks: BTreeMap::new(),
            synced: None,
            stream,
            peers,
            cut: BTreeMap::new(),
            holding,
        };
        driver.count_validators()?;
        driver.look_ahead()?;
        match driver.last.take() {
            Some(last) => Err(last.into()),
            None => Ok(driver),
        }
    }

    /// Runs until stopped or until something fails that this node must not survive. `silent` brings peers to begin
    /// anew with, see [`crate::peer_watch`].
    pub(crate) async fn run(
        mut self,
        mut messages: mpsc::Receiver<AppMsg<AulaContext>>,
        mut silent: mpsc::Receiver<PeerId>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Ended, FatalError> {
        let heights = Arc::clone(&self.services.heights);
        let runtime = Arc::clone(&self.services.runtime);
        let mut look = runtime.now();
        loop {
            let (now, tip) = (runtime.now(), self.base.tip.height);
            let until = self.held.as_ref().filter(|_| self.last.is_none()).map(|held| held.until);
            let ends = self.last.as_ref().map(|last| last.until);
            let pool = Arc::clone(&self.services.pool);
            let soonest = self.started + self.services.busy;
            let healed = self.cut.values().min().copied();
            let inbox = Arc::clone(&self.inbox);
            // The engine goes before the network: parts of blocks may wait, and be dropped, decisions not.
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(Ended::Stopped),
                () = runtime.sleep_until(ends.unwrap_or(now)), if ends.is_some() => {
                    return self.last.take().map_or(Ok(Ended::Stopped), |last| Err(last.into()));
                }
                message = messages.recv() => match message {
                    Some(message) => self.handle(message).await?,
                    None => return Err(FatalError::engine("the consensus engine stopped by itself")),
                },
                done = self.judging.done() => self.judged(done?).await?,
                () = runtime.sleep_until(look), if self.is_listening() => {
                    look = runtime.now() + LOOK;
                    if let Some(ended) = self.listen().await? {
                        return Ok(ended);
                    }
                }
                () = heights.changed(), if self.is_listening() => if let Some(ended) = self.listen().await? {
                    return Ok(ended);
                },
                Some(peer) = silent.recv() => self.reconnect(peer).await,
                () = runtime.sleep_until(until.unwrap_or(now)), if until.is_some() => self.release(),
                () = worth_starting(&pool, runtime.as_ref(), soonest), if until.is_some() => self.release(),
                () = runtime.sleep_until(healed.unwrap_or(now)), if healed.is_some() => self.heal().await?,
                heard = inbox.next() => self.received_part(heard).await?,
                () = runtime.sleep_until(now + CLAIMS_AGAIN), if !self.at_height.claims.is_empty() => {
                    self.claims_again().await?;
                }
            }
            self.note_holding();
            if self.catching_up && self.base.tip.height != tip {
                // It may be level now.
                look = runtime.now();
            }
            if self.follow_until.is_some_and(|until| self.base.tip.height.0 >= until.0) {
                return Ok(Ended::MaySign);
            }
            if self.follows_unproven() {
                return Ok(Ended::Behind(Waits::Proof));
            }
        }
    }

    async fn handle(&mut self, message: AppMsg<AulaContext>) -> Result<(), FatalError> {
        match message {
            AppMsg::ConsensusReady { reply } => self.ready(reply).await,
            AppMsg::StartedRound { height, round, proposer, role: _, reply_value } => {
                self.started_round(height, round, proposer, reply_value).await
            }
            AppMsg::GetValue { height, round, reply, .. } => self.get_value(height, round, reply).await,
            AppMsg::ReceivedProposalPart { reply, .. } => {
                // Parts come by the inbox, never over the bridge.
                answer(reply, None);
                Ok(())
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
    /// From here on the votes of this height are counted.
    fn params(&self) -> HeightParams<AulaContext> {
        self.services.quorums.begin(self.height(), &self.validators);
        HeightParams::new(self.validators.clone(), self.services.timeouts, None)
    }

    fn tell(&self, event: Event) {
        // An error means that nobody listens.
        let _ = self.services.events.send(event);
    }

    fn note_round(&self, round: u32) {
        self.services.pool.block_begins();
        self.services.round.store(u64::from(round), Ordering::Relaxed);
    }
}

/// Who decides the next height, with the misses known below it, and who the one after it.
fn sets(base: &Base) -> Result<(ValidatorSet, ValidatorSet), FatalError> {
    let validators = ValidatorSet::of(&base.validators)?.after(Arc::clone(&base.misses));
    Ok((validators, ValidatorSet::of(&base.following)?))
}

/// Completes when the next height has something to do: at once for a whole block's worth, else not before `soonest`.
async fn worth_starting(pool: &Mempool, runtime: &dyn Runtime, soonest: Moment) {
    pool.wait_ready().await;
    if pool.ready() < WHOLE_BLOCK {
        runtime.sleep_until(soonest).await;
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
async fn blocking<T: Send + 'static>(
    runtime: &Arc<dyn Runtime>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FatalError> {
    Ok(run(runtime.as_ref(), work).await?)
}

impl From<WorkFailed> for FatalError {
    fn from(failed: WorkFailed) -> Self {
        Self::program(failed.to_string())
    }
}
