//! Hybrid logical clock: where an event stands in the order that all replicas share.
//!
//! Purpose: wall clocks of schools disagree; an order that uses them alone would put an answer before its
//! question. A stamp is (milliseconds, counter): it never goes back on one machine, and a machine that has
//! seen another's stamp issues later ones. (Kulkarni et al., "Logical Physical Clocks", 2014.)
//! Flow: the machine that records an event calls [`HybridClock::tick`] with its wall time; one that receives
//! events calls [`HybridClock::observe`]; the first server that ingests an event calls [`Skew::judge`] once
//! and writes the verdict into the event. Invariants: stamps of one clock ascend strictly. Absent: reading a
//! clock. The wall time is an argument.

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

/// Latest wall time a stamp may carry: 31 December 9999, in milliseconds since 1970. Keeps sums of times
/// far from overflow.
pub const MAX_WALL_MS: u64 = 253_402_300_799_999;

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

/// A moment in the shared order: wall milliseconds since 1970 (0..=[`MAX_WALL_MS`]), then a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Stamp {
    wall_ms: u64,
    counter: u32,
}

/// Why a stamp could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClockError {
    /// The wall time lies after the year 9999.
    #[error("wall time {0} ms lies after the year 9999")]
    TooLate(u64),
    /// More than 2^32 stamps within one millisecond.
    #[error("more than 2^32 stamps within one millisecond")]
    Exhausted,
}

impl Stamp {
    /// A stamp from its parts.
    ///
    /// # Errors
    /// [`ClockError::TooLate`] past [`MAX_WALL_MS`].
    pub const fn new(wall_ms: u64, counter: u32) -> Result<Self, ClockError> {
        if wall_ms > MAX_WALL_MS {
            return Err(ClockError::TooLate(wall_ms));
        }
        Ok(Self { wall_ms, counter })
    }

    /// Wall time, milliseconds since 1970.
    #[must_use]
    pub const fn wall_ms(self) -> u64 {
        self.wall_ms
    }

    /// Counter within the millisecond.
    #[must_use]
    pub const fn counter(self) -> u32 {
        self.counter
    }
}

impl BorshDeserialize for Stamp {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let wall_ms = u64::deserialize_reader(reader)?;
        let counter = u32::deserialize_reader(reader)?;
        Self::new(wall_ms, counter).map_err(|e| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e))
    }
}

/// The clock of one source of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HybridClock {
    last: Option<Stamp>,
}

impl HybridClock {
    /// A clock that issues only stamps after `last`: what a restarted source resumes with.
    #[must_use]
    pub const fn resume(last: Option<Stamp>) -> Self {
        Self { last }
    }

    /// The stamp of an event recorded now. `wall_ms` may stand still or go back; the stamp does not.
    ///
    /// # Errors
    /// [`ClockError`] when the wall time is past the year 9999 or the counter is used up.
    pub fn tick(&mut self, wall_ms: u64) -> Result<Stamp, ClockError> {
        let next = match self.last {
            Some(last) if wall_ms <= last.wall_ms => {
                let counter = last.counter.checked_add(1).ok_or(ClockError::Exhausted)?;
                Stamp::new(last.wall_ms, counter)?
            }
            _ => Stamp::new(wall_ms, 0)?,
        };
        self.last = Some(next);
        Ok(next)
    }

    /// Takes note of a stamp from elsewhere: later ticks come after it.
    pub fn observe(&mut self, seen: Stamp) {
        self.last = self.last.max(Some(seen));
    }
}

/// How far an event's wall time was from the clock of the server that ingested it, judged once, there.
/// The verdict travels inside the event, so that every replica folds the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Skew {
    /// Within the bound.
    Within,
    /// The source's clock ran ahead by this many milliseconds: the event's effective time is moved back.
    AheadMs(u64),
    /// The event came this many milliseconds after its wall time: late, or a clock that is behind. The
    /// order is unchanged; the number is for the report on devices.
    BehindMs(u64),
}

impl Skew {
    /// Compares a stamp with the ingesting server's clock under a bound in milliseconds.
    #[must_use]
    pub fn judge(stamp: Stamp, server_ms: u64, bound_ms: u64) -> Self {
        let ahead = stamp.wall_ms.saturating_sub(server_ms);
        let behind = server_ms.saturating_sub(stamp.wall_ms);
        if ahead > bound_ms {
            Self::AheadMs(ahead)
        } else if behind > bound_ms {
            Self::BehindMs(behind)
        } else {
            Self::Within
        }
    }

    /// The wall time that rules about days use, in milliseconds: the server's own when the source ran ahead.
    #[must_use]
    pub fn effective_ms(self, stamp: Stamp) -> u64 {
        match self {
            Self::AheadMs(ms) => stamp.wall_ms.saturating_sub(ms),
            Self::Within | Self::BehindMs(_) => stamp.wall_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_ascend_when_the_wall_clock_goes_back() {
        let mut clock = HybridClock::default();
        let stamps: Vec<_> = [5, 5, 3, 9, 8].into_iter().map(|ms| clock.tick(ms).unwrap()).collect();
        assert!(stamps.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(stamps.last().copied(), Some(Stamp::new(9, 1).unwrap()));
    }

    #[test]
    fn an_answer_comes_after_the_question_it_saw() {
        let (mut school, mut home) = (HybridClock::default(), HybridClock::default());
        let question = school.tick(1_000_000).unwrap();
        home.observe(question);
        assert!(home.tick(10).unwrap() > question);
    }

    #[test]
    fn a_restarted_source_goes_on_after_its_last_stamp() {
        let last = Stamp::new(70, 4).unwrap();
        assert_eq!(HybridClock::resume(Some(last)).tick(1).unwrap(), Stamp::new(70, 5).unwrap());
    }

    #[test]
    fn limits_are_errors() {
        assert_eq!(Stamp::new(MAX_WALL_MS + 1, 0), Err(ClockError::TooLate(MAX_WALL_MS + 1)));
        let mut full = HybridClock::resume(Some(Stamp::new(7, u32::MAX).unwrap()));
        assert_eq!(full.tick(7), Err(ClockError::Exhausted));
        let bytes = borsh::to_vec(&(MAX_WALL_MS + 1, 0_u32)).unwrap();
        assert!(borsh::from_slice::<Stamp>(&bytes).is_err());
    }

    #[test]
    fn skew_moves_the_effective_time_only_when_ahead() {
        let stamp = Stamp::new(10_000, 0).unwrap();
        assert_eq!(Skew::judge(stamp, 9_900, 500), Skew::Within);
        let ahead = Skew::judge(stamp, 4_000, 500);
        assert_eq!((ahead, ahead.effective_ms(stamp)), (Skew::AheadMs(6_000), 4_000));
        let behind = Skew::judge(stamp, 20_000, 500);
        assert_eq!((behind, behind.effective_ms(stamp)), (Skew::BehindMs(10_000), 10_000));
    }
}
