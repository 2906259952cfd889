//! Parts that wait to be looked at: the one place between the network and the driver where they may pile up.
//!
//! A part is taken only if an admitted peer published it (gossipsub has checked that peer's signature over it), each
//! publisher has a queue of its own, and the queues are emptied in turn. A publisher that sends faster than parts are
//! looked at fills its own queue and loses what does not fit. Votes and decisions travel elsewhere.
//!
//! Invariant: at most [`PUBLISHER_BYTES`] wait of one publisher and [`ALL_BYTES`] in all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arc_malachitebft_core_consensus::PeerId;
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamMessage};
use tokio::sync::Notify;

use crate::context::ProposalPart;

/// Bytes of one publisher that may wait: the largest block and the start of another.
pub const PUBLISHER_BYTES: usize = 6 * 1024 * 1024;
/// Bytes that may wait in all.
pub const ALL_BYTES: usize = 32 * 1024 * 1024;
/// What a part costs beside its slice.
const OVERHEAD: usize = 512;

/// A part with whoever published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who published it, an admitted peer.
    pub publisher: PeerId,
    /// What it published, not looked at yet: it may be anything.
    pub part: StreamMessage<ProposalPart>,
}

#[derive(Debug, Default)]
struct Queue {
    parts: VecDeque<StreamMessage<ProposalPart>>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    admitted: BTreeSet<PeerId>,
    queues: BTreeMap<PeerId, Queue>,
    bytes: usize,
    last: Option<PeerId>,
    dropped: u64,
}

/// The queues. Shared by the network's side, which fills them, and the driver, which empties them.
#[derive(Debug, Default)]
pub struct Inbox {
    inner: Mutex<Inner>,
    filled: Notify,
}

impl Inbox {
    /// Replaces the list of peers whose parts are taken; what waits of others is dropped.
    pub fn admit(&self, peers: BTreeSet<PeerId>) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.queues.retain(|publisher, queue| {
            let stays = peers.contains(publisher);
            inner.bytes -= if stays { 0 } else { queue.bytes };
            stays
        });
        inner.admitted = peers;
    }

    /// Whether a peer is on that list.
    pub fn admits(&self, peer: &PeerId) -> bool {
        self.lock().admitted.contains(peer)
    }

    /// Takes a part, or drops it.
    pub fn push(&self, publisher: PeerId, part: StreamMessage<ProposalPart>) {
        let bytes = size(&part);
        let mut inner = self.lock();
        let waiting = inner.queues.get(&publisher).map_or(0, |queue| queue.bytes);
        let room = waiting + bytes <= PUBLISHER_BYTES && inner.bytes + bytes <= ALL_BYTES;
        if !room || !inner.admitted.contains(&publisher) {
            inner.dropped += 1;
            return;
        }
        inner.bytes += bytes;
        let queue = inner.queues.entry(publisher).or_default();
        queue.bytes += bytes;
        queue.parts.push_back(part);
        drop(inner);
        self.filled.notify_one();
    }

    /// The next part, of the publisher whose turn it is. Waits for one.
    pub async fn next(&self) -> Heard {
        loop {
            if let Some(heard) = self.pop() {
                return heard;
            }
            self.filled.notified().await;
        }
    }

    /// How many parts were dropped.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Bytes that wait in all.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn pop(&self) -> Option<Heard> {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut inner = self.lock();
        let after = inner.last.and_then(|last| inner.queues.range((Excluded(last), Unbounded)).next());
        let publisher = *after.or_else(|| inner.queues.iter().next()).map(|(publisher, _)| publisher)?;
        inner.last = Some(publisher);
        let queue = inner.queues.get_mut(&publisher)?;
        let part = queue.parts.pop_front()?;
        let bytes = size(&part);
        queue.bytes -= bytes;
        let empty = queue.parts.is_empty();
        inner.bytes -= bytes;
        if empty {
            inner.queues.remove(&publisher);
        }
        Some(Heard { publisher, part })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(part: &StreamMessage<ProposalPart>) -> usize {
    match &part.content {
        StreamContent::Data(ProposalPart::Data(slice)) => slice.len() + OVERHEAD,
        _ => OVERHEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::PART_BYTES;
    use arc_malachitebft_engine::util::streaming::StreamId;

    fn peers(count: usize) -> Vec<PeerId> {
        let peer = |_| PeerId::from_bytes(&libp2p::PeerId::random().to_bytes()).unwrap();
        let mut peers: Vec<PeerId> = (0..count).map(peer).collect();
        peers.sort();
        peers
    }

    fn part(sequence: u64, bytes: usize) -> StreamMessage<ProposalPart> {
        let content = StreamContent::Data(ProposalPart::Data(vec![7; bytes]));
        StreamMessage::new(StreamId::new(bytes::Bytes::from_static(b"a")), sequence, content)
    }

    fn drain(inbox: &Inbox) -> Vec<(PeerId, u64)> {
        std::iter::from_fn(|| inbox.pop().map(|heard| (heard.publisher, heard.part.sequence))).collect()
    }

    #[test]
    fn attack_13_invented_publishers_are_not_heard() {
        let (inbox, peers) = (Inbox::default(), peers(66));
        inbox.admit(peers[..2].iter().copied().collect());
        for peer in &peers {
            inbox.push(*peer, part(1, 1));
        }
        assert_eq!(drain(&inbox), [(peers[0], 1), (peers[1], 1)]);
        assert_eq!(inbox.dropped(), 64);
    }

    #[test]
    fn attack_02_a_flood_fills_the_queue_of_its_publisher_only_and_publishers_take_turns() {
        let (inbox, peers) = (Inbox::default(), peers(2));
        inbox.admit(peers.iter().copied().collect());
        (0..1_000).for_each(|n| inbox.push(peers[0], part(n, PART_BYTES)));
        assert!(inbox.lock().bytes <= PUBLISHER_BYTES);
        (0..3).for_each(|n| inbox.push(peers[1], part(n, PART_BYTES)));
        let turns: Vec<PeerId> = drain(&inbox).iter().map(|(peer, _)| *peer).collect();
        let expected = [peers[0], peers[1]].repeat(3);
        assert_eq!(turns[..6], expected, "the flood waits its turn");
        assert_eq!(inbox.lock().bytes, 0);
    }

    #[test]
    fn attack_02_many_floods_together_are_bounded() {
        let (inbox, peers) = (Inbox::default(), peers(40));
        inbox.admit(peers.iter().copied().collect());
        for n in 0..100 {
            peers.iter().for_each(|peer| inbox.push(*peer, part(n, PART_BYTES)));
        }
        assert!(inbox.lock().bytes <= ALL_BYTES);
        inbox.admit(BTreeSet::from([peers[3]]));
        assert!(inbox.lock().bytes <= PUBLISHER_BYTES, "what waits of peers that are cut off is dropped");
        assert!(drain(&inbox).iter().all(|(peer, _)| *peer == peers[3]));
    }
}
