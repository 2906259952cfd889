//! Everything of Aula that knows the BFT engine (Malachite): its types, signatures, codecs, and the ports through
//! which the node gives it storage, time and the ledger's answers. No type of the engine leaves this crate.

pub mod context;
mod driver;
mod engine;
pub mod events;
pub mod executor;
pub mod gossip;
pub mod handle;
pub mod mempool;
pub mod parts;
pub mod ports;
pub mod proposal;
pub mod sign_guard;
pub mod signing;
mod supervisor;
mod wal;
pub mod wire;

pub use events::{Event, Fatal, Mode};
pub use handle::{Config, Handle, Keys, Ports, StartError, Status, Timeouts, start};
