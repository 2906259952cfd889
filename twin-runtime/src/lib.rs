//! The student's digital twin: pure functions in integers.
//!
//! Purpose: two machines that apply the same events hold the same bytes, and an auditor who is given the events
//! can replay them to the anchored hash. Flow of an event: [`event`] (bytes) → [`merge`] (place in the set) →
//! [`twin::step`] ([`mastery`] under [`model`], [`life`], [`transitions`]) → [`twin::leaves`] (what an anchor
//! hashes). Invariants: no floats, clocks, threads, files, randomness or hash maps; numbers are bounded types
//! of [`fixed`]; no input panics. Absent: fitting a model, ingestion and storage, which live in the node.
#![deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod clock;
pub mod curve;
pub mod event;
pub mod fixed;
pub mod life;
pub mod mastery;
pub mod merge;
pub mod model;
pub mod need;
pub mod params;
pub mod planner;
pub mod replica;
pub mod skill_graph;
pub mod transitions;
pub mod twin;
