//! A budget whole: its sum, and all its amounts as one batch.

use super::Batch;
use crate::range_proof::Rejected;
use crate::statements::{Budget, BudgetProof};

impl Budget {
    /// Verifies all of it, the ranges as one batch.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &BudgetProof) -> Result<(), Rejected> {
        if proof.ranges.len() != self.amounts().len() {
            return Err(Rejected);
        }
        self.sum().verify(&proof.sum)?;
        let mut batch = Batch::new();
        for (statement, range) in self.amounts().iter().zip(&proof.ranges) {
            batch.push(statement, range);
        }
        if batch.holds() { Ok(()) } else { Err(Rejected) }
    }
}
