//! Nodes in one process, on loopback, with the real engine: what a consortium lives through.

mod common;
mod faults;
mod four_nodes;
mod ledger;
mod load;
mod membership;
