//! The prover of aggregated range proofs: the bulletproofs crate's proof, byte for byte, in about half its time.
//!
//! The crate lets every value be a party of its own and folds all generators in every round. Here one prover knows
//! everything, so that
//!
//! - commitments to the values are the statement's, not made again; S, T₁ and T₂ are one product each, not one a value;
//! - generators stay as they are for [`ROUNDS_UNFOLDED`] rounds: a cross term is a product over all of them, whose scalars carry
//!   the challenges so far, and only then they become 2^rounds fewer.
//!
//! Flow: `prove` draws its nonces in the crate's order → A, S → y, z → T₁, T₂ → x → w → the inner-product argument
//! (Bünz et al. 2018, sections 4.2 and 3). Invariants: a proof has the bytes that the crate would give for the same transcript
//! and generator (`the_proof_is_the_crates_own` in the tests); what depends on values or blindings takes the same time for all
//! of them, up to the vectors l(x) and r(x), which are blinded by s_L and s_R; secrets are wiped. Absent: any check of the values.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{MultiscalarMul, VartimeMultiscalarMul};
use merlin::Transcript;
use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

use super::{RangeProof, Width};
use crate::commitment::{bases, commit_to};
use crate::generators;
use crate::transcript::challenge_scalar;
use crate::transcript::label::bulletproofs as inner;

/// Rounds of the inner-product argument after which the generators are made fewer: the fastest of 1 to 4 for 64 bits.
const ROUNDS_UNFOLDED: u32 = 3;

type Secret = Zeroizing<Vec<Scalar>>;

/// Values with their blindings, as many as a power of two.
pub(super) struct Witness<'a> {
    pub values: &'a [u64],
    pub blindings: &'a [Scalar],
}

/// Proves that each value has at most `width` bits. `known` are the values' commitments, as many; the transcript has absorbed the
/// statement. `None` when a challenge is zero (probability 2^-252), or counts differ.
pub(super) fn prove<R: RngCore + CryptoRng>(
    transcript: &mut Transcript,
    width: Width,
    known: &[CompressedRistretto],
    witness: &Witness<'_>,
    rng: &mut R,
) -> Option<RangeProof> {
    let (bits, parties) = (width.bits(), witness.values.len());
    if known.len() != parties || witness.blindings.len() != parties {
        return None;
    }
    let (g, h) = generators::of_shape(bits, parties);
    transcript.append_message(inner::DOMAIN, inner::RANGE_PROOF);
    transcript.append_u64(inner::N, u64::try_from(bits).ok()?);
    transcript.append_u64(inner::M, u64::try_from(parties).ok()?);
    known.iter().for_each(|point| transcript.append_message(inner::V, point.as_bytes()));

    let nonces = Nonces::draw(bits, parties, rng);
    let a =
        absorb(transcript, inner::A, commit_to_bits(width, witness, &nonces, (g.as_slice(), h.as_slice())));
    let s = RistrettoPoint::multiscalar_mul(
        std::iter::once(&*nonces.s_blinding).chain(nonces.s_left.iter()).chain(nonces.s_right.iter()),
        std::iter::once(&bases().B_blinding).chain(&g).chain(&h),
    );
    let s = absorb(transcript, inner::S, s);
    let (y, z) = (challenge_scalar(transcript, inner::Y), challenge_scalar(transcript, inner::Z));

    let lines = Lines::of(width, witness, &nonces, (y, z));
    let (mut blinding_1, mut blinding_2) = (Zeroizing::new(Scalar::ZERO), Zeroizing::new(Scalar::ZERO));
    for _ in 0..parties {
        *blinding_1 += Scalar::random(rng);
        *blinding_2 += Scalar::random(rng);
    }
    let [t_0, t_1, t_2] = lines.product();
    let head_1 = absorb(transcript, inner::T1, commit_to(&t_1, &blinding_1));
    let head_2 = absorb(transcript, inner::T2, commit_to(&t_2, &blinding_2));
    let x = challenge_scalar(transcript, inner::X);
    if x == Scalar::ZERO || y == Scalar::ZERO {
        return None;
    }

    let of_values: Scalar =
        z_powers(z).zip(witness.blindings).map(|(power, blinding)| power * blinding).sum();
    let evaluations = [
        *t_0 + x * (*t_1 + x * *t_2),
        of_values + x * (*blinding_1 + x * *blinding_2),
        *nonces.a_blinding + x * *nonces.s_blinding,
    ];
    for (name, value) in [inner::T_X, inner::T_X_BLINDING, inner::E_BLINDING].into_iter().zip(&evaluations) {
        transcript.append_message(name, value.as_bytes());
    }
    let w = challenge_scalar(transcript, inner::W);
    let (left, right) = lines.at(&x);
    let terms = Terms { left, right, g: Basis::new(g, Scalar::ONE), h: Basis::new(h, y.invert()), base: w };
    let (folds, finals) = terms.fold(transcript)?;
    Some(RangeProof { heads: [a, s, head_1, head_2], evaluations, folds, finals })
}

fn absorb(transcript: &mut Transcript, name: &'static [u8], point: RistrettoPoint) -> CompressedRistretto {
    let compressed = point.compress();
    transcript.append_message(name, compressed.as_bytes());
    compressed
}

/// z², z³, …: a value's factor.
fn z_powers(z: Scalar) -> impl Iterator<Item = Scalar> {
    std::iter::successors(Some(z * z), move |power| Some(power * z))
}

/// The least bit of a value shifted so.
fn bit(value: u64, place: usize) -> u64 {
    (value >> place) & 1
}

/// What hides the bits.
struct Nonces {
    a_blinding: Zeroizing<Scalar>,
    s_blinding: Zeroizing<Scalar>,
    s_left: Secret,
    s_right: Secret,
}

impl Nonces {
    fn draw<R: RngCore + CryptoRng>(bits: usize, parties: usize, rng: &mut R) -> Self {
        let room = || Zeroizing::new(Vec::with_capacity(bits.saturating_mul(parties)));
        let zero = || Zeroizing::new(Scalar::ZERO);
        let mut drawn = Self { a_blinding: zero(), s_blinding: zero(), s_left: room(), s_right: room() };
        for _ in 0..parties {
            *drawn.a_blinding += Scalar::random(rng);
            *drawn.s_blinding += Scalar::random(rng);
            drawn.s_left.extend((0..bits).map(|_| Scalar::random(rng)));
            drawn.s_right.extend((0..bits).map(|_| Scalar::random(rng)));
        }
        drawn
    }
}

/// A: a generator G for each bit that is 1, −H for each that is 0, and the blinding.
fn commit_to_bits(
    width: Width,
    witness: &Witness<'_>,
    nonces: &Nonces,
    (g, h): (&[RistrettoPoint], &[RistrettoPoint]),
) -> RistrettoPoint {
    let places = g.chunks_exact(width.bits()).zip(h.chunks_exact(width.bits()));
    let mut sum = commit_to(&Scalar::ZERO, &nonces.a_blinding);
    for (value, (g, h)) in witness.values.iter().zip(places) {
        for (place, (g, h)) in g.iter().zip(h).enumerate() {
            let set = Choice::from(u8::from(bit(*value, place) == 1));
            sum += RistrettoPoint::conditional_select(&-h, g, set);
        }
    }
    sum
}

/// The vectors l(X) = l₀ + l₁·X and r(X) = r₀ + r₁·X.
struct Lines {
    left: [Secret; 2],
    right: [Secret; 2],
}

impl Lines {
    fn of(width: Width, witness: &Witness<'_>, nonces: &Nonces, (y, z): (Scalar, Scalar)) -> Self {
        let room = || Zeroizing::new(Vec::with_capacity(nonces.s_left.len()));
        let (mut left, mut right_0, mut right_1) = (room(), room(), room());
        let mut y_power = Scalar::ONE;
        let mut s_right = nonces.s_right.iter();
        for (value, z_power) in witness.values.iter().zip(z_powers(z)) {
            let mut two_power = z_power;
            for (place, s_right) in (0..width.bits()).zip(s_right.by_ref()) {
                let bit = Scalar::from(bit(*value, place));
                left.push(bit - z);
                right_0.push(y_power * (bit - Scalar::ONE + z) + two_power);
                right_1.push(y_power * s_right);
                y_power *= y;
                two_power += two_power;
            }
        }
        Self { left: [left, nonces.s_left.clone()], right: [right_0, right_1] }
    }

    /// ⟨l(X), r(X)⟩ = t₀ + t₁·X + t₂·X².
    fn product(&self) -> [Zeroizing<Scalar>; 3] {
        let ([l_0, l_1], [r_0, r_1]) = (&self.left, &self.right);
        [inner_product(l_0, r_0), inner_product(l_0, r_1) + inner_product(l_1, r_0), inner_product(l_1, r_1)]
            .map(Zeroizing::new)
    }

    fn at(&self, x: &Scalar) -> (Vec<Scalar>, Vec<Scalar>) {
        let at = |[constant, slope]: &[Secret; 2]| {
            constant.iter().zip(slope.iter()).map(|(constant, slope)| constant + slope * x).collect()
        };
        (at(&self.left), at(&self.right))
    }
}

fn inner_product(left: &[Scalar], right: &[Scalar]) -> Scalar {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Generators of one side. The point that a vector's p-th entry belongs to is the sum of all `points[i]·factors[i]` whose place
/// i is p modulo the vector's length.
struct Basis {
    points: Vec<RistrettoPoint>,
    factors: Vec<Scalar>,
}

impl Basis {
    /// The i-th point with the i-th power of `ratio`.
    fn new(points: Vec<RistrettoPoint>, ratio: Scalar) -> Self {
        let powers = std::iter::successors(Some(Scalar::ONE), |power| Some(power * ratio));
        let factors = powers.take(points.len()).collect();
        Self { points, factors }
    }

    /// Of each block of two halves, the points of one half with the scalars that a half as long gives them.
    fn half<'a>(
        &'a self,
        scalars: &'a [Scalar],
        half: Half,
    ) -> impl Iterator<Item = (Scalar, &'a RistrettoPoint)> {
        let length = scalars.len();
        let blocks = self
            .points
            .chunks_exact(length.saturating_mul(2))
            .zip(self.factors.chunks_exact(length.saturating_mul(2)));
        blocks.flat_map(move |(points, factors)| {
            let skip = match half {
                Half::Low => 0,
                Half::High => length,
            };
            let own = points.iter().zip(factors).skip(skip).take(length);
            own.zip(scalars).map(|((point, factor), scalar)| (factor * scalar, point))
        })
    }

    /// Multiplies the factors of the low halves by the one and of the high halves by the other.
    fn scale(&mut self, length: usize, low: &Scalar, high: &Scalar) {
        for block in self.factors.chunks_exact_mut(length.saturating_mul(2)) {
            let (lower, upper) = block.split_at_mut(length);
            lower.iter_mut().for_each(|factor| *factor *= low);
            upper.iter_mut().for_each(|factor| *factor *= high);
        }
    }

    /// As few points as entries.
    fn fewer(&self, length: usize) -> Self {
        let of = |place: usize| {
            let factors = self.factors.iter().skip(place).step_by(length);
            let points = self.points.iter().skip(place).step_by(length);
            RistrettoPoint::vartime_multiscalar_mul(factors, points)
        };
        Self { points: (0..length).map(of).collect(), factors: vec![Scalar::ONE; length] }
    }
}

#[derive(Clone, Copy)]
enum Half {
    Low,
    High,
}

/// What the inner-product argument is about.
struct Terms {
    left: Vec<Scalar>,
    right: Vec<Scalar>,
    g: Basis,
    h: Basis,
    /// The inner product's base is this multiple of B.
    base: Scalar,
}

/// Cross terms, and the last two scalars.
type Folded = (Vec<(CompressedRistretto, CompressedRistretto)>, [Scalar; 2]);

impl Terms {
    fn fold(mut self, transcript: &mut Transcript) -> Option<Folded> {
        transcript.append_message(inner::DOMAIN, inner::INNER_PRODUCT);
        transcript.append_u64(inner::N, u64::try_from(self.left.len()).ok()?);
        let (mut folds, mut unfolded) = (Vec::new(), 0_u32);
        while self.left.len() > 1 {
            let half = self.left.len() / 2;
            if unfolded == ROUNDS_UNFOLDED {
                (self.g, self.h) = (self.g.fewer(self.left.len()), self.h.fewer(self.left.len()));
                unfolded = 0;
            }
            let (left_low, left_high) = self.left.split_at_checked(half)?;
            let (right_low, right_high) = self.right.split_at_checked(half)?;
            let cross = |left: &[Scalar], right: &[Scalar], of_left: Half, of_right: Half| {
                let product = (self.base * inner_product(left, right), &bases().B);
                let terms = self.g.half(left, of_left).chain(self.h.half(right, of_right));
                let (scalars, points): (Vec<Scalar>, Vec<&RistrettoPoint>) =
                    terms.chain(std::iter::once(product)).unzip();
                RistrettoPoint::vartime_multiscalar_mul(scalars, points)
            };
            let first = absorb(transcript, inner::L, cross(left_low, right_high, Half::High, Half::Low));
            let second = absorb(transcript, inner::R, cross(left_high, right_low, Half::Low, Half::High));
            folds.push((first, second));
            let u = challenge_scalar(transcript, inner::U);
            if u == Scalar::ZERO {
                return None;
            }
            let inverse = u.invert();
            let fold = |low: &[Scalar], high: &[Scalar], of_low: &Scalar, of_high: &Scalar| {
                low.iter().zip(high).map(|(low, high)| low * of_low + high * of_high).collect::<Vec<Scalar>>()
            };
            let left = fold(left_low, left_high, &u, &inverse);
            let right = fold(right_low, right_high, &inverse, &u);
            (self.left, self.right) = (left, right);
            self.g.scale(half, &inverse, &u);
            self.h.scale(half, &u, &inverse);
            unfolded = unfolded.saturating_add(1);
        }
        Some((folds, [*self.left.first()?, *self.right.first()?]))
    }
}
