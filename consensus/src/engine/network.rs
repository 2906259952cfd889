//! The engine's network and gossip as the driver uses them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app_channel::{NetworkMsg, NetworkRequest};
use arc_malachitebft_engine::util::streaming::StreamMessage;
use aula_ledger::types::Hash;
use borsh::BorshDeserialize;
use futures::future::{BoxFuture, join_all};
use libp2p::Multiaddr;
use tokio::sync::mpsc;

use super::{allow_address, allow_addresses, for_gossip};
use crate::context::{AulaContext, ProposalPart};
use crate::divergence::Facts;
use crate::driver::Network;
use crate::events::FatalError;
use crate::gossip::Gossip;
use crate::ports::AdmittedPeer;
use crate::snapshots::{Answer, Ask, Told};

/// How long peers have to say what a block gave.
const FACTS: Duration = Duration::from_secs(2);

/// One session's network.
pub(crate) struct EngineNetwork {
    pub(crate) messages: mpsc::Sender<NetworkMsg<AulaContext>>,
    pub(crate) requests: mpsc::Sender<NetworkRequest>,
    pub(crate) gossip: Arc<Gossip>,
}

impl EngineNetwork {
    async fn remove(&self, address: &Multiaddr, why: &str) {
        let result = NetworkRequest::remove_persistent_peer(&self.requests, address.clone()).await;
        tracing::info!(%address, ?result, "{why}");
    }

    async fn add(&self, address: &Multiaddr, why: &str) {
        let result = NetworkRequest::add_persistent_peer(&self.requests, address.clone()).await;
        tracing::info!(%address, ?result, "{why}");
    }
}

impl Network for EngineNetwork {
    fn publish(&self, part: StreamMessage<ProposalPart>) -> BoxFuture<'_, Result<(), FatalError>> {
        Box::pin(async move {
            let sent = self.messages.send(NetworkMsg::PublishProposalPart(part)).await;
            sent.map_err(|_| FatalError::engine("the engine's network stopped"))
        })
    }

    fn facts(&self, block: Hash) -> BoxFuture<'_, Vec<Facts>> {
        Box::pin(async move {
            let peers = self.gossip.connected().await;
            let asked = peers
                .into_iter()
                .map(|peer| tokio::time::timeout(FACTS, self.gossip.ask(peer, Ask::Facts { block })));
            let told = join_all(asked).await.into_iter();
            told.filter_map(|told| match told {
                Ok(Ok(Answer { told: Told::Facts(bytes), .. })) => Facts::try_from_slice(&bytes).ok(),
                _ => None,
            })
            .collect()
        })
    }

    fn connected(&self) -> BoxFuture<'_, usize> {
        Box::pin(async move {
            match NetworkRequest::dump_state(&self.requests).await {
                Ok(Some(dump)) => dump.peers.len(),
                _ => 0,
            }
        })
    }

    fn allow<'a>(
        &'a self,
        before: &'a BTreeSet<AdmittedPeer>,
        after: &'a BTreeSet<AdmittedPeer>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let (old, new) = (allow_addresses(before), allow_addresses(after));
            for address in old.difference(&new) {
                self.remove(address, "a peer is no longer admitted").await;
            }
            for address in new.difference(&old) {
                self.add(address, "a peer is admitted").await;
            }
            self.gossip.set_peers(for_gossip(after)).await;
        })
    }

    fn reconnect<'a>(&'a self, peer: &'a AdmittedPeer) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let address = allow_address(peer);
            self.remove(&address, "a connected peer is silent; its connections end").await;
            self.add(&address, "it may connect again").await;
            self.gossip.reconnect(peer.peer).await;
        })
    }
}
