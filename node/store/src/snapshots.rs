//! Snapshots: the whole state after one height as files, from which a node goes on without the blocks below.
//!
//! Flow: [`create`] writes one view → a folder `HEIGHT/` with `manifest`, `chain` and `chunk-NNNNNN` → whoever has the
//! folder, made or fetched, lets [`verify`] read it, or [`install`] makes a database of it. Both believe nothing in it: every
//! chunk is the one that the manifest names, the records have the state root of a header, and that header is certified from
//! the genesis on, through every change of the validator set.
//!
//! What is in it: the records of the authenticated map and the rows of the bulk trees, ascending; the nodes of the map
//! are made again from them. Manifest and chunks depend on the state alone, so all nodes of a chain make the same bytes of
//! one height, and a newcomer may fetch the chunks of one manifest from several peers. `chain` holds signatures, which
//! may differ.
//!
//! Invariants: a folder is whole or not there (made aside, synced, renamed); a database made from one begins at the height
//! above it ([`ChainView::oldest`](crate::ChainView::oldest)). Absent: blocks and receipts; who may fetch one is not decided
//! here, and since it holds rows that are not public, only admitted nodes may.

mod aside;
mod create;
mod error;
mod folder;
mod install;
mod load;
mod manifest;
mod read;
mod state;

pub use aside::clear_unfinished;
pub use create::create;
pub use error::SnapshotError;
pub use folder::{Incoming, Kept, list, newest, prune_to};
pub use install::{Verified, check_view, install, verify, verify_chain};
pub use load::load;
pub use manifest::{CHUNK_BYTES, ChunkRef, MAX_CHUNKS, Manifest, chunk_name};

#[cfg(test)]
mod tests;
