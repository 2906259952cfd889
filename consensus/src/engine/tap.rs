//! Takes the parts of blocks out of what the engine hears, before they stand in one queue with its votes.
//!
//! The engine hands each part to its consensus actor, from there to its bridge, and the bridge waits for the
//! application's answer before it goes on: a peer that floods parts would hold up votes and decisions, in mailboxes
//! without a bound. So the engine is given this actor as its network. Everything passes it unchanged, but for parts:
//! they go to the driver's [`Inbox`], and the verdict on a block goes to the consensus actor directly.
//!
//! The engine closes a stranger's connection only after its handshake, and would answer and count what comes in between.
//! So what a peer says passes only if that peer is admitted; its requests are dropped unanswered. Of the heights that
//! peers tell, of who runs as a validator, and of who comes and leaves, the driver hears too ([`Heights`]). That a peer signs
//! is its word until the engine, which hears it as well, has checked it and cut off a liar.
//!
//! What the engine asks peers for passes here too, and is made as small as the way and the memory ask ([`Pace`]).

use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_core_consensus::PeerId;
use arc_malachitebft_engine::network::{Msg, NetworkEvent, NetworkRef, Subscriber};
use arc_malachitebft_sync::{OutboundFailureReason, Request};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};

use crate::context::AulaContext;
use crate::heights::{Heights, Kept};
use crate::pace::Pace;
use crate::parts::inbox::Inbox;

/// How long the real network may take to close its connections.
const STOP: Duration = Duration::from_secs(5);

/// Who is told what is heard.
#[derive(Clone)]
pub(crate) struct Ears {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) heights: Arc<Heights>,
    pub(crate) pace: Arc<Pace>,
}

struct Tap {
    network: NetworkRef<AulaContext>,
    ears: Ears,
}

/// An event of the network on its way to a [`Listener`].
struct Event(NetworkEvent<AulaContext>);

impl From<NetworkEvent<AulaContext>> for Event {
    fn from(event: NetworkEvent<AulaContext>) -> Self {
        Self(event)
    }
}

/// Stands between the network and one listener.
struct Listener {
    network: NetworkRef<AulaContext>,
    ears: Ears,
}

/// Who listens.
enum Ear {
    /// An actor of the engine: hears everything but parts.
    Engine(Box<dyn Subscriber<NetworkEvent<AulaContext>>>),
    /// The driver: hears nothing but parts, heights, who signs, who comes and leaves, and what became of this node's requests.
    Driver,
}

/// Puts a tap before the engine's network. It stops with it.
pub(crate) async fn spawn(
    network: NetworkRef<AulaContext>,
    ears: Ears,
) -> Result<NetworkRef<AulaContext>, SpawnErr> {
    Ok(Actor::spawn(None, Tap { network, ears }, ()).await?.0)
}

#[async_trait::async_trait]
impl Actor for Tap {
    type Msg = Msg<AulaContext>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        // The end of the real network is the end of this one, and so of the engine, which watches it.
        self.network.link(myself.get_cell());
        self.listen(&myself, Ear::Driver).await
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(subscriber) => self.listen(&myself, Ear::Engine(subscriber)).await,
            Msg::OutgoingRequest(peer, Request::ValueRequest(request), reply) => {
                // Where the reply is dropped the engine knows that nothing was asked, and tries again when something has changed.
                let Some(request) = self.ears.pace.shortened(&request) else { return Ok(()) };
                Ok(self.network.cast(Msg::OutgoingRequest(peer, Request::ValueRequest(request), reply))?)
            }
            other => Ok(self.network.cast(other)?),
        }
    }

    async fn post_stop(&self, _: ActorRef<Self::Msg>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let why = Some("stopping".to_owned());
        if self.network.stop_and_wait(why, Some(STOP)).await.is_err() {
            tracing::warn!("the network of the consensus engine did not stop in time");
        }
        Ok(())
    }
}

impl Tap {
    async fn listen(&self, myself: &ActorRef<Msg<AulaContext>>, ear: Ear) -> Result<(), ActorProcessingErr> {
        let listener = Listener { network: self.network.clone(), ears: self.ears.clone() };
        let (listener, _) = Actor::spawn_linked(None, listener, ear, myself.get_cell()).await?;
        Ok(self.network.cast(Msg::Subscribe(Box::new(listener)))?)
    }
}

#[async_trait::async_trait]
impl Actor for Listener {
    type Msg = Event;
    type State = Ear;
    type Arguments = Ear;

    async fn pre_start(&self, _: ActorRef<Event>, ear: Ear) -> Result<Ear, ActorProcessingErr> {
        Ok(ear)
    }

    async fn handle(
        &self,
        _: ActorRef<Event>,
        Event(event): Event,
        ear: &mut Ear,
    ) -> Result<(), ActorProcessingErr> {
        let Ears { inbox, heights, pace } = &self.ears;
        if let Some(stranger) = speaker(&event).filter(|from| !inbox.admits(from)) {
            tracing::debug!(%stranger, "what a peer says that is not admitted is dropped");
            if let (Ear::Engine(_), NetworkEvent::SyncRequest(request, ..)) = (ear, event) {
                self.network.cast(Msg::CancelInboundRequest(request))?;
            }
            return Ok(());
        }
        if let (Ear::Driver, Some(from)) = (&*ear, speaker(&event)) {
            heights.spoke(from);
        }
        match (ear, event) {
            (Ear::Driver, NetworkEvent::ProposalPart(from, published_by, part)) => {
                inbox.push(published_by.unwrap_or(from), part);
            }
            (Ear::Driver, NetworkEvent::Status(from, status)) => {
                let kept = Kept { tip: status.tip_height.0, oldest: status.history_min_height.0 };
                heights.heard(from, kept);
            }
            (Ear::Driver, NetworkEvent::ValidatorProofReceived { peer_id, .. }) => {
                heights.signs(peer_id);
            }
            (Ear::Driver, NetworkEvent::PeerConnected(peer)) => heights.came(&peer),
            (Ear::Driver, NetworkEvent::PeerDisconnected(peer)) => heights.left(peer),
            (Ear::Driver, NetworkEvent::SyncResponse(_, _, Some(response))) => pace.came(&response),
            (Ear::Driver, NetworkEvent::SyncRequestFailed(_, _, OutboundFailureReason::Timeout)) => {
                pace.late();
            }
            (Ear::Driver, _) | (Ear::Engine(_), NetworkEvent::ProposalPart(..)) => {}
            (Ear::Engine(subscriber), event) => subscriber.send(event),
        }
        Ok(())
    }
}

/// The peer at the other end of the connection over which something was said. That connections come and go, and what
/// became of this node's own requests, is nobody's word.
fn speaker(event: &NetworkEvent<AulaContext>) -> Option<PeerId> {
    match event {
        NetworkEvent::Vote(from, _)
        | NetworkEvent::Proposal(from, _)
        | NetworkEvent::ProposalPart(from, ..)
        | NetworkEvent::PolkaCertificate(from, _)
        | NetworkEvent::RoundCertificate(from, _)
        | NetworkEvent::ValidatorProofReceived { peer_id: from, .. }
        | NetworkEvent::Status(from, _)
        | NetworkEvent::SyncRequest(_, from, _) => Some(*from),
        NetworkEvent::Listening(_)
        | NetworkEvent::PeerConnected(_)
        | NetworkEvent::PeerDisconnected(_)
        | NetworkEvent::PeerSubscribed(..)
        | NetworkEvent::SyncResponse(..)
        | NetworkEvent::SyncRequestFailed(..)
        | NetworkEvent::SyncInboundRequestFailed(..) => None,
    }
}

#[cfg(test)]
mod tests;
