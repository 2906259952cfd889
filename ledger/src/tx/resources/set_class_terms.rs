//! SetClassTerms, by the class's steward: what a class asks beyond its costs: how often it may open a round, the schools' fair share of its
//! places, and whether schools must acknowledge what they receive. In force for rounds opened afterwards: a round keeps
//! the terms it began with.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::steward::class_of_steward;
use crate::code::Code;
use crate::params::{MAX_ACKNOWLEDGE_MS, MAX_SHARE_PENALTY};
use crate::state::schema;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::tx::{ClassTerms, Event};
use crate::types::ClassId;

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
