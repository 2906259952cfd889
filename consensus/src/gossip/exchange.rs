//! Snapshots' requests and answers on the swarm; see [`crate::snapshots`].

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use libp2p::PeerId;
use libp2p::request_response::{Event, Message, OutboundRequestId, ResponseChannel};
use tokio::sync::{mpsc, oneshot};

use super::{Command, Gossip, State};
use crate::divergence::Recent;
use crate::snapshots::{Ask, AskError, Server, Source, Told};

/// What an answer of a peer goes to.
pub(super) type Answer = oneshot::Sender<Result<Told, AskError>>;
/// What this node found for a peer, and how it goes back.
pub(super) type Found = (ResponseChannel<Told>, Told);

/// Requests under way, both ways.
pub(super) struct Exchange {
    server: Server<ResponseChannel<Told>>,
    asked: HashMap<OutboundRequestId, Answer>,
}

impl Exchange {
    pub(super) fn new(
        source: Arc<OnceLock<Source>>,
        recent: Arc<OnceLock<Arc<Recent>>>,
        told: mpsc::Sender<Found>,
    ) -> Self {
        Self { server: Server::start(source, recent, told), asked: HashMap::new() }
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
    pub async fn ask(&self, peer: PeerId, ask: Ask) -> Result<Told, AskError> {
        let (answer, told) = oneshot::channel();
        if self.commands.send(Command::Ask(peer, ask, answer)).await.is_err() {
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
    pub(super) fn ask(&mut self, peer: PeerId, ask: Ask, answer: Answer) {
        if !self.swarm.is_connected(&peer) {
            // Whoever asked may have gone, here and below.
            let _ = answer.send(Err(AskError::Gone));
            return;
        }
        let id = self.swarm.behaviour_mut().snapshots.send_request(&peer, ask);
        self.exchange.asked.insert(id, answer);
    }

    pub(super) fn answer(&mut self, channel: ResponseChannel<Told>, told: Told) {
        // Refused when the peer has gone.
        let _ = self.swarm.behaviour_mut().snapshots.send_response(channel, told);
    }

    pub(super) fn exchanged(&mut self, event: Event<Ask, Told>) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                if let Err(channel) = self.exchange.server.take(peer, request, channel) {
                    self.answer(channel, Told::Busy);
                }
            }
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(answer) = self.exchange.asked.remove(&request_id) {
                    let _ = answer.send(Ok(response));
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(answer) = self.exchange.asked.remove(&request_id) {
                    let _ = answer.send(Err(AskError::Silent(error.to_string())));
                }
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a request for a snapshot was not answered");
            }
            Event::ResponseSent { .. } => {}
        }
    }
}
