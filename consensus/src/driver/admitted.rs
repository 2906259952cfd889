//! Whom the engine's network may talk to.

use std::collections::{BTreeMap, BTreeSet};

use arc_malachitebft_core_consensus::PeerId as EnginePeerId;

use super::Services;
use crate::ports::{AdmittedPeer, Multiaddr, PeerId, StoreError};
use crate::proposal::Base;

/// A peer's identity in the engine's words.
pub(crate) fn engine_peer(peer: &PeerId) -> Option<EnginePeerId> {
    EnginePeerId::from_bytes(&peer.to_bytes()).ok()
}

/// The allow list: what the state admits, with the configured addresses before the admitted ones. A node that its
/// own state does not admit yet is joining, and talks to all its configured peers as well.
pub(crate) fn all_peers(services: &Services, base: &Base) -> Result<BTreeSet<AdmittedPeer>, StoreError> {
    let admitted = services.executor.admitted_peers(base.state.as_ref())?;
    let mut by_id: BTreeMap<PeerId, Option<Multiaddr>> =
        admitted.into_iter().map(|peer| (peer.peer, peer.listen)).collect();
    let joining = !by_id.contains_key(&services.own_peer);
    for peer in services.configured_peers.iter() {
        if joining {
            by_id.entry(peer.peer).or_default();
        }
        if let (Some(known), Some(_)) = (by_id.get_mut(&peer.peer), &peer.listen) {
            known.clone_from(&peer.listen);
        }
    }
    by_id.remove(&services.own_peer);
    Ok(by_id.into_iter().map(|(peer, listen)| AdmittedPeer { peer, listen }).collect())
}
