//! Administration: members, nodes, districts, their schools and buildings, votes, keys, access logs.

pub mod anchor_estate;
pub mod anchor_head;
pub mod change;
pub mod change_school;
mod class_change;
mod district_change;
pub mod key_change;
mod membership;
pub mod node;
pub mod propose_change;
mod protocol_change;
pub mod ready;
pub mod record_access;
pub mod register_member;
pub mod report_misbehaviour;
pub mod rotate_key;
pub(crate) mod seed_account;
pub mod vote_change;

pub use anchor_estate::AnchorEstate;
pub use anchor_head::AnchorHead;
pub use change_school::{ChangeSchool, SchoolChange};
pub use propose_change::ProposeChange;
pub use ready::Ready;
pub use record_access::RecordAccess;
pub use register_member::RegisterMember;
pub use report_misbehaviour::ReportMisbehaviour;
pub use rotate_key::RotateKey;
pub use vote_change::VoteChange;
