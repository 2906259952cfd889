//! Two statements without ranges: commitments sum to a public total; two commitments hold one value.
//!
//! Both say that a public point is a multiple of the blinding base alone: `ΣC − total·B` or `C1 − C2`. If it is,
//! the values cancel (else the prover knew a discrete logarithm between the bases). The proof is Schnorr's, made
//! non-interactive by the statement's transcript: nonce R = k·B_blinding, challenge e, response s = k + e·r, and
//! the verifier recomputes R from s and compares bytes, so a proof has one encoding.
//!
//! Shown by [`Sum`]: the values sum to the total modulo the group order. NOT shown: that each value is small or
//! positive. Without a range proof of every term, one may be "minus a million"; [`super::Budget`] adds them.
//! Shown by [`Equality`]: one value in both commitments. Not shown: which value, or that it is in any range.

use borsh::{BorshDeserialize, BorshSerialize};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use std::io::{Error, ErrorKind, Read};
use zeroize::Zeroizing;

use crate::commitment::{Commitment, Opening, bases};
use crate::range_proof::Rejected;
use crate::transcript::{Context, challenge_scalar, label, prover_rng};

/// Most lines of one budget: every school of a large state.
pub const MAX_LINES: usize = 4_096;

/// One line: who, and the commitment to how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Line {
    /// The 32-byte name of a school or district.
    pub subject: [u8; 32],
    /// The commitment to its amount.
    pub commitment: Commitment,
}

/// Why a sum or equality was not stated or not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchnorrError {
    /// A sum has 1 to [`MAX_LINES`] terms, and one opening each.
    #[error("a sum has 1 to {MAX_LINES} terms and one opening each")]
    Count,
    /// An opening does not open its commitment.
    #[error("the opening of term {0} does not open its commitment")]
    NotAnOpening(usize),
    /// The values do not sum to the total, or differ.
    #[error("the statement is false")]
    False,
}

/// A Schnorr proof. Borsh form, 64 bytes: nonce point, response scalar (canonical).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchnorrProof {
    nonce: [u8; 32],
    response: Scalar,
}

impl BorshSerialize for SchnorrProof {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.nonce)?;
        writer.write_all(self.response.as_bytes())
    }
}

impl BorshDeserialize for SchnorrProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let (nonce, response) = <([u8; 32], [u8; 32])>::deserialize_reader(reader)?;
        let response = Option::from(Scalar::from_canonical_bytes(response))
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "response is not a canonical scalar"))?;
        Ok(Self { nonce, response })
    }
}

/// Proves that a point is `secret·B_blinding`; `transcript` has absorbed what determines the point.
pub(super) fn prove<R: RngCore + CryptoRng>(
    mut transcript: Transcript,
    secret: &Scalar,
    rng: &mut R,
) -> SchnorrProof {
    let mut wide = Zeroizing::new([0_u8; 64]);
    prover_rng(&transcript, &[secret.as_bytes()], rng).fill_bytes(wide.as_mut_slice());
    let nonce_scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
    let nonce = (bases().B_blinding * *nonce_scalar).compress().to_bytes();
    transcript.append_message(label::NONCE, &nonce);
    let challenge = challenge_scalar(&mut transcript, label::CHALLENGE);
    SchnorrProof { nonce, response: *nonce_scalar + challenge * secret }
}

pub(super) fn verify(
    mut transcript: Transcript,
    point: RistrettoPoint,
    proof: &SchnorrProof,
) -> Result<(), Rejected> {
    transcript.append_message(label::NONCE, &proof.nonce);
    let challenge = challenge_scalar(&mut transcript, label::CHALLENGE);
    let expected =
        RistrettoPoint::vartime_multiscalar_mul([proof.response, -challenge], [bases().B_blinding, point]);
    if expected.compress().to_bytes() == proof.nonce { Ok(()) } else { Err(Rejected) }
}

/// "These commitments sum to this public total."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    context: Context,
    terms: Vec<Line>,
    total: u64,
}

impl Sum {
    /// A sum of 1 to [`MAX_LINES`] terms; `total` in the terms' unit.
    ///
    /// # Errors
    /// [`SchnorrError::Count`].
    pub fn new(context: Context, terms: Vec<Line>, total: u64) -> Result<Self, SchnorrError> {
        match terms.len() {
            1..=MAX_LINES => Ok(Self { context, terms, total }),
            _ => Err(SchnorrError::Count),
        }
    }

    /// Proves it; `openings` one a term, in order.
    ///
    /// # Errors
    /// [`SchnorrError`]; a false sum is refused.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        openings: &[Opening],
        rng: &mut R,
    ) -> Result<SchnorrProof, SchnorrError> {
        if openings.len() != self.terms.len() {
            return Err(SchnorrError::Count);
        }
        let wrong =
            self.terms.iter().zip(openings).position(|(term, opening)| !term.commitment.opens_to(opening));
        if let Some(index) = wrong {
            return Err(SchnorrError::NotAnOpening(index));
        }
        let sum = Opening::sum(openings).map_err(|_| SchnorrError::False)?;
        if sum.value() != self.total {
            return Err(SchnorrError::False);
        }
        Ok(prove(self.transcript(), sum.blinding(), rng))
    }

    /// Verifies it: about 0.1 ms and 4 µs a term.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &SchnorrProof) -> Result<(), Rejected> {
        let points = self.terms.iter().map(|term| term.commitment.point());
        let sum = points.fold(RistrettoPoint::identity(), |sum, point| sum + point);
        let total = RISTRETTO_BASEPOINT_TABLE * &Scalar::from(self.total);
        verify(self.transcript(), sum - total, proof)
    }

    fn transcript(&self) -> Transcript {
        let mut transcript = self.context.begin(label::SUM);
        transcript.append_u64(label::TOTAL, self.total);
        transcript.append_u64(label::COUNT, u64::try_from(self.terms.len()).unwrap_or(u64::MAX));
        for term in &self.terms {
            transcript.append_message(label::SUBJECT, &term.subject);
            transcript.append_message(label::COMMITMENT, term.commitment.as_bytes());
        }
        transcript
    }
}

/// "These two commitments of one subject hold the same value": a commitment carried to another blinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// Chain, moment and field.
    pub context: Context,
    /// Handle of the student, or another 32-byte name.
    pub subject: [u8; 32],
    /// One commitment; the order of the two is part of the statement.
    pub left: Commitment,
    /// The other.
    pub right: Commitment,
}

impl Equality {
    /// Proves it from both openings.
    ///
    /// # Errors
    /// [`SchnorrError::NotAnOpening`] (0 left, 1 right), [`SchnorrError::False`].
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        left: &Opening,
        right: &Opening,
        rng: &mut R,
    ) -> Result<SchnorrProof, SchnorrError> {
        for (index, commitment, opening) in [(0, self.left, left), (1, self.right, right)] {
            if !commitment.opens_to(opening) {
                return Err(SchnorrError::NotAnOpening(index));
            }
        }
        if left.value() != right.value() {
            return Err(SchnorrError::False);
        }
        let difference = Zeroizing::new(left.blinding() - right.blinding());
        Ok(prove(self.transcript(), &difference, rng))
    }

    /// Verifies it: about 0.1 ms.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &SchnorrProof) -> Result<(), Rejected> {
        verify(self.transcript(), self.left.point() - self.right.point(), proof)
    }

    fn transcript(&self) -> Transcript {
        let mut transcript = self.context.begin(label::EQUALITY);
        transcript.append_message(label::SUBJECT, &self.subject);
        transcript.append_message(label::COMMITMENT, self.left.as_bytes());
        transcript.append_message(label::OTHER, self.right.as_bytes());
        transcript
    }
}

#[cfg(test)]
mod tests;
