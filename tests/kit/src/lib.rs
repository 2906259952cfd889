//! One world for the tests of all crates: what a district has, made the same way everywhere.
//!
//! [`vault`] is a district's vault with students; with the feature `chain`, `chain` is a chain of one validator in one
//! process and `round` a decided round on it. A dev-dependency and nothing else (`tests/tests/arrows.rs`): the crates that
//! the kit itself is made of (ledger, zk, vault, home, store) would see their own types twice in unit tests and keep a few
//! lines of their own.

#[cfg(feature = "chain")]
pub mod chain;
#[cfg(feature = "chain")]
pub mod round;
pub mod vault;

#[cfg(feature = "chain")]
pub use chain::DevChain;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;

/// How a test ends.
pub type Tested = Result<(), Box<dyn std::error::Error>>;
/// How what a test needs is made.
pub type Made<T> = Result<T, Box<dyn std::error::Error>>;

/// The reference parameters of twins with the model that nobody fitted.
#[must_use]
pub fn reference() -> Params {
    Params::reference(Model::unfitted())
}

/// What an operator is told, as a test's error.
#[cfg(feature = "chain")]
pub fn failed(failure: impl Into<aula_home::Failure>) -> Box<dyn std::error::Error> {
    let failure = failure.into();
    format!("{}: {}", failure.code, failure.message).into()
}

/// Writes a file that its owner alone may read, as operators keep secrets.
///
/// # Errors
/// When it cannot be written.
pub fn private_file(path: &Path, text: impl AsRef<[u8]>) -> std::io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_ref())
}

/// What `scripts/delivery-peers.sh` says of a server that it started.
///
/// # Errors
/// When it is not that script that runs the test.
pub fn told(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/delivery-peers.sh"))
}
