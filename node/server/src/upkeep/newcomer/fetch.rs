//! The chunks of one manifest, from all who offer it.
//!
//! Nobody is waited for without end: a peer that gives nothing, or is always busy, is left after some answers; those who together
//! give too little within a time are given up, and named.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aula_consensus::snapshots::{Ask, Told};
use futures::future::join_all;
use libp2p_identity::PeerId;

use super::{Known, Newcomer, Offer, Peers};
use aula_store::snapshots::{Incoming, Kept, Manifest, SnapshotError};

/// Requests to one peer at once: the next is on its way while one is answered.
const AT_ONCE: usize = 2;
/// Answers in a row that a peer may leave out before it is left.
const PATIENCE: u32 = 5;
/// Chunks that must come within [`Patience::window`], or all that are left: a peer that gives one now and then holds nobody up.
const LEAST_CHUNKS: usize = 12;

/// How long peers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long a peer that is busy is left alone; twice as long each time in a row.
    pub busy: Duration,
    /// In which time some chunks must come.
    pub window: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { busy: Duration::from_millis(500), window: Duration::from_secs(60) }
    }
}

/// What is still to be had.
struct Wanted {
    chunks: VecDeque<usize>,
    under_way: usize,
    /// Why this machine cannot keep what comes.
    failed: Option<SnapshotError>,
}

struct Work<'a, P> {
    peers: &'a P,
    incoming: &'a Incoming,
    manifest: aula_ledger::types::Hash,
    patience: Patience,
    wanted: Mutex<Wanted>,
    found: Mutex<Found>,
}

/// What each peer turned out to be.
#[derive(Default)]
struct Found {
    liars: BTreeSet<PeerId>,
    given: BTreeMap<PeerId, usize>,
}

/// The snapshot on disk, every chunk the one that the manifest names; none when its peers do not give all of it.
///
/// # Errors
/// When this machine cannot keep it.
pub(super) async fn all<P: Peers>(
    newcomer: &Newcomer,
    peers: &P,
    group: &[Offer],
    known: &mut Known,
) -> Result<Option<Kept>, SnapshotError> {
    let Some(first) = group.first() else { return Ok(None) };
    let manifest = &first.manifest;
    let root = newcomer.home.snapshots_dir();
    if let Some(kept) = fetched_before(&root, manifest, &first.chain) {
        return Ok(Some(kept));
    }
    let incoming = Incoming::begin(&root, manifest.clone(), &first.chain)?;
    let wanted = Wanted { chunks: (0..manifest.chunks.len()).collect(), under_way: 0, failed: None };
    let work = Work {
        peers,
        incoming: &incoming,
        manifest: manifest.name(),
        patience: newcomer.patience,
        wanted: Mutex::new(wanted),
        found: Mutex::default(),
    };
    let lanes = group.iter().flat_map(|offer| std::iter::repeat_n(offer.peer, AT_ONCE));
    tokio::select! {
        _ = join_all(lanes.map(|peer| work.lane(peer))) => {}
        () = work.stalls() => {}
    }
    let Work { wanted, found, .. } = work;
    let wanted = wanted.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    known.liars.extend(found.liars);
    if let Some(error) = wanted.failed {
        return Err(error);
    }
    if wanted.left() == 0 {
        return incoming.finish().map(Some);
    }
    for peer in group.iter().map(|offer| offer.peer).filter(|peer| !known.liars.contains(peer)) {
        let (chunks, of) = (found.given.get(&peer).copied().unwrap_or_default(), manifest.chunks.len());
        tracing::warn!(%peer, chunks, of, "a peer does not give the snapshot that it offers; others are tried first");
        known.slow.insert(peer);
    }
    Ok(None)
}

/// One that was fetched already, of which this machine could not make a database.
fn fetched_before(root: &Path, manifest: &Manifest, chain: &[u8]) -> Option<Kept> {
    let kept = Kept::of_height(root, manifest.height).ok()?;
    let is_same = kept.manifest == *manifest && kept.chain_bytes().is_ok_and(|kept| kept == chain);
    is_same.then_some(kept)
}

impl<P: Peers> Work<'_, P> {
    /// Ends when too little came for too long.
    async fn stalls(&self) {
        loop {
            let before = self.wanted().left();
            tokio::time::sleep(self.patience.window).await;
            let came = before.saturating_sub(self.wanted().left());
            if came < before.min(LEAST_CHUNKS) {
                return;
            }
        }
    }

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
                        *self.found().given.entry(peer).or_default() += 1;
                    }
                    Ok(false) => {
                        tracing::warn!(%peer, index, "a peer sent a chunk that is not the one of its manifest; it is left");
                        self.found().liars.insert(peer);
                        self.wanted().give_back(index);
                    }
                    Err(error) => {
                        let mut wanted = self.wanted();
                        (wanted.failed, wanted.under_way) = (Some(error), wanted.under_way - 1);
                    }
                },
                told => {
                    self.wanted().give_back(index);
                    let pause = match told {
                        Some(Told::Busy) => self.patience.busy * 2_u32.pow(unanswered),
                        _ => self.patience.busy / 5,
                    };
                    unanswered += 1;
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn is_liar(&self, peer: &PeerId) -> bool {
        self.found().liars.contains(peer)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
        if self.failed.is_some() {
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

    /// How many have not come.
    fn left(&self) -> usize {
        self.chunks.len() + self.under_way
    }

    fn give_back(&mut self, index: usize) {
        self.under_way -= 1;
        self.chunks.push_front(index);
    }
}
