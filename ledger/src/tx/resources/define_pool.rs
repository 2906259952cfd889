//! DefinePool: the class's steward opens places of one kind at one school. The whole pool is charged to a budget at once,
//! so that a round has no budget constraint: the steward's own, or one whose funder granted the steward this class.
//! Places that cost nothing charge nobody.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::steward::class_of_steward;
use crate::code::Code;
use crate::params::{MAX_AMOUNT_CENTS, MAX_POOL_CAPACITY};
use crate::state::schema::{self, Class, PoolRecord};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::tx::places::open_school;
use crate::types::{AccountId, Cents, ClassId, KindId, PoolId, SchoolId};

/// A pool of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefinePool {
    /// Its number, not yet taken; ascending numbers give the optimizer's order.
    pub pool: PoolId,
    /// A class whose steward the sender is.
    pub class: ClassId,
    /// Where its places are.
    pub school: SchoolId,
    /// Of which kind; one pool a school and kind.
    pub kind: KindId,
    /// How many places; at least 1.
    pub capacity: u32,
    /// How many must be used; at most `capacity`.
    pub floor: u32,
    /// What one place costs the budget.
    pub unit_cost_cents: Cents,
    /// Whose budget of the class's school year is charged `capacity × unit_cost_cents`.
    pub funder: AccountId,
}

impl DefinePool {
    /// What the whole pool costs; none if it does not fit.
    pub fn charge_cents(&self) -> Option<Cents> {
        self.unit_cost_cents.0.checked_mul(u64::from(self.capacity)).map(Cents)
    }
}

impl Handler for DefinePool {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_POOL_CAPACITY).contains(&self.capacity) && self.floor <= self.capacity)?;
        require(self.charge_cents().is_some_and(|charge| charge.0 <= MAX_AMOUNT_CENTS))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let mut class = class_of_steward(context, self.class)?;
        self.check_class(context, &class)?;
        let overlay = &mut *context.overlay;
        open_school(overlay, self.school, class.definition.school_year)?;
        ensure(schema::class_of_pool(overlay, self.pool)?.is_none(), Code::PoolExists)?;
        let place = schema::pool_at_key(self.class, self.school, self.kind);
        ensure(overlay.get(&place)?.is_none(), Code::PoolRepeated)?;
        let charged_cents = self.charge(context, &class)?;
        let overlay = &mut *context.overlay;
        let record = PoolRecord {
            pool: self.pool,
            class: self.class,
            school: self.school,
            kind: self.kind,
            capacity: self.capacity,
            floor: self.floor,
            unit_cost_cents: self.unit_cost_cents,
            funder: self.funder,
            steward: context.sender.account,
            defined: context.facts.height,
            retired: None,
        };
        schema::write(overlay, schema::pool_key(self.class, self.pool), &record);
        overlay.put(schema::pool_class_key(self.pool), self.class.0.to_be_bytes().to_vec());
        overlay.put(place, self.pool.0.to_be_bytes().to_vec());
        class.pools = class.pools.saturating_add(1);
        schema::write(overlay, schema::class_key(self.class), &class);
        Ok(vec![Event::PoolDefined { pool: self.pool, charged_cents }])
    }
}

impl DefinePool {
    fn check_class(&self, context: &Context<'_, '_>, class: &Class) -> Result<(), Refusal> {
        // Requests are made knowing the pools, so none appears while a round is open.
        ensure(class.open_round.is_none(), Code::RoundOpen)?;
        ensure(usize::from(self.kind.0) < class.definition.kinds.len(), Code::UnknownKind)?;
        Ok(ensure(class.pools < context.facts.params.max_class_pools, Code::TooManyPools)?)
    }

    /// Charges the whole pool to the budget, and to the grant where the budget is another's. Keeps `charged <= funded`
    /// and `spent <= granted`.
    fn charge(&self, context: &mut Context<'_, '_>, class: &Class) -> Result<Cents, Refusal> {
        if self.unit_cost_cents.0 == 0 {
            return Ok(Cents(0));
        }
        let steward = context.sender.account;
        let mut grant = match self.funder == steward {
            true => None,
            false => Some(
                schema::grant(context.overlay, &self.funder, self.class, &steward)?
                    .ok_or(Code::ForeignBudget)?,
            ),
        };
        let year = class.definition.school_year;
        let budget = schema::budget(context.overlay, &self.funder, year)?;
        let mut budget = budget.ok_or(Code::UnknownBudget)?;
        let charge = self.charge_cents().ok_or(Code::OverBudget)?;
        let charged = budget.charged_cents.0.checked_add(charge.0);
        let charged = charged.filter(|sum| *sum <= budget.funded_cents.0).ok_or(Code::OverBudget)?;
        if let Some(grant) = &mut grant {
            let spent = grant.spent_cents.0.checked_add(charge.0);
            let spent = spent.filter(|sum| *sum <= grant.granted_cents.0).ok_or(Code::OverGrant)?;
            grant.spent_cents = Cents(spent);
            schema::write(context.overlay, schema::grant_key(&self.funder, self.class, &steward), &*grant);
        }
        budget.charged_cents = Cents(charged);
        schema::write(context.overlay, schema::budget_key(&self.funder, year), &budget);
        Ok(charge)
    }
}
