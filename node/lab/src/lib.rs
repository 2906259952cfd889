//! A consortium on one machine: the demo, local networks, benches. No production code uses anything of it.
//!
//! [`localnet`] makes homes and a genesis and starts `aula start` for each; [`demo`] plays a consortium of real students over
//! HTTP and uses only what an operator has; [`mod@bench`] measures. Whoever runs one of them gives a [`Tell`].

pub mod bench;
pub mod demo;
pub mod localnet;

use aula_home::{DEFECT, Failure, with_causes};
use aula_ledger::state::StoreError;
use aula_store::StorageError;

/// Where a line of the story goes.
pub type Tell<'a> = &'a (dyn Fn(String) + Sync);

/// The storage's sentence and hint as a failure.
fn storage_failure(error: StorageError) -> Failure {
    Failure::new("storage", &error, error.hint())
}

/// A state that cannot be read.
fn unreadable(error: StoreError) -> Failure {
    Failure::because(error, "remove the folder and run it again")
}

/// Something that this program made and cannot use.
fn defect(error: impl std::fmt::Display) -> Failure {
    Failure::because(error, DEFECT)
}

/// Records that a district's vault does not keep.
fn unkept(error: impl std::error::Error) -> Failure {
    Failure::because(with_causes(&error), "check the owner of the --home folder and the space left")
}
