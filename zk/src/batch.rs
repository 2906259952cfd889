//! Many range proofs, one equation.
//!
//! A Bulletproof holds when two sums of points vanish (see `equation`). With a random weight a sum, all sums of all
//! proofs vanish together or, except with probability about 2^-250, not at all. The generators are the same in
//! every proof, so their scalars are added up first and each generator is multiplied once for the whole batch; what
//! stays for each proof are its own 13 to 28 points.
//!
//! Flow: [`Batch::push`] replays a proof's transcript and keeps its challenges, points and digest; `holds` draws
//! the weights from ALL digests and evaluates the equation once; [`Batch::verify`] halves a failing batch until the
//! first bad proof is left.
//!
//! Invariants: the verdict equals that of verifying each proof by itself ([`Statement::verify`], which is the
//! bulletproofs crate's code); the weights are a function of the statements and proofs in their order, so every
//! validator computes the same; a weight depends on all of every proof, so none can be chosen after another.
//!
//! Absences: no randomness, no threads; no memory of earlier batches. About 5 kB are held for each proof, so the
//! caller limits the number of proofs (a block: 1,024 values).

use crate::range_proof::{RangeProof, Rejected};
use crate::statements::{Multiples, Statement};
use crate::transcript::{challenge_scalar, label};
use entry::Entry;
use equation::{Weighted, vanishes};
use merlin::Transcript;

mod entry;
mod equation;

/// The first proof of a batch that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof {index} of the batch does not hold")]
pub struct FirstRejected {
    /// Its position, counted from 0 in the order of `push`.
    pub index: usize,
}

/// Statements with their proofs, to be verified together.
#[derive(Default)]
pub struct Batch {
    /// `None`: refused while replaying; no weight could make it hold.
    entries: Vec<Option<Entry>>,
    multiples: Multiples,
}

impl Batch {
    /// An empty batch, which holds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a proof of a statement (32 bits, one value: about 0.1 ms, most of it decoding points).
    pub fn push(&mut self, statement: &Statement, proof: &RangeProof) {
        self.entries.push(Entry::replay(statement, proof, &mut self.multiples));
    }

    /// Proofs added so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether every proof holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        all_hold(&self.entries)
    }

    /// Verifies every proof. A failing batch costs at most twice a passing one more.
    ///
    /// # Errors
    /// [`FirstRejected`], the first that verification one by one would name.
    pub fn verify(&self) -> Result<(), FirstRejected> {
        first_rejected(&self.entries, all_hold)
    }
}

/// Names the first entry that does not hold; `all_hold` judges a run of them at once. A failing batch costs at most twice
/// a passing one more.
pub(crate) fn first_rejected<T>(entries: &[T], all_hold: impl Fn(&[T]) -> bool) -> Result<(), FirstRejected> {
    if all_hold(entries) {
        return Ok(());
    }
    // Invariant: everything before `start` holds, something in `start..start + suspects.len()` does not.
    let (mut start, mut suspects) = (0_usize, entries);
    while suspects.len() > 1 {
        let (left, right) = suspects.split_at(suspects.len().div_ceil(2));
        if all_hold(left) {
            start = start.saturating_add(left.len());
            suspects = right;
        } else {
            suspects = left;
        }
    }
    Err(FirstRejected { index: start })
}

/// Verifies pairs given at once, for callers that need no index.
///
/// # Errors
/// [`Rejected`] when any proof does not hold.
pub fn verify_all<'a>(
    pairs: impl IntoIterator<Item = (&'a Statement, &'a RangeProof)>,
) -> Result<(), Rejected> {
    let mut batch = Batch::new();
    for (statement, proof) in pairs {
        batch.push(statement, proof);
    }
    if batch.holds() { Ok(()) } else { Err(Rejected) }
}

fn all_hold(entries: &[Option<Entry>]) -> bool {
    let Some(entries) = entries.iter().map(Option::as_ref).collect::<Option<Vec<&Entry>>>() else {
        return false;
    };
    let mut transcript = Transcript::new(label::BATCH);
    transcript.append_u64(label::COUNT, u64::try_from(entries.len()).unwrap_or(u64::MAX));
    entries.iter().for_each(|entry| transcript.append_message(label::PROOF, &entry.digest));
    let weighted: Vec<Weighted<'_>> = entries
        .into_iter()
        .map(|entry| Weighted {
            entry,
            product_weight: challenge_scalar(&mut transcript, label::WEIGHT),
            evaluation_weight: challenge_scalar(&mut transcript, label::WEIGHT),
        })
        .collect();
    vanishes(&weighted)
}

#[cfg(test)]
mod tests;
