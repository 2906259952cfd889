//! Helpers of the tests: seeded openings, claims and contexts.

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::{Bound, Claim, Context, Field, Line, Moment, Opening, RangeProof, Statement, StudentSecret};

/// A generator with a fixed seed.
pub fn seeded(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

pub fn field(name: &str) -> Field {
    Field::new(name).unwrap()
}

/// Round 7 of a test chain, field `need`.
pub fn context() -> Context {
    Context::new([1; 32], Moment::Round(7), field("need"))
}

/// The opening of `value` for the test's n-th subject.
pub fn opening(n: u8, value: u64) -> Opening {
    Opening::derive(&StudentSecret::new([n; 32]), &field("need"), 1, value)
}

/// A claim of the n-th subject about its opening of `value`.
pub fn claim(n: u8, value: u64, bound: Bound) -> Claim {
    Claim { subject: [n; 32], commitment: opening(n, value).commit().unwrap(), bound }
}

/// A budget's line of the n-th subject.
pub fn line(n: u8, value: u64) -> Line {
    Line { subject: [n; 32], commitment: opening(n, value).commit().unwrap() }
}

/// A statement of one bound over several values, with its proof.
pub fn proved(values: &[u64], bound: Bound) -> (Statement, RangeProof) {
    let numbered = || (1_u8..).zip(values.iter().copied());
    let claims = numbered().map(|(n, value)| claim(n, value, bound)).collect();
    let openings: Vec<Opening> = numbered().map(|(n, value)| opening(n, value)).collect();
    let statement = Statement::new(context(), claims).unwrap();
    let proof = statement.prove(&openings, &mut seeded(values.iter().sum())).unwrap();
    (statement, proof)
}
