//! What a run gives.

use std::collections::BTreeMap;

use serde::Serialize;

/// The outcome of one plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The plan's seed.
    pub seed: u64,
    /// Simulated hours.
    pub hours: f64,
    /// Heights decided.
    pub heights: u64,
    /// What broke and what was done about it, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What did not hold; empty when all did.
    pub violations: Vec<String>,
    /// Whether the run went on for long enough after the healing to judge how soon the chain goes on.
    pub progress_judged: bool,
    /// Everything that happened, as one hash: the same plan gives the same one.
    pub trace_sha256: String,
    /// Entries of the trace.
    #[serde(skip)]
    pub events: u64,
    /// Members of the simulated consortium.
    #[serde(skip)]
    pub nodes: u8,
    /// How far it got, in simulated milliseconds; a violation ends it.
    #[serde(skip)]
    pub simulated_ms: u64,
    /// From the return of a quorum of correct members, the healing at the earliest, until their first block, in milliseconds; none:
    /// the run ended before.
    #[serde(skip)]
    pub first_block_ms: Option<u64>,
    /// From the healing until every correct member had gone on, in milliseconds.
    #[serde(skip)]
    pub level_after_ms: Option<u64>,
}
