//! A view of everything final after one height: the state, and the chain up to it.
//!
//! Made by [`super::ChainDb::latest`], cheap to clone behind its `Arc`, unchanged by later commits (a RocksDB
//! snapshot). Execution, the API and evidence all read through it, so that a header, the state proof under
//! its root and the rows shown beside it are of one height. Hold it for a request or a block, not for hours:
//! the database keeps what a view still shows.

use std::sync::Arc;

use aula_ledger::chain::{Block, CommitCertificate, Header};
use aula_ledger::codec::Canonical;
use aula_ledger::proof::bulk_tree::{BulkTree, row_leaf};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::store::Tip;
use aula_ledger::tx::{Receipt, TransactionId};
use aula_ledger::types::{Handle, Hash, Height};
use borsh::BorshDeserialize;
use rocksdb::{DB, Direction, IteratorMode, ReadOptions};
use self_cell::self_cell;

use super::error::{StorageError, damaged};
use super::tables::{Table, after_prefix, height_key, meta, row_key, rows_prefix};
use super::trees::Trees;

type Borrowed<'a> = rocksdb::Snapshot<'a>;

self_cell!(
    /// A snapshot that keeps its database open.
    pub(super) struct OwnedSnapshot {
        owner: Arc<DB>,
        #[covariant]
        dependent: Borrowed,
    }
);

impl OwnedSnapshot {
    /// The database as it is now.
    pub(super) fn take(db: Arc<DB>) -> Self {
        Self::new(db, |db| db.snapshot())
    }
}

/// Where a transaction stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// The block's height.
    pub height: Height,
    /// The transaction's position in the block, from 0.
    pub index: u32,
}

/// Everything final after one height.
pub struct ChainView {
    tip: Tip,
    snapshot: OwnedSnapshot,
    trees: Trees,
}

impl std::fmt::Debug for ChainView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainView").field("tip", &self.tip).finish_non_exhaustive()
    }
}

type Pair = (Vec<u8>, Vec<u8>);

impl ChainView {
    pub(super) const fn new(tip: Tip, snapshot: OwnedSnapshot, trees: Trees) -> Self {
        Self { tip, snapshot, trees }
    }

    pub(super) const fn trees(&self) -> &Trees {
        &self.trees
    }

    /// The last decided block of this view.
    pub const fn tip(&self) -> Tip {
        self.tip
    }

    /// The genesis file's bytes.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn genesis(&self) -> Result<Vec<u8>, StorageError> {
        self.get(Table::Meta, meta::GENESIS)?.ok_or_else(|| damaged("meta", "the genesis is missing"))
    }

    /// The lowest block that is kept; what lies below was pruned here, or never fetched.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn oldest(&self) -> Result<Height, StorageError> {
        oldest_of(self.get(Table::Meta, meta::OLDEST)?.as_deref())
    }

    /// A block's header; none at 0, above the tip and below [`Self::oldest`].
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn header(&self, height: Height) -> Result<Option<Header>, StorageError> {
        self.canonical(Table::Headers, &height_key(height))
    }

    /// A block's canonical bytes.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn block_bytes(&self, height: Height) -> Result<Option<Vec<u8>>, StorageError> {
        self.get(Table::Blocks, &height_key(height))
    }

    /// The block at a height; none when it is pruned, or not there yet.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn block(&self, height: Height) -> Result<Option<Block>, StorageError> {
        self.canonical(Table::Blocks, &height_key(height))
    }

    /// Why the block of this height is final.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn certificate(&self, height: Height) -> Result<Option<CommitCertificate>, StorageError> {
        self.borsh(Table::Certificates, &height_key(height))
    }

    /// The receipts of a block, in the transactions' order.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, StorageError> {
        self.borsh(Table::Receipts, &height_key(height))
    }

    /// The student-state leaves that a block anchored, in order; empty when it anchored none.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn student_leaves(&self, height: Height) -> Result<Vec<Vec<u8>>, StorageError> {
        Ok(self.borsh(Table::StudentLeaves, &height_key(height))?.unwrap_or_default())
    }

    /// The height of a block.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn height_of(&self, block: &Hash) -> Result<Option<Height>, StorageError> {
        let Some(value) = self.get(Table::BlockHashes, &block.0)? else { return Ok(None) };
        let bytes = value.as_slice().try_into().map_err(|_| damaged("block hash index", "a wrong length"))?;
        Ok(Some(Height(u64::from_be_bytes(bytes))))
    }

    /// Where a transaction stands; none when it is in no decided block.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn locate(&self, transaction: &TransactionId) -> Result<Option<Located>, StorageError> {
        let Some(value) = self.get(Table::Transactions, &transaction.0)? else { return Ok(None) };
        let parts = value.split_first_chunk::<8>().and_then(|(h, i)| Some((*h, i.try_into().ok()?)));
        let (height, index) = parts.ok_or_else(|| damaged("transaction index", "a wrong length"))?;
        Ok(Some(Located { height: Height(u64::from_be_bytes(height)), index: u32::from_be_bytes(index) }))
    }

    fn db(&self) -> &DB {
        self.snapshot.borrow_owner()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        let family = family(self.db(), table)?;
        Ok(self.snapshot.borrow_dependent().get_cf(family, key)?)
    }

    fn canonical<T: Canonical>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StorageError> {
        let Some(bytes) = self.get(table, key)? else { return Ok(None) };
        T::from_canonical(&bytes).map(Some).map_err(|e| damaged(table.name(), e))
    }

    fn borsh<T: BorshDeserialize>(&self, table: Table, key: &[u8]) -> Result<Option<T>, StorageError> {
        let Some(bytes) = self.get(table, key)? else { return Ok(None) };
        borsh::from_slice(&bytes).map(Some).map_err(|e| damaged(table.name(), e))
    }

    /// All pairs whose key starts with `prefix`, ascending.
    fn scan(&self, table: Table, prefix: &[u8]) -> Result<Vec<Pair>, StorageError> {
        self.each(table, prefix, |key, value| Ok((key.to_vec(), value.to_vec())))
    }

    /// Shows every record of a table, ascending by key.
    pub(super) fn walk(
        &self,
        table: Table,
        mut show: impl FnMut(&[u8], &[u8]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        // What is read once for a copy does not push out what is read often.
        options.fill_cache(false);
        let family = family(self.db(), table)?;
        let snapshot = self.snapshot.borrow_dependent();
        for pair in snapshot.iterator_cf_opt(family, options, IteratorMode::Start) {
            let (key, value) = pair?;
            show(&key, &value)?;
        }
        Ok(())
    }

    /// What `of` makes of each of them.
    fn each<T>(
        &self,
        table: Table,
        prefix: &[u8],
        of: impl Fn(&[u8], &[u8]) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let family = family(self.db(), table)?;
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        if let Some(end) = after_prefix(prefix) {
            options.set_iterate_upper_bound(end);
        }
        let mode = IteratorMode::From(prefix, Direction::Forward);
        let pairs = self.snapshot.borrow_dependent().iterator_cf_opt(family, options, mode);
        pairs
            .map(|pair| {
                let (key, value) = pair?;
                of(&key, &value)
            })
            .collect()
    }

    /// The last pair from `start` on whose key lies before `end`; no other is read.
    fn last_before(&self, table: Table, start: &[u8], end: &[u8]) -> Result<Option<Pair>, StorageError> {
        let family = family(self.db(), table)?;
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        options.set_iterate_lower_bound(start);
        options.set_iterate_upper_bound(end);
        let snapshot = self.snapshot.borrow_dependent();
        let last = snapshot.iterator_cf_opt(family, options, IteratorMode::End).next().transpose()?;
        Ok(last.map(|(key, value)| (key.into_vec(), value.into_vec())))
    }

    fn rows_of(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StorageError> {
        let prefix = rows_prefix(label);
        self.each(Table::Rows, &prefix, |key, row| Ok((handle_of(key, &prefix)?, row.to_vec())))
    }

    /// The leaves of a tree; the rows themselves are not kept, which may be many times as large.
    fn leaves_of(&self, label: &str) -> Result<Vec<(Handle, Hash)>, StorageError> {
        let prefix = rows_prefix(label);
        self.each(Table::Rows, &prefix, |key, row| {
            let handle = handle_of(key, &prefix)?;
            Ok((handle, row_leaf(&handle, row)))
        })
    }
}

/// The handle at the end of a row's key.
fn handle_of(key: &[u8], prefix: &[u8]) -> Result<Handle, StorageError> {
    let handle = key.get(prefix.len()..).and_then(|handle| handle.try_into().ok());
    handle.map(Handle).ok_or_else(|| damaged("row key", "a wrong length"))
}

/// The lowest block that is kept: 1 where nothing was ever pruned.
pub(super) fn oldest_of(stored: Option<&[u8]>) -> Result<Height, StorageError> {
    let Some(bytes) = stored else { return Ok(Height::GENESIS.next()) };
    let bytes = bytes.try_into().map_err(|_| damaged("meta", "the oldest height has a wrong length"))?;
    Ok(Height(u64::from_be_bytes(bytes)))
}

/// A column family of an open database.
pub(super) fn family(db: &DB, table: Table) -> Result<&rocksdb::ColumnFamily, StorageError> {
    db.cf_handle(table.name()).ok_or_else(|| damaged(table.name(), "the column family is missing"))
}

impl StateReader for ChainView {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get(Table::Values, key)?)
    }

    fn values(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        Ok(self.scan(Table::Values, prefix)?)
    }

    fn value_before(&self, prefix: &[u8], end: &[u8]) -> Result<Option<Pair>, StoreError> {
        Ok(self.last_before(Table::Values, prefix, end)?)
    }

    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get(Table::MapNodes, node_key)?)
    }

    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        if let Some(tree) = self.trees.get(label) {
            return Ok(Some(tree));
        }
        let leaves = self.leaves_of(label)?;
        if leaves.is_empty() {
            return Ok(None);
        }
        let tree = Arc::new(BulkTree::from_leaves(leaves).map_err(|e| damaged("rows", e))?);
        self.trees.keep(label, tree.clone());
        Ok(Some(tree))
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get(Table::Rows, &row_key(label, handle))?)
    }

    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError> {
        Ok(self.rows_of(label)?)
    }
}
