//! How old blocks are when they become final here. Blocks that keep coming old show a clock that is fast, which nothing else
//! does: of a slow one, blocks lie in its future.
//!
//! Who asks notes only what says something of the clock: blocks that came as proposals in the round that decided them, for which
//! they were built when it began. One that was fetched is as old as this node is slow, and ends the row. The age is taken when a
//! block is final, so a chain that idles, and one that stands, raise no alarm. One old block shows nothing: a quorum that is lost
//! in the middle of a height decides hours later.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A block of its own round is no older than the longest time to propose in any round, six seconds, and what its votes take.
const LATE_MS: u64 = 10_000;
/// So many late ones in a row are no accident.
const IN_A_ROW: u32 = 5;

#[derive(Debug, Default)]
struct Inner {
    /// Late blocks in a row.
    late: u32,
    /// The age of the newest of them.
    age_ms: u64,
}

/// What one block changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Blocks keep coming late.
    Late,
    /// They did, and do no more.
    Fresh,
    /// They did, and nothing shows any more whether they do.
    Untold,
}

/// Written by the driver, read by whoever shows it.
#[derive(Debug, Default)]
pub(crate) struct Lateness(Mutex<Inner>);

impl Lateness {
    /// A block came that is this old.
    pub(crate) fn came(&self, age_ms: u64) -> Option<News> {
        let mut inner = self.lock();
        if age_ms <= LATE_MS {
            let was_late = inner.late >= IN_A_ROW;
            *inner = Inner::default();
            return was_late.then_some(News::Fresh);
        }
        inner.late = inner.late.saturating_add(1);
        inner.age_ms = age_ms;
        (inner.late == IN_A_ROW).then_some(News::Late)
    }

    /// A block came whose age says nothing of the clock: those before it and after it are no row.
    pub(crate) fn interrupted(&self) -> Option<News> {
        let before = std::mem::take(&mut *self.lock());
        (before.late >= IN_A_ROW).then_some(News::Untold)
    }

    /// What is to be said of this machine's clock, with the next step; none while blocks come fresh.
    pub(crate) fn words(&self) -> Option<String> {
        let (late, age_ms) = {
            let inner = self.lock();
            (inner.late, inner.age_ms)
        };
        (late >= IN_A_ROW).then(|| {
            format!(
                "blocks keep arriving {} s old: this machine's clock is fast, or those of the validators are slow. Set it by NTP \
                 (timedatectl set-ntp true, or chrony): while it is fast, the others refuse the blocks that this node proposes",
                age_ms / 1_000
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_an_hour_fast_is_said_once_after_five_blocks_and_taken_back_by_one_that_is_fresh() {
        let lateness = Lateness::default();
        let hour = 3_600_000;
        let news: Vec<_> = (0..7).map(|n| lateness.came(hour + n)).collect();
        assert_eq!(news, [None, None, None, None, Some(News::Late), None, None]);
        assert!(lateness.words().is_some_and(|words| words.contains("3600 s old") && words.contains("NTP")));
        assert_eq!(lateness.came(900), Some(News::Fresh));
        assert_eq!(lateness.words(), None);
        assert_eq!(lateness.came(900), None);
    }

    #[test]
    fn late_blocks_between_others_whose_age_says_nothing_are_no_row() {
        let lateness = Lateness::default();
        for _ in 0..20 {
            assert!((1..IN_A_ROW).all(|_| lateness.came(LATE_MS + 1).is_none()));
            assert_eq!(lateness.interrupted(), None, "nothing was said");
            assert_eq!(lateness.words(), None);
        }
        // Said, and then the node fetches its blocks: nothing shows it any more, which is said once.
        assert!((0..IN_A_ROW).any(|_| lateness.came(LATE_MS + 1) == Some(News::Late)));
        assert_eq!((lateness.interrupted(), lateness.interrupted()), (Some(News::Untold), None));
        assert_eq!(lateness.words(), None);
        assert_eq!(lateness.came(0), None);
    }

    #[test]
    fn blocks_that_are_late_now_and_then_show_nothing() {
        let lateness = Lateness::default();
        for _ in 0..20 {
            assert!((1..IN_A_ROW).all(|_| lateness.came(LATE_MS + 1).is_none()));
            assert_eq!(lateness.came(LATE_MS), None);
            assert_eq!(lateness.words(), None);
        }
    }
}
