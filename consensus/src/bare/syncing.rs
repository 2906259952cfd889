//! Value sync: the engine's state machine, with its timers and requests kept here.
//!
//! That state machine chooses among the peers that could answer in the order of a hash map, which differs from run to run.
//! So it is shown one peer at a time, chosen by the seed, and another one whenever that one fails and every second.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use arc_malachitebft_core_consensus::PeerId;
use arc_malachitebft_core_consensus::util::bounded_queue::BoundedQueue;
use arc_malachitebft_core_types::ValueResponse as Synced;
use arc_malachitebft_sync::{
    Config, Effect, Error, HeightStartType, InboundRequestId, Input, Metrics, OutboundFailureReason,
    OutboundRequestId, RawDecidedValue, Request, Response, Resumable, Resume, State, Status, ValueResponse,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::context::{AulaContext, Height};
use crate::pace::{BATCH, Pace, REQUESTS};
use crate::ports::Moment;

/// As in the engine's configuration of a node.
const STATUS_EVERY: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// From the first failure of this node's own to the next request, doubled each time up to the second one.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What is to be done.
#[derive(Debug)]
pub(super) enum Action {
    /// Say how far this node is.
    Status(Height),
    /// Ask a peer.
    Ask(PeerId, u64, Request<AulaContext>),
    /// Answer a peer, by its number.
    Answer(PeerId, u64, Response<AulaContext>),
    /// Fetch decided blocks from the store.
    Fetch(InboundRequestId, RangeInclusive<Height>),
    /// Give a decided block to the engine.
    Process(OutboundRequestId, Synced<AulaContext>),
}

pub(super) struct Syncing {
    state: State<AulaContext>,
    metrics: Metrics,
    hands: Hands,
    known: BTreeMap<PeerId, Status<AulaContext>>,
    chosen: Option<PeerId>,
    rng: StdRng,
    attempts: BTreeMap<Height, u32>,
    retries: BTreeMap<Height, Moment>,
    next_status: Moment,
    next_pass: Moment,
    jitter_e4: u32,
    faults: u64,
}

struct Hands {
    actions: Vec<Action>,
    asked: BTreeMap<u64, (PeerId, Request<AulaContext>, Moment)>,
    answering: BTreeMap<InboundRequestId, (PeerId, u64)>,
    queue: BoundedQueue<Height, (OutboundRequestId, Synced<AulaContext>)>,
    number: u64,
    height: Height,
    now: Moment,
    pace: Pace,
}

impl Syncing {
    /// `pace` is of this node's own chain.
    pub(super) fn new(seed: u64, now: Moment, pace: Pace) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let config = Config::new(true).with_request_timeout(REQUEST_TIMEOUT).with_batch_size(BATCH);
        let config = config.with_parallel_requests(REQUESTS);
        // The engine's limit of requests a window counts by the machine's clock.
        let config = config.with_max_inbound_requests_per_window(1_000_000_000);
        let window = config.read_ahead_window().saturating_mul(2);
        let jitter_e4 = rng.gen_range(9_900..=10_100);
        let mut syncing = Self {
            state: State::new(Box::new(StdRng::seed_from_u64(seed)), config),
            metrics: Metrics::default(),
            hands: Hands {
                actions: Vec::new(),
                asked: BTreeMap::new(),
                answering: BTreeMap::new(),
                queue: BoundedQueue::new(window, window),
                number: 0,
                height: Height(0),
                now,
                pace,
            },
            known: BTreeMap::new(),
            chosen: None,
            rng,
            attempts: BTreeMap::new(),
            retries: BTreeMap::new(),
            next_status: now,
            next_pass: now,
            jitter_e4,
            faults: 0,
        };
        syncing.next_status = now + syncing.every(STATUS_EVERY);
        syncing.next_pass = now + syncing.every(REQUEST_TIMEOUT);
        syncing
    }

    /// What is to be done, in order.
    pub(super) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.hands.actions)
    }

    pub(super) fn wakes_at(&self) -> Moment {
        let asked = self.hands.asked.values().map(|(_, _, until)| *until);
        let first = self.next_status.min(self.next_pass);
        asked.chain(self.retries.values().copied()).fold(first, Moment::min)
    }

    /// How many blocks wait for their height, and their bytes.
    pub(super) fn holds(&self) -> (usize, usize) {
        (self.hands.queue.size(), self.hands.pace.held())
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Moment) {
        self.hands.now = now;
        if now >= self.next_status {
            self.next_status = now + self.every(STATUS_EVERY);
            self.choose();
            self.process(Input::SendStatusUpdate);
            self.process(Input::TryRequestValues);
        }
        if now >= self.next_pass {
            self.next_pass = now + self.every(REQUEST_TIMEOUT);
            self.process(Input::TryRequestValues);
        }
        let late: Vec<u64> =
            self.hands.asked.iter().filter(|(_, (_, _, until))| now >= *until).map(|(n, _)| *n).collect();
        for number in late {
            if let Some((peer, request, _)) = self.hands.asked.remove(&number) {
                self.hands.pace.late();
                self.choose();
                self.process(Input::SyncRequestTimedOut(outbound(number), peer, request));
            }
        }
        let due: Vec<Height> = self.retries.iter().filter(|(_, at)| now >= **at).map(|(h, _)| *h).collect();
        for height in due {
            self.retries.remove(&height);
            self.process(Input::LocalTransientError(height));
        }
    }

    pub(super) fn connected(&mut self) {
        self.process(Input::SendStatusUpdate);
    }

    pub(super) fn disconnected(&mut self, peer: PeerId) {
        self.known.remove(&peer);
        let lost: Vec<u64> =
            self.hands.asked.iter().filter(|(_, (asked, ..))| *asked == peer).map(|(n, _)| *n).collect();
        self.process(Input::PeerDisconnected(peer));
        self.choose();
        for number in lost {
            if let Some((peer, request, _)) = self.hands.asked.remove(&number) {
                let why = OutboundFailureReason::ConnectionClosed;
                self.process(Input::SyncRequestFailed(outbound(number), peer, request, why));
            }
        }
        self.hands.answering.retain(|_, (other, _)| *other != peer);
    }

    pub(super) fn status(&mut self, status: Status<AulaContext>) {
        let peer = status.peer_id;
        self.known.insert(peer, status.clone());
        if self.chosen.is_none() {
            self.choose();
        }
        if self.chosen == Some(peer) {
            self.process(Input::Status(status));
        }
    }

    pub(super) fn asked(&mut self, peer: PeerId, number: u64, request: Request<AulaContext>) {
        let id = InboundRequestId::new(format!("{peer}/{number}"));
        self.hands.answering.insert(id.clone(), (peer, number));
        let Request::ValueRequest(request) = request;
        self.process(Input::ValueRequest(id, peer, request));
    }

    pub(super) fn answered(&mut self, peer: PeerId, number: u64, response: Option<Response<AulaContext>>) {
        // Answers to nothing, or from somebody else.
        if self.hands.asked.get(&number).is_none_or(|(asked, ..)| *asked != peer) {
            return;
        }
        self.hands.asked.remove(&number);
        if let Some(response) = &response {
            self.hands.pace.came(response);
        }
        let response = response.map(|Response::ValueResponse(response)| response);
        self.process(Input::ValueResponse(outbound(number), peer, response));
    }

    pub(super) fn fetched(
        &mut self,
        id: InboundRequestId,
        range: RangeInclusive<Height>,
        values: Vec<RawDecidedValue<AulaContext>>,
    ) {
        let input = if self.hands.answering.contains_key(&id) {
            Input::GotDecidedValues(id, range, values)
        } else {
            Input::InboundRequestEvicted(id)
        };
        self.process(input);
    }

    pub(super) fn started(&mut self, height: Height) {
        self.hands.height = height;
        self.process(Input::StartedHeight(height, HeightStartType::Start));
        let waiting: Vec<_> = self.hands.queue.shift_and_take(&height).collect();
        self.hands.actions.extend(waiting.into_iter().map(|(id, value)| Action::Process(id, value)));
    }

    pub(super) fn decided(&mut self, height: Height) {
        self.process(Input::Decided(height));
        self.attempts.retain(|at, _| *at > height);
        self.retries.retain(|at, _| *at > height);
    }

    /// A block that a peer sent is wrong.
    pub(super) fn fault(&mut self, peer: PeerId, height: Height, id: OutboundRequestId) {
        self.faults += 1;
        self.hands.queue.retain(|_, (other, _)| *other != id);
        self.known.remove(&peer);
        self.choose();
        self.process(Input::PeerFault(peer, height, id));
    }

    /// How many were, since this was asked last.
    pub(super) fn take_faults(&mut self) -> u64 {
        std::mem::take(&mut self.faults)
    }

    /// Something of this node's own failed; the same is asked for again a little later.
    pub(super) fn own_fault(&mut self, height: Height) {
        let attempt = self.attempts.entry(height).or_insert(0);
        *attempt += 1;
        let wait = RETRY.0.saturating_mul(1 << (*attempt - 1).min(16)).min(RETRY.1);
        self.retries.insert(height, self.hands.now + wait);
    }

    /// Shows the state machine another peer, of those that have what it lacks if there are any.
    fn choose(&mut self) {
        let need = self.state.sync_height;
        let mut candidates: Vec<PeerId> =
            self.known.values().filter(|status| status.tip_height >= need).map(|s| s.peer_id).collect();
        if candidates.is_empty() {
            candidates = self.known.keys().copied().collect();
        }
        self.chosen = match candidates.len() {
            0 => None,
            several => Some(candidates[self.rng.gen_range(0..several)]),
        };
        let shown: BTreeSet<PeerId> = self.chosen.into_iter().collect();
        self.state.peers.retain(|peer, _| shown.contains(peer));
        for status in self.known.values().filter(|status| shown.contains(&status.peer_id)) {
            self.state.peers.insert(status.peer_id, status.clone());
        }
    }

    fn every(&self, interval: Duration) -> Duration {
        interval * self.jitter_e4 / 10_000
    }

    fn process(&mut self, input: Input<AulaContext>) {
        if let Err(error) = drive(&mut self.state, &self.metrics, &mut self.hands, input) {
            tracing::error!(%error, "value sync failed");
        }
    }
}

fn outbound(number: u64) -> OutboundRequestId {
    OutboundRequestId::new(number)
}

fn drive(
    state: &mut State<AulaContext>,
    metrics: &Metrics,
    hands: &mut Hands,
    input: Input<AulaContext>,
) -> Result<(), Error<AulaContext>> {
    arc_malachitebft_sync::process!(
        input: input,
        state: state,
        metrics: metrics,
        with: effect => Ok::<_, std::convert::Infallible>(hands.perform(effect))
    )
}

impl Hands {
    fn perform(&mut self, effect: Effect<AulaContext>) -> Resume<AulaContext> {
        match effect {
            Effect::BroadcastStatus(height, r) => {
                self.actions.push(Action::Status(height));
                r.resume_with(())
            }
            Effect::SendValueRequest(peer, request, r) => {
                let Some(request) = self.pace.shortened(&request) else { return r.resume_with(None) };
                self.number += 1;
                let request = Request::ValueRequest(request);
                self.asked.insert(self.number, (peer, request.clone(), self.now + REQUEST_TIMEOUT));
                self.actions.push(Action::Ask(peer, self.number, request));
                r.resume_with(Some(outbound(self.number)))
            }
            Effect::SendValueResponse(id, response, r) => {
                if let Some((peer, number)) = self.answering.remove(&id) {
                    self.actions.push(Action::Answer(peer, number, Response::ValueResponse(response)));
                }
                r.resume_with(())
            }
            Effect::GetDecidedValues(id, range, r) => {
                self.actions.push(Action::Fetch(id, range));
                r.resume_with(())
            }
            Effect::ProcessValueResponse(peer, id, response, r) => {
                self.sort(peer, &id, response);
                r.resume_with(())
            }
            Effect::CancelValueRequest(id, r) => {
                self.asked.retain(|number, _| outbound(*number) != id);
                r.resume_with(())
            }
        }
    }

    /// The block of the present height goes to the engine, later ones wait.
    fn sort(&mut self, peer: PeerId, id: &OutboundRequestId, response: ValueResponse<AulaContext>) {
        for value in response.values {
            let (height, value) = (value.height(), value.to_core(peer));
            if height == self.height {
                self.actions.push(Action::Process(id.clone(), value));
            } else if height > self.height {
                // One that finds no room is asked for again.
                self.queue.push(height, (id.clone(), value));
            }
        }
    }
}

#[cfg(test)]
mod tests;
