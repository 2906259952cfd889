//! What waits too long: the oldest transaction, and accounts whose next one was passed over by blocks that had room for it.
//!
//! A block that is full says nothing about its proposer, and neither does one that was built before the transaction had come
//! round. So a block counts only against what was here one block earlier, and only if, on the state after it, the same
//! transaction would have fitted beside all that it holds. One such block may be chance, or a node that did not hear;
//! [`TOLD_FROM`] in a row is what is told.

use std::collections::BTreeMap;

use aula_ledger::execute::limits::{Budget, Full};
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, ValidatorAddress};

use super::quotas::Inner;
use super::standing::Settled;
use crate::ports::StoreError;

/// Blocks in a row with room from which on an account is told of.
pub const TOLD_FROM: u32 = 3;

/// How often an account's next transaction was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The account that is kept waiting.
    pub account: AccountId,
    /// The transaction that is the account's next one, while it is passed over.
    pub transaction: TransactionId,
    /// By how many blocks with room.
    pub blocks: u32,
    /// Who built them, with how many each.
    pub by: BTreeMap<ValidatorAddress, u32>,
}

/// What waits in the pool, and for how long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays {
    /// The age of the oldest transaction that a block could hold, in milliseconds; none when nothing waits, or the clock cannot
    /// be read.
    pub oldest_ms: Option<u64>,
    /// Accounts that were passed over by [`TOLD_FROM`] blocks or more.
    pub passed_over: Vec<PassedOver>,
}

impl Inner {
    /// Notes whom a decided block passed over, before what it holds is taken out.
    pub(super) fn note_passed_over(
        &mut self,
        builder: ValidatorAddress,
        block: &[Settled],
        empty: &Budget<'_>,
    ) -> Result<(), StoreError> {
        let mut held: BTreeMap<AccountId, usize> = BTreeMap::new();
        for one in block {
            *held.entry(one.account).or_default() += 1;
        }
        // What is left of the block is asked for only if somebody was left out.
        let mut rest: Option<Option<Budget<'_>>> = None;
        for (id, account) in &mut self.accounts {
            let served = held.get(id).copied().unwrap_or(0);
            let left = account.run_from(served).next().map(|waiting| waiting.pooled.clone());
            let Some(left) = left.filter(|left| served == 0 && left.arrival <= self.mark_before) else {
                account.passed_over = None;
                continue;
            };
            if rest.is_none() {
                rest = Some(what_is_left(empty, block)?);
            }
            let fits = match rest.as_mut().and_then(Option::as_mut).map(|budget| budget.fits(&left.cost)) {
                Some(Ok(())) => true,
                Some(Err(Full::Over(_))) | None => false,
                Some(Err(Full::Broken(error))) => return Err(error),
            };
            let known = account.passed_over.take().filter(|known| known.transaction == left.id);
            account.passed_over = match (known, fits) {
                // A full block says nothing, and takes nothing back.
                (known, false) => known,
                (known, true) => {
                    let new =
                        || PassedOver { account: *id, transaction: left.id, blocks: 0, by: BTreeMap::new() };
                    let mut noted = known.unwrap_or_else(new);
                    noted.blocks = noted.blocks.saturating_add(1);
                    let by = noted.by.entry(builder).or_default();
                    *by = by.saturating_add(1);
                    Some(noted)
                }
            };
        }
        Ok(())
    }

    /// What is told of the pool at a moment of the clock.
    pub(super) fn delays(&self, now_ms: Option<u64>) -> Delays {
        let ready = self.accounts.values().flat_map(|account| account.run().next());
        let since = ready.filter_map(|waiting| waiting.since_ms).min();
        let passed = self.accounts.values().filter_map(|account| account.passed_over.clone());
        Delays {
            oldest_ms: since.zip(now_ms).map(|(since, now)| now.saturating_sub(since)),
            passed_over: passed.filter(|one| one.blocks >= TOLD_FROM).collect(),
        }
    }
}

/// What a block had left; none if it is full by what is known of it here.
fn what_is_left<'a>(empty: &Budget<'a>, block: &[Settled]) -> Result<Option<Budget<'a>>, StoreError> {
    let mut budget = empty.clone();
    for one in block {
        match budget.charge(&one.cost) {
            Ok(()) => {}
            Err(Full::Over(_)) => return Ok(None),
            Err(Full::Broken(error)) => return Err(error),
        }
    }
    Ok(Some(budget))
}
