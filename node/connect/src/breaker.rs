//! When a vault that fails is tried again: a failure is repeated a few times, and many in a row are followed by a rest.
//!
//! A vault that is closed, since a command has it, does not fail: it is waited for. Invariant: while the breaker rests, nothing is
//! tried; after the rest one try decides. Absent: sleeping, and the clock.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How often a failed write is repeated.
pub const RETRIES: u32 = 3;
/// The wait before the first repetition; each later one is twice as long.
pub const WAIT: Duration = Duration::from_millis(200);
/// How far waits are spread.
pub const JITTER: Duration = Duration::from_millis(50);
/// Failures in a row after which it rests.
pub const FAILURES: u32 = 5;
/// How long it rests.
pub const REST: Duration = Duration::from_secs(30);

/// The breaker of one sink.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    since: Option<Instant>,
}

impl Breaker {
    /// How long it rests still; none when a try is allowed.
    pub fn rests(&self, now: Instant) -> Option<Duration> {
        let left = REST.checked_sub(now.saturating_duration_since(self.since?))?;
        (!left.is_zero()).then_some(left)
    }

    /// A try failed.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.since = Some(now);
        }
    }

    /// A try did not fail.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

/// How long to wait before a repetition, counted from 0.
pub fn wait(repetition: u32) -> Duration {
    let spread = RandomState::new().hash_one(repetition) % (JITTER.as_millis() as u64 + 1);
    WAIT.saturating_mul(1 << repetition.min(16)) + Duration::from_millis(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_rest_for_half_a_minute_and_one_success_forgets_them() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES - 1 {
            breaker.failed(now);
        }
        assert_eq!(breaker.rests(now), None);
        breaker.failed(now);
        assert_eq!(breaker.rests(now), Some(REST));
        assert_eq!(breaker.rests(now + REST), None, "one try is allowed");
        // That one fails, too: it rests anew.
        breaker.failed(now + REST);
        assert_eq!(breaker.rests(now + REST), Some(REST));
        breaker.succeeded();
        assert_eq!(breaker.rests(now + REST), None);
        breaker.failed(now + REST);
        assert_eq!(breaker.rests(now + REST), None);
    }

    #[test]
    fn waits_double_within_their_spread() {
        for (repetition, least) in [(0, 200), (1, 400), (2, 800)] {
            let least = Duration::from_millis(least);
            assert!((least..=least + JITTER).contains(&wait(repetition)));
        }
    }
}
