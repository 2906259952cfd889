//! What a proposer takes: every limit of a block known, accounts in turn, nothing halved.
//!
//! Three passes over the accounts, in the order of [`Rank`]:
//! 1. accounts that wait with nothing but a few votes, shares of seeds, acknowledgements and rotations, within a quarter of
//!    the block. While somebody who asks for no more than a block waits for a turn, an account that was served lately does
//!    not go ahead of it: so nobody can push the same claim out twice this way;
//! 2. each account's claim, as much of its run as one block may hold of it, all or nothing;
//! 3. what is left of the block, one transaction an account in turn, so that no room is wasted.
//!
//! What does not fit is skipped with its account, whose later transactions cannot overtake it.
//!
//! Why all or nothing, in the first pass too: see [`super::standing`]. If what all others wait with fits a block, a claim
//! of theirs can be left out only when the hog's claim was served whole; then it goes first in the next block, and fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_ledger::execute::limits::{Budget, Full};
use aula_ledger::types::{AccountId, Height};

use super::accounts::Account;
use super::lanes::Lane;
use super::shapes::{Pooled, Selection, Waiting};
use super::standing::Rank;
use crate::ports::StoreError;

/// The most transactions with which an account goes ahead of everybody's turn.
const AHEAD_TRANSACTIONS: usize = 8;
/// The most bytes that these have together.
const AHEAD_BYTES: usize = 16 * 1024;
/// The part of a block that is for what goes ahead: one in so many.
const AHEAD_SHARE: usize = 4;

/// An account's turn.
struct Turn<'p> {
    entry: &'p Account,
    taken: usize,
    /// Nothing more of it fits.
    over: bool,
    /// See [`Rank::waits_for_a_turn`].
    waits: bool,
}

impl<'p> Turn<'p> {
    fn rest(&self) -> impl Iterator<Item = &'p Waiting> + Clone + use<'p> {
        self.entry.run_from(self.taken)
    }
}

/// A block being filled.
struct Filling<'a, 'p> {
    empty: &'p Budget<'a>,
    budget: Budget<'a>,
    turns: Vec<Turn<'p>>,
    selection: Selection,
}

/// Chooses what a block on top of `next`'s parent holds.
pub(super) fn select(
    accounts: &BTreeMap<AccountId, Account>,
    empty: &Budget<'_>,
    next: Height,
) -> Result<Selection, StoreError> {
    let ranks = accounts.iter().filter_map(|(id, entry)| Rank::of(*id, entry, empty.params(), next));
    let mut ranks: Vec<Rank> = ranks.collect();
    ranks.sort_unstable();
    let turn = |rank: &Rank| {
        let entry = accounts.get(rank.account())?;
        Some(Turn { entry, taken: 0, over: false, waits: rank.waits_for_a_turn() })
    };
    let mut filling = Filling {
        empty,
        budget: empty.clone(),
        turns: ranks.iter().filter_map(turn).collect(),
        selection: Selection::default(),
    };
    filling.go_ahead(next)?;
    filling.claims()?;
    filling.fill()?;
    Ok(filling.selection)
}

/// Charges a transaction; the name of the limit that it would pass, if it does not fit.
fn charge(budget: &mut Budget<'_>, pooled: &Pooled) -> Result<Option<&'static str>, StoreError> {
    match budget.charge(&pooled.cost) {
        Ok(()) => Ok(None),
        Err(Full::Over(limit)) => Ok(Some(limit)),
        Err(Full::Broken(error)) => Err(error),
    }
}

/// All that an account waits with, if it is little and goes ahead.
fn all_ahead(account: &Account) -> Option<Vec<Arc<Pooled>>> {
    let run = account.run().take(AHEAD_TRANSACTIONS + 1);
    let run: Vec<Arc<Pooled>> = run.map(|waiting| Arc::clone(&waiting.pooled)).collect();
    let size: usize = run.iter().map(|pooled| pooled.size()).sum();
    let ahead = run.len() <= AHEAD_TRANSACTIONS
        && size <= AHEAD_BYTES
        && run.iter().all(|pooled| pooled.lane.is_some_and(Lane::goes_ahead));
    ahead.then_some(run)
}

impl Filling<'_, '_> {
    fn go_ahead(&mut self, next: Height) -> Result<(), StoreError> {
        let params = self.empty.params();
        let mut transactions = params.max_block_signatures as usize / AHEAD_SHARE;
        let mut bytes = params.max_block_bytes as usize / AHEAD_SHARE;
        let waiting = self.turns.iter().filter(|turn| turn.waits).count();
        for turn in &mut self.turns {
            let others_wait = waiting > usize::from(turn.waits);
            if others_wait && turn.entry.standing.was_served_lately(next) {
                continue;
            }
            let Some(ahead) = all_ahead(turn.entry) else { continue };
            let size: usize = ahead.iter().map(|pooled| pooled.size()).sum();
            let signatures: usize = ahead.iter().map(|pooled| pooled.cost.signatures as usize).sum();
            if size > bytes || signatures > transactions {
                continue;
            }
            let mut budget = self.budget.clone();
            let mut fits = true;
            for pooled in &ahead {
                fits &= charge(&mut budget, pooled)?.is_none();
            }
            if fits {
                (bytes, transactions) = (bytes - size, transactions - signatures);
                turn.taken = ahead.len();
                self.budget = budget;
                self.selection.chosen.extend(ahead);
            }
        }
        Ok(())
    }

    fn claims(&mut self) -> Result<(), StoreError> {
        for at in 0..self.turns.len() {
            if self.budget.is_full() {
                break;
            }
            self.claim(at)?;
        }
        Ok(())
    }

    /// Takes an account's claim, if all of it fits.
    fn claim(&mut self, at: usize) -> Result<(), StoreError> {
        let Some(turn) = self.turns.get_mut(at) else { return Ok(()) };
        let mut budget = self.budget.clone();
        let mut claim = Vec::new();
        let mut refused = None;
        for waiting in turn.rest() {
            if charge(&mut budget, &waiting.pooled)?.is_some() {
                refused = Some(waiting);
                break;
            }
            claim.push(Arc::clone(&waiting.pooled));
        }
        if let Some(refused) = refused {
            // Is it the others that are in the way, or would the account's own alone be too much?
            let mut alone = self.empty.clone();
            let before = turn.entry.run().take(turn.taken + claim.len());
            for waiting in before {
                charge(&mut alone, &waiting.pooled)?;
            }
            let Some(limit) = charge(&mut alone, &refused.pooled)? else { return Ok(()) };
            if turn.taken + claim.len() == 0 {
                self.selection.never.push((Arc::clone(&refused.pooled), limit));
            }
            turn.over = true;
        }
        turn.taken += claim.len();
        self.selection.chosen.append(&mut claim);
        self.budget = budget;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), StoreError> {
        let mut progress = true;
        while progress && !self.budget.is_full() {
            progress = false;
            for turn in &mut self.turns {
                if turn.over {
                    continue;
                }
                let Some(waiting) = turn.rest().next() else {
                    turn.over = true;
                    continue;
                };
                if charge(&mut self.budget, &waiting.pooled)?.is_some() {
                    turn.over = true;
                    continue;
                }
                turn.taken += 1;
                progress = true;
                self.selection.chosen.push(Arc::clone(&waiting.pooled));
            }
        }
        Ok(())
    }
}
