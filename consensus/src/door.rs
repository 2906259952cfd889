//! Who may stand at a listening port with a handshake that is not finished.
//!
//! Anybody can open a TCP connection and say nothing. What that costs is bounded by address, before any identity is
//! known: addresses of admitted peers have room of their own that strangers cannot take; a stranger's address has
//! [`FOREIGN_EACH`] places, all of them together [`FOREIGN_ALL`]. Where the places are taken, the oldest handshake gives
//! way to the newest: an honest one is over in milliseconds, one that is silent is the oldest soon. None may take
//! longer than [`HANDSHAKE`].
//!
//! An address is an IPv4 address, or the first 64 bits of an IPv6 address. Several nodes, and an attacker among them, may
//! share one: then they share its places, and only the order in which they give way protects the honest.
//!
//! Used by gossip's listener (`transport`) and by the engine's (`guard`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

pub(crate) mod guard;
pub(crate) mod transport;

/// Longest time for a handshake; an unfinished one is closed then.
pub const HANDSHAKE: Duration = Duration::from_secs(2);
/// Unfinished handshakes of one stranger's address.
pub const FOREIGN_EACH: usize = 4;
/// Unfinished handshakes of all strangers' addresses.
pub const FOREIGN_ALL: usize = 64;
/// Unfinished handshakes of one admitted peer's address: nodes of one operator may share it.
pub const KNOWN_EACH: usize = 64;
/// Addresses remembered of one peer that connected from elsewhere than its listen address.
const SEEN_EACH: usize = 2;

/// The part of an address that counts.
pub(crate) fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// The IP address in a multiaddr; `None` for a name.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    })
}

/// The addresses of admitted peers: where they listen, and where they were last seen. Shared by both doors.
#[derive(Debug, Default)]
pub struct Known {
    inner: Mutex<BTreeMap<PeerId, Addresses>>,
}

#[derive(Debug, Default)]
struct Addresses {
    listen: Option<IpAddr>,
    seen: Vec<IpAddr>,
}

impl Known {
    /// Replaces the admitted peers; what was seen of those that stay is kept.
    pub fn set(&self, peers: impl IntoIterator<Item = (PeerId, Option<Multiaddr>)>) {
        let mut inner = self.lock();
        let mut before = std::mem::take(&mut *inner);
        for (peer, listen) in peers {
            let mut addresses = before.remove(&peer).unwrap_or_default();
            addresses.listen = listen.as_ref().and_then(ip_of).map(key);
            inner.insert(peer, addresses);
        }
    }

    /// An admitted peer has proved its identity from this address.
    pub fn seen(&self, peer: &PeerId, address: IpAddr) {
        if let Some(addresses) = self.lock().get_mut(peer) {
            let address = key(address);
            addresses.seen.retain(|other| *other != address);
            addresses.seen.insert(0, address);
            addresses.seen.truncate(SEEN_EACH);
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.lock().values().any(|peer| peer.listen == Some(address) || peer.seen.contains(&address))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Addresses>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    /// In the order of arrival: the address, whether it is known, and how to tell it to go.
    waiting: BTreeMap<u64, (IpAddr, bool, oneshot::Sender<()>)>,
}

/// The places at one listening port.
#[derive(Debug, Clone)]
pub struct Door {
    known: Arc<Known>,
    pending: Arc<Mutex<Pending>>,
}

/// A place at a door, given back when dropped.
#[derive(Debug)]
pub struct Place {
    number: u64,
    pending: Arc<Mutex<Pending>>,
    /// Whether an admitted peer has this address.
    pub known: bool,
    /// Completes when this handshake has to give way.
    pub gives_way: oneshot::Receiver<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&self.number);
    }
}

impl Door {
    /// A door for which these addresses are known.
    pub fn new(known: Arc<Known>) -> Self {
        Self { known, pending: Arc::default() }
    }

    /// A place for a handshake that begins now. Older ones may be told to give way.
    pub fn enter(&self, address: IpAddr) -> Place {
        let address = key(address);
        let known = self.known.contains(address);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let each = if known { KNOWN_EACH } else { FOREIGN_EACH };
        pending.make_room(each, |(other, _, _)| *other == address);
        if !known {
            pending.make_room(FOREIGN_ALL, |(_, known, _)| !*known);
        }
        let number = pending.next;
        pending.next += 1;
        let (tell, gives_way) = oneshot::channel();
        pending.waiting.insert(number, (address, known, tell));
        Place { number, pending: Arc::clone(&self.pending), known, gives_way }
    }

    /// Handshakes that have begun and not ended.
    pub fn waiting(&self) -> usize {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).waiting.len()
    }
}

impl Pending {
    /// Sends the oldest of a kind away until one more has a place among `most`.
    fn make_room(&mut self, most: usize, of_kind: impl Fn(&(IpAddr, bool, oneshot::Sender<()>)) -> bool) {
        let numbers: BTreeSet<u64> =
            self.waiting.iter().filter(|(_, one)| of_kind(one)).map(|(number, _)| *number).collect();
        let surplus = (numbers.len() + 1).saturating_sub(most);
        for number in numbers.into_iter().take(surplus) {
            // Dropping the sender tells it as well.
            self.waiting.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests;
