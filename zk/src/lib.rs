//! Pedersen commitments, range and threshold proofs, sums, and their verification in batches.
//!
//! A district commits to a number about a student or a school; later it proves one fact about that number, and
//! anybody can check the proof against the commitment on the ledger without learning the number.
//!
//! Flow: [`commitment`] makes the commitment; [`statements`] says what is proved of it and proves it; [`transcript`]
//! binds the proof to where it is used; [`range_proof`] is the proof as bytes; [`batch`] verifies many at once.
//!
//! Invariants, for every module: the same bytes give the same verdict on every machine; nothing panics on any
//! input; one encoding a value. Prover randomness is an argument, so a caller decides where it comes from.
//!
//! ```
//! use aula_zk::{Bound, Claim, Context, Field, Moment, Opening, Statement, StudentSecret};
//! use rand::{SeedableRng, rngs::StdRng};
//!
//! // The district: a commitment to 1,200, and a proof that it lies in 0 to 2,559.
//! let field = Field::new("need")?;
//! let opening = Opening::derive(&StudentSecret::new([7; 32]), &field, 1, 1_200);
//! let claim = Claim { subject: [1; 32], commitment: opening.commit()?, bound: Bound::Within { cap: 2_559 } };
//! let context = Context::new([9; 32], Moment::Round(3), field);
//! let statement = Statement::new(context, vec![claim])?;
//! let proof = statement.prove(&[opening], &mut StdRng::seed_from_u64(1))?;
//!
//! // Anybody, who never sees the number.
//! assert!(statement.verify(&proof).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Absences: no clock, file, thread, environment, float or ambient randomness; no trusted setup. No proof shows
//! that a committed number is TRUE: that is what the audit draw is for.
#![deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

pub mod batch;
pub mod commitment;
mod generators;
pub mod linear;
pub mod range_proof;
pub mod statements;
#[cfg(test)]
mod testing;
pub mod transcript;
pub mod workload;

pub use batch::{Batch, FirstRejected, verify_all};
pub use commitment::{Commitment, CommitmentError, Opening, StudentSecret};
pub use curve25519_dalek::scalar::Scalar;
pub use linear::{LinearError, LinearForm};
pub use rand_core::{CryptoRng, RngCore};
pub use range_proof::{ProofFormatError, RangeProof, Rejected, Width};
pub use statements::{
    Band, Bound, Budget, BudgetProof, Claim, Equality, Flag, FlagProof, Line, ProveError, SchnorrProof,
    Statement, StatementError, Sum, Values,
};
pub use transcript::{Context, ContextError, Field, Moment};
