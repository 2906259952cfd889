//! How many blocks are asked of peers at once, and how many bytes of them wait.
//!
//! A node that is behind asks several peers at once, each for some heights, and what comes waits in the engine until its height is
//! there: whether a block is true is seen no earlier. So two things need a bound. Behind a slow way whole answers come too late, one
//! like the other, and nothing is ever fetched: each request that is answered too late halves what the next ones ask for, each that is
//! answered lets it grow by one. And peers that send as much as they may would fill the memory: once [`MOST_HELD`] wait, nothing is
//! asked for but the next height, of which nothing waits.
//!
//! Whoever lies gains little: a peer that never answers is one that is slow, until another answers; bytes that the engine threw away
//! count until their heights are past, and meanwhile the chain is fetched a request at a time.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_malachitebft_core_types::ExtendedCommitSignature;
use arc_malachitebft_sync::{Response, ValueRequest};
use aula_ledger::chain::validators::MAX_VALIDATORS;

use crate::context::{AulaContext, Height};

/// Most heights of a request, asked or answered. Five requests at once are more than any machine executes in one way across the
/// network and back.
pub(crate) const BATCH: usize = 8;
/// Requests that the engine has under way at most.
pub(crate) const REQUESTS: usize = 5;
/// Bytes of blocks that may wait before no more are asked for.
pub(crate) const MOST_HELD: usize = 32 << 20;
/// Largest answer that is read. Older programs answer with blocks of 8 MiB and their certificates.
pub(crate) const MOST_ANSWER: usize = 10 << 20;
/// What may wait in all, since what is under way still comes: signatures take more in memory than on the line.
pub(crate) const MOST_SYNCED: usize =
    MOST_HELD + REQUESTS * (MOST_ANSWER + BATCH * MAX_VALIDATORS * SIGNATURE_BYTES);
/// Bytes of blocks in an answer that this node gives; one block may be larger and goes alone. Five such answers come in 8 s over
/// 2 Mbit/s, within the time of a request.
pub(crate) const ANSWER_BYTES: usize = 384 << 10;
/// How far above the next height an answer may lie and be counted: farther ones were not asked for.
const AHEAD: u64 = 256;
/// What a signature of a certificate takes in memory.
const SIGNATURE_BYTES: usize = size_of::<ExtendedCommitSignature<AulaContext>>();

#[derive(Debug)]
struct Inner {
    /// Heights of the next request.
    heights: usize,
    /// Bytes that came of heights that are not decided.
    held: BTreeMap<u64, usize>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The last decided height.
    tip: Arc<AtomicU64>,
    inner: Mutex<Inner>,
}

impl Pace {
    /// Of a session whose last decided height stands there.
    pub(crate) fn new(tip: Arc<AtomicU64>) -> Self {
        Self { tip, inner: Mutex::new(Inner { heights: BATCH, held: BTreeMap::new() }) }
    }

    /// What is asked for now of what the engine would ask for; nothing while enough waits.
    pub(crate) fn shortened(&self, request: &ValueRequest<AulaContext>) -> Option<ValueRequest<AulaContext>> {
        let (start, end) = (request.range.start().0, request.range.end().0);
        let next = self.next();
        if start > next && self.held() >= MOST_HELD {
            return None;
        }
        let more = u64::try_from(self.lock().heights.saturating_sub(1)).unwrap_or(0);
        let range: RangeInclusive<Height> = Height(start)..=Height(end.min(start.saturating_add(more)));
        Some(ValueRequest::new(range))
    }

    /// A peer has answered in time.
    pub(crate) fn came(&self, response: &Response<AulaContext>) {
        let Response::ValueResponse(told) = response;
        let next = self.next();
        let mut inner = self.lock();
        // What has more than any request asks for is thrown away whole.
        if told.values.is_empty() || told.values.len() > BATCH {
            return;
        }
        inner.heights = (inner.heights + 1).min(BATCH);
        // Of an answer, the engine keeps heights without a gap from the first on.
        for (height, value) in (told.start_height.0..next.saturating_add(AHEAD)).zip(&told.values) {
            if height >= next {
                let signatures = value.certificate.commit_signatures.len();
                *inner.held.entry(height).or_default() +=
                    value.value_bytes.len() + signatures * SIGNATURE_BYTES;
            }
        }
    }

    /// A request was not answered in time.
    pub(crate) fn late(&self) {
        let mut inner = self.lock();
        inner.heights = (inner.heights / 2).max(1);
    }

    /// Bytes that wait for their heights.
    pub(crate) fn held(&self) -> usize {
        let next = self.next();
        let mut inner = self.lock();
        inner.held = inner.held.split_off(&next);
        inner.held.values().sum()
    }

    fn next(&self) -> u64 {
        self.tip.load(Ordering::Relaxed).saturating_add(1)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use arc_malachitebft_core_types::{ExtendedCommitCertificate, Round};
    use arc_malachitebft_sync::{RawDecidedValue, ValueResponse};
    use aula_ledger::types::Hash;

    fn pace() -> (Arc<AtomicU64>, Pace) {
        let tip = Arc::new(AtomicU64::new(100));
        (Arc::clone(&tip), Pace::new(tip))
    }

    fn asked(pace: &Pace, from: u64, to: u64) -> Option<(u64, u64)> {
        let request = pace.shortened(&ValueRequest::new(Height(from)..=Height(to)))?;
        Some((request.range.start().0, request.range.end().0))
    }

    /// A block that a peer sends, not looked at yet.
    pub(crate) fn block(height: u64, bytes: usize) -> RawDecidedValue<AulaContext> {
        let certificate = ExtendedCommitCertificate {
            height: Height(height),
            round: Round::new(0),
            value_id: Hash([1; 32]),
            commit_signatures: Vec::new(),
        };
        RawDecidedValue::new(vec![0u8; bytes].into(), certificate)
    }

    /// Blocks of these sizes from a height on.
    fn answer(from: u64, sizes: &[usize]) -> Response<AulaContext> {
        let values = (from..=u64::MAX).zip(sizes).map(|(height, bytes)| block(height, *bytes)).collect();
        Response::ValueResponse(ValueResponse::new(Height(from), values))
    }

    #[test]
    fn a_request_that_is_late_halves_what_is_asked_for_and_each_answer_lets_it_grow() {
        let (_, pace) = pace();
        assert_eq!(asked(&pace, 101, 108), Some((101, 108)));
        for heights in [4, 2, 1, 1] {
            pace.late();
            assert_eq!(asked(&pace, 101, 108), Some((101, 100 + heights)));
        }
        assert_eq!(asked(&pace, u64::MAX, u64::MAX), Some((u64::MAX, u64::MAX)));
        pace.came(&answer(101, &[]));
        assert_eq!(asked(&pace, 101, 108), Some((101, 101)), "nothing came");
        for heights in 2..=BATCH as u64 {
            pace.came(&answer(101, &[10]));
            assert_eq!(asked(&pace, 101, 130), Some((101, 100 + heights)));
        }
        pace.came(&answer(101, &[10]));
        assert_eq!(asked(&pace, 101, 130), Some((101, 100 + BATCH as u64)));
    }

    #[test]
    fn an_answer_of_more_than_any_request_asks_for_counts_for_nothing() {
        let (_, pace) = pace();
        pace.late();
        pace.came(&answer(102, &[10; BATCH + 1]));
        assert_eq!((pace.held(), asked(&pace, 110, 117)), (0, Some((110, 113))));
    }

    #[test]
    fn while_enough_bytes_wait_nothing_but_the_next_height_is_asked_for() {
        let (tip, pace) = pace();
        for from in [102, 110] {
            assert_eq!(asked(&pace, from, from + 7), Some((from, from + 7)));
            pace.came(&answer(from, &[MOST_HELD / 16; 8]));
        }
        assert_eq!(pace.held(), MOST_HELD);
        assert_eq!(asked(&pace, 118, 125), None);
        assert_eq!(asked(&pace, 101, 108), Some((101, 108)), "what all the others wait for");
        tip.store(105, Ordering::Relaxed);
        assert_eq!(pace.held(), MOST_HELD / 16 * 12);
        assert_eq!(asked(&pace, 118, 125), Some((118, 125)));
    }

    #[test]
    fn answers_to_nothing_that_was_asked_hold_nothing_up_for_good() {
        let (tip, pace) = pace();
        pace.came(&answer(u64::MAX, &[MOST_HELD; 2]));
        pace.came(&answer(1, &[MOST_HELD; 3]));
        pace.came(&answer(101 + AHEAD, &[MOST_HELD]));
        assert_eq!(pace.held(), 0);
        pace.came(&answer(105, &[MOST_HELD]));
        assert_eq!(asked(&pace, 102, 103), None);
        tip.store(105, Ordering::Relaxed);
        assert_eq!(asked(&pace, 107, 108), Some((107, 108)));
    }
}
