//! DefineClass: a class of resources, with its kinds, its table of costs and its calendar.
//!
//! The cost of a pool to a student is `tier cost + rank_step × rank`: the tier is 0 for the student's own
//! school, 1 for its district, 2 for a school of the same type elsewhere; any other pool is not eligible.
//! No party submits a cost.

use super::steward::check_steward;
use crate::code::Code;
use crate::params::{MAX_KINDS, MAX_RANK_STEP, MAX_TIER_COST};
use crate::state::schema::{self, Class};
use crate::tx::handler::{Context, Handler, Refusal, differ, ensure, require};
use crate::tx::{ClassTerms, DefineClass, Event};

impl Handler for DefineClass {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_KINDS).contains(&self.kinds.len()) && differ(&self.kinds))?;
        require(
            self.tier_costs.iter().all(|cost| *cost <= MAX_TIER_COST) && self.rank_step <= MAX_RANK_STEP,
        )?;
        // Waiting at any price would let one class's waitlist dominate every comparison of costs.
        let most = self.largest_table_cost().saturating_mul(2);
        require(self.waitlist_cost.is_none_or(|cost| cost <= most))?;
        require(self.calendar.opens_ms < self.calendar.closes_ms)
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let key = schema::class_key(self.class);
        ensure(context.overlay.get(&key)?.is_none(), Code::ClassExists)?;
        let steward = self.steward.unwrap_or(context.sender.account);
        check_steward(context.overlay, &steward)?;
        let class = Class {
            definition: self.clone(),
            steward,
            terms: ClassTerms::default(),
            pools: 0,
            retired: 0,
            open_round: None,
            standing_round: None,
            opened_ms: None,
            last_draw: None,
        };
        schema::write(context.overlay, key, &class);
        Ok(vec![Event::ClassDefined { class: self.class }])
    }
}
