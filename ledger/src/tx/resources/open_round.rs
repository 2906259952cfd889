//! OpenRound, by the class's steward: with it begins the window for requests and for commitments to shares of the seed;
//! `rounds::windows` says how the round goes on. How long windows are, parameters say; the sender may lengthen
//! both, since districts work in days. By how much, a parameter bounds: nothing else can be done to the class meanwhile.
//!
//! Whose shares of the seed count, and how much, is fixed here: the validators that decide this block, with the accounts
//! that their nodes have for it.
//!
//! A class with a cadence opens one round a period. The period is free again when that round was given up or its
//! decision reverted: nothing that stands came of it. One on demand opens them at any time; from protocol 2 on it rests in
//! between while a decision stands.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::steward::class_of_steward;
use crate::code::Code;
use crate::params::{MAX_WINDOW_MS, ON_DEMAND_REST_MS};
use crate::rounds::windows::window_end;
use crate::state::schema::{self, Class, Moment, Round, RoundStatus, SeedPower, Sharer, Window};
use crate::state::{Overlay, StoreError};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{ClassId, RoundId, TimeMs};

/// A round of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRound {
    /// Which class; no other round of it is open.
    pub class: ClassId,
    /// Block time in milliseconds added to the window for requests and commitments.
    #[serde(default)]
    pub extra_request_ms: u64,
    /// Block time in milliseconds added to the window for reveals.
    #[serde(default)]
    pub extra_reveal_ms: u64,
}

impl Handler for OpenRound {
    fn check(&self) -> Result<(), Code> {
        require(self.extra_request_ms <= MAX_WINDOW_MS && self.extra_reveal_ms <= MAX_WINDOW_MS)
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let mut class = class_of_steward(context, self.class)?;
        ensure(class.pools > class.retired, Code::NoPools)?;
        let most = context.facts.params.max_extra_window_ms;
        let fits = self.extra_request_ms.max(self.extra_reveal_ms) <= most;
        ensure(fits, Code::WindowTooLong)?;
        let calendar = class.definition.calendar;
        let now = context.facts.time_ms;
        ensure(calendar.opens_ms <= now && now <= calendar.closes_ms, Code::OutsideCalendar)?;
        let follows = match give_up_stale(context, &class)? {
            Found::NoOpenRound => {
                ensure(period_is_free(&class, now), Code::PeriodTaken)?;
                let rests = context.facts.protocol.rests_on_demand() && rests(&class, now);
                ensure(!rests, Code::OnDemandRests)?;
                None
            }
            Found::GivenUp { drawn } => drawn,
        };
        class.opened_ms = Some(now);

        let mut counters = schema::counters(context.overlay)?;
        let id = RoundId(counters.next_round);
        counters.next_round = counters.next_round.saturating_add(1);
        schema::write(context.overlay, schema::counters_key(), &counters);
        class.open_round = Some(id);
        schema::write(context.overlay, schema::class_key(self.class), &class);
        let in_force = schema::twin_versions(context.overlay)?.in_force(class.definition.school_year);
        let parameters = in_force.ok_or(Code::ParametersNotInForce)?;
        let round = self.round(context, id, &class, (follows, parameters));
        schema::write(context.overlay, schema::round_key(id), &round);
        schema::note_window(context.overlay, id, round.window);
        let power = seed_power(context.overlay, id)?;
        schema::write(context.overlay, schema::seed_power_key(id), &power);
        let ends = round.ends;
        Ok(vec![Event::RoundOpened {
            round: id,
            requests_until: ends.height,
            requests_until_ms: ends.time_ms,
        }])
    }
}

impl OpenRound {
    fn round(
        &self,
        context: &Context<'_, '_>,
        id: RoundId,
        class: &Class,
        (follows, parameters): (Option<RoundId>, u32),
    ) -> Round {
        let facts = context.facts;
        let request_window_ms = facts.params.request_window_ms.saturating_add(self.extra_request_ms);
        Round {
            round: id,
            class: self.class,
            school_year: class.definition.school_year,
            opened: facts.height,
            opened_ms: facts.time_ms,
            request_window_ms,
            reveal_window_ms: facts.params.reveal_window_ms.saturating_add(self.extra_reveal_ms),
            attempt: 1,
            window: Window::Requests,
            since: Moment { height: facts.height, time_ms: facts.time_ms },
            ends: window_end(facts.height.next(), facts.time_ms, request_window_ms, facts.validators),
            requests_until: None,
            follows,
            parameters,
            equity: facts.params.equity,
            terms: class.terms,
            requests: 0,
            pairs: 0,
            status: RoundStatus::Open,
        }
    }
}

/// The power of the validators that decide this block, each with its node's account for shares. One that a vote of these
/// days removed has none any more and counts all the same.
fn seed_power(overlay: &Overlay<'_>, round: RoundId) -> Result<SeedPower, StoreError> {
    let set = schema::validator_schedule(overlay)?.now;
    let infos = schema::validator_infos(overlay)?;
    let known: BTreeMap<_, _> = infos.into_iter().map(|info| (info.address, info)).collect();
    let sharer = |validator: &crate::chain::Validator| {
        let info = known.get(&validator.address)?;
        let (account, operator) = (info.seed, info.operator);
        Some(Sharer { account, validator: validator.address, operator, power: validator.power })
    };
    let total = set.validators().iter().fold(0u64, |sum, validator| sum.saturating_add(validator.power));
    let mut sharers: Vec<Sharer> = set.validators().iter().filter_map(sharer).collect();
    sharers.sort_by_key(|sharer| sharer.account);
    Ok(SeedPower { round, total, sharers })
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
    let drawn = if schema::draw(context.overlay, id)?.is_some() { Some(id) } else { round.follows };
    let (calendar, now) = (class.definition.calendar, context.facts.time_ms);
    let period = |at| class.terms.cadence.period(calendar.opens_ms, at);
    Ok(Found::GivenUp { drawn: drawn.filter(|_| period(round.opened_ms) == period(now)) })
}

/// What stood in the way of a new round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing.
    NoOpenRound,
    /// A round that nobody could decide.
    GivenUp {
        /// The round of this period whose requests were drawn for.
        drawn: Option<RoundId>,
    },
}

/// Whether the class has opened no round in the period that holds `now`.
fn period_is_free(class: &Class, now: TimeMs) -> bool {
    let (cadence, opens_ms) = (class.terms.cadence, class.definition.calendar.opens_ms);
    let Some(period) = cadence.period(opens_ms, now) else { return true };
    class.opened_ms.and_then(|last| cadence.period(opens_ms, last)).is_none_or(|last| last < period)
}

/// Whether a class on demand has a decision that stands and opened its last round a short while ago.
fn rests(class: &Class, now: TimeMs) -> bool {
    let on_demand = class.terms.cadence.period(class.definition.calendar.opens_ms, now).is_none();
    let last = class.opened_ms.filter(|_| on_demand && class.standing_round.is_some());
    last.is_some_and(|last| now.0.saturating_sub(last.0) < ON_DEMAND_REST_MS)
}
