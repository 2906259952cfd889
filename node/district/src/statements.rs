//! What a funder states of a year's money: every school's share as a commitment, and a floor that all keep.
//!
//! Flow: [`Ledger::of`] sums costs by school and blinds them → [`Ledger::charged`] proves that each is what the ledger charged for
//! the school's pools ([`Ledger::budget`] by protocol 1 and 2: that they sum to what was funded) → [`Ledger::equity`] proves the
//! greatest floor per weighted pupil that every school keeps. The blindings live in memory only, unless the funder keeps them
//! ([`Ledger::openings`]).

use std::collections::BTreeMap;

use aula_ledger::proof::committed::ProofBytes;
use aula_ledger::proof::money::{BudgetLine, BudgetProofBytes, LINE_GROUP, Purse, commit_weight};
use aula_ledger::protocol::Protocol;
use aula_ledger::rounds::weight;
use aula_ledger::tx::{BudgetStatement, EquityStatement};
use aula_ledger::types::{Cents, CommitmentBytes, Hash, Height, RoundId, SchoolId};
use aula_zk::{Opening, Scalar};
use rand::RngCore;
use rand::rngs::OsRng;

use crate::requests::band;

/// Why a statement was not made.
#[derive(Debug, thiserror::Error)]
#[error("the year's money cannot be stated: {0}")]
pub struct NotStated(String);

fn refused(error: impl std::fmt::Display) -> NotStated {
    NotStated(error.to_string())
}

/// Amounts by school, ascending, each with its blinding.
#[derive(Debug)]
pub struct Ledger {
    schools: Vec<SchoolId>,
    amounts: Vec<Opening>,
    lines: Vec<BudgetLine>,
    total: Cents,
}

fn random_scalar() -> Scalar {
    let mut wide = [0; 64];
    OsRng.fill_bytes(&mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

impl Ledger {
    /// What a year's places cost, each at its school.
    ///
    /// # Errors
    /// [`NotStated`].
    pub fn of(costs: impl IntoIterator<Item = (SchoolId, Cents)>) -> Result<Self, NotStated> {
        let mut sums: BTreeMap<SchoolId, u64> = BTreeMap::new();
        let mut total = 0u64;
        // Amounts are a file's, or what a node says.
        let beyond = || refused("the amounts sum to more than 18,446,744,073,709,551,615 cents");
        for (school, cost) in costs {
            total = total.checked_add(cost.0).ok_or_else(beyond)?;
            let sum = sums.entry(school).or_default();
            *sum = sum.checked_add(cost.0).ok_or_else(beyond)?;
        }
        let schools: Vec<SchoolId> = sums.keys().copied().collect();
        let amounts: Vec<Opening> =
            sums.values().map(|cents| Opening::new(*cents, random_scalar())).collect();
        let mut lines = Vec::with_capacity(schools.len());
        for (school, amount) in schools.iter().zip(&amounts) {
            let committed = amount.commit().map_err(refused)?;
            lines.push(BudgetLine { school: *school, amount: CommitmentBytes(*committed.as_bytes()) });
        }
        Ok(Self { schools, amounts, lines, total: Cents(total) })
    }

    /// What opens each amount: the school, its cents, and the blinding. The funder's alone.
    pub fn openings(&self) -> impl Iterator<Item = (SchoolId, u64, [u8; 32])> {
        let opening =
            |(school, amount): (&SchoolId, &Opening)| (*school, amount.value(), amount.blinding().to_bytes());
        self.schools.iter().zip(&self.amounts).map(opening)
    }

    /// The statement by the rules of a protocol.
    ///
    /// # Errors
    /// [`NotStated`].
    pub fn state(
        &self,
        protocol: Protocol,
        purse: &Purse<'_>,
        as_of: Height,
    ) -> Result<BudgetStatement, NotStated> {
        if protocol.binds_statements() { self.charged(purse, as_of) } else { self.budget(purse, as_of) }
    }

    /// The statement that each amount is what the school's pools were charged as of a height.
    ///
    /// # Errors
    /// [`NotStated`].
    pub fn charged(&self, purse: &Purse<'_>, as_of: Height) -> Result<BudgetStatement, NotStated> {
        let amounts: Vec<u64> = self.amounts.iter().map(Opening::value).collect();
        let statement = purse.charged(as_of, &self.lines, &amounts).map_err(refused)?;
        let proof = statement.prove(&self.amounts, &mut OsRng).map_err(refused)?;
        Ok(self.stated(purse, as_of, proof))
    }

    /// The statement that the amounts sum to all that was funded.
    ///
    /// # Errors
    /// [`NotStated`].
    pub fn budget(&self, purse: &Purse<'_>, as_of: Height) -> Result<BudgetStatement, NotStated> {
        let statement = purse.budget(as_of, &self.lines, self.total).map_err(refused)?;
        let proof = statement.prove(&self.amounts, &mut OsRng).map_err(refused)?;
        Ok(self.stated(purse, as_of, BudgetProofBytes(proof)))
    }

    fn stated(&self, purse: &Purse<'_>, as_of: Height, proof: BudgetProofBytes) -> BudgetStatement {
        let (school_year, lines) = (purse.school_year, self.lines.clone());
        BudgetStatement { school_year, as_of, total_cents: self.total, lines, proof }
    }

    /// The statement of the greatest floor that every school keeps, weighed by a round's requests of students, each
    /// with its school and need.
    ///
    /// # Errors
    /// [`NotStated`].
    pub fn equity(
        &self,
        purse: &Purse<'_>,
        round: RoundId,
        equity: u32,
        students: impl IntoIterator<Item = (SchoolId, u16)>,
    ) -> Result<EquityStatement, NotStated> {
        let mut weights: BTreeMap<SchoolId, u64> = BTreeMap::new();
        for (school, need) in students {
            let band = band(need).ok_or_else(|| refused("a need is beyond the highest band"))?;
            *weights.entry(school).or_default() += u64::from(weight(equity, band));
        }
        let mut blindings: Vec<Scalar> = Vec::with_capacity(self.schools.len());
        let (mut committed, mut openings, mut floor) = (Vec::new(), Vec::new(), u64::from(u32::MAX));
        for (school, amount) in self.schools.iter().zip(&self.amounts) {
            let (weight, blinding) = (weights.get(school).copied().unwrap_or(0), random_scalar());
            let commitment = commit_weight(weight, &blinding.to_bytes());
            committed.push(commitment.ok_or_else(|| refused("a weight cannot be committed to"))?);
            openings.extend([amount.clone(), Opening::new(weight, blinding)]);
            floor = floor.min(amount.value().checked_div(weight).unwrap_or(floor));
            blindings.push(blinding);
        }
        let floor_cents = u32::try_from(floor).map_err(refused)?;
        let statements = purse.floors(round, &self.lines, &committed, floor_cents).map_err(refused)?;
        let mut proofs = Vec::with_capacity(statements.len());
        // Two openings a line: the amount, then the weight.
        for (statement, openings) in statements.iter().zip(openings.chunks(2 * LINE_GROUP)) {
            proofs.push(ProofBytes(statement.prove(openings, &mut OsRng).map_err(refused)?));
        }
        let blindings = blindings.iter().map(|blinding| Hash(blinding.to_bytes())).collect();
        Ok(EquityStatement { school_year: purse.school_year, round, floor_cents, blindings, proofs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_beyond_what_a_sum_holds_are_refused() {
        let of = |cents: &[(u32, u64)]| {
            let told = Ledger::of(cents.iter().map(|(school, cents)| (SchoolId(*school), Cents(*cents))));
            told.map(|ledger| ledger.total.0).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[(1, 3), (2, 4), (1, 5)]), Ok(12));
        for beyond in [&[(1, u64::MAX), (1, 1)][..], &[(1, u64::MAX), (2, 1)]] {
            assert!(of(beyond).is_err_and(|told| told.contains("sum to more than")), "{beyond:?}");
        }
    }
}
