//! What every route and page shares: the node they read from, the gate they pass, who is asking, and the server.
//!
//! Flow: [`server`] binds; each request passes the gate (a place among the served, a time limit, one error body, counters,
//! kept answers) and the one rule who may ask what ([`access`]); a handler takes its arguments by [`FromPath`] and [`FromQuery`]
//! and reads from the [`AppState`].
//!
//! Final things carry an ETag and may be kept for good; the rest holds for its height (`cache`). Reads that the cache
//! does not answer are limited by caller (`callers`). Absent: routes, which stand in `api` and `explorer`.

mod accepted;
pub mod access;
mod acting;
pub mod bodies;
pub mod cache;
mod callers;
pub mod connections;
pub mod credential;
pub mod extract;
pub(crate) mod gate;
pub(crate) mod gzip;
pub(crate) mod kept_vault;
pub(crate) mod lent_vault;
mod node;
pub mod places;
mod purpose;
pub mod server;
mod sorted;
pub mod tls;

pub use accepted::wants_page;
pub use extract::{FromPath, FromQuery};
pub use gate::gated;
pub use kept_vault::KeptVault;
pub use node::{
    AppState, Finality, Keeper, Latency, Network, Refused, SeedDuty, SharedSeed, Signing, Staff, Standing,
};
pub use sorted::Sorted;
