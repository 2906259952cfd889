//! The network as the driver uses it: parts of blocks out, and whom it may talk to. Votes and proposals are the engine's.

use std::collections::BTreeSet;

use arc_malachitebft_engine::util::streaming::StreamMessage;
use aula_ledger::types::Hash;
use futures::future::BoxFuture;

use crate::context::ProposalPart;
use crate::divergence::Facts;
use crate::events::FatalError;
use crate::ports::AdmittedPeer;

/// One session's network.
pub(crate) trait Network: Send + Sync {
    /// Sends a part of a block to the peers. [`FatalError`] when the network has stopped.
    fn publish(&self, part: StreamMessage<ProposalPart>) -> BoxFuture<'_, Result<(), FatalError>>;

    /// What connected peers say that a final block gave; those that answer soon.
    fn facts(&self, block: Hash) -> BoxFuture<'_, Vec<Facts>>;

    /// How many peers are connected.
    fn connected(&self) -> BoxFuture<'_, usize>;

    /// Replaces the allow list `before` by `after`: connections with whoever is gone end.
    fn allow<'a>(
        &'a self,
        before: &'a BTreeSet<AdmittedPeer>,
        after: &'a BTreeSet<AdmittedPeer>,
    ) -> BoxFuture<'a, ()>;

    /// Ends the connections with a peer that has not said what it wants to hear, or says nothing any more; both sides dial again.
    fn reconnect<'a>(&'a self, peer: &'a AdmittedPeer) -> BoxFuture<'a, ()>;
}
