//! A budget: amounts as commitments, each within 0..=cap, together exactly the public total.
//!
//! Shows: no line is negative or above the cap, and the lines sum to the total, in integers: [`super::MAX_LINES`] values
//! below 2^32 stay far under the group order. Does not show: any amount, or that money moved. The number of lines
//! and their subjects are public.
//!
//! Flow: the lines are split into range-proved statements of up to 8 values (4 lines unless the cap is one of
//! 255, 65,535 and 4,294,967,295, then 8), and one [`Sum`] covers all. Invariant: subjects strictly ascend, so no
//! school has two lines.

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};

use super::schnorr::{Line, SchnorrError, SchnorrProof, Sum};
use super::{Bound, Claim, ProveError, Statement, StatementError};
use crate::commitment::Opening;
use crate::range_proof::RangeProof;
use crate::transcript::Context;

/// Why lines do not make a budget, or no proof was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// Subjects must strictly ascend; this line does not.
    #[error("line {0} is not above the line before it")]
    Order(usize),
    /// The lines make no statement.
    #[error("the lines make no statement")]
    Statement(#[from] StatementError),
    /// The amounts do not keep their bounds. Claims are counted within one chunk of lines.
    #[error("an amount cannot be proved")]
    Amount(#[from] ProveError),
    /// The sum cannot be stated or proved.
    #[error("the sum cannot be proved")]
    Sum(#[from] SchnorrError),
}

/// Range proofs of the chunks in order, then the sum's proof. Borsh form: in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BudgetProof {
    /// One a statement of [`Budget::amounts`].
    pub ranges: Vec<RangeProof>,
    /// The proof of [`Budget::sum`].
    pub sum: SchnorrProof,
}

/// The statement of a whole budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    amounts: Vec<Statement>,
    sum: Sum,
}

impl Budget {
    /// States that each line is within 0..=cap and all sum to `total`, in the unit that the context's field names.
    ///
    /// # Errors
    /// [`BudgetError`].
    pub fn new(context: &Context, lines: &[Line], cap: u32, total: u64) -> Result<Self, BudgetError> {
        let after = lines.iter().zip(lines.iter().skip(1)).position(|(a, b)| a.subject >= b.subject);
        if let Some(before) = after {
            return Err(BudgetError::Order(before.saturating_add(1)));
        }
        let claim = |line: &Line| Claim {
            subject: line.subject,
            commitment: line.commitment,
            bound: Bound::Within { cap },
        };
        let sum = Sum::new(context.clone(), lines.to_vec(), total)?;
        let claims: Vec<Claim> = lines.iter().map(claim).collect();
        Ok(Self { amounts: Statement::chunked(context, &claims)?, sum })
    }

    /// The range-proved statements, for a batch wider than this budget.
    #[must_use]
    pub fn amounts(&self) -> &[Statement] {
        &self.amounts
    }

    /// The statement of the sum.
    #[must_use]
    pub fn sum(&self) -> &Sum {
        &self.sum
    }

    /// Proves it; `openings` one a line, in order.
    ///
    /// # Errors
    /// [`BudgetError`]; a false budget is refused.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        openings: &[Opening],
        rng: &mut R,
    ) -> Result<BudgetProof, BudgetError> {
        let sum = self.sum.prove(openings, rng)?;
        let (mut rest, mut ranges) = (openings, Vec::with_capacity(self.amounts.len()));
        for statement in &self.amounts {
            let (part, after) = rest.split_at_checked(statement.claims().len()).ok_or(ProveError::Count)?;
            ranges.push(statement.prove(part, rng)?);
            rest = after;
        }
        Ok(BudgetProof { ranges, sum })
    }
}

#[cfg(test)]
mod tests;
