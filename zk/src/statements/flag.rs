//! A flag: a committed number that is 0 or 1, and nothing else.
//!
//! `C` commits to 0 when `C` is a multiple of the blinding base, to 1 when `C − B` is. The proof shows one of the two
//! without saying which: two Schnorr proofs of which the prover simulates the one that is false (Cramer, Damgård,
//! Schoenmakers, *Proofs of partial knowledge*, 1994). The transcript gives one challenge e, the prover splits it into
//! e₀ + e₁ = e, and can choose only one part beforehand. Holds when
//!
//! - s₀·B' = R₀ + e₀·C
//! - s₁·B' = R₁ + (e − e₀)·(C − B)
//!
//! Both nonces are sent, so that many proofs are one multiscalar multiplication ([`crate::Batch`]): three points of their
//! own each, against the hundreds of terms of a range proof of eight bits alone.
//!
//! Not shown: which of the two it is; that it is true. Zero and one modulo the group order are zero and one, so no second
//! bound is needed.

use borsh::{BorshDeserialize, BorshSerialize};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{MultiscalarMul, VartimeMultiscalarMul};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use std::io::{Error, ErrorKind, Read};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::ProveError;
use crate::commitment::{Commitment, Opening, bases};
use crate::range_proof::Rejected;
use crate::transcript::{Context, challenge_scalar, label, prover_rng};

/// "This commitment of this subject holds 0 or 1."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Chain, moment and field.
    pub context: Context,
    /// Handle of the student, or another 32-byte name.
    pub subject: [u8; 32],
    /// The commitment, as the ledger holds it.
    pub commitment: Commitment,
}

/// A flag's proof. Borsh form, 160 bytes: R₀, R₁, e₀, s₀, s₁; scalars are canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagProof {
    nonces: [[u8; 32]; 2],
    first_challenge: Scalar,
    responses: [Scalar; 2],
}

impl FlagProof {
    /// Bytes of a proof.
    pub const BYTES: usize = 160;
}

impl BorshSerialize for FlagProof {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.nonces.iter().try_for_each(|nonce| writer.write_all(nonce))?;
        let [first, second] = &self.responses;
        [&self.first_challenge, first, second]
            .into_iter()
            .try_for_each(|scalar| writer.write_all(scalar.as_bytes()))
    }
}

impl BorshDeserialize for FlagProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let nonces = <[[u8; 32]; 2]>::deserialize_reader(reader)?;
        let mut scalar = || {
            let bytes = <[u8; 32]>::deserialize_reader(reader)?;
            Option::from(Scalar::from_canonical_bytes(bytes))
                .ok_or_else(|| Error::new(ErrorKind::InvalidData, "a flag's proof has a scalar out of range"))
        };
        Ok(Self { nonces, first_challenge: scalar()?, responses: [scalar()?, scalar()?] })
    }
}

impl Flag {
    /// Proves it. Timing depends on neither the flag nor the blinding.
    ///
    /// # Errors
    /// [`ProveError::NotAnOpening`]; [`ProveError::False`] for a number above 1. The index is 0.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        opening: &Opening,
        rng: &mut R,
    ) -> Result<FlagProof, ProveError> {
        if !self.commitment.opens_to(opening) {
            return Err(ProveError::NotAnOpening(0));
        }
        let one = match opening.value() {
            0 => Choice::from(0),
            1 => Choice::from(1),
            _ => return Err(ProveError::False(0)),
        };
        Ok(self.prove_branch(one, opening.blinding(), rng))
    }

    fn prove_branch<R: RngCore + CryptoRng>(&self, one: Choice, blinding: &Scalar, rng: &mut R) -> FlagProof {
        let mut transcript = self.transcript();
        let [if_zero, if_one] = self.points();
        let mut private = prover_rng(&transcript, &[blinding.as_bytes(), &[one.unwrap_u8()]], rng);
        let mut draw = || {
            let mut wide = Zeroizing::new([0_u8; 64]);
            private.fill_bytes(wide.as_mut_slice());
            Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
        };
        // Of the true branch a nonce; of the other one a response and a challenge, from which its nonce follows.
        let (nonce, simulated_response, simulated_challenge) = (draw(), draw(), draw());
        let branch = |point: RistrettoPoint, is_true: Choice| {
            let response = Scalar::conditional_select(&simulated_response, &nonce, is_true);
            let challenge = Scalar::conditional_select(&simulated_challenge, &Scalar::ZERO, is_true);
            RistrettoPoint::multiscalar_mul([response, -challenge], [bases().B_blinding, point])
                .compress()
                .to_bytes()
        };
        let nonces = [branch(if_zero, !one), branch(if_one, one)];
        let challenge = challenge_of(&mut transcript, &nonces);
        let true_challenge = Zeroizing::new(challenge - *simulated_challenge);
        let true_response = *nonce + *true_challenge * blinding;
        let select = |when_true: &Scalar, otherwise: &Scalar, is_true: Choice| {
            Scalar::conditional_select(otherwise, when_true, is_true)
        };
        FlagProof {
            nonces,
            first_challenge: select(&true_challenge, &simulated_challenge, !one),
            responses: [
                select(&true_response, &simulated_response, !one),
                select(&true_response, &simulated_response, one),
            ],
        }
    }

    /// Verifies one proof by itself: about 0.15 ms. Many are cheaper in a [`crate::Batch`].
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &FlagProof) -> Result<(), Rejected> {
        let [if_zero, if_one] = self.points();
        let challenge = challenge_of(&mut self.transcript(), &proof.nonces);
        let challenges = [proof.first_challenge, challenge - proof.first_challenge];
        let branches = [if_zero, if_one].into_iter().zip(challenges).zip(proof.responses).zip(proof.nonces);
        for (((point, challenge), response), nonce) in branches {
            let expected =
                RistrettoPoint::vartime_multiscalar_mul([response, -challenge], [bases().B_blinding, point]);
            if expected.compress().to_bytes() != nonce {
                return Err(Rejected);
            }
        }
        Ok(())
    }

    /// What is a multiple of the blinding base when the number is 0, and when it is 1.
    fn points(&self) -> [RistrettoPoint; 2] {
        let point = self.commitment.point();
        [point, point - bases().B]
    }

    fn transcript(&self) -> Transcript {
        self.absorb(begin(&self.context))
    }

    fn absorb(&self, mut transcript: Transcript) -> Transcript {
        transcript.append_message(label::SUBJECT, &self.subject);
        transcript.append_message(label::COMMITMENT, self.commitment.as_bytes());
        transcript
    }
}

fn challenge_of(transcript: &mut Transcript, nonces: &[[u8; 32]; 2]) -> Scalar {
    nonces.iter().for_each(|nonce| transcript.append_message(label::NONCE, nonce));
    challenge_scalar(transcript, label::CHALLENGE)
}

/// A transcript of flags with this context absorbed.
fn begin(context: &Context) -> Transcript {
    context.begin(label::FLAG)
}

/// The transcript that flags of one context begin with: begun once for all of a batch that follow each other.
#[derive(Default)]
pub(crate) struct Begun(Option<(Context, Transcript)>);

impl Begun {
    fn of(&mut self, context: &Context) -> Transcript {
        match &self.0 {
            Some((known, transcript)) if known == context => transcript.clone(),
            _ => {
                let transcript = begin(context);
                self.0 = Some((context.clone(), transcript.clone()));
                transcript
            }
        }
    }
}

/// A flag's proof of a batch, replayed.
pub(crate) struct FlagEntry {
    /// e; being drawn from a transcript of them, it binds statement and nonces.
    challenge: Scalar,
    proof: FlagProof,
    /// R₀, R₁, C.
    points: [RistrettoPoint; 3],
}

impl FlagEntry {
    /// Replays the transcript. `None` when a nonce is not a canonical point.
    pub(crate) fn replay(flag: &Flag, proof: &FlagProof, begun: &mut Begun) -> Option<Self> {
        let nonce = |bytes: [u8; 32]| CompressedRistretto(bytes).decompress();
        let [first, second] = proof.nonces;
        let points = [nonce(first)?, nonce(second)?, flag.commitment.point()];
        let mut transcript = flag.absorb(begun.of(&flag.context));
        let challenge = challenge_of(&mut transcript, &proof.nonces);
        Some(Self { challenge, proof: *proof, points })
    }

    /// Binds the statement and every part of the proof.
    pub(crate) fn bind(&self, transcript: &mut Transcript) {
        let scalars = [self.challenge, self.proof.first_challenge].into_iter().chain(self.proof.responses);
        scalars.for_each(|scalar| transcript.append_message(label::RESPONSE, scalar.as_bytes()));
    }

    /// The sum w₀·(R₀ + e₀·C − s₀·B') + w₁·(R₁ + e₁·(C − B) − s₁·B'): each point with its scalar, then the scalars of B and B'.
    pub(crate) fn weighted(&self, weights: [Scalar; 2]) -> ([(Scalar, RistrettoPoint); 3], [Scalar; 2]) {
        let ([zero, one], [response_zero, response_one]) = (weights, self.proof.responses);
        let first = zero * self.proof.first_challenge;
        let second = one * (self.challenge - self.proof.first_challenge);
        let [nonce_zero, nonce_one, commitment] = self.points;
        let own = [(zero, nonce_zero), (one, nonce_one), (first + second, commitment)];
        (own, [-second, -(zero * response_zero + one * response_one)])
    }
}

#[cfg(test)]
mod tests;
