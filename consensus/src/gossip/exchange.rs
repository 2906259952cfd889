//! Snapshots' requests and answers on the swarm; see [`crate::snapshots`].

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use libp2p::PeerId;
use libp2p::request_response::{Event, Message, OutboundRequestId, ResponseChannel};
use tokio::sync::{mpsc, oneshot};

use super::{Command, Gossip, State};
use crate::divergence::Recent;
use crate::snapshots::{Answer, Ask, AskError, Room, Server, Source, Told};

/// What an answer of a peer goes to.
pub(super) type Asker = oneshot::Sender<Result<Answer, AskError>>;
/// Who asked, and how the answer goes back.
pub(super) type Back = (PeerId, ResponseChannel<Answer>);
/// What this node found for a peer, and how it goes back.
pub(super) type Found = (Back, Told);

/// Requests under way, both ways.
pub(super) struct Exchange {
    server: Server<Back>,
    asked: HashMap<OutboundRequestId, Asker>,
    /// Room for answers that peers have not taken yet.
    room: Room,
}

impl Exchange {
    pub(super) fn new(
        source: Arc<OnceLock<Source>>,
        recent: Arc<OnceLock<Arc<Recent>>>,
        told: mpsc::Sender<Found>,
    ) -> Self {
        Self { server: Server::start(source, recent, told), asked: HashMap::new(), room: Room::default() }
    }
}

impl Gossip {
    /// From now on peers get snapshots from here; the first source stays.
    pub fn serve_snapshots(&self, source: Source) {
        let _ = self.source.set(source);
    }

    /// From now on peers hear from here what the newest blocks gave; the first one stays.
    pub(crate) fn serve_facts(&self, recent: Arc<Recent>) {
        let _ = self.recent.set(recent);
    }

    /// Asks a connected peer, and waits for its answer.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask(&self, peer: PeerId, ask: Ask) -> Result<Answer, AskError> {
        let (asker, told) = oneshot::channel();
        if self.commands.send(Command::Ask(peer, ask, asker)).await.is_err() {
            return Err(AskError::Gone);
        }
        told.await.unwrap_or(Err(AskError::Gone))
    }

    /// The peers that are connected now.
    pub async fn connected(&self) -> Vec<PeerId> {
        let (answer, told) = oneshot::channel();
        match self.commands.send(Command::Peers(answer)).await {
            Ok(()) => told.await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }
}

impl State {
    pub(super) fn ask(&mut self, peer: PeerId, ask: Ask, asker: Asker) {
        if !self.swarm.is_connected(&peer) {
            // Whoever asked may have gone, here and below.
            let _ = asker.send(Err(AskError::Gone));
            return;
        }
        let id = self.swarm.behaviour_mut().snapshots.send_request(&peer, ask);
        self.exchange.asked.insert(id, asker);
    }

    pub(super) fn answer(&mut self, (peer, channel): Back, told: Told) {
        let answer = Answer::within(&self.exchange.room, peer, told);
        // Refused when the peer has gone.
        let _ = self.swarm.behaviour_mut().snapshots.send_response(channel, answer);
    }

    pub(super) fn exchanged(&mut self, event: Event<Ask, Answer>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                if let Err(back) = self.exchange.server.take(peer, request, (peer, channel)) {
                    self.answer(back, Told::Busy);
                }
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(asker) = self.exchange.asked.remove(&request_id) {
                    let _ = asker.send(Ok(response));
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(asker) = self.exchange.asked.remove(&request_id) {
                    let _ = asker.send(Err(AskError::Silent(error.to_string())));
                }
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a request for a snapshot was not answered");
            }
            Event::ResponseSent { .. } => {}
        }
    }
}
