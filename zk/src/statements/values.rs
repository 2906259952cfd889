//! "Each of these commitments holds the public value beside it", in one proof of 64 bytes.
//!
//! What is committed to is thereby known to everybody; the commitments go on to be used where other commitments are compared
//! with them (a floor over hidden weights). Every `Cᵢ − vᵢ·B` has to be a multiple of the blinding base. One equation stands for
//! all: a challenge z, drawn after commitments and values are fixed, weighs them, and the proof is Schnorr's of `Σ zⁱ·(Cᵢ − vᵢ·B)`.
//! A wrong value passes for fewer z than there are terms, of 2^252. Unlike [`super::Sum`], nothing can be moved from
//! one line to another.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::schnorr::{Line, MAX_LINES, SchnorrError, SchnorrProof, prove, verify};
use crate::commitment::Opening;
use crate::range_proof::Rejected;
use crate::transcript::{Context, challenge_scalar, label};

/// The statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    context: Context,
    terms: Vec<(Line, u64)>,
}

impl Values {
    /// Of 1 to [`MAX_LINES`] commitments, each with its value.
    ///
    /// # Errors
    /// [`SchnorrError::Count`].
    pub fn new(context: Context, lines: &[Line], values: &[u64]) -> Result<Self, SchnorrError> {
        if lines.len() != values.len() || !(1..=MAX_LINES).contains(&lines.len()) {
            return Err(SchnorrError::Count);
        }
        Ok(Self { context, terms: lines.iter().copied().zip(values.iter().copied()).collect() })
    }

    /// Proves it; `openings` one a term, in order.
    ///
    /// # Errors
    /// [`SchnorrError`]; a false statement is refused.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        openings: &[Opening],
        rng: &mut R,
    ) -> Result<SchnorrProof, SchnorrError> {
        if openings.len() != self.terms.len() {
            return Err(SchnorrError::Count);
        }
        let mut terms = self.terms.iter().zip(openings).enumerate();
        if let Some((index, _)) = terms.find(|(_, ((line, _), opening))| !line.commitment.opens_to(opening)) {
            return Err(SchnorrError::NotAnOpening(index));
        }
        if self.terms.iter().zip(openings).any(|((_, value), opening)| *value != opening.value()) {
            return Err(SchnorrError::False);
        }
        let (transcript, weights) = self.begin();
        let terms = weights.iter().zip(openings);
        let secret: Zeroizing<Scalar> =
            Zeroizing::new(terms.map(|(weight, opening)| weight * opening.blinding()).sum());
        Ok(prove(transcript, &secret, rng))
    }

    /// Verifies it: about 0.1 ms and 20 µs a term.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &SchnorrProof) -> Result<(), Rejected> {
        let (transcript, weights) = self.begin();
        let points = self.terms.iter().map(|(line, _)| line.commitment.point());
        let sum = RistrettoPoint::vartime_multiscalar_mul(&weights, points);
        let values =
            weights.iter().zip(&self.terms).map(|(weight, (_, value))| weight * Scalar::from(*value));
        let public: Scalar = values.sum();
        verify(transcript, sum - RISTRETTO_BASEPOINT_TABLE * &public, proof)
    }

    /// The transcript with all that is stated, and the weights drawn from it: 1, z, z², …
    fn begin(&self) -> (Transcript, Vec<Scalar>) {
        let mut transcript = self.context.begin(label::VALUES);
        transcript.append_u64(label::COUNT, u64::try_from(self.terms.len()).unwrap_or(u64::MAX));
        for (line, value) in &self.terms {
            transcript.append_message(label::SUBJECT, &line.subject);
            transcript.append_message(label::COMMITMENT, line.commitment.as_bytes());
            transcript.append_u64(label::VALUE, *value);
        }
        let z = challenge_scalar(&mut transcript, label::WEIGHT);
        let weights = std::iter::successors(Some(Scalar::ONE), |weight| Some(weight * z));
        let weights = weights.take(self.terms.len()).collect();
        (transcript, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, opening, seeded};

    fn lines(values: &[u64]) -> (Vec<Line>, Vec<Opening>) {
        let openings: Vec<Opening> = (1_u8..).zip(values).map(|(n, value)| opening(n, *value)).collect();
        let line =
            |(n, opening): (u8, &Opening)| Line { subject: [n; 32], commitment: opening.commit().unwrap() };
        ((1_u8..).zip(&openings).map(line).collect(), openings)
    }

    #[test]
    fn true_values_hold_and_no_other_do() {
        for values in [&[7][..], &[0, 70_000, 5], &[1; 40]] {
            let (lines, openings) = lines(values);
            let proof =
                Values::new(context(), &lines, values).unwrap().prove(&openings, &mut seeded(1)).unwrap();
            assert_eq!(Values::new(context(), &lines, values).unwrap().verify(&proof), Ok(()));
            for position in 0..values.len() {
                let mut other = values.to_vec();
                other[position] += 1;
                let stated = Values::new(context(), &lines, &other).unwrap();
                assert_eq!(stated.verify(&proof), Err(Rejected));
                assert_eq!(stated.prove(&openings, &mut seeded(1)), Err(SchnorrError::False));
            }
        }
    }

    #[test]
    fn money_moved_between_lines_is_seen_though_the_sum_is_the_same() {
        let (lines, openings) = lines(&[10, 20]);
        let moved = Values::new(context(), &lines, &[11, 19]).unwrap();
        // The sum's proof cannot tell them apart.
        let sum = super::super::Sum::new(context(), lines.clone(), 30).unwrap();
        assert!(sum.verify(&sum.prove(&openings, &mut seeded(2)).unwrap()).is_ok());
        // A cheat makes the equation of the values for the blindings that it has, and the values that it says.
        let (transcript, weights) = moved.begin();
        let secret: Scalar = weights.iter().zip(&openings).map(|(w, o)| w * o.blinding()).sum();
        assert_eq!(moved.verify(&prove(transcript, &secret, &mut seeded(3))), Err(Rejected));
    }

    #[test]
    fn other_counts_openings_and_contexts_are_refused() {
        let (lines, openings) = lines(&[10, 20]);
        assert_eq!(Values::new(context(), &lines, &[10]), Err(SchnorrError::Count));
        assert_eq!(Values::new(context(), &[], &[]), Err(SchnorrError::Count));
        let stated = Values::new(context(), &lines, &[10, 20]).unwrap();
        assert_eq!(stated.prove(&openings[..1], &mut seeded(1)), Err(SchnorrError::Count));
        let swapped = [openings[1].clone(), openings[0].clone()];
        assert_eq!(stated.prove(&swapped, &mut seeded(1)), Err(SchnorrError::NotAnOpening(0)));
    }
}
