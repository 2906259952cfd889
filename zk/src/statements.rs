//! What a range proof says: a committed number lies between two public bounds, for a named subject.
//!
//! | bound | shows of the committed x | values proved |
//! |---|---|---|
//! | [`Bound::NeedInBand`] | 256·band ≤ x ≤ 256·band + 255 | one of 8 bits |
//! | [`Bound::Above`] | threshold < x ≤ cap | two |
//! | [`Bound::Below`] | 0 ≤ x < threshold | two |
//! | [`Bound::Within`] | 0 ≤ x ≤ cap | two, or one when cap is 255, 65,535 or 4,294,967,295 |
//! | [`Bound::FloorMet`] | 0 ≤ x − floor·w < 2^32, w in a second commitment | one of 32 bits |
//!
//! Flow: a range `low..=high` becomes "x − low fits n bits" and "high − x fits n bits" under one aggregated proof;
//! both together leave exactly `low..=high`, since `n` bits are far below the group order. When the range spans
//! exactly 2^n numbers the first alone says it. One side alone would admit numbers that are negative modulo the
//! group order, so no bound here has one side.
//!
//! Assumed: discrete logarithms in Ristretto are hard, nobody knows one between the bases, Merlin behaves as a
//! random oracle. No trusted setup.
//!
//! Not shown: that the number is true; that it is the latest; who made the proof (whoever knows the opening can);
//! that two statements speak of one person, unless their commitment is the same.

use std::collections::BTreeMap;

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::commitment::Opening;
use crate::range_proof::{self, MAX_VALUES, RangeProof, Rejected, Width};
use crate::transcript::{Context, label};

mod bound;
mod budget;
mod flag;
mod schnorr;
mod values;

pub use bound::{BAND_SPAN, BANDS, Band, Bound, Claim, NEED_MAX};
pub use budget::{Budget, BudgetError, BudgetProof};
pub(crate) use flag::{Begun, FlagEntry};
pub use flag::{Flag, FlagProof};
pub use schnorr::{Equality, Line, MAX_LINES, SchnorrError, SchnorrProof, Sum};
pub use values::Values;

/// Why claims do not make a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// No claims, or more than [`MAX_VALUES`] values in all.
    #[error("a statement proves 1 to {MAX_VALUES} values")]
    Count,
    /// No number keeps this claim's bound.
    #[error("claim {0} has an empty range")]
    EmptyRange(usize),
    /// Claims of different widths share no proof.
    #[error("claim {0} has another width than the first")]
    MixedWidths(usize),
}

/// Why no proof was made. Names the claim, never the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// There must be one opening a claim, two for a floor (the number, then its weight).
    #[error("the openings do not match the claims in number")]
    Count,
    /// An opening does not open its commitment.
    #[error("the opening of claim {0} does not open its commitment")]
    NotAnOpening(usize),
    /// The claim is false of the committed number.
    #[error("claim {0} does not hold")]
    False(usize),
}

/// Claims proved together: one context, one width, 1 to [`MAX_VALUES`] values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    context: Context,
    claims: Vec<Claim>,
    width: Width,
    values: usize,
}

impl Statement {
    /// Puts claims under one proof.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn new(context: Context, claims: Vec<Claim>) -> Result<Self, StatementError> {
        let (mut first, mut values) = (None, 0_usize);
        for (index, claim) in claims.iter().enumerate() {
            let width = claim.bound.width().ok_or(StatementError::EmptyRange(index))?;
            if *first.get_or_insert(width) != width {
                return Err(StatementError::MixedWidths(index));
            }
            values = values.saturating_add(claim.bound.values().ok_or(StatementError::EmptyRange(index))?);
        }
        match first {
            Some(width) if values <= MAX_VALUES => Ok(Self { context, claims, width, values }),
            _ => Err(StatementError::Count),
        }
    }

    /// Splits claims, in order, into statements as full as they get.
    ///
    /// # Errors
    /// [`StatementError::EmptyRange`] and [`StatementError::MixedWidths`], counted over all claims;
    /// [`StatementError::Count`] for no claims.
    pub fn chunked(context: &Context, claims: &[Claim]) -> Result<Vec<Self>, StatementError> {
        let width = claims.first().ok_or(StatementError::Count)?.bound.width();
        let (mut statements, mut open, mut filled) = (Vec::new(), Vec::new(), 0_usize);
        for (index, claim) in claims.iter().enumerate() {
            let values = claim.bound.values().ok_or(StatementError::EmptyRange(index))?;
            if claim.bound.width() != width {
                return Err(StatementError::MixedWidths(index));
            }
            filled = filled.saturating_add(values);
            if filled > MAX_VALUES {
                statements.push(Self::new(context.clone(), std::mem::take(&mut open))?);
                filled = values;
            }
            open.push(*claim);
        }
        statements.push(Self::new(context.clone(), open)?);
        Ok(statements)
    }

    /// What every claim shares.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The claims, in order.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Range-proved values, padding not counted: what a block's limit counts.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values
    }

    /// Bits a value.
    #[must_use]
    pub fn width(&self) -> Width {
        self.width
    }

    /// Proves the statement. `openings`: one a claim in order, two for [`Bound::FloorMet`]. `rng` hides the witness;
    /// a seeded one gives the same bytes again (for tests and vectors), and even a repeated one leaks nothing as
    /// long as statement or witness differ.
    ///
    /// # Errors
    /// [`ProveError`]; a false claim is refused, not proved badly.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        openings: &[Opening],
        rng: &mut R,
    ) -> Result<RangeProof, ProveError> {
        let mut rest = openings.iter();
        let mut slots = Vec::with_capacity(self.values);
        for (index, claim) in self.claims.iter().enumerate() {
            let opening = rest.next().ok_or(ProveError::Count)?;
            if !claim.commitment.opens_to(opening) {
                return Err(ProveError::NotAnOpening(index));
            }
            match &claim.bound {
                Bound::FloorMet { weight, floor } => {
                    let other = rest.next().ok_or(ProveError::Count)?;
                    if !weight.opens_to(other) {
                        return Err(ProveError::NotAnOpening(index));
                    }
                    slots.push(floor_slot(opening, other, *floor).ok_or(ProveError::False(index))?);
                }
                bound => {
                    let (low, high) = bound.range().ok_or(ProveError::False(index))?;
                    let pair = range_slots(opening, low, high).ok_or(ProveError::False(index))?;
                    let used = bound.values().ok_or(ProveError::False(index))?;
                    slots.extend(pair.into_iter().take(used));
                }
            }
        }
        if rest.next().is_some() {
            return Err(ProveError::Count);
        }
        let known = self.slots(&mut Multiples::default()).ok_or(ProveError::Count)?;
        let known: Vec<CompressedRistretto> = known.into_iter().map(|slot| slot.compressed).collect();
        // Every value was just checked against its width; a refusal here could only be about the count.
        range_proof::prove(self.transcript(), self.width, &known, &slots, rng).ok_or(ProveError::Count)
    }

    /// Verifies one proof by itself (32 bits: about 0.9 ms). For many, use [`crate::batch::Batch`].
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &RangeProof) -> Result<(), Rejected> {
        let slots = self.slots(&mut Multiples::default()).ok_or(Rejected)?;
        let commitments: Vec<CompressedRistretto> = slots.into_iter().map(|slot| slot.compressed).collect();
        range_proof::verify(self.transcript(), self.width, &commitments, proof)
    }

    /// The transcript with the whole statement absorbed.
    pub(crate) fn transcript(&self) -> Transcript {
        let mut transcript = self.context.begin(label::RANGE);
        transcript.append_u64(label::COUNT, u64::try_from(self.claims.len()).unwrap_or(u64::MAX));
        self.claims.iter().for_each(|claim| claim.absorb(&mut transcript));
        transcript
    }

    /// The commitments to the values proved, derived from the claims: x − low, high − x, x − floor·w.
    pub(crate) fn slots(&self, multiples: &mut Multiples) -> Option<Vec<Slot>> {
        let mut slots = Vec::with_capacity(self.values);
        for claim in &self.claims {
            let point = claim.commitment.point();
            match &claim.bound {
                Bound::FloorMet { weight, floor } => {
                    slots.push(Slot::of(point - weight.point() * Scalar::from(*floor)));
                }
                bound => {
                    let (low, high) = bound.range()?;
                    slots.push(match low {
                        0 => Slot { point, compressed: CompressedRistretto(*claim.commitment.as_bytes()) },
                        _ => Slot::of(point - multiples.of_base(low)),
                    });
                    if bound.values()? == 2 {
                        slots.push(Slot::of(multiples.of_base(high) - point));
                    }
                }
            }
        }
        Some(slots)
    }
}

/// A derived commitment in both forms.
pub(crate) struct Slot {
    /// The point, for the verification equation.
    pub point: RistrettoPoint,
    /// Its encoding, for the transcript.
    pub compressed: CompressedRistretto,
}

impl Slot {
    fn of(point: RistrettoPoint) -> Self {
        Self { point, compressed: point.compress() }
    }
}

/// Multiples of the value base already computed: a batch meets the same few bounds again and again.
#[derive(Default)]
pub(crate) struct Multiples(BTreeMap<u32, RistrettoPoint>);

impl Multiples {
    fn of_base(&mut self, factor: u32) -> RistrettoPoint {
        *self.0.entry(factor).or_insert_with(|| RISTRETTO_BASEPOINT_TABLE * &Scalar::from(factor))
    }
}

/// Openings of x − low and high − x; `None` when x is outside.
fn range_slots(opening: &Opening, low: u32, high: u32) -> Option<[Zeroizing<(u64, Scalar)>; 2]> {
    let above = opening.value().checked_sub(u64::from(low))?;
    let below = u64::from(high).checked_sub(opening.value())?;
    Some([Zeroizing::new((above, *opening.blinding())), Zeroizing::new((below, -opening.blinding()))])
}

/// Opening of x − floor·w; `None` when it is negative or 2^32 and more.
fn floor_slot(opening: &Opening, weight: &Opening, floor: u32) -> Option<Zeroizing<(u64, Scalar)>> {
    let due = weight.value().checked_mul(u64::from(floor))?;
    let over = opening.value().checked_sub(due).filter(|over| u32::try_from(*over).is_ok())?;
    Some(Zeroizing::new((over, opening.blinding() - Scalar::from(floor) * weight.blinding())))
}

#[cfg(test)]
mod tests;
