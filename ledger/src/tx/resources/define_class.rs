//! DefineClass: a class of resources, with its kinds, its table of costs and its calendar.
//!
//! The cost of a pool to a student is `tier cost + rank_step × rank`: the tier is 0 for the student's own
//! school, 1 for its district, 2 for a school of the same type elsewhere; any other pool is not eligible.
//! No party submits a cost.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::steward::check_steward;
use crate::chain::Code;
use crate::names::{Name, Title};
use crate::params::{MAX_KINDS, MAX_RANK_STEP, MAX_TIER_COST};
use crate::state::schema::{self, Class};
use crate::tx::handler::{Context, Handler, Refusal, differ, ensure, require};
use crate::tx::{ClassTerms, Event};
use crate::types::{AccountId, ClassId, SchoolYear, TimeMs};

/// When rounds of a class may be opened, in block time; how often, its terms say ([`crate::tx::Cadence`]).
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
