//! What a proposer takes: every limit of a block known, accounts in turn, nothing halved.
//!
//! Three passes over the accounts, in the order of [`Rank`]:
//! 1. a few of each account's governance, seeds, acknowledgements and rotations, within a quarter of the block;
//! 2. each account's claim, as much of its run as one block may hold of it, all or nothing;
//! 3. what is left of the block, one transaction an account in turn, so that no room is wasted.
//!
//! What does not fit is skipped with its account, whose later transactions cannot overtake it.
//!
//! Why all or nothing: see [`super::standing`]. If what all others wait with fits a block, a claim of theirs can be left
//! out only when the hog's claim was served whole; then it goes first in the next block, and fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_ledger::execute::limits::{Budget, Full};
use aula_ledger::types::{AccountId, Height};

use super::accounts::Account;
use super::shapes::{Pooled, Selection, Waiting};
use super::standing::Rank;
use crate::ports::StoreError;

/// Transactions of one account that go ahead of everybody's turn.
const AHEAD_TRANSACTIONS: usize = 8;
/// Their bytes.
const AHEAD_BYTES: usize = 16 * 1024;
/// The part of a block that is for what goes ahead: one in so many.
const AHEAD_SHARE: usize = 4;
/// When an account has missed so many turns, nothing goes ahead of it: it may need all that there is of something.
const STARVING: u32 = 3;

/// An account's turn.
struct Turn<'p> {
    entry: &'p Account,
    taken: usize,
    /// Nothing more of it fits.
    over: bool,
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
    let turn = |rank: &Rank| Some(Turn { entry: accounts.get(rank.account())?, taken: 0, over: false });
    let mut filling = Filling {
        empty,
        budget: empty.clone(),
        turns: ranks.iter().filter_map(turn).collect(),
        selection: Selection::default(),
    };
    filling.go_ahead()?;
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

impl Filling<'_, '_> {
    fn go_ahead(&mut self) -> Result<(), StoreError> {
        if self.turns.first().is_some_and(|turn| turn.entry.standing.missed >= STARVING) {
            return Ok(());
        }
        let params = self.empty.params();
        let mut transactions = params.max_block_signatures as usize / AHEAD_SHARE;
        let mut bytes = params.max_block_bytes as usize / AHEAD_SHARE;
        for turn in &mut self.turns {
            let mut own_bytes = AHEAD_BYTES;
            let ahead = turn.entry.run().take(AHEAD_TRANSACTIONS);
            for waiting in ahead.take_while(|w| w.pooled.lane.is_some_and(|lane| lane.goes_ahead())) {
                let size = waiting.pooled.size();
                // Two signatures are the most that one of these carries.
                let fits = size <= own_bytes && size <= bytes && transactions >= 2;
                if !fits || charge(&mut self.budget, &waiting.pooled)?.is_some() {
                    break;
                }
                (own_bytes, bytes) = (own_bytes - size, bytes - size);
                transactions -= waiting.pooled.cost.signatures.min(2) as usize;
                turn.taken += 1;
                self.selection.chosen.push(Arc::clone(&waiting.pooled));
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
