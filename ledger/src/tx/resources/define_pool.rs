//! DefinePool: places of one kind at one school. The whole pool is charged to a budget at once, so that a
//! round has no budget constraint.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::Code;
use crate::params::{MAX_AMOUNT_CENTS, MAX_POOL_CAPACITY};
use crate::tx::handler::{Handler, require};
use crate::types::{AccountId, Cents, ClassId, KindId, PoolId, SchoolId};

/// A pool of a class.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DefinePool {
    /// Its number, not yet taken; ascending numbers give the optimizer's order.
    pub pool: PoolId,
    /// Its class.
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
}
