//! A number that is a public linear form of committed ones: its commitment follows from theirs, nobody commits to it.
//!
//! `C = Σ wᵢ·Cᵢ + w₀·B` commits to `w₀ + Σ wᵢ·xᵢ` under the blinding `Σ wᵢ·rᵢ`. So everybody derives it from the
//! commitments on the ledger, and the holder of the openings can prove a range of it. That the committed inputs are small is
//! proved apart, of each: modulo the group order, inputs of any size would reach any result. Given the inputs' ranges, a
//! form whose every value lies within 0..=bound is one number in integers ([`LinearForm::range`]).

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

use crate::commitment::{Commitment, CommitmentError, Opening, bases};

/// `constant + Σ weights[i]·x[i]`, in integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearForm {
    /// w₀, what the form gives when all inputs are 0.
    pub constant: i32,
    /// w₁, …, in the inputs' order.
    pub weights: Vec<i32>,
}

/// Why a linear form gives no commitment or opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinearError {
    /// There must be one input a weight.
    #[error("the inputs do not match the weights in number")]
    Count,
    /// The form's value is negative, or above 64 bits.
    #[error("the form's value is negative or too large")]
    Value,
    /// The result is the identity, which hides nothing.
    #[error("the derived commitment is the identity")]
    Identity,
}

impl LinearForm {
    /// The least and the greatest value when the i-th input lies within `0..=greatest[i]`.
    ///
    /// # Errors
    /// [`LinearError::Count`].
    pub fn range(&self, greatest: &[u32]) -> Result<(i64, i64), LinearError> {
        if greatest.len() != self.weights.len() {
            return Err(LinearError::Count);
        }
        let constant = i128::from(self.constant);
        let (mut low, mut high) = (constant, constant);
        for (weight, most) in self.weights.iter().zip(greatest) {
            let at_most = i128::from(*weight).saturating_mul(i128::from(*most));
            if at_most < 0 {
                low = low.saturating_add(at_most);
            } else {
                high = high.saturating_add(at_most);
            }
        }
        let narrow = |value: i128| i64::try_from(value).map_err(|_| LinearError::Value);
        Ok((narrow(low)?, narrow(high)?))
    }

    /// Its value of these inputs.
    ///
    /// # Errors
    /// [`LinearError::Count`], [`LinearError::Value`].
    pub fn value(&self, inputs: &[u64]) -> Result<u64, LinearError> {
        if inputs.len() != self.weights.len() {
            return Err(LinearError::Count);
        }
        let terms = self.weights.iter().zip(inputs);
        let value = terms.fold(i128::from(self.constant), |sum, (weight, input)| {
            sum.saturating_add(i128::from(*weight).saturating_mul(i128::from(*input)))
        });
        u64::try_from(value).map_err(|_| LinearError::Value)
    }

    /// The commitment to its value, from the commitments to its inputs: some microseconds, since weights are short.
    ///
    /// # Errors
    /// [`LinearError::Count`]; [`LinearError::Identity`], which no honest blindings give.
    pub fn derive(&self, inputs: &[Commitment]) -> Result<Commitment, LinearError> {
        if inputs.len() != self.weights.len() {
            return Err(LinearError::Count);
        }
        let points = inputs.iter().map(Commitment::point);
        let terms: Vec<(i32, RistrettoPoint)> = self.weights.iter().copied().zip(points).collect();
        Commitment::of_point(sum_of(self.constant, &terms))
            .map_err(|_: CommitmentError| LinearError::Identity)
    }

    /// The opening of the derived commitment, from the inputs' openings.
    ///
    /// # Errors
    /// [`LinearError::Count`], [`LinearError::Value`].
    pub fn open(&self, inputs: &[Opening]) -> Result<Opening, LinearError> {
        let values: Vec<u64> = inputs.iter().map(Opening::value).collect();
        let value = self.value(&values)?;
        let terms = self.weights.iter().zip(inputs);
        let blinding = terms.map(|(weight, opening)| scalar(*weight) * opening.blinding()).sum();
        Ok(Opening::new(value, blinding))
    }
}

/// `constant·B + Σ weight·point`, one doubling a bit of the longest number for all terms together (Straus). Nothing here is
/// secret: its time depends on the numbers.
fn sum_of(constant: i32, terms: &[(i32, RistrettoPoint)]) -> RistrettoPoint {
    let all = || terms.iter().copied().chain(std::iter::once((constant, bases().B)));
    let bits = all().map(|(number, _)| 32 - number.unsigned_abs().leading_zeros()).max().unwrap_or(0);
    (0..bits).rev().fold(RistrettoPoint::identity(), |sum, bit| {
        let set = all().filter(|(number, _)| (number.unsigned_abs() >> bit) & 1 == 1);
        set.fold(sum + sum, |sum, (number, point)| if number < 0 { sum - point } else { sum + point })
    })
}

fn scalar(weight: i32) -> Scalar {
    let size = Scalar::from(weight.unsigned_abs());
    if weight < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::opening;
    use proptest::prelude::*;

    fn form(constant: i32, weights: &[i32]) -> LinearForm {
        LinearForm { constant, weights: weights.to_vec() }
    }

    #[test]
    fn the_range_takes_each_input_at_its_worst() {
        let rule = form(1_530, &[640, 320, -3, -3]);
        assert_eq!(rule.range(&[1, 1, 255, 255]), Ok((0, 2_490)));
        assert_eq!(rule.range(&[1, 1, 255]), Err(LinearError::Count));
        let huge = form(i32::MIN, &[i32::MIN; 6]);
        assert_eq!(huge.range(&[u32::MAX; 6]), Err(LinearError::Value));
    }

    #[test]
    fn a_negative_value_and_another_count_are_refused() {
        assert_eq!(form(2, &[-1]).value(&[2]), Ok(0));
        assert_eq!(form(2, &[-1]).value(&[3]), Err(LinearError::Value));
        assert_eq!(form(2, &[-1]).value(&[]), Err(LinearError::Count));
        assert_eq!(form(2, &[-1]).derive(&[]), Err(LinearError::Count));
    }

    #[test]
    fn commitments_that_cancel_give_no_commitment() {
        let one = opening(1, 7).commit().unwrap();
        assert_eq!(form(0, &[1, -1]).derive(&[one, one]), Err(LinearError::Identity));
        assert_eq!(form(0, &[0]).derive(&[one]), Err(LinearError::Identity));
    }

    proptest! {
        #[test]
        fn what_is_derived_opens_to_the_forms_value(
            constant in 0_i32..3_000,
            terms in proptest::collection::vec((-5_i32..700, 0_u64..256), 1..6),
        ) {
            let weights: Vec<i32> = terms.iter().map(|term| term.0).collect();
            let openings: Vec<Opening> =
                (1_u8..).zip(&terms).map(|(n, term)| opening(n, term.1)).collect();
            let commitments: Vec<Commitment> = openings.iter().map(|one| one.commit().unwrap()).collect();
            let rule = form(constant, &weights);
            match rule.open(&openings) {
                Ok(opened) => {
                    let expected: i64 = terms.iter().map(|(weight, input)| i64::from(*weight) * *input as i64).sum();
                    prop_assert_eq!(i128::from(opened.value()), i128::from(expected) + i128::from(constant));
                    if let Ok(derived) = rule.derive(&commitments) {
                        prop_assert!(derived.opens_to(&opened));
                    } else {
                        prop_assert!(weights.iter().all(|weight| *weight == 0));
                    }
                }
                Err(error) => prop_assert_eq!(error, LinearError::Value),
            }
        }
    }
}
