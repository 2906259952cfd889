//! Everything of Aula that knows the BFT engine (Malachite): its types, signatures, codecs, and the ports through
//! which the node gives it storage, time and the ledger's answers. No type of the engine leaves this crate.

pub mod context;
pub mod ports;
pub mod sign_guard;
pub mod signing;
pub mod wire;
