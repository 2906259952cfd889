//! What is agreed on: transactions in blocks, their receipts, and the certificates that make them final.

pub mod block;
pub mod certificate;
pub mod code;
pub mod misbehaviour;
pub mod receipt;
pub mod transaction;
pub mod turns;
pub mod validators;

pub use block::{Block, Header, TreeHead};
pub use certificate::{CommitCertificate, Vote, VoteType};
pub use receipt::{Code, Receipt};
pub use transaction::{Body, Transaction, TransactionId};
pub use validators::{Validator, ValidatorSet};
