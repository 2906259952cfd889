//! Whether the home acts, as whoever watches the node is told it.
//!
//! Nothing limits how often `/acting` is asked, and a look reads the pair's permit from the disk that each write of the district needs. So
//! what was seen is told again for [`KEPT_MS`], one asker at a time looks anew, and the others are told what was seen before, for
//! [`STALE_MS`] at most: a disk that hangs holds up one of them. Invariants: no lock; what decides over a write or a family's page looks
//! itself. Absent: why the home does not act.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// For so long it is told again: a proxy asks once a second.
const KEPT_MS: u64 = 50;
/// What is older says nothing. A lease leaves as much between the end of one turn and the next: a fifth of half a second or more.
const STALE_MS: u64 = 100;
/// Nothing was seen yet.
const NEVER: u64 = u64::MAX;

/// What was seen last.
#[derive(Debug)]
pub(crate) struct Acting {
    /// When, twice the milliseconds of the asker's clock, and one where the home acted.
    seen: AtomicU64,
    /// Somebody looks now.
    looking: AtomicBool,
}

impl Default for Acting {
    fn default() -> Self {
        Self { seen: AtomicU64::new(NEVER), looking: AtomicBool::new(false) }
    }
}

impl Acting {
    /// Whether it acts, by a look of this moment or by one before it.
    pub(crate) fn told(&self, now_ms: u64, look: impl FnOnce() -> bool) -> bool {
        let seen = self.seen.load(Ordering::SeqCst);
        let (age_ms, acted) = (now_ms.saturating_sub(seen >> 1), seen != NEVER && seen & 1 == 1);
        if seen != NEVER && age_ms < KEPT_MS {
            return acted;
        }
        if self.looking.swap(true, Ordering::SeqCst) {
            return acted && age_ms < STALE_MS;
        }
        let _turn = Turn(&self.looking);
        let acts = look();
        self.seen.store((now_ms << 1) | u64::from(acts), Ordering::SeqCst);
        acts
    }
}

/// One asker's turn to look. It ends where the look panics too: a home that acts would be told not to for ever.
struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn however_often_it_is_asked_it_looks_once_in_a_while() {
        let (acting, mut looks) = (Acting::default(), 0);
        for asked in 0..100_000_u64 {
            // A hundred a millisecond.
            assert!(acting.told(asked / 100, || {
                looks += 1;
                true
            }));
        }
        assert_eq!(looks, 1_000 / KEPT_MS);
        assert!(!acting.told(1_000 + KEPT_MS, || false), "what is seen now is told now");
        assert!(!acting.told(1_000 + KEPT_MS, || true), "and for a while");
    }

    #[test]
    fn a_look_that_hangs_holds_up_one_asker_and_the_others_are_told_what_was_seen_until_it_is_old() {
        let acting = Acting::default();
        assert!(acting.told(0, || true));
        let seen = &acting;
        std::thread::scope(|scope| {
            let ((begun, begins), (end, ends)) = (channel(), channel::<()>());
            let hanging = scope
                .spawn(move || seen.told(KEPT_MS, || begun.send(()).is_ok_and(|()| ends.recv().is_ok())));
            assert!(begins.recv().is_ok());
            let never = || -> bool { unreachable!("one looks already") };
            assert!(acting.told(STALE_MS - 1, never));
            assert!(!acting.told(STALE_MS, never), "who knows whether it still acts");
            assert!(end.send(()).is_ok());
            assert!(hanging.join().is_ok_and(|acts| acts));
        });
        assert!(!acting.told(STALE_MS + KEPT_MS, || false));
    }

    #[test]
    fn the_first_look_holds_up_one_asker_too() {
        let (acting, mut inner) = (Acting::default(), true);
        assert!(acting.told(0, || {
            inner = acting.told(0, || unreachable!("one looks already"));
            true
        }));
        assert!(!inner, "nothing was seen yet");
        assert!(acting.told(1, || unreachable!("it was seen")));
    }

    #[test]
    fn after_a_look_that_panicked_the_next_asker_looks() {
        let acting = Acting::default();
        let broken = std::thread::scope(|scope| scope.spawn(|| acting.told(0, || panic!("the disk"))).join());
        assert!(broken.is_err());
        assert!(acting.told(0, || true));
    }
}
