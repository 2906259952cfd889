//! Snapshots of other nodes, and this one's for them.

use libp2p::PeerId;

use super::RunningConsensus;
use crate::snapshots::{Answer, Ask, AskError, Source};

impl RunningConsensus {
    /// From now on admitted peers get snapshots from here.
    pub fn serve_snapshots(&self, source: Source) {
        self.gossip.serve_snapshots(source);
    }

    /// The peers that could be asked for a snapshot now.
    pub async fn snapshot_peers(&self) -> Vec<PeerId> {
        self.gossip.connected().await
    }

    /// Asks one of them.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask_snapshot(&self, peer: PeerId, ask: Ask) -> Result<Answer, AskError> {
        self.gossip.ask(peer, ask).await
    }
}
