//! What an account got and missed lately: who goes first in the next block.
//!
//! Every node sees the same blocks, so proposers agree on it but for what has not reached one of them.
//!
//! A *claim* is as much of an account's run as one block may hold of it. An account whose claim is not all in a block
//! has missed a turn. Who has missed more turns goes first. That bounds what one account can do to the others: if a claim
//! of somebody else did not fit, the hog's claim was served, so it missed no turn and goes after that one in the next block.
//!
//! Proposers may differ in what has reached them, and an attacker chooses what reaches whom. So an account that had part of
//! its claim in a block missed its turn only by what was here one block earlier: by then the others have told the
//! proposer. And what a block held of an account is read from the block, not from this pool, which may never have seen it,
//! or another transaction in its place.

use std::collections::BTreeMap;

use aula_ledger::execute::limits::{Budget, Cost, Full};
use aula_ledger::params::Params;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, Height};

use super::accounts::{Account, Standing};
use super::quotas::Inner;
use super::shapes::Pooled;
use super::share::{Use, WHOLE};
use crate::ports::StoreError;

/// How many blocks an account that wasted a whole block's range values or rounds goes last for.
const CHARGE_BLOCKS: u64 = 16;
/// Furthest ahead that this adds up to.
const CHARGE_LIMIT: u64 = 256;
/// For how many blocks an account that had something in one counts as served lately. Above the f + 3 blocks within which
/// everybody is served, for up to 40 validators.
const LATELY: u64 = 16;

/// A transaction of a decided block, and whether it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its id, which tells it from another with the same account and number.
    pub id: TransactionId,
    /// The sender.
    pub account: AccountId,
    /// Whether it had an effect.
    pub accepted: bool,
    /// What it took of the block.
    pub cost: Cost,
}

/// The limit of a whole block that one transaction is over by what its bytes say, if there is one.
pub(super) fn over(params: &Params, cost: &Cost) -> Option<&'static str> {
    let all = [
        (cost.bytes, params.max_block_bytes, "max_block_bytes"),
        (cost.signatures.into(), params.max_block_signatures, "max_block_signatures"),
        (cost.range_values.into(), params.max_block_range_values, "max_block_range_values"),
    ];
    all.into_iter().find(|(asked, most, _)| *asked > u64::from(*most)).map(|(_, _, limit)| limit)
}

/// The share of a block that an account asks for; more than a whole one for who has a backlog.
pub(super) fn asked(params: &Params, account: &Account) -> u64 {
    account.held.used().share(params)
}

/// True when an account asks for more than a block may hold.
pub(super) fn is_bulk(asked: u64) -> bool {
    asked > WHOLE
}

impl Inner {
    /// Notes what a decided block did for every account, before what it holds is taken out. `empty` is a whole block's
    /// budget on the state after it.
    pub(super) fn note_block(&mut self, block: &[Settled], empty: &Budget<'_>) -> Result<(), StoreError> {
        let mut held: BTreeMap<AccountId, Vec<&Settled>> = BTreeMap::new();
        for one in block {
            held.entry(one.account).or_default().push(one);
            // Who had something is remembered, though nothing of it ever came here.
            self.accounts.entry(one.account).or_default();
        }
        let (mark, mark_before, next) = (self.mark, self.mark_before, self.next_height);
        for (id, account) in &mut self.accounts {
            let held = held.get(id).map_or(&[][..], Vec::as_slice);
            let mark = if held.is_empty() { mark } else { mark_before };
            account.standing = judge(account, held, mark, next, empty)?;
        }
        self.mark_before = self.mark;
        Ok(())
    }

    /// True when an account is to be remembered though nothing of it waits.
    pub(super) fn is_remembered(account: &Account, next: Height) -> bool {
        let standing = &account.standing;
        !account.waiting.is_empty() || standing.charged_until >= next || standing.was_served_lately(next)
    }
}

/// `held` is what the block had of the account; what arrived after `mark` was not to be in it.
fn judge(
    account: &Account,
    held: &[&Settled],
    mark: u64,
    next: Height,
    empty: &Budget<'_>,
) -> Result<Standing, StoreError> {
    let params = empty.params();
    let before = account.standing;
    let (mut served, mut wasted): (Vec<&Pooled>, Vec<&Pooled>) = Default::default();
    // One for one by sequence number; what waits here under one may be another transaction.
    for (waiting, settled) in account.run().zip(held) {
        if waiting.pooled.id == settled.id {
            served.push(&waiting.pooled);
            if !settled.accepted {
                wasted.push(&waiting.pooled);
            }
        }
    }
    let left = account.run_from(held.len()).next().map(|waiting| waiting.pooled.as_ref());
    let missed = match left.filter(|pooled| pooled.arrival <= mark) {
        None => 0,
        Some(_) if is_bulk(asked(params, account)) && !held.is_empty() => 0,
        Some(left) if !fits_beside(empty, &served, left)? => 0,
        Some(_) => before.missed.saturating_add(1),
    };
    let lately_until = if held.is_empty() {
        before.lately_until
    } else {
        // `next` is the first block after the one that had it.
        Height(next.0.saturating_add(LATELY - 1))
    };
    let charged_until = charge(params, before.charged_until, next, &wasted);
    let got = Use::of(served.iter().copied()).share(params);
    Ok(Standing { missed, got, charged_until, lately_until })
}

/// Whether an empty block could have held this beside what was served of its account: if not, nobody else was in the way.
fn fits_beside(empty: &Budget<'_>, served: &[&Pooled], left: &Pooled) -> Result<bool, StoreError> {
    let mut budget = empty.clone();
    for pooled in served.iter().copied().chain([left]) {
        match budget.charge(&pooled.cost) {
            Ok(()) => {}
            Err(Full::Over(_)) => return Ok(false),
            Err(Full::Broken(error)) => return Err(error),
        }
    }
    Ok(true)
}

/// A rejected batch has used up range values that others could have had, a refused run its round.
fn charge(params: &Params, before: Height, next: Height, wasted: &[&Pooled]) -> Height {
    let Use { range_values, rounds, .. } = Use::of(wasted.iter().copied());
    let cost = Use { range_values, rounds, ..Use::default() }.share(params);
    if cost == 0 {
        return before;
    }
    let blocks = cost.saturating_mul(CHARGE_BLOCKS).div_ceil(WHOLE);
    let from = before.0.max(next.0);
    Height(from.saturating_add(blocks).min(next.0.saturating_add(CHARGE_LIMIT)))
}

/// The order in which accounts are served, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    charged: bool,
    missed: std::cmp::Reverse<u32>,
    bulk: bool,
    got: u64,
    asked: u64,
    arrival: u64,
    account: AccountId,
}

impl Rank {
    /// Where an account stands in the queue for the block of height `next`.
    pub(super) fn of(id: AccountId, account: &Account, params: &Params, next: Height) -> Option<Self> {
        let head = account.run().next()?;
        let asked = asked(params, account);
        Some(Self {
            charged: account.standing.charged_until >= next,
            missed: std::cmp::Reverse(account.standing.missed),
            bulk: is_bulk(asked),
            got: account.standing.got,
            asked,
            arrival: head.pooled.arrival,
            account: id,
        })
    }

    pub(super) fn account(&self) -> &AccountId {
        &self.account
    }

    /// Whether it asks for no more than a block and was left out of one.
    pub(super) fn waits_for_a_turn(&self) -> bool {
        !self.bulk && self.missed.0 > 0
    }
}
