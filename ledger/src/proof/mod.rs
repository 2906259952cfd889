//! Proofs about trees: RFC 9162 inclusion, bulk trees with absence between neighbours.

pub mod bulk_tree;
pub mod merkle;
