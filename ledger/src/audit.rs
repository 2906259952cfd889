//! Evidence bundles: one file from which anybody with the genesis can check a fact of the ledger, offline.
//!
//! Flow: a node builds a [`Bundle`] from its state and its decided blocks ([`build`]) → canonical bytes in a
//! file → [`verify`] with the genesis file → a [`Report`] of checks, each a line a layperson can read, and a
//! [`Verdict`]. The program `aula-audit` is a thin shell over [`verify`].
//!
//! ```
//! use aula_ledger::audit::{Options, Verdict, verify};
//!
//! let bundle = std::fs::read("vectors/evidence/budget.bundle")?;
//! let genesis = std::fs::read("vectors/evidence/genesis.json")?;
//! let report = verify(&bundle, &genesis, &Options::default());
//! assert_eq!(report.verdict, Verdict::Valid, "{}", report.sentence);
//! // A bundle with one bit changed proves nothing.
//! let mut forged = bundle;
//! forged[100] ^= 1;
//! assert_ne!(verify(&forged, &genesis, &Options::default()).verdict, Verdict::Valid);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Invariants: verification believes nothing in a bundle that is not bound to the genesis by signatures and
//! hashes; keys, roots, costs and texts are recomputed, never read; a byte that nothing checks has no place in
//! the format. It never panics, and what it allocates is bounded by a small multiple of the file's size.
//!
//! Absent: the network, clocks, and any claim about what happened after the bundle's height.

mod acts;
mod archive;
mod bands;
pub mod build;
pub mod bundle;
mod least;
pub mod open;
pub mod optimum;
pub mod report;
pub mod totals;
mod verify;
mod via;
pub mod why;

use sha2::{Digest, Sha256};

use crate::types::Hash;

pub use acts::is_public;
pub use archive::{Archive, Body, BuildError};
pub use build::{Collector, chain_evidence};
pub use bundle::{Bundle, Subject, VIA_VERSION};
pub use optimum::{Optimum, OptimumReport, verify_optimum};
pub use report::{Check, Report, Standing, Verdict};
pub use verify::{Options, TrustedBlock, certified, verify};
pub use via::{Via, ViaBundle, ViaReport, is_via, verify_via};

/// Plain SHA-256, as `sha256sum` prints it.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests;
