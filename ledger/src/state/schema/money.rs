//! Records of stated budgets: what anybody may check again, without an amount in clear.

use borsh::{BorshDeserialize, BorshSerialize};

use super::chain::canonical;
use super::{DecisionStanding, Records};
use crate::codec::Canonical;
use crate::proof::committed::ProofBytes;
use crate::proof::money::{BudgetLine, BudgetProofBytes};
use crate::state::StoreError;
use crate::types::{AccountId, Cents, CommitmentBytes, Height, RoundId, SchoolYear};

/// A funder's budget of a year by school, as commitments with their proof.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StatedBudget {
    /// The funder whose budget it is.
    pub funder: AccountId,
    /// The year that the money is for.
    pub school_year: SchoolYear,
    /// The height the proof is bound to.
    pub as_of: Height,
    /// What the amounts sum to: by protocol 1 and 2 all that was funded when it was stated, later all that was charged.
    pub total_cents: Cents,
    /// Ascending by school.
    pub lines: Vec<BudgetLine>,
    /// Verified when it was stated.
    pub proof: BudgetProofBytes,
    /// The block that took it.
    pub stated: Height,
}

/// That a floor per weighted pupil holds for every line of a stated budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StatedEquity {
    /// Whose money.
    pub funder: AccountId,
    /// The year of the stated budget and of the round.
    pub school_year: SchoolYear,
    /// The round whose requests weigh the pupils.
    pub round: RoundId,
    /// Cents for each hundredth of a weighted pupil.
    pub floor_cents: u32,
    /// In which block the budget that it is about was stated.
    pub budget_stated: Height,
    /// Commitments to the schools' weights, made by the ledger from the round's requests, in the budget's order.
    pub weights: Vec<CommitmentBytes>,
    /// Verified when it was stated.
    pub proofs: Vec<ProofBytes>,
    /// The block that took it.
    pub stated: Height,
}

/// Whether a statement is of money that is no longer what it was: more was funded since, or of a bound one, a pool was opened or
/// retired; or a decision about the funder's pools of that year was taken back.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn is_superseded(from: &(impl Records + ?Sized), stated: &StatedBudget) -> Result<bool, StoreError> {
    let year = stated.school_year;
    let Some(budget) = super::budget(from, &stated.funder, year)? else { return Ok(true) };
    let differs = if super::is_bound(from, stated)? {
        let pools = super::charged_pools(from, &stated.funder, year)?;
        super::charged_at(&pools, stated.as_of) != super::charged_now(&pools)
    } else {
        budget.funded_cents != stated.total_cents
    };
    if differs {
        return Ok(true);
    }
    for back in super::reversions(from)?.iter().filter(|back| back.at.height >= stated.stated) {
        let Some(round) = super::round(from, back.round)?.filter(|round| round.school_year == year) else {
            continue;
        };
        if super::pools(from, round.class)?.iter().any(|pool| pool.funder == stated.funder) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a stated floor is of money, or of a decision, that is no longer what it was: the budget's statement that it is about
/// was followed by another or is superseded, or the decision whose requests it weighs does not stand.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn is_floor_superseded(from: &(impl Records + ?Sized), floor: &StatedEquity) -> Result<bool, StoreError> {
    let Some(stated) = super::stated_budget(from, &floor.funder, floor.school_year)? else { return Ok(true) };
    if floor.budget_stated != stated.stated || is_superseded(from, &stated)? {
        return Ok(true);
    }
    let Some(round) = super::round(from, floor.round)? else { return Ok(true) };
    Ok(super::decision_standing(from, &round)? != Some(DecisionStanding::Stands))
}

canonical! {
    StatedBudget = "stated budget", 512 * 1024;
    StatedEquity = "stated equity", 512 * 1024;
}
