//! What is agreed on: blocks, the certificates that make them final, and who decides them in whose turn.
//!
//! A block holds its transactions as bytes; what they say stands above, in [`crate::tx`].

pub mod block;
pub mod certificate;
pub mod misbehaviour;
pub mod turns;
pub mod validators;

pub use block::{Block, Header};
pub use certificate::{CommitCertificate, Vote, VoteType};
pub use validators::{Validator, ValidatorSet};
