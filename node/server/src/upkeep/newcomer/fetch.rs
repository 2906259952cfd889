//! The chunks of one manifest, from all who offer it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aula_consensus::snapshots::{Ask, Told};
use futures::future::join_all;
use libp2p_identity::PeerId;

use super::{Newcomer, Offer, Peers};
use aula_store::snapshots::{Incoming, Kept};

/// Requests to one peer at once: the next is on its way while one is answered.
const AT_ONCE: usize = 2;
/// Answers in a row that a peer may leave out before it is left.
const PATIENCE: u32 = 5;
/// How long a peer that is busy is left alone.
const BUSY: Duration = Duration::from_millis(500);

/// What is still to be had.
struct Wanted {
    chunks: VecDeque<usize>,
    under_way: usize,
    /// Nothing more can come of it.
    failed: bool,
}

struct Work<'a, P> {
    peers: &'a P,
    incoming: &'a Incoming,
    manifest: aula_ledger::types::Hash,
    wanted: Mutex<Wanted>,
    liars: Mutex<BTreeSet<PeerId>>,
}

/// The snapshot on disk, every chunk the one that the manifest names; none when its peers do not give all of it.
pub(super) async fn all<P: Peers>(
    newcomer: &Newcomer,
    peers: &P,
    group: &[Offer],
    liars: &mut BTreeSet<PeerId>,
) -> Option<Kept> {
    let first = group.first()?;
    let manifest = &first.verified.manifest;
    let root = newcomer.home.snapshots_dir();
    let incoming = match Incoming::begin(&root, manifest.clone(), &first.chain) {
        Ok(incoming) => incoming,
        Err(error) => {
            tracing::error!(%error, "a snapshot cannot be fetched");
            return None;
        }
    };
    let wanted = Wanted { chunks: (0..manifest.chunks.len()).collect(), under_way: 0, failed: false };
    let work = Work {
        peers,
        incoming: &incoming,
        manifest: manifest.name(),
        wanted: Mutex::new(wanted),
        liars: Mutex::default(),
    };
    let lanes = group.iter().flat_map(|offer| std::iter::repeat_n(offer.peer, AT_ONCE));
    join_all(lanes.map(|peer| work.lane(peer))).await;
    let Work { wanted, liars: found, .. } = work;
    let wanted = wanted.into_inner().unwrap_or_else(PoisonError::into_inner);
    for peer in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        liars.insert(peer);
    }
    if wanted.failed || !wanted.chunks.is_empty() {
        return None;
    }
    match incoming.finish() {
        Ok(kept) => Some(kept),
        Err(error) => {
            tracing::error!(%error, "a fetched snapshot cannot be kept");
            None
        }
    }
}

impl<P: Peers> Work<'_, P> {
    /// Asks one peer for one chunk after another, until there is none left or the peer is left.
    async fn lane(&self, peer: PeerId) {
        let mut unanswered = 0;
        while unanswered < PATIENCE && !self.is_liar(&peer) {
            let next = self.wanted().take();
            let index = match next {
                Next::Chunk(index) => index,
                Next::Wait => {
                    // Another lane's chunk may come back.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                Next::Done => return,
            };
            let ask = Ask::Chunk { manifest: self.manifest, index: u32::try_from(index).unwrap_or(u32::MAX) };
            match self.peers.ask(peer, ask).await {
                Some(Told::Chunk(bytes)) => match self.incoming.chunk(index, &bytes) {
                    Ok(true) => {
                        unanswered = 0;
                        self.wanted().under_way -= 1;
                    }
                    Ok(false) => {
                        tracing::warn!(%peer, index, "a peer sent a chunk that is not the one of its manifest; it is left");
                        self.liars.lock().unwrap_or_else(PoisonError::into_inner).insert(peer);
                        self.wanted().give_back(index);
                    }
                    Err(error) => {
                        tracing::error!(%error, "a chunk cannot be written");
                        let mut wanted = self.wanted();
                        (wanted.failed, wanted.under_way) = (true, wanted.under_way - 1);
                    }
                },
                Some(Told::Busy) => {
                    self.wanted().give_back(index);
                    tokio::time::sleep(BUSY).await;
                }
                _ => {
                    unanswered += 1;
                    self.wanted().give_back(index);
                    tokio::time::sleep(BUSY / 5).await;
                }
            }
        }
    }

    fn is_liar(&self, peer: &PeerId) -> bool {
        self.liars.lock().unwrap_or_else(PoisonError::into_inner).contains(peer)
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next {
    Chunk(usize),
    Wait,
    Done,
}

impl Wanted {
    fn take(&mut self) -> Next {
        if self.failed {
            return Next::Done;
        }
        match self.chunks.pop_front() {
            Some(index) => {
                self.under_way += 1;
                Next::Chunk(index)
            }
            None if self.under_way > 0 => Next::Wait,
            None => Next::Done,
        }
    }

    fn give_back(&mut self, index: usize) {
        self.under_way -= 1;
        self.chunks.push_front(index);
    }
}
