//! The chunks of one manifest, from all who offer it.
//!
//! How many are under way at once follows the way: few to begin with, one more for each that came in half the time that it may take, half
//! as many where one did not come. All of a line's requests share it, and beyond what it carries within the time of a request none of them
//! comes at all: where twice as many might not, there are no more.
//!
//! Nobody is waited for without end: a peer that gives nothing, or is always busy, is left after some answers; those who together
//! give too little within a time are given up, and named.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aula_consensus::snapshots::{Ask, TIMEOUT, Told};
use futures::future::join_all;
use libp2p_identity::PeerId;

use super::{Known, Newcomer, Offer, Peers};
use aula_store::snapshots::{Incoming, Kept, Manifest, SnapshotError};

/// Requests to one peer at once: the next is on its way while one is answered.
const AT_ONCE: usize = 2;
/// Chunks under way at once over all peers, to begin with and at least: four come in 17 s over 2 Mbit/s, within the time of a request.
const FEW: usize = 4;
/// Most of them: MiBs that answers take in memory.
const MANY: usize = 64;
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
    /// How many may be.
    at_once: usize,
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
    let wanted = Wanted::of(manifest.chunks.len());
    let work = Work {
        peers,
        incoming: &incoming,
        manifest: manifest.name(),
        patience: newcomer.patience,
        wanted: Mutex::new(wanted),
        found: Mutex::default(),
    };
    // Everybody once before anybody twice: a few that are silent do not have all the places.
    let lanes = std::iter::repeat_n(group, AT_ONCE).flatten().map(|offer| offer.peer);
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
            let next = self.wanted().take(unanswered);
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
            let asked = Instant::now();
            let given = self.peers.ask(peer, ask).await;
            let took = asked.elapsed();
            match given.as_ref().map(|given| &given.told) {
                Some(Told::Chunk(bytes)) => match self.incoming.chunk(index, bytes) {
                    Ok(true) => {
                        unanswered = 0;
                        self.wanted().came(took);
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
                        Some(_) => self.patience.busy / 5,
                        None => {
                            self.wanted().late();
                            self.patience.busy / 5
                        }
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
    fn of(chunks: usize) -> Self {
        Self { chunks: (0..chunks).collect(), under_way: 0, at_once: FEW, failed: None }
    }

    /// The next one for a peer that left out so many answers in a row: it has a place only where others leave as many.
    fn take(&mut self, unanswered: u32) -> Next {
        if self.failed.is_some() {
            return Next::Done;
        }
        let before = self.under_way.saturating_add(usize::try_from(unanswered).unwrap_or(usize::MAX));
        if self.under_way > 0 && before >= self.at_once {
            return Next::Wait;
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

    /// One came after so long. Where each of some brings another one, twice as many are under way.
    fn came(&mut self, took: Duration) {
        self.under_way -= 1;
        if took < TIMEOUT / 2 {
            self.at_once = (self.at_once + 1).min(MANY);
        }
    }

    /// One did not come in time.
    fn late(&mut self) {
        self.at_once = (self.at_once / 2).max(FEW);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many a peer may have that left out so many answers, and are under way then.
    fn taken(wanted: &mut Wanted, unanswered: u32) -> usize {
        (0..100).take_while(|_| matches!(wanted.take(unanswered), Next::Chunk(_))).count()
    }

    #[test]
    fn few_chunks_are_under_way_at_first_more_as_they_come_and_half_as_many_when_one_is_late() {
        let mut wanted = Wanted::of(1_000);
        assert_eq!(taken(&mut wanted, 0), FEW);
        (0..FEW).for_each(|_| wanted.came(Duration::ZERO));
        assert_eq!(taken(&mut wanted, 0), 2 * FEW);
        wanted.late();
        (0..FEW).for_each(|_| wanted.give_back(7));
        assert_eq!(taken(&mut wanted, 0), 0, "as many as may be are under way");
        wanted.give_back(7);
        assert_eq!(taken(&mut wanted, 0), 1);
        (0..10).for_each(|_| wanted.late());
        assert_eq!(wanted.at_once, FEW);
        for _ in 0..200 {
            wanted.came(Duration::ZERO);
            taken(&mut wanted, 0);
        }
        assert_eq!(wanted.at_once, MANY);
    }

    /// Over 2 Mbit/s four come in 17 s, and of eight none would in 20.
    #[test]
    fn what_comes_so_late_that_twice_as_many_would_not_brings_no_more() {
        let mut wanted = Wanted::of(100);
        for _ in 0..3 {
            assert_eq!(taken(&mut wanted, 0), FEW);
            (0..FEW).for_each(|_| wanted.came(Duration::from_secs(17)));
        }
        assert_eq!(taken(&mut wanted, 0), FEW);
        (0..FEW).for_each(|_| wanted.came(Duration::from_secs(9)));
        assert_eq!(taken(&mut wanted, 0), 2 * FEW);
    }

    #[test]
    fn who_leaves_answers_out_has_the_places_that_others_leave_and_one_where_it_is_alone() {
        let mut wanted = Wanted::of(100);
        assert_eq!(taken(&mut wanted, 2), FEW - 2);
        assert_eq!(taken(&mut wanted, 0), 2);
        let mut alone = Wanted::of(100);
        assert_eq!(taken(&mut alone, PATIENCE), 1);
    }
}
