//! RetirePool: the class's steward takes a pool away that places nobody. Its places are refunded to the budget, and to the
//! grant, that paid for them; its school and kind are free for another pool, its number is not. The record stays: decisions
//! from before were about it.
//!
//! Refused while a round is open, for requests are made knowing the pools; and while a decision that stands, or that could
//! stand again if later ones were reverted, places somebody there.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::steward::class_of_steward;
use crate::code::Code;
use crate::state::schema::{self, Class, PoolRecord};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{Cents, PoolId};

/// Takes a pool away.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetirePool {
    /// A pool of a class whose steward the sender is.
    pub pool: PoolId,
}

impl Handler for RetirePool {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let found = schema::pool(context.overlay, self.pool)?.filter(|pool| pool.retired.is_none());
        let mut pool = found.ok_or(Code::UnknownPool)?;
        let mut class = class_of_steward(context, pool.class)?;
        ensure(class.open_round.is_none(), Code::RoundOpen)?;
        let user = schema::pool_user(context.overlay, self.pool)?;
        ensure(user.is_none(), Code::PoolInUse)?;
        let refunded_cents = refund(context, &class, &pool)?;
        let overlay = &mut *context.overlay;
        overlay.delete(schema::pool_at_key(pool.class, pool.school, pool.kind));
        pool.retired = Some(context.facts.height);
        schema::write(overlay, schema::pool_key(pool.class, pool.pool), &pool);
        class.retired = class.retired.saturating_add(1);
        schema::write(overlay, schema::class_key(pool.class), &class);
        Ok(vec![Event::PoolRetired { pool: self.pool, refunded_cents }])
    }
}

/// Gives back what the pool was charged for, all of it: it places nobody.
fn refund(context: &mut Context<'_, '_>, class: &Class, pool: &PoolRecord) -> Result<Cents, Refusal> {
    let cost = pool.cost_cents();
    if cost == 0 {
        return Ok(Cents(0));
    }
    let (overlay, year) = (&mut *context.overlay, class.definition.school_year);
    if let Some(mut budget) = schema::budget(overlay, &pool.funder, year)? {
        budget.charged_cents = Cents(budget.charged_cents.0.saturating_sub(cost));
        schema::write(overlay, schema::budget_key(&pool.funder, year), &budget);
    }
    if let Some(mut grant) = schema::grant(overlay, &pool.funder, pool.class, &pool.steward)? {
        grant.spent_cents = Cents(grant.spent_cents.0.saturating_sub(cost));
        schema::write(overlay, schema::grant_key(&pool.funder, pool.class, &pool.steward), &grant);
    }
    Ok(Cents(cost))
}
