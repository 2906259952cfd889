//! The rows of the read model's index: which transactions there are, by ordinal and by kind, and totals.
//!
//! Derived from the blocks and never asked by anything that decides. It is written behind the chain, in batches of its
//! own that are not synced: a batch is whole or not there, and since a height's synced batch comes first in the same log,
//! what is found after a crash is at most as high as the tip. What is missing is made again from the blocks.
//!
//! Keys of [`Table::ReadIndex`]: `0` totals; `1 ORDINAL` a place; `2 KIND ORDINAL` nothing; `3 HEIGHT` the first ordinal
//! of a block that has transactions. Numbers are big endian. What totals hold, their reader knows.

use std::sync::Arc;

use rocksdb::{DB, Direction, IteratorMode, ReadOptions, WriteBatch};

use super::error::{StorageError, damaged};
use super::tables::Table;
use super::view::family;

const TOTALS: u8 = 0;
const PLACES: u8 = 1;
const KINDS: u8 = 2;
const HEIGHTS: u8 = 3;

/// A transaction's place and what can be listed by, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRow {
    /// Which one in the chain, from 0.
    pub ordinal: u64,
    /// The height of the block that holds it.
    pub height: u64,
    /// The position in the block.
    pub index: u32,
    /// The number of its kind.
    pub kind: u8,
    /// The receipt's number.
    pub code: u8,
}

/// The index's rows on disk.
#[derive(Clone)]
pub struct ReadIndex {
    db: Arc<DB>,
}

impl std::fmt::Debug for ReadIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadIndex").field("path", &self.db.path()).finish()
    }
}

impl ReadIndex {
    pub(super) const fn new(db: Arc<DB>) -> Self {
        Self { db }
    }

    /// The totals as they were written last.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn totals(&self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.db.get_cf(family(&self.db, Table::ReadIndex)?, [TOTALS])?)
    }

    /// A transaction by its ordinal.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn row(&self, ordinal: u64) -> Result<Option<IndexRow>, StorageError> {
        let value = self.db.get_cf(family(&self.db, Table::ReadIndex)?, numbered(PLACES, ordinal))?;
        let Some(value) = value else { return Ok(None) };
        decode(ordinal, &value).map(Some).ok_or_else(|| damaged("read index", "a wrong length"))
    }

    /// The ordinal of a block's first transaction; none when the block has none.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn first_of(&self, height: u64) -> Result<Option<u64>, StorageError> {
        let value = self.db.get_cf(family(&self.db, Table::ReadIndex)?, numbered(HEIGHTS, height))?;
        let Some(value) = value else { return Ok(None) };
        let bytes = value.as_slice().try_into().map_err(|_| damaged("read index", "a wrong length"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// The newest `limit` ordinals of a kind below `before`, newest first.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn newest_of(&self, kind: u8, before: u64, limit: usize) -> Result<Vec<u64>, StorageError> {
        let Some(last) = before.checked_sub(1) else { return Ok(Vec::new()) };
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound([KINDS, kind]);
        let from = of_kind(kind, last);
        let mode = IteratorMode::From(&from, Direction::Reverse);
        let pairs = self.db.iterator_cf_opt(family(&self.db, Table::ReadIndex)?, options, mode).take(limit);
        pairs
            .map(|pair| {
                let (key, _) = pair?;
                let ordinal = key.get(2..).and_then(|rest| rest.try_into().ok()).map(u64::from_be_bytes);
                ordinal.ok_or_else(|| damaged("read index", "a wrong length"))
            })
            .collect()
    }

    /// Writes rows, ascending, and the totals that include them, in one batch.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn append(&self, rows: &[IndexRow], totals: &[u8]) -> Result<(), StorageError> {
        let own = family(&self.db, Table::ReadIndex)?;
        let mut batch = WriteBatch::default();
        let mut height = None;
        for row in rows {
            batch.put_cf(own, numbered(PLACES, row.ordinal), encode(row));
            batch.put_cf(own, of_kind(row.kind, row.ordinal), []);
            if height != Some(row.height) {
                height = Some(row.height);
                batch.put_cf(own, numbered(HEIGHTS, row.height), row.ordinal.to_be_bytes());
            }
        }
        batch.put_cf(own, [TOTALS], totals);
        Ok(self.db.write(batch)?)
    }

    /// Forgets everything, so that it is made again.
    ///
    /// # Errors
    /// [`StorageError`] when the database fails or a record in it is damaged.
    pub fn clear(&self) -> Result<(), StorageError> {
        let own = family(&self.db, Table::ReadIndex)?;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(own, [TOTALS], [HEIGHTS + 1]);
        self.db.write(batch)?;
        // Otherwise each later read would look past what was deleted.
        self.db.compact_range_cf(own, None::<&[u8]>, None::<&[u8]>);
        Ok(())
    }
}

/// Adds to a batch that the rows of blocks below a height go. Totals stay: they count the whole chain.
pub(super) fn prune(db: &DB, batch: &mut WriteBatch, below: u64) -> Result<(), StorageError> {
    let own = family(db, Table::ReadIndex)?;
    let at = |mode| -> Result<Option<u64>, StorageError> {
        let Some(pair) = db.iterator_cf(own, mode).next() else { return Ok(None) };
        let (key, value) = pair?;
        let ordinal = || Some(u64::from_be_bytes(value.as_ref().try_into().ok()?));
        if key.first() != Some(&HEIGHTS) {
            return Ok(None);
        }
        ordinal().map(Some).ok_or_else(|| damaged("read index", "a wrong length"))
    };
    let border = numbered(HEIGHTS, below);
    let kept = at(IteratorMode::From(&border, Direction::Forward))?;
    // Where no block above has transactions yet, the newest one below keeps its rows: more may be written meanwhile.
    let kept =
        kept.map_or_else(|| at(IteratorMode::From(&border, Direction::Reverse)), |one| Ok(Some(one)))?;
    let Some(first) = kept else { return Ok(()) };
    let key_at = |from: &[u8]| -> Result<Option<Box<[u8]>>, StorageError> {
        Ok(db
            .iterator_cf(own, IteratorMode::From(from, Direction::Forward))
            .next()
            .transpose()?
            .map(|(k, _)| k))
    };
    // Each deletion of a range slows later reads a little: none for nothing.
    if key_at(&numbered(PLACES, 0))?.is_none_or(|key| *key >= numbered(PLACES, first)[..]) {
        return Ok(());
    }
    batch.delete_range_cf(own, numbered(PLACES, 0), numbered(PLACES, first));
    let mut kind = 0u8;
    while let Some(key) = key_at(&[KINDS, kind])? {
        let [KINDS, found, ..] = *key else { break };
        batch.delete_range_cf(own, of_kind(found, 0), of_kind(found, first));
        let Some(next) = found.checked_add(1) else { break };
        kind = next;
    }
    batch.delete_range_cf(own, numbered(HEIGHTS, 0), border);
    Ok(())
}

fn numbered(prefix: u8, number: u64) -> [u8; 9] {
    let mut key = [prefix; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

fn of_kind(kind: u8, ordinal: u64) -> [u8; 10] {
    let mut key = [KINDS; 10];
    key[1] = kind;
    key[2..].copy_from_slice(&ordinal.to_be_bytes());
    key
}

fn encode(row: &IndexRow) -> [u8; 14] {
    let mut value = [0; 14];
    value[..8].copy_from_slice(&row.height.to_be_bytes());
    value[8..12].copy_from_slice(&row.index.to_be_bytes());
    value[12] = row.kind;
    value[13] = row.code;
    value
}

fn decode(ordinal: u64, value: &[u8]) -> Option<IndexRow> {
    let (height, rest) = value.split_first_chunk::<8>()?;
    let (index, rest) = rest.split_first_chunk::<4>()?;
    let [kind, code] = *<&[u8; 2]>::try_from(rest).ok()?;
    let (height, index) = (u64::from_be_bytes(*height), u32::from_be_bytes(*index));
    Some(IndexRow { ordinal, height, index, kind, code })
}
