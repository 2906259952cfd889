//! Many proofs, one equation.
//!
//! A Bulletproof holds when two sums of points vanish (see `equation`), a flag's disjunction when two others do (see
//! [`Flag`]). With a random weight a sum, all sums of all proofs vanish together or, but for a negligible probability, not
//! at all. The bases and generators are the same in every proof, so their scalars are added up first and each is multiplied
//! once for the whole batch; what stays for each proof are its own points: 13 to 28 of a range proof, three of a flag.
//!
//! Flow: [`Batch::push`] and [`Batch::push_flag`] replay a proof's transcript and keep its challenges and points; `holds`
//! draws the weights and evaluates the equation once; [`Batch::verify`] halves a failing batch until the first bad proof is
//! left.
//!
//! # Why a batch that passes holds only proofs that hold
//! Let D₁ … D_k be the values of all sums, D_i = d_i·B in a group of prime order ℓ. The verdict is Σ w_i·D_i = 0. If some
//! d_i ≠ 0, exactly one w_i solves this for given other weights: with w_i uniform among 2^128 values or more it passes with
//! probability 2^-128 at most. The weights are drawn from a Merlin transcript that has absorbed the count, and of every proof
//! in order what determines its sums: of a range proof a digest of its whole transcript and final scalars; of a flag e, e₀,
//! s₀, s₁, where e is itself drawn from statement, commitment and nonces. So whoever makes proofs fixes every D_i before any
//! weight is known, and each trial of other proofs draws all weights anew: T trials succeed with probability T·2^-128
//! (random-oracle model). Range proofs have weights of 253 bits, since these are multiplied into full-size challenges
//! anyway; flags have 128, which halves the work for their nonces.
//!
//! Invariants: the verdict equals that of verifying each proof by itself ([`Statement::verify`], which is the
//! bulletproofs crate's code, and [`Flag::verify`]); the weights are a function of the statements and proofs in their order,
//! so every validator computes the same.
//!
//! Absences: no randomness, no threads; no memory of earlier batches. About 5 kB are held for each proof, so the
//! caller limits the number of proofs (a block: 1,024 values).

use crate::range_proof::{RangeProof, Rejected};
use crate::statements::{Begun, Flag, FlagEntry, FlagProof, Multiples, Statement};
use crate::transcript::{challenge_scalar, label};
use curve25519_dalek::scalar::Scalar;
use entry::Entry;
use equation::{Accumulator, Weighted};
use merlin::Transcript;

mod budget;
mod entry;
mod equation;

/// The first proof of a batch that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof {index} of the batch does not hold")]
pub struct FirstRejected {
    /// Its position, counted from 0 in the order of `push` and `push_flag`.
    pub index: usize,
}

/// A proof, replayed.
enum Replayed {
    Range(Box<Entry>),
    Flag(Box<FlagEntry>),
}

/// Statements with their proofs, to be verified together.
#[derive(Default)]
pub struct Batch {
    /// `None`: refused while replaying; no weight could make it hold.
    entries: Vec<Option<Replayed>>,
    multiples: Multiples,
    begun: Begun,
}

impl Batch {
    /// An empty batch, which holds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a proof of a statement (32 bits, one value: about 0.1 ms, most of it decoding points).
    pub fn push(&mut self, statement: &Statement, proof: &RangeProof) {
        let entry = Entry::replay(statement, proof, &mut self.multiples);
        self.entries.push(entry.map(|entry| Replayed::Range(Box::new(entry))));
    }

    /// Adds a flag's proof (some 20 µs, most of it decoding two points).
    pub fn push_flag(&mut self, flag: &Flag, proof: &FlagProof) {
        let entry = FlagEntry::replay(flag, proof, &mut self.begun);
        self.entries.push(entry.map(|entry| Replayed::Flag(Box::new(entry))));
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
fn first_rejected<T>(entries: &[T], all_hold: impl Fn(&[T]) -> bool) -> Result<(), FirstRejected> {
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

fn all_hold(entries: &[Option<Replayed>]) -> bool {
    let Some(entries) = entries.iter().map(Option::as_ref).collect::<Option<Vec<&Replayed>>>() else {
        return false;
    };
    let mut transcript = Transcript::new(label::BATCH);
    transcript.append_u64(label::COUNT, u64::try_from(entries.len()).unwrap_or(u64::MAX));
    for entry in &entries {
        match entry {
            Replayed::Range(entry) => transcript.append_message(label::PROOF, &entry.digest),
            Replayed::Flag(entry) => entry.bind(&mut transcript),
        }
    }
    let (mut sums, mut weighted) = (Accumulator::default(), Vec::new());
    for entry in entries {
        match entry {
            Replayed::Range(entry) => weighted.push(Weighted {
                entry,
                product_weight: challenge_scalar(&mut transcript, label::WEIGHT),
                evaluation_weight: challenge_scalar(&mut transcript, label::WEIGHT),
            }),
            Replayed::Flag(entry) => sums.add_flag(entry, short_weights(&mut transcript)),
        }
    }
    sums.add_ranges(&weighted) && sums.vanishes()
}

/// Two weights of 128 bits.
fn short_weights(transcript: &mut Transcript) -> [Scalar; 2] {
    let mut bytes = [[0_u8; 16]; 2];
    transcript.challenge_bytes(label::WEIGHT, bytes.as_flattened_mut());
    bytes.map(|half| Scalar::from(u128::from_le_bytes(half)))
}

#[cfg(test)]
mod tests;
