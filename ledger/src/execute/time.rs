//! What a block may say about the time: a rule of the ledger, in which no clock takes part.
//!
//! A block is later than its parent, by at most a day. Whoever proposes cannot end the chain with it: after any
//! block that this rule admits there is another moment that it admits, until the last second of the year 9999. Whether
//! a time is near the present is asked of validators' clocks, before they vote, and never again
//! (`consensus/src/proposal.rs`).

use crate::types::TimeMs;

/// Most milliseconds between a block and its parent: a day. A chain that has stood still for longer comes up with the
/// clocks in as many blocks.
pub const MAX_STEP_MS: u64 = 24 * 60 * 60 * 1000;
/// How far ahead of a validator's clock a block that comes over the network may be, in milliseconds. No rule of the ledger,
/// which knows no clock; consensus and the node's readiness ask theirs.
pub const MAX_AHEAD_MS: u64 = 500;
/// The last moment that a block may name: 9999-12-31 23:59:59 UTC, the last that every calendar can print.
pub const LAST_MS: u64 = 253_402_300_799_000;

/// The latest time that a block after `parent` may have.
pub fn latest_after(parent: TimeMs) -> TimeMs {
    TimeMs(parent.0.saturating_add(MAX_STEP_MS).min(LAST_MS))
}

/// Whether `time` may follow `parent`.
pub fn may_follow(parent: TimeMs, time: TimeMs) -> bool {
    parent < time && time <= latest_after(parent)
}

/// The time of a block that is proposed at `now`: the clock's, moved into what the rule admits. `None`, a clock that
/// cannot be read, gives the parent's + 1 ms.
pub fn proposed(parent: TimeMs, now_ms: Option<u64>) -> TimeMs {
    let earliest = parent.0.saturating_add(1);
    TimeMs(now_ms.unwrap_or(0).max(earliest).min(latest_after(parent).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_later_than_its_parent_by_at_most_a_day_and_within_the_year_9999() {
        let rows = [
            (1_000, 1_000, false),
            (1_000, 999, false),
            (1_000, 1_001, true),
            (1_000, 1_000 + MAX_STEP_MS, true),
            (1_000, 1_001 + MAX_STEP_MS, false),
            (1_000, u64::MAX, false),
            (LAST_MS - 1, LAST_MS, true),
            (LAST_MS - 1, LAST_MS + 1, false),
            (u64::MAX, u64::MAX, false),
        ];
        for (parent, time, expected) in rows {
            assert_eq!(may_follow(TimeMs(parent), TimeMs(time)), expected, "{time} after {parent}");
        }
    }

    #[test]
    fn a_proposer_takes_its_clock_as_far_as_the_rule_admits() {
        let rows = [
            (Some(7_000), 7_000),
            (Some(5_000), 5_001),
            (Some(0), 5_001),
            (None, 5_001),
            (Some(u64::MAX), 5_000 + MAX_STEP_MS),
        ];
        for (now, expected) in rows {
            assert_eq!(proposed(TimeMs(5_000), now), TimeMs(expected), "at {now:?}");
        }
    }
}
