//! Fitting the twin's mastery model from a log of responses, and judging it: the offline, floating-point side.
//!
//! Purpose: turn a CSV of responses into a [`Model`](aula_twin_runtime::model::Model) of integers, and say how
//! well it predicts beside the textbook models. Flow: [`log`] reads, [`fit`] fits (difficulties in
//! [`difficulty`], knowledge tracing in [`knowledge`], weights in [`logistic`]), [`evaluate`] walks the test
//! students through the same integer [`step`](aula_twin_runtime::twin::step) that the ledger's twins take.
//! Invariants: strictly causal (a prediction is made before its own response is seen, from the student's own
//! past and from the training log alone); one row is one response; deterministic for equal files. Absent: any
//! rule that knows which log it is given.

pub mod baselines;
pub mod boost;
pub mod difficulty;
pub mod drift;
pub mod evaluate;
pub mod features;
pub mod fit;
pub mod graph;
pub mod knowledge;
pub mod linear;
pub mod log;
pub mod logistic;
pub mod metrics;
pub mod model_file;
pub mod personas;
pub mod risk;
pub mod study;
pub mod table;
pub mod tracker;

#[cfg(test)]
mod tests;
