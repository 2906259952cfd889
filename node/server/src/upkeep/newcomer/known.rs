//! What a newcomer found out about its peers since its process began.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::Hash;
use libp2p_identity::PeerId;

/// Who lies, who is slow, and what was said of whom.
#[derive(Debug, Default)]
pub struct Known {
    /// Who was found to lie: asked no more.
    pub liars: BTreeSet<PeerId>,
    /// Who did not give what it offered: tried after the others.
    pub(super) slow: BTreeSet<PeerId>,
    /// This machine could not do what it was to: a moment passes before it tries again.
    pub(super) at_fault: bool,
    said: BTreeMap<PeerId, Hash>,
}

impl Known {
    /// Whether nothing was said yet of why this offer of a peer is not used; from now on it was.
    pub(super) fn is_new(&mut self, peer: PeerId, manifest: Hash) -> bool {
        self.said.insert(peer, manifest) != Some(manifest)
    }

    /// Says why an offer is not used: once an offer, however often its peer makes it.
    pub(super) fn say(&mut self, peer: PeerId, manifest: Hash, why: &str) {
        if self.is_new(peer, manifest) {
            tracing::warn!(%peer, "a peer's snapshot is not used: {why}");
        }
    }
}
