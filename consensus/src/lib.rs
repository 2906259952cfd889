//! Everything of Aula that knows the BFT engine (Malachite): its types, signatures, codecs, and the ports through
//! which the node gives it storage and time. No type of the engine is needed by a caller of [`start`].
//!
//! One transaction's way: [`RunningConsensus::submit`] → [`mempool`] (signature verified once) → [`gossip`] to the others →
//! [`proposal`] (built by the round's proposer, executed once) → [`parts`] → judged by everybody (executed once, the
//! outcome kept by hash) → votes, signed behind the [`sign_guard`] → decided → one synced batch of the store.
//!
//! Invariants:
//! - the proposer of a round is a pure function of (validator set of that height, height, round), so a block that
//!   is synced under an old set is checked against the proposer that its voters saw;
//! - whether a block is valid never depends on a clock; whether it is voted for does, unless this node itself saw a
//!   quorum of prevotes for it, and that verdict is never stored;
//! - every signature is on disk in the sign guard before it leaves; who has lost that memory, or the engine's log,
//!   follows without signing until the height in question is past ([`Mode`]);
//! - nothing is signed before the validators' heights were heard (`heights`): a home restored from a copy has a guard that
//!   is whole and old; a newcomer signs nothing above the genesis before it is known whose chain it follows
//!   ([`Config::unproven`]);
//! - a peer is heard only if the state admits it, or while this node itself is joining; the lists of the engine's
//!   network and of gossip follow the state while the node runs, without a restart.
//!
//! Absent on purpose: vote extensions, fees and priorities, peer discovery, and any retry of a failed store: a node
//! whose disk fails stops and says so ([`FatalError`]).

pub mod bare;
pub mod config;
pub mod context;
pub mod damage;
pub mod divergence;
pub mod door;
mod driver;
mod engine;
pub mod events;
mod evidence;
pub mod executor;
pub mod gossip;
mod heights;
mod lateness;
pub mod mempool;
mod modes;
mod pace;
pub mod parts;
mod peer_watch;
pub mod planted;
pub mod ports;
pub mod proposal;
pub mod quorums;
pub mod running;
pub mod scheme;
pub mod sign_guard;
pub mod signing;
pub mod snapshots;
mod supervisor;
mod wal;
pub mod wire;

pub use config::{Config, Keys, MAX_TIMEOUT_MS, Ports, ProposeTimeoutError, Timeouts};
pub use events::{Event, FatalError, Mode};
pub use running::{Keeper, RunningConsensus, StartError, Status, start};
