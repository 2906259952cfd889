//! The engine's peers: waiting for them before the first height, keeping the allow list as votes change it, beginning
//! anew with one that has fallen silent, and doing without one that publishes junk.

use std::collections::BTreeSet;
use std::time::Duration;

use arc_malachitebft_core_consensus::PeerId as EnginePeerId;
use arc_malachitebft_core_types::ValidatorSet as _;
use futures::future::{Either, select};

use super::Driver;
use super::admitted::{all_peers, engine_peer};
use crate::events::FatalError;
use crate::ports::PeerId;

/// Longest wait for peers before the first height.
const GATHER: Duration = Duration::from_secs(1);
/// How often connected peers are counted meanwhile.
const GATHER_POLL: Duration = Duration::from_millis(20);
/// How long a peer that published junk is cut off.
const CUT: Duration = Duration::from_secs(60);
/// From a connection to its subscriptions.
const GATHER_GRACE: Duration = Duration::from_millis(100);

impl Driver {
    /// Waits until as many peers are connected as a quorum needs besides this node, but not for long: what is
    /// proposed before is heard by nobody and costs everybody the propose timeout.
    pub(super) async fn gather(&self) {
        let needed = if self.signer.is_some() { self.validators.count() * 2 / 3 } else { 1 };
        let runtime = &self.services.runtime;
        let gathered = std::pin::pin!(async {
            while self.network.connected().await < needed {
                runtime.sleep_until(runtime.now() + GATHER_POLL).await;
            }
            // A peer is counted a moment before it has said what it wants to hear.
            runtime.sleep_until(runtime.now() + GATHER_GRACE).await;
        });
        if let Either::Right(_) = select(gathered, runtime.sleep_until(runtime.now() + GATHER)).await {
            tracing::info!(needed, "consensus starts with fewer peers than a quorum needs");
        }
    }

    /// Brings the allow lists of the engine's network and of gossip up to what the state admits.
    pub(super) async fn update_peers(&mut self) -> Result<(), FatalError> {
        self.count_validators()?;
        let mut next = all_peers(&self.services, &self.base)?;
        next.retain(|peer| !self.cut.contains_key(&peer.peer));
        if next == self.peers {
            return Ok(());
        }
        self.network.allow(&self.peers, &next).await;
        let heard: BTreeSet<_> = next.iter().filter_map(|peer| engine_peer(&peer.peer)).collect();
        self.assembly.retain(|publisher| heard.contains(publisher));
        self.inbox.admit(heard);
        self.peers = next;
        Ok(())
    }

    /// Ends the connections with a peer that published what no honest node publishes, and hears nothing of it for a
    /// while: not from others either, since its signature is on what it published.
    pub(super) async fn cut_off(&mut self, publisher: EnginePeerId, why: &str) -> Result<(), FatalError> {
        tracing::warn!(%publisher, why, "a peer published junk; it is cut off for {} s", CUT.as_secs());
        let Ok(peer) = PeerId::from_bytes(&publisher.to_bytes()) else { return Ok(()) };
        self.cut.insert(peer, self.services.runtime.now() + CUT);
        self.update_peers().await
    }

    /// Admits peers again whose time is over.
    pub(super) async fn heal(&mut self) -> Result<(), FatalError> {
        let now = self.services.runtime.now();
        self.cut.retain(|_, until| *until > now);
        self.update_peers().await
    }

    /// Ends the connections with a peer that has fallen silent; both sides dial again.
    pub(super) async fn reconnect(&self, peer: PeerId) {
        if let Some(admitted) = self.peers.iter().find(|admitted| admitted.peer == peer) {
            self.network.reconnect(admitted).await;
        }
    }
}
