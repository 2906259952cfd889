//! Watches the engine's connections: notes whose they are, and finds peers that have not said what they want to hear, or say
//! nothing any more.
//!
//! Gossipsub sends its subscriptions on the first connection to a peer and not again. A node that is back before its
//! peers have noticed the end of the old connections (a power cut sends no farewell) is to them a second connection:
//! they say nothing, and what the node publishes goes to nobody, however long it runs. Ending the connection makes
//! both sides begin anew.
//!
//! The engine does not show subscriptions. It shows its mesh, and takes every subscriber into that until it holds
//! [`GossipSubConfig::mesh_n_low`] peers: a connected peer that is missing from a smaller mesh is a silent one.
//!
//! Every node says its height every second. Where the way to a peer is cut nobody ends the connection: the system sends what was
//! said again after twice as long each time, so that once the way is whole again as much time passes as it was cut, up to
//! minutes. A new connection is tried for anew every few seconds.
//!
//! Who is in the mesh has subscribed, and so has begun with this node: that tells followers from validators that have not said
//! again that they sign ([`Heights::subscribed`]).
//!
//! Why the simulator has none of this: its peers have neither connections that end for one side, nor subscriptions, nor a mesh; it delivers
//! or does not. What is decided here counts looks and reads no clock ([`Looks`]), so that tests hold it without one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_malachitebft_app_channel::NetworkRequest;
use arc_malachitebft_config::GossipSubConfig;
use arc_malachitebft_core_consensus::PeerId as EnginePeerId;
use libp2p::PeerId;
use tokio::sync::mpsc;

use crate::heights::Heights;

/// How often the engine's peers are looked at; it brings its own view up to date as often.
const LOOK: Duration = Duration::from_secs(1);
/// Looks in a row at which a peer is missing before it counts as silent. A subscription takes two: one for
/// gossipsub's heartbeat, one for the engine's view.
const MISSING_LOOKS: u32 = 5;
/// Looks in a row at which nothing came from a peer that said its height before. A heavy block keeps a node from saying it for a
/// second or two.
const QUIET_LOOKS: u32 = 6;

/// Who is connected to the engine, as the last look found it.
#[derive(Debug, Default)]
pub(crate) struct Connected(Mutex<BTreeSet<PeerId>>);

impl Connected {
    /// Takes what a look found.
    pub(crate) fn set(&self, peers: BTreeSet<PeerId>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = peers;
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many of these are connected; one that is named twice counts twice.
    pub(crate) fn count_of<'a>(&self, peers: impl Iterator<Item = &'a PeerId>) -> usize {
        let connected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.filter(|peer| connected.contains(*peer)).count()
    }
}

/// Notes the connected peers and sends those to begin anew with, until nobody listens.
pub(crate) async fn watch(
    requests: mpsc::Sender<NetworkRequest>,
    connected: Arc<Connected>,
    heights: Arc<Heights>,
    silent: mpsc::Sender<PeerId>,
) {
    let mut looks = Looks::default();
    loop {
        tokio::time::sleep(LOOK).await;
        let Ok(Some(dump)) = NetworkRequest::dump_state(&requests).await else { continue };
        connected.set(dump.peers.keys().copied().collect());
        let peers = dump.peers.iter().map(|(peer, info)| (*peer, !info.topics.is_empty()));
        for peer in looks.look(&peers.collect(), &heights) {
            if silent.send(peer).await.is_err() {
                return;
            }
        }
    }
}

/// What look after look found.
#[derive(Debug)]
struct Looks {
    unsubscribed: Silence,
    cut_off: Silence,
}

impl Default for Looks {
    fn default() -> Self {
        Self { unsubscribed: Silence::default(), cut_off: Silence::after(QUIET_LOOKS) }
    }
}

impl Looks {
    /// Takes one look at the connected peers, each with whether the mesh holds it: who is to be begun anew with.
    fn look(&mut self, peers: &BTreeMap<PeerId, bool>, heights: &Heights) -> BTreeSet<PeerId> {
        let in_mesh = peers.iter().filter(|(_, held)| **held);
        heights.subscribed(in_mesh.filter_map(|(peer, _)| EnginePeerId::from_bytes(&peer.to_bytes()).ok()));
        let unheard = self.unsubscribed.look(missing(peers));
        unheard.into_iter().chain(self.cut_off.look(quiet(heights))).collect()
    }
}

/// Those of the connected peers, each with whether the mesh holds it, that a mesh with room should hold and does not.
fn missing(peers: &BTreeMap<PeerId, bool>) -> BTreeSet<PeerId> {
    let in_mesh = peers.values().filter(|held| **held).count();
    let room = in_mesh < GossipSubConfig::default().mesh_n_low();
    peers.iter().filter(|(_, held)| room && !**held).map(|(peer, _)| *peer).collect()
}

/// The connected peers that said their height before, and nothing since the last look.
fn quiet(heights: &Heights) -> BTreeSet<PeerId> {
    heights.quiet().into_iter().filter_map(|peer| PeerId::from_bytes(&peer.to_bytes()).ok()).collect()
}

/// How often in a row nothing was heard of each peer, or of its subscriptions.
#[derive(Debug)]
pub(crate) struct Silence {
    most: u32,
    looks: BTreeMap<PeerId, u32>,
}

impl Default for Silence {
    fn default() -> Self {
        Self::after(MISSING_LOOKS)
    }
}

impl Silence {
    /// A peer is silent after so many looks in a row.
    fn after(most: u32) -> Self {
        Self { most, looks: BTreeMap::new() }
    }

    /// Takes one look, at which nothing was heard of these, and returns those that have been silent for as many looks in a
    /// row as it takes; their count begins anew.
    pub(crate) fn look(&mut self, unheard: BTreeSet<PeerId>) -> Vec<PeerId> {
        let looks = |peer: &PeerId| self.looks.get(peer).copied().unwrap_or(0) + 1;
        let counted: BTreeMap<PeerId, u32> = unheard.iter().map(|peer| (*peer, looks(peer))).collect();
        let silent =
            counted.iter().filter(|(_, looks)| **looks >= self.most).map(|(peer, _)| *peer).collect();
        self.looks = counted.into_iter().filter(|(_, looks)| *looks < self.most).collect();
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::engine_peer;
    use crate::heights::{Heard, Kept};
    use crate::ports::Moment;

    fn peers(held: &[bool]) -> BTreeMap<PeerId, bool> {
        let id =
            |n: u8| libp2p_identity::Keypair::ed25519_from_bytes([n + 1; 32]).unwrap().public().to_peer_id();
        (0u8..).zip(held).map(|(n, held)| (id(n), *held)).collect()
    }

    #[test]
    fn who_is_connected_is_known_by_name() {
        let (connected, all) = (Connected::default(), peers(&[true, true, true]));
        assert_eq!((connected.count(), connected.count_of(all.keys())), (0, 0));
        connected.set(all.keys().take(2).copied().collect());
        assert_eq!((connected.count(), connected.count_of(all.keys().skip(1))), (2, 1));
        connected.set(BTreeSet::new());
        assert_eq!((connected.count(), connected.count_of(all.keys())), (0, 0));
    }

    #[test]
    fn a_peer_that_stays_silent_is_named_at_every_fifth_look() {
        let (mut silence, peers) = (Silence::default(), missing(&peers(&[true, false, true])));
        assert_eq!(peers.len(), 1);
        let found: Vec<usize> = (0..10).map(|_| silence.look(peers.clone()).len()).collect();
        assert_eq!(found, [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_peer_that_subscribes_or_leaves_in_between_begins_anew() {
        for between in [peers(&[true, true, true]), peers(&[true])] {
            let (mut silence, silent) = (Silence::default(), peers(&[true, false, true]));
            for look in [&silent, &silent, &silent, &silent, &between, &silent, &silent, &silent, &silent] {
                assert_eq!(silence.look(missing(look)), []);
            }
        }
    }

    #[test]
    fn a_peer_behind_a_cut_is_begun_anew_with_and_one_that_is_only_slow_is_not() {
        let heights = Heights::default();
        let peers: Vec<PeerId> = peers(&[true, true]).into_keys().collect();
        let engine = |peer: &PeerId| engine_peer(peer).unwrap();
        let say = |peer: &PeerId| {
            heights.spoke(engine(peer));
            heights.heard(engine(peer), Kept { tip: 7, oldest: 1 });
        };
        peers.iter().for_each(say);
        let mut cut_off = Silence::after(QUIET_LOOKS);
        let mut found = Vec::new();
        for look in 0..=QUIET_LOOKS {
            // The second one says something just before it would count as cut off.
            if look == QUIET_LOOKS - 1 {
                say(&peers[1]);
            }
            found.extend(cut_off.look(quiet(&heights)));
        }
        assert_eq!(found, [peers[0]]);
    }

    /// The other validators are a quorum with the second one, which may take this connection for a second one.
    #[test]
    fn a_peer_that_says_nothing_again_is_begun_anew_with_and_signs_until_the_mesh_holds_it() {
        for held in [true, false] {
            let (heights, peers) = (Heights::default(), peers(&[true, held]));
            let engine = |peer: &PeerId| engine_peer(peer).unwrap();
            let power = |in_mesh: &bool| if *in_mesh { 1 } else { 3 };
            heights.set_validators(peers.iter().map(|(peer, held)| (engine(peer), power(held))).collect(), 0);
            peers.keys().for_each(|peer| heights.came(&engine(peer)));
            peers.keys().for_each(|peer| heights.heard(engine(peer), Kept { tip: 7, oldest: 1 }));
            let (mut looks, mut found) = (Looks::default(), Vec::new());
            for _ in 0..MISSING_LOOKS {
                peers.keys().for_each(|peer| heights.spoke(engine(peer)));
                found.extend(looks.look(&peers, &heights));
            }
            assert_eq!(found.len(), usize::from(!held));
            let ask = |ms| heights.ask(3, 7, Moment::after(Duration::from_millis(ms)));
            assert_eq!(ask(0), Heard::Behind(7));
            peers.keys().for_each(|peer| heights.heard(engine(peer), Kept { tip: 7, oldest: 1 }));
            assert_eq!(ask(2_000) == Heard::MaySign, held, "both follow: nobody is waited for");
        }
    }

    #[test]
    fn a_mesh_with_enough_peers_leaves_others_out_by_right() {
        assert_eq!(missing(&peers(&[true, true, true, false, false])).len(), 2);
        assert_eq!(missing(&peers(&[true, true, true, true, false, false])).len(), 0);
    }
}
