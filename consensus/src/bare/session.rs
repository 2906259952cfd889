//! One session of the engine and the driver, on the caller's thread.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_malachitebft_app_channel::AppMsg;
use arc_malachitebft_app_channel::app::engine::host::{Next, SyncedValueOutcome};
use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::{
    Input, LivenessMsg, PeerId as EnginePeerId, ProposedValue, SignedConsensusMsg,
};
use arc_malachitebft_core_types::ValueOrigin;
use arc_malachitebft_engine::util::streaming::StreamMessage;
use arc_malachitebft_sync::{Request, Response, Status};
use aula_ledger::types::{Hash, ValidatorAddress};
use futures::future::{BoxFuture, ready};
use libp2p::PeerId;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::sync::{mpsc, watch};

use super::effects::{Hands, Phase, Task, Timers};
use super::engine::Engine;
use super::log::Log;
use super::mail::{Mail, Mailbox, Waiting, post};
use super::message::{Message, To};
use super::syncing::{Action, Syncing};
use super::{Outbox, Output, put};
use crate::context::{Address, AulaContext, Height, ProposalPart};
use crate::divergence::Facts;
use crate::driver::{Driver, Ended, Follows, Holding, Network, Services, ToEngine, Wires};
use crate::driver::{all_peers, engine_peer};
use crate::events::FatalError;
use crate::heights::Kept;
use crate::pace::Pace;
use crate::parts::inbox::Inbox;
use crate::ports::{AdmittedPeer, Disk, Moment};
use crate::signing::{GuardedSigner, Remembered, StrictVerifier};
use crate::wire::Wire;

/// Messages to the driver that may wait; it takes them as they come.
const MESSAGES: usize = 1024;

/// What a session begins with.
pub(super) struct Beginning<'a> {
    pub(super) services: Services,
    pub(super) signer: Option<GuardedSigner>,
    pub(super) follows: Follows,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) wal: &'a Path,
    pub(super) outbox: Outbox,
    pub(super) connected: Arc<Mutex<BTreeSet<PeerId>>>,
    pub(super) remembered: Arc<Remembered>,
    pub(super) stream: u64,
    pub(super) seed: u64,
}

pub(super) struct Session {
    services: Services,
    engine: Engine,
    inbox: Arc<Inbox>,
    holding: Arc<Holding>,
    outbox: Outbox,
    // Dropped, they would end the driver.
    _stop: watch::Sender<bool>,
    _silent: mpsc::Sender<PeerId>,
}

impl Session {
    pub(super) fn begin(beginning: Beginning<'_>) -> Result<Self, FatalError> {
        let Beginning { services, signer, follows, disk, wal, outbox, connected, remembered, stream, seed } =
            beginning;
        let base = services.blocks.base(services.store.as_ref())?;
        let peers = all_peers(&services, &base)?;
        let log = Log::open(disk, wal)
            .map_err(|error| FatalError::engine(format!("{}: {error}", wal.display())))?;
        let (inbox, mailbox) = (Arc::new(Inbox::default()), Mailbox::default());
        let holding = Arc::<Holding>::default();
        let told = Told {
            mailbox: Arc::clone(&mailbox),
            outbox: Arc::clone(&outbox),
            own: engine_peer(&services.own_peer),
        };
        let wires = Wires {
            network: Box::new(BareNetwork { outbox: Arc::clone(&outbox), connected }),
            inbox: Arc::clone(&inbox),
            engine: Box::new(told),
            stream,
            holding: Arc::clone(&holding),
        };
        let driver = Driver::new(services.clone(), signer.clone(), follows, wires, peers)?;
        let (app, messages) = mpsc::channel(MESSAGES);
        let (silent, silent_peers) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let verifier =
            StrictVerifier::new(services.genesis, Arc::clone(&services.quorums)).remembering(remembered);
        let nobody = Address(ValidatorAddress([0; 20]));
        let hands = Hands {
            address: signer.as_ref().map_or(nobody, GuardedSigner::address),
            verifier,
            signer,
            log,
            phase: Phase::Waiting,
            is_validator: false,
            timeouts: services.timeouts,
            timers: Timers::default(),
            app,
            waiting: Vec::new(),
            mailbox,
            outbox: Arc::clone(&outbox),
            driver: Task::new(driver.run(messages, silent_peers, stopped)),
            sync: Syncing::new(seed, services.runtime.now(), Pace::new(Arc::clone(&services.height))),
            request: None,
            runtime: Arc::clone(&services.runtime),
            right: None,
            broken: None,
        };
        let mut engine = Engine::new(hands);
        let (reply, start) = oneshot::channel();
        engine.hands.tell(AppMsg::ConsensusReady { reply })?;
        engine.hands.waiting.push(Waiting::Start(start));
        Ok(Self { services, engine, inbox, holding, outbox, _stop: stop, _silent: silent })
    }

    pub(super) fn connected(&mut self, peer: PeerId) {
        if let Some(peer) = engine_peer(&peer) {
            // Who follows for now does not say so here: it is waited for as if it signed.
            self.services.heights.came(&peer);
        }
        self.engine.hands.sync.connected();
    }

    pub(super) fn disconnected(&mut self, peer: PeerId) {
        if let Some(peer) = engine_peer(&peer) {
            self.services.heights.left(peer);
            self.engine.hands.sync.disconnected(peer);
        }
    }

    /// Takes a message of an admitted peer. What cannot be read is dropped.
    pub(super) fn hear(&mut self, from: PeerId, publisher: PeerId, message: &Message) {
        let (Some(from), Some(publisher)) = (engine_peer(&from), engine_peer(&publisher)) else { return };
        if !self.inbox.admits(&from) {
            return;
        }
        let (hands, body) = (&mut self.engine.hands, message.body().clone());
        match message {
            Message::Consensus(_) => match Wire.decode(body) {
                Ok(SignedConsensusMsg::Vote(vote)) => post(&hands.mailbox, Mail::Heard(Input::Vote(vote))),
                Ok(SignedConsensusMsg::Proposal(proposal)) => {
                    post(&hands.mailbox, Mail::Heard(Input::Proposal(proposal)));
                }
                Err(_) => {}
            },
            Message::Liveness(_) => match Wire.decode(body) {
                Ok(LivenessMsg::Vote(vote)) => post(&hands.mailbox, Mail::Heard(Input::Vote(vote))),
                Ok(LivenessMsg::PolkaCertificate(certificate)) => {
                    post(&hands.mailbox, Mail::Heard(Input::PolkaCertificate(certificate)));
                }
                Ok(LivenessMsg::SkipRoundCertificate(certificate)) => {
                    post(&hands.mailbox, Mail::Heard(Input::RoundCertificate(certificate)));
                }
                Err(_) => {}
            },
            Message::Part(_) => {
                if let Ok(part) = Wire.decode(body) {
                    self.inbox.push(publisher, part);
                }
            }
            Message::Status(_) => {
                if let Ok(status) = Codec::<Status<AulaContext>>::decode(&Wire, body) {
                    let kept = Kept { tip: status.tip_height.0, oldest: status.history_min_height.0 };
                    self.services.heights.heard(from, kept);
                    hands.sync.status(Status { peer_id: from, ..status });
                }
            }
            Message::Request { number, .. } => {
                if let Ok(request) = Codec::<Request<AulaContext>>::decode(&Wire, body) {
                    hands.sync.asked(from, *number, request);
                }
            }
            Message::Response { number, .. } => {
                let response = Codec::<Response<AulaContext>>::decode(&Wire, body).ok();
                hands.sync.answered(from, *number, response);
            }
            Message::Transaction(_) => {}
        }
    }

    /// Works until nothing moves. `Some` when the session has ended.
    pub(super) fn run(&mut self) -> Option<Result<Ended, FatalError>> {
        let now = self.services.runtime.now();
        self.engine.hands.sync.tick(now);
        for mail in self.engine.hands.timers.due(now) {
            post(&self.engine.hands.mailbox, mail);
        }
        loop {
            let mut moved = false;
            while let Some(mail) = self.next_mail() {
                moved = true;
                if let Err(fatal) = self.engine.take(mail) {
                    return Some(Err(fatal));
                }
            }
            moved |= self.engine.hands.driver.poll();
            if let Some(ended) = self.engine.hands.driver.ended.take() {
                return Some(ended);
            }
            moved |= self.collect();
            match self.act() {
                Ok(acted) => moved |= acted,
                Err(fatal) => return Some(Err(fatal)),
            }
            if !moved {
                return None;
            }
        }
    }

    pub(super) fn wakes_at(&self) -> Option<Moment> {
        let timers = self.engine.hands.timers.wakes_at();
        timers.into_iter().chain([self.engine.hands.sync.wakes_at()]).min()
    }

    /// Blocks of value sync whose sender was at fault, since this was asked last.
    pub(super) fn take_faults(&mut self) -> u64 {
        self.engine.hands.sync.take_faults()
    }

    pub(super) fn holds(&self) -> BTreeMap<&'static str, usize> {
        let mailbox = self.engine.hands.mailbox.lock().unwrap_or_else(PoisonError::into_inner).len();
        let (synced, synced_bytes) = self.engine.hands.sync.holds();
        BTreeMap::from([
            ("inbox bytes", self.inbox.bytes()),
            ("assembly bytes", self.holding.assembly_bytes()),
            ("unjudged blocks", self.holding.blocks()),
            ("mailbox", mailbox),
            ("buffer", self.engine.waiting()),
            ("synced blocks", synced),
            ("synced bytes", synced_bytes),
        ])
    }

    fn next_mail(&self) -> Option<Mail> {
        self.engine.hands.mailbox.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Passes the driver's answers on.
    fn collect(&mut self) -> bool {
        let hands = &mut self.engine.hands;
        let before = hands.waiting.len();
        let mut still = Vec::with_capacity(before);
        for waiting in std::mem::take(&mut hands.waiting) {
            still.extend(hands.pass_on(waiting));
        }
        let moved = still.len() != before;
        hands.waiting = still;
        moved
    }

    /// Does what value sync wants done.
    fn act(&mut self) -> Result<bool, FatalError> {
        let actions = self.engine.hands.sync.actions();
        let moved = !actions.is_empty();
        for action in actions {
            let hands = &mut self.engine.hands;
            match action {
                Action::Status(height) => {
                    let oldest = self.services.store.oldest()?.into();
                    say_height(&self.outbox, engine_peer(&self.services.own_peer), height, oldest);
                }
                Action::Ask(peer, number, request) => {
                    let body =
                        Wire.encode(&request).map_err(|error| FatalError::program(error.to_string()))?;
                    send(&self.outbox, &peer, Message::Request { number, body });
                }
                Action::Answer(peer, number, response) => {
                    let body =
                        Wire.encode(&response).map_err(|error| FatalError::program(error.to_string()))?;
                    send(&self.outbox, &peer, Message::Response { number, body });
                }
                Action::Fetch(id, range) => {
                    let (reply, values) = oneshot::channel();
                    hands.tell(AppMsg::GetDecidedValues { range: range.clone(), reply })?;
                    hands.waiting.push(Waiting::Fetched(values, id, range));
                }
                Action::Process(request, value) => post(&hands.mailbox, Mail::Synced(request, value)),
            }
        }
        Ok(moved)
    }
}

impl Hands {
    /// Gives an answer to whom it is for; back when it is not there yet.
    fn pass_on(&mut self, waiting: Waiting) -> Option<Waiting> {
        match waiting {
            Waiting::Start(mut reply) => match reply.try_recv() {
                Ok((height, params)) => post(&self.mailbox, Mail::Start(height, params)),
                Err(TryRecvError::Empty) => return Some(Waiting::Start(reply)),
                Err(TryRecvError::Closed) => {}
            },
            Waiting::Value(mut reply) => match reply.try_recv() {
                Ok(value) => post(&self.mailbox, Mail::Propose(value)),
                Err(TryRecvError::Empty) => return Some(Waiting::Value(reply)),
                Err(TryRecvError::Closed) => {}
            },
            Waiting::Decided(height, mut reply) => match reply.try_recv() {
                Ok(()) => post(&self.mailbox, Mail::Committed(height)),
                Err(TryRecvError::Empty) => return Some(Waiting::Decided(height, reply)),
                Err(TryRecvError::Closed) => {}
            },
            Waiting::Next(mut reply) => match reply.try_recv() {
                Ok(Next::Start(height, params) | Next::Restart(height, params)) => {
                    post(&self.mailbox, Mail::Start(height, params));
                }
                Err(TryRecvError::Empty) => return Some(Waiting::Next(reply)),
                Err(TryRecvError::Closed) => {}
            },
            Waiting::Fetched(mut reply, id, range) => match reply.try_recv() {
                Ok(values) => self.sync.fetched(id, range, values),
                Err(TryRecvError::Empty) => return Some(Waiting::Fetched(reply, id, range)),
                Err(TryRecvError::Closed) => self.sync.fetched(id, range, Vec::new()),
            },
            Waiting::Synced { mut outcome, request, peer, height, round, hash } => match outcome.try_recv() {
                Ok(SyncedValueOutcome::Verdict(value)) if value.value.0 == hash => {
                    let value = ProposedValue { round, ..value };
                    post(&self.mailbox, Mail::Proposed(value, ValueOrigin::Sync));
                }
                Ok(SyncedValueOutcome::Verdict(_) | SyncedValueOutcome::PeerFault) => match request {
                    Some(request) => self.sync.fault(peer, height, request),
                    None => self.sync.own_fault(height),
                },
                Err(TryRecvError::Empty) => {
                    return Some(Waiting::Synced { outcome, request, peer, height, round, hash });
                }
                Ok(SyncedValueOutcome::LocalTransientError) | Err(TryRecvError::Closed) => {
                    self.sync.own_fault(height);
                }
            },
        }
        None
    }
}

fn send(outbox: &Outbox, peer: &EnginePeerId, message: Message) {
    if let Ok(peer) = PeerId::from_bytes(&peer.to_bytes()) {
        put(outbox, Output::Send(To::One(peer), message));
    }
}

fn say_height(outbox: &Outbox, own: Option<EnginePeerId>, tip: Height, oldest: Height) {
    let Some(peer_id) = own else { return };
    let status = Status::<AulaContext> { peer_id, tip_height: tip, history_min_height: oldest };
    if let Ok(bytes) = Wire.encode(&status) {
        put(outbox, Output::Send(To::All, Message::Status(bytes)));
    }
}

/// What the driver tells the engine without being asked.
struct Told {
    mailbox: Mailbox,
    outbox: Outbox,
    own: Option<EnginePeerId>,
}

impl ToEngine for Told {
    fn proposed(&self, value: ProposedValue<AulaContext>) {
        post(&self.mailbox, Mail::Proposed(value, ValueOrigin::Consensus));
    }

    fn say_height(&self, tip: Height, oldest: Height) {
        say_height(&self.outbox, self.own, tip, oldest);
    }
}

/// The driver's network.
struct BareNetwork {
    outbox: Outbox,
    connected: Arc<Mutex<BTreeSet<PeerId>>>,
}

impl Network for BareNetwork {
    fn publish(&self, part: StreamMessage<ProposalPart>) -> BoxFuture<'_, Result<(), FatalError>> {
        let bytes = Wire.encode(&part).map_err(|error| FatalError::program(error.to_string()));
        Box::pin(ready(bytes.map(|bytes| put(&self.outbox, Output::Send(To::All, Message::Part(bytes))))))
    }

    fn facts(&self, _: Hash) -> BoxFuture<'_, Vec<Facts>> {
        Box::pin(ready(Vec::new()))
    }

    fn connected(&self) -> BoxFuture<'_, usize> {
        Box::pin(ready(self.connected.lock().unwrap_or_else(PoisonError::into_inner).len()))
    }

    fn allow<'a>(
        &'a self,
        _: &'a BTreeSet<AdmittedPeer>,
        _: &'a BTreeSet<AdmittedPeer>,
    ) -> BoxFuture<'a, ()> {
        // The inbox has the list and hears nobody else.
        Box::pin(ready(()))
    }

    fn reconnect<'a>(&'a self, _: &'a AdmittedPeer) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }
}
