//! A node's folder: what is in it, its settings and its keys. No network, no database.
//!
//! [`home`] names every path once, [`config`] is what an operator sets, [`keys`] are drawn here and nowhere else.

pub mod clock;
pub mod config;
pub mod home;
pub mod keys;

pub use home::Home;
