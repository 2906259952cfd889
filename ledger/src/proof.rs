//! Proofs about trees: RFC 9162 inclusion, and bulk trees with absence between neighbours.
//!
//! A proof is data from a stranger. It is checked against a [`crate::proof::TreeHead`] that a header or a
//! proved record gives; nothing a proof says about its own size or position is believed. Consistency between two
//! sizes of one tree is for access logs alone: blocks and rounds never grow after they are final.

pub mod bulk_tree;
pub mod committed;
pub mod consistency;
pub mod merkle;
pub mod money;
pub mod need;
pub mod sparse;
pub mod student_state;
mod tree_head;

pub use bulk_tree::{AbsenceProof, BulkTree, Neighbour, row_leaf};
pub use merkle::InclusionPath;
pub use tree_head::TreeHead;
