//! The replicated state: a map of records under an authenticated root, and bulk trees beside it.
//!
//! Flow: a [`StateReader`] shows the state after the last decided block; a block executes on an overlay
//! above it; the outcome is a [`StateWrites`] that the node applies in one synced batch with the block.
//! Nothing here knows how the node stores it.

mod facts;
pub mod map;
pub mod memory;
pub mod overlay;
pub mod schema;

pub use facts::BlockFacts;
pub use memory::MemoryState;
pub use overlay::{Overlay, TreeRecord, tree_key, tree_leaves};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::proof::bulk_tree::BulkTree;
use crate::types::Handle;

/// The state cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store failed: the process must stop and say what to do.
    #[error("the state store failed: {0}")]
    Failed(String),
    /// The store answers, with bytes that do not decode or do not belong together. A block that needs them cannot be
    /// judged here, but others may hold them whole: no vote for it, and the process lives.
    #[error("the stored state is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// True when what is stored is damaged, and not the store that failed.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }
}

/// Names a bulk tree, for example `students/7/1988` or `round/12/requests`; at most 64 bytes of ASCII.
pub type TreeLabel = String;

/// A record: key and value.
pub type Record = (Vec<u8>, Vec<u8>);

/// The state after the last decided block.
///
/// `value`, `values` and `value_before` read the records by plain key; `map_node` reads nodes of the authenticated map by
/// their encoded key; `tree` gives a bulk tree's keys and hashes (cached by the node, hence shared), and
/// `row`/`rows` the rows' bytes. Nodes named stale may be dropped at once.
pub trait StateReader: Send + Sync {
    /// A record by key.
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// All records whose key starts with `prefix`, ascending by key.
    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError>;
    /// The last record whose key starts with `prefix` and lies before `end`, which starts so too. A store that keeps its
    /// records in order reads no other.
    fn value_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError> {
        Ok(self.values(prefix)?.into_iter().rfind(|(key, _)| key.as_slice() < end))
    }
    /// A node of the authenticated map by its encoded key.
    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// A bulk tree, if it has ever been written.
    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError>;
    /// One row's bytes (the tree's leaf is [`crate::proof::row_leaf`] of it).
    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError>;
    /// All rows' bytes, ascending by handle.
    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError>;
}

/// Everything a block changes; applied whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct StateWrites {
    /// Records to put (`Some`) or delete (`None`), by key.
    pub values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// New nodes of the authenticated map, by encoded key.
    pub map_nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Encoded keys of nodes that no later version needs.
    pub stale_map_nodes: Vec<Vec<u8>>,
    /// Bulk trees after the block, whole (keys and hashes only).
    pub trees: BTreeMap<TreeLabel, Arc<BulkTree>>,
    /// Rows put by the block, their bytes by tree and handle.
    pub rows: BTreeMap<TreeLabel, BTreeMap<Handle, Vec<u8>>>,
}
