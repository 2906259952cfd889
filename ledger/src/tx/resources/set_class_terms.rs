//! SetClassTerms, by the class's steward: what a class asks beyond its costs: how often it may open a round, the schools' fair share of its
//! places, and whether schools must acknowledge what they receive. In force for rounds opened afterwards: a round keeps
//! the terms it began with.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::steward::class_of_steward;
use crate::chain::Code;
use crate::params::{MAX_ACKNOWLEDGE_MS, MAX_SHARE_PENALTY};
use crate::state::schema;
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{ClassId, TimeMs};

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

/// New terms of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetClassTerms {
    /// Which class; no round of it is open.
    pub class: ClassId,
    /// The terms from now on.
    pub terms: ClassTerms,
}

impl Handler for SetClassTerms {
    fn check(&self) -> Result<(), Code> {
        let share = self.terms.fair_share;
        require(share.is_none_or(|s| s.penalty <= MAX_SHARE_PENALTY && s.min_share_percent <= 100))?;
        let window = self.terms.acknowledge_within_ms;
        require(window.is_none_or(|ms| (1..=MAX_ACKNOWLEDGE_MS).contains(&ms)))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let mut class = class_of_steward(context, self.class)?;
        ensure(class.open_round.is_none(), Code::RoundOpen)?;
        // A share counts who does not wait; where nobody may wait there is nothing to share.
        let waits = class.definition.waitlist_cost.is_some();
        ensure(waits || self.terms.fair_share.is_none(), Code::NoWaitlist)?;
        class.terms = self.terms;
        schema::write(context.overlay, schema::class_key(self.class), &class);
        Ok(vec![Event::ClassTermsSet { class: self.class }])
    }
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
