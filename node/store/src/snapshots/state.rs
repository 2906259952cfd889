//! Whether records are a whole state: the map's root over the values, every bulk tree's head over its rows.

use std::collections::BTreeMap;

use aula_ledger::codec::Canonical;
use aula_ledger::proof::bulk_tree::{BulkTree, row_leaf};
use aula_ledger::state::map::{self, MapUpdate};
use aula_ledger::state::overlay::TREE_PREFIX;
use aula_ledger::state::{StoreError, TreeRecord};
use aula_ledger::types::{Handle, Hash, Height};

use super::error::SnapshotError;
use super::read::Kind;

/// Bytes of a handle, at the end of a row's key.
const HANDLE: usize = 32;

/// Takes records in their order, then says whether they are the state of a root.
#[derive(Default)]
pub(super) struct StateCheck {
    last: Option<(Kind, Vec<u8>)>,
    values: Vec<(Vec<u8>, Vec<u8>)>,
    /// The trees that the values name and whose rows have not come yet.
    awaited: BTreeMap<Vec<u8>, TreeRecord>,
    /// The tree whose rows are coming: the start of their keys, and its leaves.
    label: Vec<u8>,
    leaves: Vec<(Handle, Hash)>,
    records: u64,
}

impl StateCheck {
    /// The next record.
    pub(super) fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let follows = self.last.as_ref().is_none_or(|(before, last)| (*before, &last[..]) < (kind, key));
        if !follows {
            return refuse("its records are not strictly ascending");
        }
        self.last = Some((kind, key.to_vec()));
        self.records += 1;
        match kind {
            Kind::Value => self.value(key, value),
            Kind::Row => self.row(key, value),
        }
    }

    fn value(&mut self, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        if let Some(label) = key.strip_prefix(TREE_PREFIX) {
            let record = TreeRecord::from_canonical(value);
            let record = record.map_err(|error| SnapshotError::State(error.to_string()))?;
            if record.head.leaf_count > 0 {
                self.awaited.insert(label.to_vec(), record);
            }
        }
        self.values.push((key.to_vec(), value.to_vec()));
        Ok(())
    }

    fn row(&mut self, key: &[u8], row: &[u8]) -> Result<(), SnapshotError> {
        let Some((label, handle)) = key.split_last_chunk::<HANDLE>() else {
            return refuse("a row's key is malformed");
        };
        if label != self.label {
            self.close_tree()?;
            self.label = label.to_vec();
        }
        let handle = Handle(*handle);
        self.leaves.push((handle, row_leaf(&handle, row)));
        Ok(())
    }

    fn close_tree(&mut self) -> Result<(), SnapshotError> {
        let leaves = std::mem::take(&mut self.leaves);
        if leaves.is_empty() {
            return Ok(());
        }
        let label = match self.label.split_first() {
            Some((length, label)) if usize::from(*length) == label.len() => label,
            _ => return refuse("a row's key is malformed"),
        };
        let Some(record) = self.awaited.remove(label) else {
            return refuse("it has rows of a tree that its records do not name");
        };
        let tree = BulkTree::from_leaves(leaves).map_err(|error| SnapshotError::State(error.to_string()))?;
        if tree.head() != record.head {
            return Err(SnapshotError::State(format!(
                "the rows of the tree {} have another root than its record says",
                record.label
            )));
        }
        Ok(())
    }

    /// How many records came.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// No more records: the map over them, if it has this root.
    pub(super) fn finish(mut self, height: Height, root: Hash) -> Result<MapUpdate, SnapshotError> {
        self.close_tree()?;
        if let Some(record) = self.awaited.values().next() {
            return Err(SnapshotError::State(format!("the rows of the tree {} are missing", record.label)));
        }
        let made = map::whole(height, self.values).map_err(|error| match error {
            StoreError::Damaged(text) => SnapshotError::State(text),
            failed @ StoreError::Failed(_) => failed.into(),
        })?;
        if made.root != root {
            return refuse("its records have another root than the certified header's state root");
        }
        Ok(made)
    }
}

fn refuse<T>(why: &str) -> Result<T, SnapshotError> {
    Err(SnapshotError::State(why.into()))
}
