//! Fetching from peers that answer too late, and from peers that send as much as they may.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libp2p_identity::Keypair;

use super::*;
use crate::driver::engine_peer;
use crate::pace::tests::block;
use crate::pace::{MOST_HELD, MOST_SYNCED};
use crate::parts::MAX_BLOCK_BYTES;

/// A node at the genesis, and peers that are far ahead.
struct Fetching {
    syncing: Syncing,
    tip: Arc<AtomicU64>,
    seconds: u64,
    /// Heights of which a block came when it was their turn.
    came: BTreeSet<u64>,
    /// How many heights each request asked for.
    asked: Vec<u64>,
    most_held: usize,
}

impl Fetching {
    fn begin() -> Self {
        let tip = Arc::new(AtomicU64::new(0));
        let mut syncing = Syncing::new(7, Moment::default(), Pace::new(Arc::clone(&tip)));
        syncing.started(Height(1));
        for n in 1..=4u8 {
            let keys = Keypair::ed25519_from_bytes([n; 32]).unwrap();
            let peer_id = engine_peer(&keys.public().to_peer_id()).unwrap();
            syncing.status(Status { peer_id, tip_height: Height(1_000), history_min_height: Height(1) });
        }
        Self { syncing, tip, seconds: 0, came: BTreeSet::new(), asked: Vec::new(), most_held: 0 }
    }

    /// A second, in which each request is answered with the first so many of its blocks, of this size; none: not at all.
    fn second(&mut self, (blocks, bytes): (usize, usize)) {
        for action in self.syncing.actions() {
            match action {
                Action::Ask(peer, number, Request::ValueRequest(asked)) => {
                    let (start, end) = (asked.range.start().0, asked.range.end().0);
                    self.asked.push(end - start + 1);
                    if blocks > 0 {
                        let values = (start..=end).take(blocks).map(|height| block(height, bytes)).collect();
                        let told = ValueResponse::new(Height(start), values);
                        self.syncing.answered(peer, number, Some(Response::ValueResponse(told)));
                    }
                }
                Action::Process(_, value) => drop(self.came.insert(value.certificate.height.0)),
                _ => {}
            }
        }
        self.most_held = self.most_held.max(self.syncing.holds().1);
        self.seconds += 1;
        self.syncing.tick(Moment::after(Duration::from_secs(self.seconds)));
    }

    /// Decides the heights up to this one, each when its block came.
    fn decide_up_to(&mut self, last: u64, answer: (usize, usize)) {
        for height in self.tip.load(Ordering::Relaxed) + 1..=last {
            for _ in 0..60 {
                if self.came.contains(&height) {
                    break;
                }
                self.second(answer);
            }
            assert!(self.came.contains(&height), "height {height} never came");
            self.tip.store(height, Ordering::Relaxed);
            self.syncing.decided(Height(height));
            self.syncing.started(Height(height + 1));
        }
    }
}

#[test]
fn peers_that_answer_too_late_are_asked_for_less_and_for_more_again_once_answers_come() {
    let mut fetching = Fetching::begin();
    for _ in 0..60 {
        fetching.second((0, 0));
    }
    assert_eq!(fetching.asked.first(), Some(&(BATCH as u64)));
    assert_eq!(fetching.asked.last(), Some(&1), "{:?}", fetching.asked);
    fetching.asked.clear();
    fetching.decide_up_to(60, (BATCH, 100));
    assert_eq!(fetching.asked.iter().max(), Some(&(BATCH as u64)), "{:?}", fetching.asked);
}

#[test]
fn peers_that_send_all_they_may_fill_no_memory_and_stop_nobody() {
    let mut fetching = Fetching::begin();
    let two_of_the_largest = (2, MAX_BLOCK_BYTES);
    for _ in 0..30 {
        fetching.second(two_of_the_largest);
    }
    assert!((MOST_HELD..=MOST_SYNCED).contains(&fetching.most_held), "{}", fetching.most_held);
    fetching.decide_up_to(60, two_of_the_largest);
    assert!(fetching.most_held <= MOST_SYNCED, "{}", fetching.most_held);
}
