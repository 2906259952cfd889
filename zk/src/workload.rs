//! Proofs to measure with: what `aula bench zk` and the criterion bench verify.
//!
//! The caller owns the clock and the generator. 32 bits, amounts 0..=4,294,967,295, one subject a value, so that
//! nothing is shared between proofs but the context, as in a block of many submitters.

use rand_core::{CryptoRng, RngCore};

use crate::{Bound, Claim, Context, Field, Moment, Opening, RangeProof, Scalar, Statement};

/// A statement and its proof.
pub type Proved = (Statement, RangeProof);

/// Makes `proofs` proofs of `values` values of 32 bits each, 1 to 8. About 5 ms a value; `None` for another count.
#[must_use]
pub fn amounts<R: RngCore + CryptoRng>(proofs: u32, values: u32, rng: &mut R) -> Option<Vec<Proved>> {
    let field = Field::new("amount").ok()?;
    let context = Context::new([0; 32], Moment::Height(1), field);
    (0..proofs).map(|_| proved(&context, values, rng)).collect()
}

fn proved<R: RngCore + CryptoRng>(context: &Context, values: u32, rng: &mut R) -> Option<Proved> {
    let (mut claims, mut openings) = (Vec::new(), Vec::new());
    for _ in 0..values {
        let mut wide = [0_u8; 64];
        rng.fill_bytes(&mut wide);
        let opening = Opening::new(u64::from(rng.next_u32()), Scalar::from_bytes_mod_order_wide(&wide));
        let mut subject = [0_u8; 32];
        rng.fill_bytes(&mut subject);
        claims.push(Claim {
            subject,
            commitment: opening.commit().ok()?,
            bound: Bound::Within { cap: u32::MAX },
        });
        openings.push(opening);
    }
    let statement = Statement::new(context.clone(), claims).ok()?;
    let proof = statement.prove(&openings, rng).ok()?;
    Some((statement, proof))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seeded;
    use crate::verify_all;

    #[test]
    fn the_measured_proofs_hold_and_impossible_counts_are_refused() {
        for values in [1, 3, 8] {
            let pairs = amounts(2, values, &mut seeded(1)).unwrap();
            assert_eq!(pairs.len(), 2);
            assert_eq!(verify_all(pairs.iter().map(|(statement, proof)| (statement, proof))), Ok(()));
        }
        assert_eq!((amounts(1, 0, &mut seeded(1)), amounts(1, 9, &mut seeded(1))), (None, None));
    }
}
