//! A state in memory: for tests, benches and replay. The node keeps its own in RocksDB.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Record, StateReader, StateWrites, StoreError, TreeLabel};
use crate::proof::BulkTree;
use crate::types::Handle;

/// Everything a [`StateReader`] shows, in sorted maps. Cloning gives a snapshot, which shares the trees and their rows until either
/// changes.
#[derive(Debug, Clone, Default)]
pub struct MemoryState {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    map_nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    trees: BTreeMap<TreeLabel, Arc<BulkTree>>,
    rows: BTreeMap<TreeLabel, Arc<BTreeMap<Handle, Vec<u8>>>>,
}

impl MemoryState {
    /// The state before the genesis: nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies what a block changes. Stale nodes are dropped at once.
    pub fn apply(&mut self, writes: StateWrites) {
        for (key, value) in writes.values {
            match value {
                Some(value) => drop(self.values.insert(key, value)),
                None => drop(self.values.remove(&key)),
            }
        }
        for key in &writes.stale_map_nodes {
            self.map_nodes.remove(key);
        }
        self.map_nodes.extend(writes.map_nodes);
        self.trees.extend(writes.trees);
        for (label, rows) in writes.rows {
            Arc::make_mut(self.rows.entry(label).or_default()).extend(rows);
        }
    }

    /// How many nodes of the authenticated map are held.
    pub fn map_node_count(&self) -> usize {
        self.map_nodes.len()
    }
}

impl StateReader for MemoryState {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        let from = self.values.range(prefix.to_vec()..);
        let within = from.take_while(|(key, _)| key.starts_with(prefix));
        Ok(within.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn value_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError> {
        let last = self.values.range(prefix.to_vec()..end.to_vec()).next_back();
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.map_nodes.get(node_key).cloned())
    }

    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        Ok(self.trees.get(label).cloned())
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(label).and_then(|rows| rows.get(handle)).cloned())
    }

    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError> {
        let rows = self.rows.get(label).into_iter().flat_map(|rows| rows.iter());
        Ok(rows.map(|(handle, row)| (*handle, row.clone())).collect())
    }
}
