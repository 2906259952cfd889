//! A block's changes above the state it executes on.
//!
//! Two layers: what the block's accepted transactions have written, and what the transaction under way
//! writes ([`Overlay::begin`]). A rejected transaction's layer is thrown away ([`Overlay::rollback`]).
//! Reads see the upper layer first, and ask the state below for a small record once: it is another one only after the block.
//! [`Overlay::finish`] turns it all into a state root and [`StateWrites`]:
//! bulk trees are patched once, each touched tree's head becomes a record of the map ([`tree_key`]), and
//! records written with the bytes they already had are left out.
//!
//! Rows of bulk trees are put, never removed. Keys starting with [`TREE_PREFIX`] belong to this module.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Record, StateReader, StateWrites, StoreError, TreeLabel, map};
use crate::codec::{Canonical, CodecError};
use crate::proof::bulk_tree::{leaf_of, row_hash};
use crate::proof::{BulkTree, TreeHead};
use crate::types::{Handle, Hash, Height};

#[cfg(test)]
mod tests;

/// Most records of the state below that are remembered, and the largest.
const REMEMBERED: usize = 4_096;
const REMEMBERED_BYTES: usize = 4 * 1_024;

/// What the keys of bulk trees' records start with.
pub const TREE_PREFIX: &[u8] = b"tree/";

/// The key of a bulk tree's record: `tree/` and the tree's label.
pub fn tree_key(label: &str) -> Vec<u8> {
    [TREE_PREFIX, label.as_bytes()].concat()
}

/// How many leaves a tree has, from its record: reads no tree.
///
/// # Errors
/// [`StoreError`] when the store fails or the record is damaged.
pub fn tree_leaves(state: &dyn StateReader, label: &str) -> Result<u64, StoreError> {
    leaves_of(label, state.value(&tree_key(label))?)
}

fn leaves_of(label: &str, record: Option<Vec<u8>>) -> Result<u64, StoreError> {
    let Some(bytes) = record else { return Ok(0) };
    let record = TreeRecord::from_canonical(&bytes);
    let record =
        record.map_err(|error| StoreError::Damaged(format!("the record of tree {label}: {error}")))?;
    Ok(record.head.leaf_count)
}

/// A bulk tree as the map knows it: its label, leaf count and root. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TreeRecord {
    /// Which tree; repeated from the key, so that the record alone says what it heads.
    pub label: TreeLabel,
    /// Leaf count and root.
    pub head: TreeHead,
}

impl Canonical for TreeRecord {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "bulk tree record";
    const MAX_BYTES: u64 = 256;
}

/// A row's bytes, and their hash, of which the leaves that stand for it are made.
#[derive(Debug)]
struct Row {
    bytes: Vec<u8>,
    hash: Hash,
}

#[derive(Debug, Default)]
struct Layer {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    rows: BTreeMap<TreeLabel, BTreeMap<Handle, Row>>,
    /// What could not be written, the first of it.
    refused: Option<CodecError>,
}

impl Layer {
    fn absorb(&mut self, above: Self) {
        self.refused = self.refused.or(above.refused);
        self.values.extend(above.values);
        for (label, rows) in above.rows {
            match self.rows.entry(label) {
                // Mostly a batch is the only one of its tree in a block.
                Entry::Vacant(entry) => {
                    entry.insert(rows);
                }
                Entry::Occupied(mut entry) => entry.get_mut().extend(rows),
            }
        }
    }

    fn row(&self, label: &str, handle: &Handle) -> Option<&[u8]> {
        self.rows.get(label)?.get(handle).map(|row| row.bytes.as_slice())
    }
}

/// The state as the transaction under way sees it, and everything written since the parent block.
pub struct Overlay<'a> {
    base: &'a dyn StateReader,
    /// Records of the state below as they were read: a block's transactions ask for the same members, districts and schools.
    read: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    block: Layer,
    transaction: Option<Layer>,
}

impl<'a> Overlay<'a> {
    /// Nothing written yet.
    pub fn new(base: &'a dyn StateReader) -> Self {
        Self { base, read: RefCell::default(), block: Layer::default(), transaction: None }
    }

    /// The state below, as it was after the parent block.
    pub fn base(&self) -> &'a dyn StateReader {
        self.base
    }

    /// Starts a transaction: what follows can be rolled back. One still under way is rolled back first.
    pub fn begin(&mut self) {
        self.transaction = Some(Layer::default());
    }

    /// Keeps what the transaction wrote.
    pub fn commit(&mut self) {
        if let Some(layer) = self.transaction.take() {
            self.block.absorb(layer);
        }
    }

    /// Throws away what the transaction wrote.
    pub fn rollback(&mut self) {
        self.transaction = None;
    }

    fn top(&mut self) -> &mut Layer {
        self.transaction.as_mut().unwrap_or(&mut self.block)
    }

    /// The layers, lowest first.
    fn layers(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        std::iter::once(&self.block).chain(&self.transaction)
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.layers().rev().find_map(|layer| layer.values.get(key)) {
            Some(written) => Ok(written.clone()),
            None => self.below(key),
        }
    }

    /// The record under `key` in the state below.
    fn below(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(known) = self.read.borrow().get(key) {
            return Ok(known.clone());
        }
        let value = self.base.value(key)?;
        let mut read = self.read.borrow_mut();
        if read.len() < REMEMBERED && value.as_ref().is_none_or(|value| value.len() <= REMEMBERED_BYTES) {
            read.insert(key.to_vec(), value.clone());
        }
        Ok(value)
    }

    /// How many leaves a tree has in the state below: reads no tree.
    ///
    /// # Errors
    /// [`StoreError`] from the state below, or when the record is damaged.
    pub fn leaves_below(&self, label: &str) -> Result<u64, StoreError> {
        leaves_of(label, self.below(&tree_key(label))?)
    }

    /// Writes a record.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.top().values.insert(key, Some(value));
    }

    /// Remembers that something could not be written, until the transaction is rolled back. It must be: see
    /// [`Self::refused`].
    pub fn refuse(&mut self, error: CodecError) {
        let top = self.top();
        top.refused = top.refused.or(Some(error));
    }

    /// What the transaction under way, or the block, could not write.
    pub fn refused(&self) -> Option<CodecError> {
        self.layers().find_map(|layer| layer.refused)
    }

    /// Deletes a record; nothing happens if there is none.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.top().values.insert(key, None);
    }

    /// All records whose key starts with `prefix`, ascending by key.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn list(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        let mut records: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            self.base.values(prefix)?.into_iter().map(|(key, value)| (key, Some(value))).collect();
        for layer in self.layers() {
            let written =
                layer.values.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
            records.extend(written.map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(records.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// The last record whose key starts with `prefix` and lies before `end`, which starts so too. Lists nothing.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn last_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Record>, StoreError> {
        let mut end = end.to_vec();
        loop {
            let below = self.base.value_before(prefix, &end)?.map(|(key, _)| key);
            let written = self.layers().filter_map(|layer| {
                let mut before = layer.values.range(prefix.to_vec()..end.clone());
                before.next_back().map(|(key, _)| key.clone())
            });
            let Some(last) = written.chain(below).max() else { return Ok(None) };
            match self.get(&last)? {
                Some(value) => return Ok(Some((last, value))),
                // This block deletes it.
                None => end = last,
            }
        }
    }

    /// The records whose key starts with `prefix` as this block wrote them, ascending by key. Reads no store.
    pub fn written(&self, prefix: &[u8]) -> Vec<Record> {
        let mut records = BTreeMap::new();
        for layer in self.layers() {
            let written =
                layer.values.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
            records.extend(written.map(|(key, value)| (key.clone(), value.clone())));
        }
        records.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// A row of a bulk tree.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        match self.layers().rev().find_map(|layer| layer.row(label, handle)) {
            Some(row) => Ok(Some(row.to_vec())),
            None => self.base.row(label, handle),
        }
    }

    /// A row of a bulk tree as this block wrote it; none if only the state below has it. Reads no store.
    pub fn written_row(&self, label: &str, handle: &Handle) -> Option<&[u8]> {
        self.layers().rev().find_map(|layer| layer.row(label, handle))
    }

    /// All rows of a bulk tree, ascending by handle.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError> {
        let base = self.base.rows(label)?;
        let mut written = self.layers().filter_map(|layer| layer.rows.get(label)).peekable();
        if written.peek().is_none() {
            return Ok(base);
        }
        let mut rows: BTreeMap<Handle, Vec<u8>> = base.into_iter().collect();
        for layer in written {
            rows.extend(layer.iter().map(|(handle, row)| (*handle, row.bytes.clone())));
        }
        Ok(rows.into_iter().collect())
    }

    /// Puts a row into a bulk tree: inserts it, or replaces the handle's row. Gives the row's hash, so that nobody need hash it
    /// again.
    pub fn put_row(&mut self, label: &str, handle: Handle, row: Vec<u8>) -> Hash {
        let hash = row_hash(&row);
        let row = Row { bytes: row, hash };
        let rows = &mut self.top().rows;
        if let Some(rows) = rows.get_mut(label) {
            rows.insert(handle, row);
        } else {
            rows.insert(label.to_owned(), BTreeMap::from([(handle, row)]));
        }
        hash
    }

    /// A bulk tree with everything written so far; empty if nothing ever was. Hashes what the block changed:
    /// meant for a tree an earlier block finished, or once a transaction.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn tree(&self, label: &str) -> Result<Arc<BulkTree>, StoreError> {
        let base = self.base.tree(label)?.unwrap_or_default();
        let written = self.layers().filter_map(|layer| layer.rows.get(label)).flatten();
        let changes: BTreeMap<Handle, Hash> =
            written.map(|(handle, row)| (*handle, leaf_of(handle, &row.hash))).collect();
        Ok(if changes.is_empty() { base } else { Arc::new(base.patched(&changes)) })
    }

    /// The leaf count and root of a bulk tree with everything written so far.
    ///
    /// # Errors
    /// [`StoreError`] from the state below.
    pub fn tree_head(&self, label: &str) -> Result<TreeHead, StoreError> {
        Ok(self.tree(label)?.head())
    }

    /// The state root after the block, and what to write. A transaction under way is rolled back.
    ///
    /// # Errors
    /// [`StoreError`] from the state below, when its map has no version for the height before, or when something could not
    /// be written outside of a transaction.
    pub fn finish(mut self, height: Height) -> Result<(Hash, StateWrites), StoreError> {
        self.rollback();
        if let Some(error) = self.refused() {
            return Err(StoreError::Failed(format!("a record cannot be written: {error}")));
        }
        let mut writes = StateWrites::default();
        let labels: Vec<TreeLabel> = self.block.rows.keys().cloned().collect();
        for label in labels {
            let tree = self.tree(&label)?;
            let record = TreeRecord { label: label.clone(), head: tree.head() };
            self.block.values.insert(tree_key(&label), Some(record.to_canonical()));
            writes.trees.insert(label, tree);
        }
        for (label, rows) in self.block.rows {
            writes.rows.insert(label, rows.into_iter().map(|(handle, row)| (handle, row.bytes)).collect());
        }
        let read = self.read.into_inner();
        for (key, value) in self.block.values {
            let is_same = match read.get(&key) {
                Some(before) => *before == value,
                None => self.base.value(&key)? == value,
            };
            if !is_same {
                writes.values.insert(key, value);
            }
        }
        let update = map::update(self.base, height, &writes.values)?;
        writes.map_nodes = update.nodes;
        writes.stale_map_nodes = update.stale;
        Ok((update.root, writes))
    }
}
