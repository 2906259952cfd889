//! Range proofs as bytes: parsing, proving, and the one place that verifies with the bulletproofs crate.
//!
//! A proof covers `m` values (1, 2, 4 or 8) of `n` bits (8, 16 or 32). It does NOT contain the values, their
//! commitments, `n`, `m`, or what it is about: the verifier supplies all of these, through a transcript that has
//! absorbed the statement.
//!
//! Flow: [`RangeProof::from_bytes`] checks the shape and the scalars; `prove` and `verify` pad to a power of two
//! with values that anybody knows to be zero (commitment: the identity); `verify` calls the crate, `prove` is our own
//! `prover`, which gives the crate's bytes.
//!
//! Invariants: one byte string a proof (a point that is not canonical makes verification fail, a scalar that is not
//! canonical fails to parse); nothing is allocated beyond [`MAX_PROOF_BYTES`]; the verifier's own weight is drawn
//! from the transcript and the proof, so that all machines do the same arithmetic.
//!
//! Absences: 64 bits, more than 8 values, and any statement; those are built in [`crate::statements`].

use std::io::{Error, ErrorKind, Read};

use borsh::{BorshDeserialize, BorshSerialize};
use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::commitment::bases;
use crate::generators;
use crate::transcript::{Weights, label, prover_rng};

mod prover;

/// Most values in one proof.
pub const MAX_VALUES: usize = generators::PARTIES;
/// Bytes of the smallest proof: 8 bits, one value.
pub const MIN_PROOF_BYTES: usize = 32 * (9 + 2 * 3);
/// Bytes of the largest proof: 32 bits, eight values.
pub const MAX_PROOF_BYTES: usize = 32 * (9 + 2 * 8);

/// How many bits each value of a proof has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// Values 0..=255.
    Bits8,
    /// Values 0..=65,535.
    Bits16,
    /// Values 0..=4,294,967,295.
    Bits32,
}

impl Width {
    /// Every width, narrowest first.
    pub const ALL: [Self; 3] = [Self::Bits8, Self::Bits16, Self::Bits32];

    /// Bits a value.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::Bits8 => 8,
            Self::Bits16 => 16,
            Self::Bits32 => 32,
        }
    }

    /// Greatest value.
    #[must_use]
    pub const fn max(self) -> u32 {
        match self {
            Self::Bits8 => 0xff,
            Self::Bits16 => 0xffff,
            Self::Bits32 => 0xffff_ffff,
        }
    }

    /// The narrowest width that holds `value`.
    #[must_use]
    pub const fn holding(value: u32) -> Self {
        match value {
            0..=0xff => Self::Bits8,
            0x100..=0xffff => Self::Bits16,
            _ => Self::Bits32,
        }
    }
}

/// Why bytes are not a range proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFormatError {
    /// The length is not 32·(9 + 2·lg(n·m)) for a supported n·m.
    #[error("a range proof does not have this length")]
    Length,
    /// A scalar is not reduced modulo the group order.
    #[error("a scalar of the proof is not canonical")]
    Scalar,
}

/// The proof does not hold for this statement. There is deliberately no reason: none can be told from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold for this statement")]
pub struct Rejected;

/// An aggregated range proof. Borsh form: length in bytes (u32), then the bulletproofs crate's bytes: points A, S,
/// T1, T2, scalars t_x, its blinding, e_blinding, pairs L, R, scalars a, b, 32 bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeProof {
    /// A, S, T1, T2.
    pub(crate) heads: [CompressedRistretto; 4],
    /// t_x, t_x_blinding, e_blinding.
    pub(crate) evaluations: [Scalar; 3],
    /// Cross terms (L, R), outermost folding first.
    pub(crate) folds: Vec<(CompressedRistretto, CompressedRistretto)>,
    /// a, b.
    pub(crate) finals: [Scalar; 2],
}

impl RangeProof {
    /// Parses the crate's bytes.
    ///
    /// # Errors
    /// [`ProofFormatError`]. Points are looked at only when the proof is verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofFormatError> {
        let (chunks, rest) = bytes.as_chunks::<32>();
        let in_bounds = (MIN_PROOF_BYTES..=MAX_PROOF_BYTES).contains(&bytes.len());
        if !in_bounds || !rest.is_empty() {
            return Err(ProofFormatError::Length);
        }
        let [a, s, t1, t2, t_x, t_x_blinding, e_blinding, folds @ .., left, right] = chunks else {
            return Err(ProofFormatError::Length);
        };
        let (pairs, odd) = folds.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(ProofFormatError::Length);
        }
        Ok(Self {
            heads: [a, s, t1, t2].map(|bytes| CompressedRistretto(*bytes)),
            evaluations: [scalar(t_x)?, scalar(t_x_blinding)?, scalar(e_blinding)?],
            folds: pairs.iter().map(|[l, r]| (CompressedRistretto(*l), CompressedRistretto(*r))).collect(),
            finals: [scalar(left)?, scalar(right)?],
        })
    }

    /// The crate's bytes; `from_bytes` of them gives the same proof.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let heads = self.heads.iter().map(CompressedRistretto::as_bytes);
        let evaluations = self.evaluations.iter().map(Scalar::as_bytes);
        let folds = self.folds.iter().flat_map(|(l, r)| [l.as_bytes(), r.as_bytes()]);
        let finals = self.finals.iter().map(Scalar::as_bytes);
        heads.chain(evaluations).chain(folds).chain(finals).flatten().copied().collect()
    }

    /// Whether the proof has the foldings of `values` values of this width (a power of two of them).
    pub(crate) fn fits(&self, width: Width, values: usize) -> bool {
        let length = width.bits().saturating_mul(values);
        length.is_power_of_two() && u32::try_from(self.folds.len()) == Ok(length.trailing_zeros())
    }
}

fn scalar(bytes: &[u8; 32]) -> Result<Scalar, ProofFormatError> {
    Option::from(Scalar::from_canonical_bytes(*bytes)).ok_or(ProofFormatError::Scalar)
}

impl BorshSerialize for RangeProof {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.to_bytes().serialize(writer)
    }
}

impl BorshDeserialize for RangeProof {
    fn deserialize_reader<R: Read>(reader: &mut R) -> std::io::Result<Self> {
        let invalid = |error: ProofFormatError| Error::new(ErrorKind::InvalidData, error);
        let length = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
        let mut buffer = [0_u8; MAX_PROOF_BYTES];
        let bytes = buffer.get_mut(..length).ok_or_else(|| invalid(ProofFormatError::Length))?;
        reader.read_exact(bytes)?;
        Self::from_bytes(bytes).map_err(invalid)
    }
}

/// Values after padding: the next power of two, or nothing above [`MAX_VALUES`].
pub(crate) fn padded(values: usize) -> Option<usize> {
    (1..=MAX_VALUES).contains(&values).then(|| values.next_power_of_two())
}

/// Proves that each value fits `width`, padded with zeros. `None` when a value does not, or a count is wrong.
///
/// `transcript` must have absorbed the statement. `known` are the commitments proved, `value·B + blinding·B_blinding`.
pub(crate) fn prove<R: RngCore + CryptoRng>(
    mut transcript: Transcript,
    width: Width,
    known: &[CompressedRistretto],
    slots: &[Zeroizing<(u64, Scalar)>],
    rng: &mut R,
) -> Option<RangeProof> {
    let count = padded(slots.len())?;
    if known.len() != slots.len() || slots.iter().any(|slot| slot.0 > u64::from(width.max())) {
        return None;
    }
    let mut all = known.to_vec();
    all.resize(count, CompressedRistretto::identity());
    let mut values = Zeroizing::new(vec![0_u64; count]);
    let mut blindings = Zeroizing::new(vec![Scalar::ZERO; count]);
    for ((slot, value), blinding) in slots.iter().zip(values.iter_mut()).zip(blindings.iter_mut()) {
        (*value, *blinding) = **slot;
    }
    let secret: Zeroizing<Vec<u8>> = Zeroizing::new(
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .chain(blindings.iter().flat_map(|b| *b.as_bytes()))
            .collect(),
    );
    let mut private = prover_rng(&transcript, &[&secret], rng);
    let witness = prover::Witness { values: &values, blindings: &blindings };
    prover::prove(&mut transcript, width, &all, &witness, &mut private)
}

/// Verifies one proof with the crate's own verifier; the commitments are padded with the identity.
///
/// # Errors
/// [`Rejected`].
pub(crate) fn verify(
    mut transcript: Transcript,
    width: Width,
    commitments: &[CompressedRistretto],
    proof: &RangeProof,
) -> Result<(), Rejected> {
    let count = padded(commitments.len()).ok_or(Rejected)?;
    if !proof.fits(width, count) {
        return Err(Rejected);
    }
    let mut all = commitments.to_vec();
    all.resize(count, CompressedRistretto::identity());
    let bytes = proof.to_bytes();
    let mut fork = transcript.clone();
    fork.append_message(label::PROOF, &bytes);
    bulletproofs::RangeProof::from_bytes(&bytes)
        .and_then(|proof| {
            let (gens, bits) = (generators::of_crate(), width.bits());
            proof.verify_multiple_with_rng(gens, bases(), &mut transcript, &all, bits, &mut Weights(fork))
        })
        .map_err(|_| Rejected)
}

#[cfg(test)]
mod tests;
