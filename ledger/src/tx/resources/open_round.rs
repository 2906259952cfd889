//! OpenRound, by the class's steward: at height H with v validators, commits and requests may come through H + 2v,
//! reveals through H + 4v, so that every validator has proposed in each window. The sender may lengthen both: at a block a
//! second 2v is seconds, and districts work in days. By how much, a parameter bounds: nothing else can be done to the class
//! meanwhile.
//!
//! A class with a cadence opens one round a period. The period is free again when that round was given up or its
//! decision reverted: nothing that stands came of it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::steward::class_of_steward;
use crate::chain::Code;
use crate::params::MAX_EXTRA_HEIGHTS;
use crate::state::schema::{self, Class, Round, RoundStatus};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::ClassId;
use crate::types::{Height, RoundId, TimeMs};

/// A round of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRound {
    /// Which class; no other round of it is open.
    pub class: ClassId,
    /// Heights added to the window for commits and requests.
    pub extra_request_heights: u32,
    /// Heights added to the window for reveals.
    pub extra_reveal_heights: u32,
}

impl Handler for OpenRound {
    fn check(&self) -> Result<(), Code> {
        require(
            self.extra_request_heights <= MAX_EXTRA_HEIGHTS && self.extra_reveal_heights <= MAX_EXTRA_HEIGHTS,
        )
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let mut class = class_of_steward(context, self.class)?;
        ensure(class.pools > class.retired, Code::NoPools)?;
        let most = context.facts.params.max_extra_heights;
        let fits = self.extra_request_heights.max(self.extra_reveal_heights) <= most;
        ensure(fits, Code::WindowTooLong)?;
        let calendar = class.definition.calendar;
        let now = context.facts.time_ms;
        ensure(calendar.opens_ms <= now && now <= calendar.closes_ms, Code::OutsideCalendar)?;
        if give_up_stale(context, &class)? == Found::NoOpenRound {
            ensure(period_is_free(&class, now), Code::PeriodTaken)?;
        }
        class.opened_ms = Some(now);

        let mut counters = schema::counters(context.overlay)?;
        let id = RoundId(counters.next_round);
        counters.next_round = counters.next_round.saturating_add(1);
        schema::write(context.overlay, schema::counters_key(), &counters);
        class.open_round = Some(id);
        schema::write(context.overlay, schema::class_key(self.class), &class);
        let round = self.round(context, id, &class);
        schema::write(context.overlay, schema::round_key(id), &round);
        context.overlay.put(schema::reveals_end_key(round.reveals_until, id), Vec::new());
        let (requests_until, reveals_until) = (round.requests_until, round.reveals_until);
        Ok(vec![Event::RoundOpened { round: id, requests_until, reveals_until }])
    }
}

impl OpenRound {
    fn round(&self, context: &Context<'_, '_>, id: RoundId, class: &Class) -> Round {
        let facts = context.facts;
        let after = |height: Height, extra: u32| {
            let window = u64::from(facts.validators).saturating_mul(2).saturating_add(u64::from(extra));
            Height(height.0.saturating_add(window))
        };
        let requests_until = after(facts.height, self.extra_request_heights);
        let reveals_until = after(requests_until, self.extra_reveal_heights);
        Round {
            round: id,
            class: self.class,
            school_year: class.definition.school_year,
            opened: facts.height,
            opened_ms: facts.time_ms,
            requests_until,
            reveals_until,
            stale_from: after(reveals_until, 1),
            equity: facts.params.equity,
            terms: class.terms,
            requests: 0,
            pairs: 0,
            status: RoundStatus::Open,
        }
    }
}

/// Lets a new round take the place of one that ran and could not be decided, as with floors that cannot be met. Never by
/// time: whoever dislikes what a draw will bring could wait for that, or keep the others from running it.
fn give_up_stale(context: &mut Context<'_, '_>, class: &Class) -> Result<Found, Refusal> {
    let Some(id) = class.open_round else { return Ok(Found::NoOpenRound) };
    let Some(mut round) = schema::round(context.overlay, id)? else { return Ok(Found::NoOpenRound) };
    let height = context.facts.height;
    let ran_in_vain = schema::refused_run(context.overlay, id)?.is_some();
    ensure(ran_in_vain, Code::RoundOpen)?;
    round.status = RoundStatus::GivenUp { height };
    schema::write(context.overlay, schema::round_key(id), &round);
    Ok(Found::GivenUp)
}

/// What stood in the way of a new round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing.
    NoOpenRound,
    /// A round that nobody could decide.
    GivenUp,
}

/// Whether the class has opened no round in the period that holds `now`.
fn period_is_free(class: &Class, now: TimeMs) -> bool {
    let (cadence, opens_ms) = (class.terms.cadence, class.definition.calendar.opens_ms);
    let Some(period) = cadence.period(opens_ms, now) else { return true };
    class.opened_ms.and_then(|last| cadence.period(opens_ms, last)).is_none_or(|last| last < period)
}
