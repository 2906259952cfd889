//! What executing a block read of the state, recorded so that it can be executed again anywhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::proof::BulkTree;
use aula_ledger::state::{Record, StateReader, StoreError, TreeLabel};
use aula_ledger::types::Handle;
use borsh::{BorshDeserialize, BorshSerialize};

type Rows = Vec<(Handle, Vec<u8>)>;

/// Everything that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Recorded {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    lists: BTreeMap<Vec<u8>, Vec<Record>>,
    nodes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Bulk trees whole, by label; none where there is none.
    trees: BTreeMap<TreeLabel, Option<Rows>>,
}

/// A state that remembers what was asked of it.
pub struct Recorder<'a> {
    state: &'a dyn StateReader,
    seen: Mutex<Recorded>,
}

impl<'a> Recorder<'a> {
    /// Nothing asked yet.
    pub fn new(state: &'a dyn StateReader) -> Self {
        Self { state, seen: Mutex::default() }
    }

    /// What was asked, with the answers.
    pub fn recorded(self) -> Recorded {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Recorded> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see_tree(&self, label: &str) -> Result<(), StoreError> {
        if self.seen().trees.contains_key(label) {
            return Ok(());
        }
        let rows = match self.state.tree(label)? {
            Some(_) => Some(self.state.rows(label)?),
            None => None,
        };
        self.seen().trees.insert(label.to_owned(), rows);
        Ok(())
    }
}

impl StateReader for Recorder<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.state.value(key)?;
        self.seen().values.insert(key.to_vec(), value.clone());
        Ok(value)
    }

    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        let values = self.state.values(prefix)?;
        self.seen().lists.insert(prefix.to_vec(), values.clone());
        Ok(values)
    }

    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let node = self.state.map_node(node_key)?;
        self.seen().nodes.insert(node_key.to_vec(), node.clone());
        Ok(node)
    }

    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        self.see_tree(label)?;
        self.state.tree(label)
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        self.see_tree(label)?;
        self.state.row(label, handle)
    }

    fn rows(&self, label: &str) -> Result<Rows, StoreError> {
        self.see_tree(label)?;
        self.state.rows(label)
    }
}

fn unread(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!(
        "the file has no {what}: this program reads other records than the one that wrote the file"
    ))
}

impl Recorded {
    fn rows_of(&self, label: &str) -> Result<&Option<Rows>, StoreError> {
        self.trees.get(label).ok_or_else(|| unread(format_args!("tree {label}")))
    }
}

impl StateReader for Recorded {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.values.get(key) {
            return Ok(value.clone());
        }
        let list = self.lists.iter().find(|(prefix, _)| key.starts_with(prefix));
        let (_, list) = list.ok_or_else(|| unread(key.escape_ascii()))?;
        Ok(list.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone()))
    }

    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.lists
            .get(prefix)
            .cloned()
            .ok_or_else(|| unread(format_args!("list of {}", prefix.escape_ascii())))
    }

    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.nodes.get(node_key).cloned().ok_or_else(|| unread("such node of the map"))
    }

    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        let Some(rows) = self.rows_of(label)? else { return Ok(None) };
        let tree = BulkTree::from_rows(rows.iter().map(|(handle, row)| (handle, row.as_slice())));
        tree.map(|tree| Some(Arc::new(tree))).map_err(|_| unread(format_args!("tree {label} in order")))
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.rows_of(label)?.iter().flatten();
        Ok(rows.into_iter().find(|(known, _)| known == handle).map(|(_, row)| row.clone()))
    }

    fn rows(&self, label: &str) -> Result<Rows, StoreError> {
        Ok(self.rows_of(label)?.clone().unwrap_or_default())
    }
}
