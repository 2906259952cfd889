//! The node's database: everything final, and what must survive a crash before it is final.
//!
//! Flow: consensus decides → `ChainDb::commit` writes block, certificate, receipts, state and indexes of one
//! height in ONE synced batch → [`ChainDb::latest`] swaps to a snapshot after it. Whoever reads (execution, API,
//! evidence) holds a [`ChainView`], which later commits do not show through.
//!
//! Invariants: the tip, the state and the newest block always belong together; heights have no gaps;
//! nothing decided is ever rewritten. Map nodes that the new height replaced are deleted in the same batch,
//! so state proofs are made for the newest height of a view; records and rows of past heights are kept only
//! as the ledger keeps them. One table is derived from the blocks and written behind them ([`ReadIndex`]); it
//! decides nothing and is made again when it is missing.
//!
//! Beside it: [`snapshots`] of the state as files, from which a node begins without the blocks below; [`ChainDb::prune`],
//! after which [`ChainView::oldest`] is the lowest block that is kept; [`ChainDb::checkpoint`], a copy while it is written.
//!
//! Absent: any rule of the ledger.

mod backup;
mod chain;
mod error;
mod making;
mod newcomer;
mod of_genesis;
mod prune;
mod read_index;
pub mod snapshots;
pub mod solo;
mod tables;
mod trees;
mod view;

#[cfg(test)]
mod tests;

pub use chain::{ChainDb, DbOptions, Origin, sha256};
pub use error::StorageError;
pub use newcomer::Newcomer;
pub use of_genesis::{open_or_create, origin};
pub use prune::{Pruned, folder_bytes};
pub use read_index::{IndexRow, ReadIndex};
pub use view::{ChainView, Located};
