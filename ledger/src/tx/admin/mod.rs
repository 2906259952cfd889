//! Administration: members, votes, keys, access logs.

pub mod change;
mod class_change;
pub mod propose_change;
pub mod record_access;
pub mod register_member;
pub mod rotate_key;
pub(crate) mod seed_account;
pub mod vote_change;

pub use change::Change;
pub use propose_change::ProposeChange;
pub use record_access::RecordAccess;
pub use register_member::RegisterMember;
pub use rotate_key::RotateKey;
pub use vote_change::{Choice, VoteChange};
