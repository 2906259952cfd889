//! What a budget was charged for pools, by school: read off the pools' records, which anybody may have.
//!
//! A pool is charged whole when it is defined and given back whole when it is retired; both heights stand in its record. So what was
//! charged as of any height can be worked out later, by an auditor as well, who holds records and no history.

use std::collections::BTreeMap;

use super::{PoolRecord, Records, StatedBudget, bound_budget_key};
use crate::state::StoreError;
use crate::types::{AccountId, Height, SchoolId, SchoolYear};

impl PoolRecord {
    /// What its places cost in all.
    pub const fn cost_cents(&self) -> u64 {
        self.unit_cost_cents.0.saturating_mul(self.capacity as u64)
    }

    /// Whether it was charged as of a height: its defining is part of that block, its retiring ends it.
    pub fn is_charged_at(&self, height: Height) -> bool {
        self.defined <= height && self.retired.is_none_or(|retired| retired > height)
    }
}

/// The pools that are or were charged to a funder's budget of a school year, by class and number; those that cost nothing are not among them.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn charged_pools(
    from: &(impl Records + ?Sized),
    funder: &AccountId,
    year: SchoolYear,
) -> Result<Vec<PoolRecord>, StoreError> {
    let own = |pool: &PoolRecord| pool.funder == *funder;
    Ok(costly_pools(from, year)?.into_iter().filter(own).collect())
}

/// The pools of a school year that cost something, whoever is charged, by class and number.
///
/// # Errors
/// As [`charged_pools`].
pub fn costly_pools(from: &(impl Records + ?Sized), year: SchoolYear) -> Result<Vec<PoolRecord>, StoreError> {
    let mut costly = Vec::new();
    for class in super::classes(from)?.iter().filter(|class| class.definition.school_year == year) {
        let pools = super::pools(from, class.definition.class)?.into_iter();
        costly.extend(pools.filter(|pool| pool.cost_cents() > 0));
    }
    Ok(costly)
}

/// What pools were charged as of a height, by school.
pub fn charged_at(pools: &[PoolRecord], height: Height) -> BTreeMap<SchoolId, u64> {
    by_school(pools.iter().filter(|pool| pool.is_charged_at(height)))
}

/// What pools are charged now, by school.
pub fn charged_now(pools: &[PoolRecord]) -> BTreeMap<SchoolId, u64> {
    by_school(pools.iter().filter(|pool| pool.retired.is_none()))
}

fn by_school<'a>(pools: impl Iterator<Item = &'a PoolRecord>) -> BTreeMap<SchoolId, u64> {
    let mut sums = BTreeMap::new();
    for pool in pools {
        let sum: &mut u64 = sums.entry(pool.school).or_default();
        *sum = sum.saturating_add(pool.cost_cents());
    }
    sums
}

/// Whether a stated budget was bound to what pools were charged when it was stated.
///
/// # Errors
/// [`StoreError`] when the store fails.
pub fn is_bound(from: &(impl Records + ?Sized), stated: &StatedBudget) -> Result<bool, StoreError> {
    let bound = from.record(&bound_budget_key(&stated.funder, stated.school_year))?;
    Ok(bound.is_some_and(|height| height == stated.stated.0.to_be_bytes()))
}
