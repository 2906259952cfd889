//! One proof of a batch, replayed: what its transcript decided and the points it brings.
//!
//! The order of absorbing is that of the bulletproofs crate, version 5.0.0, `RangeProof::verify_multiple`; the
//! digest at the end is ours and covers the final scalars too, which the crate has no need to absorb.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use merlin::Transcript;

use crate::range_proof::{RangeProof, padded};
use crate::statements::{Multiples, Slot, Statement};
use crate::transcript::label::bulletproofs as inner;
use crate::transcript::{challenge_scalar, label};

/// A replayed proof. Names as in the Bulletproofs paper (Bünz et al., 2018, section 4.2).
pub(super) struct Entry {
    /// Bits a value, n.
    pub bits: usize,
    /// Values, m, padding included: a power of two.
    pub parties: usize,
    /// First bit challenge.
    pub y: Scalar,
    /// Second bit challenge.
    pub z: Scalar,
    /// Evaluation point.
    pub x: Scalar,
    /// Challenge of the inner-product base.
    pub w: Scalar,
    /// Folding challenges, outermost first, lg(n·m) of them.
    pub u: Vec<Scalar>,
    /// t_x, its blinding, e_blinding.
    pub evaluations: [Scalar; 3],
    /// a, b.
    pub finals: [Scalar; 2],
    /// A, S, T1, T2, then L, R of each folding, then the value commitments without padding.
    pub points: Vec<RistrettoPoint>,
    /// Binds the statement and every part of the proof.
    pub digest: [u8; 32],
}

impl Entry {
    /// Replays the transcript. `None` when the proof cannot hold: wrong shape, a point that is not canonical, or
    /// the identity where the protocol refuses it.
    pub fn replay(statement: &Statement, proof: &RangeProof, multiples: &mut Multiples) -> Option<Self> {
        let slots = statement.slots(multiples)?;
        let (bits, parties) = (statement.width().bits(), padded(slots.len())?);
        if !proof.fits(statement.width(), parties) {
            return None;
        }
        let mut transcript = statement.transcript();
        let t = &mut transcript;
        t.append_message(inner::DOMAIN, inner::RANGE_PROOF);
        t.append_u64(inner::N, u64::try_from(bits).ok()?);
        t.append_u64(inner::M, u64::try_from(parties).ok()?);
        slots.iter().for_each(|slot| t.append_message(inner::V, slot.compressed.as_bytes()));
        (slots.len()..parties).for_each(|_| t.append_message(inner::V, &[0; 32]));

        let mut points = Vec::with_capacity(4 + 2 * proof.folds.len() + slots.len());
        let [a, s, t1, t2] = &proof.heads;
        points.push(absorb(t, inner::A, a)?);
        points.push(absorb(t, inner::S, s)?);
        let (y, z) = (challenge_scalar(t, inner::Y), challenge_scalar(t, inner::Z));
        points.push(absorb(t, inner::T1, t1)?);
        points.push(absorb(t, inner::T2, t2)?);
        let x = challenge_scalar(t, inner::X);
        for (name, value) in
            [inner::T_X, inner::T_X_BLINDING, inner::E_BLINDING].into_iter().zip(&proof.evaluations)
        {
            t.append_message(name, value.as_bytes());
        }
        let w = challenge_scalar(t, inner::W);

        t.append_message(inner::DOMAIN, inner::INNER_PRODUCT);
        t.append_u64(inner::N, u64::try_from(bits.checked_mul(parties)?).ok()?);
        let mut u = Vec::with_capacity(proof.folds.len());
        for (left, right) in &proof.folds {
            points.push(absorb(t, inner::L, left)?);
            points.push(absorb(t, inner::R, right)?);
            u.push(challenge_scalar(t, inner::U));
        }
        points.extend(slots.iter().map(|Slot { point, .. }| *point));
        let digest = digest(t, &proof.finals);
        // A challenge of zero has probability 2^-252 and no inverse.
        let invertible = y != Scalar::ZERO && u.iter().all(|challenge| *challenge != Scalar::ZERO);
        let (evaluations, finals) = (proof.evaluations, proof.finals);
        invertible.then_some(Self { bits, parties, y, z, x, w, u, evaluations, finals, points, digest })
    }
}

/// Absorbs a point and decodes it; the protocol refuses the identity.
fn absorb(
    transcript: &mut Transcript,
    name: &'static [u8],
    compressed: &CompressedRistretto,
) -> Option<RistrettoPoint> {
    transcript.append_message(name, compressed.as_bytes());
    compressed.decompress().filter(|point| !point.is_identity())
}

fn digest(transcript: &mut Transcript, [a, b]: &[Scalar; 2]) -> [u8; 32] {
    let mut digest = [0_u8; 32];
    transcript.append_message(inner::FINAL_A, a.as_bytes());
    transcript.append_message(inner::FINAL_B, b.as_bytes());
    transcript.challenge_bytes(label::PROOF, &mut digest);
    digest
}
