//! When the key-encryption key is due to be rotated. A date that is looked at, never one that stops anything.
//!
//! A clock that jumps ahead makes a rotation due early; one that jumps back makes it due late or says that the
//! clock is behind. Records open in either case: no key ever expires.

use serde::Serialize;

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// A key-encryption key serves this long before it should be replaced.
pub const ROTATE_EVERY_MS: u64 = 90 * DAY_MS;

/// What the clock says about the key in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "rotation")]
pub enum Rotation {
    /// Nothing to do for so many days, rounded up.
    Fresh {
        /// Whole days, at least 1.
        days_left: u64,
    },
    /// Rotate now; it has been due for so many days, rounded down.
    Due {
        /// Whole days, from 0.
        days_over: u64,
    },
    /// The clock is before the day the key was made: set the clock. Nothing else changes.
    ClockBehind,
}

impl Rotation {
    /// Of a key made at `created_ms`, by a clock that says `now_ms`; both since 1970.
    pub fn at(created_ms: u64, now_ms: u64) -> Self {
        let due_ms = created_ms.saturating_add(ROTATE_EVERY_MS);
        if now_ms < created_ms {
            Self::ClockBehind
        } else if now_ms < due_ms {
            Self::Fresh { days_left: (due_ms - now_ms).div_ceil(DAY_MS) }
        } else {
            Self::Due { days_over: (now_ms - due_ms) / DAY_MS }
        }
    }

    /// True when it should be rotated now.
    pub const fn is_due(self) -> bool {
        matches!(self, Self::Due { .. })
    }
}

impl std::fmt::Display for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fresh { days_left } => write!(f, "rotation is due in {days_left} days"),
            Self::Due { days_over: 0 } => f.write_str("rotation is due today: run `aula vault rotate`"),
            Self::Due { days_over } => {
                write!(f, "rotation has been due for {days_over} days: run `aula vault rotate`")
            }
            Self::ClockBehind => f.write_str("this clock is before the day the key was made: set the clock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_after_ninety_days_and_a_jumped_clock_says_so() {
        let made = 1_700_000_000_000;
        let after = |days: u64| Rotation::at(made, made + days * DAY_MS);
        assert_eq!(after(0), Rotation::Fresh { days_left: 90 });
        assert_eq!(Rotation::at(made, made + 1), Rotation::Fresh { days_left: 90 });
        assert_eq!(after(89), Rotation::Fresh { days_left: 1 });
        assert_eq!(after(90), Rotation::Due { days_over: 0 });
        assert_eq!(after(90 + 730), Rotation::Due { days_over: 730 });
        assert_eq!(Rotation::at(made, made - 1), Rotation::ClockBehind);
        assert_eq!(Rotation::at(u64::MAX, u64::MAX), Rotation::Due { days_over: 0 });
    }
}
