//! The verification equation of a weighted batch, as one multiscalar multiplication.
//!
//! Of one proof (n bits, m values, N = n·m, challenges y, z, x, w, u_1..u_lgN; B, B' the bases of values and
//! blindings; bits of i count j·n + k), the two sums that must vanish are
//!
//! - product: A + x·S + Σ u_j²·L_j + Σ u_j⁻²·R_j − e'·B' + w·(t_x − a·b)·B
//!   + Σ_i (−z − a·s_i)·G_i + Σ_i (z + y⁻ⁱ·(z²·zʲ·2ᵏ − b·s_i⁻¹))·H_i
//! - evaluation: x·T1 + x²·T2 + Σ_j z²·zʲ·V_j − t_x'·B' + (δ(y, z) − t_x)·B
//!
//! with s_i the product of u_j or u_j⁻¹ by the bits of i, and
//! δ = (z − z²)·Σ yⁱ − z³·(2ⁿ − 1)·Σ zʲ (Bünz et al. 2018, equations 61 to 66, and the notes of the crate).
//!
//! What makes it fast: weights are multiplied into the head of each inductive sequence (s, y⁻ⁱ·s⁻¹, powers of
//! 2/y), so that each generator costs three scalar products a proof; geometric sums over powers of two are
//! products; all inverses of the batch are one.

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};

use super::entry::Entry;
use crate::commitment::bases;
use crate::generators::{self, BITS, PARTIES};
use crate::statements::FlagEntry;

/// A proof with the weights of its two sums.
pub(super) struct Weighted<'a> {
    /// The proof.
    pub entry: &'a Entry,
    /// Weight of the inner-product sum.
    pub product_weight: Scalar,
    /// Weight of the evaluation sum.
    pub evaluation_weight: Scalar,
}

/// Scalars of what all proofs share, and each proof's own points with their scalars.
pub(super) struct Accumulator {
    base: Scalar,
    blinding_base: Scalar,
    g: Vec<Scalar>,
    h: Vec<Scalar>,
    /// Σ ρ·z of the proofs of one shape (bits, values): taken from each of their G, added to each of their H.
    offsets: BTreeMap<(usize, usize), Scalar>,
    own: Vec<Scalar>,
    points: Vec<RistrettoPoint>,
}

impl Default for Accumulator {
    fn default() -> Self {
        let zeros = || vec![Scalar::ZERO; PARTIES * BITS];
        Self {
            base: Scalar::ZERO,
            blinding_base: Scalar::ZERO,
            g: zeros(),
            h: zeros(),
            offsets: BTreeMap::new(),
            own: Vec::new(),
            points: Vec::new(),
        }
    }
}

impl Accumulator {
    /// Adds a flag's two sums.
    pub fn add_flag(&mut self, entry: &FlagEntry, weights: [Scalar; 2]) {
        let (own, [base, blinding_base]) = entry.weighted(weights);
        for (scalar, point) in own {
            self.own.push(scalar);
            self.points.push(point);
        }
        self.base += base;
        self.blinding_base += blinding_base;
    }

    /// Adds range proofs; false when they cannot be added, which no replayed proof causes.
    pub fn add_ranges(&mut self, batch: &[Weighted<'_>]) -> bool {
        let challenges = |part: &Weighted<'_>| part.entry.u.len().saturating_add(1);
        let mut inverses: Vec<Scalar> = Vec::with_capacity(batch.iter().map(challenges).sum());
        inverses.extend(
            batch.iter().flat_map(|part| std::iter::once(part.entry.y).chain(part.entry.u.iter().copied())),
        );
        if inverses.is_empty() {
            return true;
        }
        Scalar::batch_invert(&mut inverses);
        let mut rest = inverses.as_slice();
        for part in batch {
            let Some((own, after)) = rest.split_at_checked(challenges(part)) else {
                return false;
            };
            let [y_inverse, u_inverses @ ..] = own else { return false };
            self.add_points_and_bases(part, u_inverses);
            self.add_generators(part, *y_inverse, u_inverses);
            rest = after;
        }
        true
    }

    /// Adds the proof's own points with their scalars, in the order of `Entry::points`, and the scalars of both bases.
    fn add_points_and_bases(&mut self, part: &Weighted<'_>, u_inverses: &[Scalar]) {
        let (entry, rho, sigma) = (part.entry, part.product_weight, part.evaluation_weight);
        let ([t_x, t_x_blinding, e_blinding], [a, b]) = (entry.evaluations, entry.finals);
        let sigma_x = sigma * entry.x;
        self.own.extend([rho, rho * entry.x, sigma_x, sigma_x * entry.x]);
        for (u, inverse) in entry.u.iter().zip(u_inverses) {
            self.own.extend([rho * u * u, rho * inverse * inverse]);
        }
        let values = entry.points.len().saturating_sub(4 + 2 * entry.u.len());
        let sigma_zz = sigma * entry.z * entry.z;
        self.own.extend(std::iter::successors(Some(sigma_zz), |term| Some(term * entry.z)).take(values));
        self.points.extend_from_slice(&entry.points);

        self.blinding_base -= rho * e_blinding + sigma * t_x_blinding;
        self.base += rho * entry.w * (t_x - a * b) + sigma * (delta(entry) - t_x);
    }

    /// Adds the scalars of the generators.
    fn add_generators(&mut self, part: &Weighted<'_>, y_inverse: Scalar, u_inverses: &[Scalar]) {
        let (entry, rho, z) = (part.entry, part.product_weight, part.entry.z);
        let [a, b] = entry.finals;
        let length = entry.bits.saturating_mul(entry.parties);
        let squares = |values: &[Scalar]| values.iter().rev().map(|u| u * u).collect::<Vec<Scalar>>();

        // s_0 = Π u⁻¹; setting bit t of the index multiplies by the square of the t-th challenge from the inside.
        let s_head = -(rho * a) * u_inverses.iter().product::<Scalar>();
        let minus_a_s = tensor(s_head, &squares(&entry.u), length);
        // s_i⁻¹ likewise with inverses, and y⁻ⁱ with y^(−2^t).
        let y_powers = std::iter::successors(Some(y_inverse), |power| Some(power * power));
        let factors: Vec<Scalar> =
            squares(u_inverses).iter().zip(y_powers.clone()).map(|(square, power)| square * power).collect();
        let minus_b_s = tensor(-(rho * b) * entry.u.iter().product::<Scalar>(), &factors, length);

        // y⁻ⁿ, n a power of two.
        let y_to_minus_n =
            y_powers.zip(0..=entry.bits.trailing_zeros()).last().map_or(Scalar::ONE, |(power, _)| power);
        let (rho_z, ratio) = (rho * z, y_inverse + y_inverse);
        let mut bit_head = rho_z * z;
        *self.offsets.entry((entry.bits, entry.parties)).or_insert(Scalar::ZERO) += rho_z;
        let parties = self.g.chunks_exact_mut(BITS).zip(self.h.chunks_exact_mut(BITS));
        let terms = minus_a_s.chunks_exact(entry.bits).zip(minus_b_s.chunks_exact(entry.bits));
        for ((g, h), (s_terms, r_terms)) in parties.zip(terms) {
            let mut bit = bit_head;
            for (((g, h), s_term), r_term) in g.iter_mut().zip(h.iter_mut()).zip(s_terms).zip(r_terms) {
                *g += s_term;
                *h += r_term + bit;
                bit *= ratio;
            }
            bit_head *= z * y_to_minus_n;
        }
    }

    /// Multiplies once and compares with the identity; generators that no proof uses are left out.
    pub fn vanishes(mut self) -> bool {
        for ((bits, parties), offset) in std::mem::take(&mut self.offsets) {
            let chunks = self.g.chunks_exact_mut(BITS).zip(self.h.chunks_exact_mut(BITS)).take(parties);
            for (g, h) in chunks.flat_map(|(g, h)| g.iter_mut().zip(h).take(bits)) {
                *g -= offset;
                *h += offset;
            }
        }
        let table = generators::table();
        let shared = self.g.iter().zip(&table.g).chain(self.h.iter().zip(&table.h));
        let (mut scalars, mut points): (Vec<Scalar>, Vec<RistrettoPoint>) =
            shared.filter(|(scalar, _)| **scalar != Scalar::ZERO).unzip();
        scalars.extend([self.base, self.blinding_base]);
        points.extend([bases().B, bases().B_blinding]);
        scalars.append(&mut self.own);
        points.append(&mut self.points);
        scalars.len() == points.len()
            && RistrettoPoint::vartime_multiscalar_mul(&scalars, &points).is_identity()
    }
}

/// The vector of `length` products: `head` times the factors that belong to the set bits of the index.
fn tensor(head: Scalar, factors: &[Scalar], length: usize) -> Vec<Scalar> {
    let mut products = Vec::with_capacity(length);
    products.push(head);
    for factor in factors {
        products.extend_from_within(..);
        let half = products.len() / 2;
        products.iter_mut().skip(half).for_each(|product| *product *= factor);
    }
    products
}

/// δ(y, z) of the evaluation sum.
fn delta(entry: &Entry) -> Scalar {
    let (y, z) = (entry.y, entry.z);
    let zz = z * z;
    let all_bits = Scalar::from((1_u64 << entry.bits).wrapping_sub(1));
    (z - zz) * powers(y, entry.bits.saturating_mul(entry.parties))
        - zz * z * all_bits * powers(z, entry.parties)
}

/// 1 + x + … + x^(count − 1) for a power of two: the product of 1 + x^(2^t).
fn powers(x: Scalar, count: usize) -> Scalar {
    let mut square = x;
    let mut product = Scalar::ONE;
    for _ in 0..count.trailing_zeros() {
        product *= Scalar::ONE + square;
        square *= square;
    }
    product
}
