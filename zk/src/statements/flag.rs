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
//! Both nonces are sent, so that many proofs are one multiscalar multiplication ([`FlagBatch`]): three points of their
//! own each, against the hundreds of terms of a range proof of eight bits alone.
//!
//! Not shown: which of the two it is; that it is true. Zero and one modulo the group order are zero and one, so no second
//! bound is needed.

use borsh::{BorshDeserialize, BorshSerialize};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, MultiscalarMul, VartimeMultiscalarMul};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use std::io::{Error, ErrorKind, Read};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::ProveError;
use crate::batch::{FirstRejected, first_rejected};
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
    /// The commitment.
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
        self.prove_branch(one, opening.blinding(), rng).ok_or(ProveError::NotAnOpening(0))
    }

    fn prove_branch<R: RngCore + CryptoRng>(
        &self,
        one: Choice,
        blinding: &Scalar,
        rng: &mut R,
    ) -> Option<FlagProof> {
        let mut transcript = self.transcript();
        let [if_zero, if_one] = self.points()?;
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
        Some(FlagProof {
            nonces,
            first_challenge: select(&true_challenge, &simulated_challenge, !one),
            responses: [
                select(&true_response, &simulated_response, !one),
                select(&true_response, &simulated_response, one),
            ],
        })
    }

    /// Verifies one proof by itself: about 0.15 ms. Many are cheaper in a [`FlagBatch`].
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn verify(&self, proof: &FlagProof) -> Result<(), Rejected> {
        let [if_zero, if_one] = self.points().ok_or(Rejected)?;
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
    fn points(&self) -> Option<[RistrettoPoint; 2]> {
        let point = self.commitment.point()?;
        Some([point, point - bases().B])
    }

    fn transcript(&self) -> Transcript {
        let mut transcript = self.context.begin(label::FLAG);
        transcript.append_message(label::SUBJECT, &self.subject);
        transcript.append_message(label::COMMITMENT, self.commitment.as_bytes());
        transcript
    }
}

fn challenge_of(transcript: &mut Transcript, nonces: &[[u8; 32]; 2]) -> Scalar {
    nonces.iter().for_each(|nonce| transcript.append_message(label::NONCE, nonce));
    challenge_scalar(transcript, label::CHALLENGE)
}

/// A proof of a batch, replayed.
struct Entry {
    challenges: [Scalar; 2],
    responses: [Scalar; 2],
    /// R₀, R₁, C.
    points: [RistrettoPoint; 3],
    /// Binds statement and proof.
    digest: [u8; 32],
}

impl Entry {
    fn replay(flag: &Flag, proof: &FlagProof) -> Option<Self> {
        let nonce = |bytes: [u8; 32]| CompressedRistretto(bytes).decompress();
        let [first, second] = proof.nonces;
        let points = [nonce(first)?, nonce(second)?, flag.commitment.point()?];
        let mut transcript = flag.transcript();
        let challenge = challenge_of(&mut transcript, &proof.nonces);
        let scalars = [proof.first_challenge].into_iter().chain(proof.responses);
        scalars.for_each(|scalar| transcript.append_message(label::RESPONSE, scalar.as_bytes()));
        let mut digest = [0; 32];
        transcript.challenge_bytes(label::PROOF, &mut digest);
        let challenges = [proof.first_challenge, challenge - proof.first_challenge];
        Some(Self { challenges, responses: proof.responses, points, digest })
    }
}

/// Flags with their proofs, to be verified together: the weighted sum of all their equations vanishes.
///
/// The weights are drawn from the digests of ALL statements and proofs in their order, so every validator draws the same
/// and none can be chosen after another. The verdict is that of [`Flag::verify`] of each.
#[derive(Default)]
pub struct FlagBatch {
    /// `None`: refused while replaying.
    entries: Vec<Option<Entry>>,
}

impl FlagBatch {
    /// An empty batch, which holds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a proof.
    pub fn push(&mut self, flag: &Flag, proof: &FlagProof) {
        self.entries.push(Entry::replay(flag, proof));
    }

    /// Whether every proof holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        all_hold(&self.entries)
    }

    /// Verifies every proof.
    ///
    /// # Errors
    /// [`FirstRejected`], the first that verification one by one would name.
    pub fn verify(&self) -> Result<(), FirstRejected> {
        first_rejected(&self.entries, all_hold)
    }
}

fn all_hold(entries: &[Option<Entry>]) -> bool {
    let Some(entries) = entries.iter().map(Option::as_ref).collect::<Option<Vec<&Entry>>>() else {
        return false;
    };
    let mut transcript = Transcript::new(label::FLAG_BATCH);
    transcript.append_u64(label::COUNT, u64::try_from(entries.len()).unwrap_or(u64::MAX));
    entries.iter().for_each(|entry| transcript.append_message(label::PROOF, &entry.digest));
    let (mut base, mut blinding_base) = (Scalar::ZERO, Scalar::ZERO);
    let (mut scalars, mut points) = (Vec::new(), Vec::new());
    for entry in entries {
        let weights = [(); 2].map(|()| challenge_scalar(&mut transcript, label::WEIGHT));
        let [weight_zero, weight_one] = weights;
        let ([zero, one], [response_zero, response_one]) = (entry.challenges, entry.responses);
        blinding_base += weight_zero * response_zero + weight_one * response_one;
        base += weight_one * one;
        scalars.extend([-weight_zero, -weight_one, -(weight_zero * zero + weight_one * one)]);
        points.extend(entry.points);
    }
    scalars.extend([base, blinding_base]);
    points.extend([bases().B, bases().B_blinding]);
    RistrettoPoint::vartime_multiscalar_mul(&scalars, &points).is_identity()
}

#[cfg(test)]
mod tests;
