//! What a class is and asks: its kinds, its table of costs, its calendar, and the terms beyond its costs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::names::{Name, Title};
use crate::types::{AccountId, ClassId, SchoolYear, TimeMs};

/// When rounds of a class may be opened, in block time; how often, its terms say ([`Cadence`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Not before.
    pub opens_ms: TimeMs,
    /// Not after; later than `opens_ms`.
    pub closes_ms: TimeMs,
}

/// A class of resources in one school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefineClass {
    /// Its number, not yet taken.
    pub class: ClassId,
    /// What people call it.
    pub title: Title,
    /// The school year whose handles may request.
    pub school_year: SchoolYear,
    /// The kinds, 1 to 32, all different; [`crate::types::KindId`] is the position.
    pub kinds: Vec<Name>,
    /// Cost of tier 0, 1, 2; each at most [`crate::params::MAX_TIER_COST`].
    pub tier_costs: [u32; 3],
    /// Cost of each further rank; at most [`crate::params::MAX_RANK_STEP`].
    pub rank_step: u32,
    /// Cost of waiting, at most twice the largest table cost; none: everyone must be placed.
    pub waitlist_cost: Option<u32>,
    /// When rounds may be opened.
    pub calendar: Calendar,
    /// Who runs it: defines its pools, opens and runs its rounds, sets its terms. None: the sender. A vote names another.
    #[serde(default)]
    pub steward: Option<AccountId>,
}

impl DefineClass {
    /// The largest cost the table gives: the highest tier's at the last rank.
    pub fn largest_table_cost(&self) -> u32 {
        let ranks = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let highest = self.tier_costs.iter().copied().max().unwrap_or(0);
        highest.saturating_add(self.rank_step.saturating_mul(ranks))
    }
}

/// The schools' fair share. See [`crate::rounds`] for how shares follow from requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FairShare {
    /// Weighted cost of each student that a school places beyond its share;
    /// at most [`crate::params::MAX_SHARE_PENALTY`].
    pub penalty: u32,
    /// How much of its share a school is guaranteed, in percent 0..=100, rounded down to whole students and never
    /// more than it has.
    pub min_share_percent: u8,
}

/// How often a class may open a round. Periods are counted in block time from the opening of the class's calendar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Cadence {
    /// Whenever no round is open.
    #[default]
    OnDemand = 0,
    /// Once an hour.
    Hourly = 1,
    /// Once in 24 hours.
    Daily = 2,
    /// Once in seven days.
    Weekly = 3,
}

impl Cadence {
    /// Milliseconds of a period; none on demand.
    pub const fn period_ms(self) -> Option<u64> {
        const HOUR_MS: u64 = 60 * 60 * 1_000;
        match self {
            Self::OnDemand => None,
            Self::Hourly => Some(HOUR_MS),
            Self::Daily => Some(24 * HOUR_MS),
            Self::Weekly => Some(7 * 24 * HOUR_MS),
        }
    }

    /// Number of the period that holds `time_ms`, counted from `opens_ms`; none on demand.
    pub fn period(self, opens_ms: TimeMs, time_ms: TimeMs) -> Option<u64> {
        time_ms.0.saturating_sub(opens_ms.0).checked_div(self.period_ms()?)
    }
}

/// What a class asks beyond its costs. The default asks nothing.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct ClassTerms {
    /// The schools' fair share; none: schools do not matter.
    pub fair_share: Option<FairShare>,
    /// Block time in milliseconds within which a school acknowledges its places; none: it need not.
    /// Special-education aids: [`crate::params::DEFAULT_ACKNOWLEDGE_MS`].
    pub acknowledge_within_ms: Option<u64>,
    /// How often it may open a round.
    #[serde(default)]
    pub cadence: Cadence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_start_at_the_calendars_opening_and_last_their_length() {
        let opens = TimeMs(500);
        for (cadence, length) in
            [(Cadence::Hourly, 3_600_000), (Cadence::Daily, 86_400_000), (Cadence::Weekly, 604_800_000)]
        {
            let period = |after: u64| cadence.period(opens, TimeMs(500 + after));
            assert_eq!((period(0), period(length - 1), period(length)), (Some(0), Some(0), Some(1)));
        }
        assert_eq!(Cadence::OnDemand.period(opens, TimeMs(9_999_999_999)), None);
        assert_eq!(Cadence::Hourly.period(opens, TimeMs(0)), Some(0));
    }
}
