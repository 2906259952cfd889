//! Aula's ledger: a deterministic state machine, its blocks and proofs, and the audit of both.
//!
//! Pure: no async, clock, files, threads, randomness or floats. The node gives it a [`state::StateReader`]
//! and transactions; it gives back roots, receipts and writes. The auditor uses the same code without a node.
#![deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]

pub mod access;
pub mod audit;
pub mod chain;
pub mod code;
pub mod codec;
pub mod credential;
pub mod estate;
pub mod execute;
pub mod genesis;
pub mod keys;
pub mod names;
pub mod params;
pub mod position;
pub mod proof;
pub mod protocol;
pub mod roles;
pub mod rounds;
pub mod state;
pub mod store;
#[cfg(test)]
mod testkit;
pub mod twin;
pub mod tx;
pub mod types;
