//! The transparency report: what decides, how it came out for each group with intervals, what bands and mandates changed,
//! counterfactuals of a sample, and drift.
//!
//! Aggregate only, by the ledger's rule of suppression, and for the groups that the ledger knows: need bands, districts and
//! schools. No conformity with any law is claimed: it is what a reader needs to judge.

pub mod figures;
pub mod interval;
pub mod paper;
mod sections;
#[cfg(test)]
pub(crate) mod tests;
