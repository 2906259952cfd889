//! Blocks below a height go, and the disk comes back.
//!
//! Flow: the entries by hash of the blocks below go in steps, each one synced batch that also moves the lowest kept height
//! up → then their headers, bodies, certificates and receipts in one batch of ranges → the tables are compacted over
//! those ranges, which is what gives the disk back. A crash in between leaves blocks that nobody is told of; the next
//! pruning takes them along.
//!
//! What stays: the state, which is of the tip alone; headers and certificates of the blocks that changed the validator set,
//! by which evidence walks from the genesis; totals of the read index. Old versions of the authenticated map are never
//! kept (each height deletes the nodes that it replaced).
//!
//! May run while the node decides: it writes for milliseconds at a time and reads what no commit touches.

use std::path::Path;
use std::time::{Duration, Instant};

use aula_ledger::state::schema;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::types::Height;
use rocksdb::{CompactOptions, DB, WriteBatch};

use super::chain::{ChainDb, synced};
use super::error::{StorageError, damaged};
use super::read_index;
use super::tables::{Table, height_key, meta};
use super::view::family;

/// Heights of one step: a few milliseconds of writing.
const STEP: u64 = 512;
/// Entries by hash that are worth compacting their tables for: what is less goes as the tables are compacted anyway.
const WORTH_COMPACTING: u64 = 50_000;
/// RocksDB's name of the sequence number that the oldest view shows; 0 when there is none.
const OLDEST_SNAPSHOT: &str = "rocksdb.oldest-snapshot-sequence";
/// Longest wait for older views to go.
const UNREAD: Duration = Duration::from_secs(20);
/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The lowest block that is kept now.
    pub oldest: Height,
    /// Blocks that went.
    pub blocks: u64,
    /// Bytes of the database's folder before the first entry went.
    pub bytes_before: u64,
    /// Bytes of it when the tables were compacted.
    pub bytes_after: u64,
}

impl Pruned {
    /// Bytes given back; 0 when the node wrote more meanwhile.
    pub const fn freed(&self) -> u64 {
        self.bytes_before.saturating_sub(self.bytes_after)
    }
}

impl ChainDb {
    /// Deletes the blocks below a height, but never the tip, and compacts what they leave.
    ///
    /// # Errors
    /// [`StorageError`]; what was deleted before stays deleted.
    pub fn prune(&self, below: Height) -> Result<Pruned, StorageError> {
        let below = below.min(self.latest().tip().height);
        let from = self.latest().oldest()?;
        for table in Table::ALL {
            // Otherwise what the log holds is counted before and not after.
            self.db().flush_cf(family(self.db(), table)?)?;
        }
        let bytes_before = folder_bytes(self.path());
        if below <= from {
            return Ok(Pruned { oldest: from, blocks: 0, bytes_before, bytes_after: bytes_before });
        }
        let kept = self.set_changes_below(below)?;
        let (mut entries, mut at) = (0, from);
        while at < below {
            let end = Height(at.0.saturating_add(STEP)).min(below);
            let mut batch = WriteBatch::default();
            entries += self.forget_hashes(&mut batch, at, end, &kept)?;
            self.write_and_begin_at(batch, end)?;
            at = end;
        }
        let mut batch = WriteBatch::default();
        self.delete_ranges(&mut batch, below, &kept)?;
        self.write_and_begin_at(batch, below)?;
        until_unread(self.db())?;
        give_back(self.db(), below, entries)?;
        let bytes_after = folder_bytes(self.path());
        Ok(Pruned { oldest: below, blocks: below.0 - from.0, bytes_before, bytes_after })
    }

    /// Ascending: there may be as many of them as evidence has links.
    fn set_changes_below(&self, below: Height) -> Result<Vec<Height>, StorageError> {
        let changes =
            schema::set_changes(&*self.latest()).map_err(|error| damaged("validator sets", error))?;
        Ok(changes.into_keys().filter(|height| (Height::GENESIS.next()..below).contains(height)).collect())
    }

    /// The entries by hash of these blocks and of their transactions; how many.
    fn forget_hashes(
        &self,
        batch: &mut WriteBatch,
        from: Height,
        end: Height,
        kept: &[Height],
    ) -> Result<u64, StorageError> {
        let view = self.latest();
        let hashes = family(self.db(), Table::BlockHashes)?;
        let transactions = family(self.db(), Table::Transactions)?;
        let mut entries = 0;
        for height in (from.0..end.0).map(Height) {
            let Some(header) = view.header(height)? else { continue };
            if kept.binary_search(&height).is_err() {
                batch.delete_cf(hashes, header.hash().0);
                entries += 1;
            }
            if header.transactions.leaf_count == 0 {
                continue;
            }
            for bytes in view.block(height)?.into_iter().flat_map(|block| block.transactions) {
                batch.delete_cf(transactions, id_of_bytes(&bytes).0);
                entries += 1;
            }
        }
        Ok(entries)
    }

    fn delete_ranges(
        &self,
        batch: &mut WriteBatch,
        below: Height,
        kept: &[Height],
    ) -> Result<(), StorageError> {
        for table in [Table::Blocks, Table::Receipts, Table::StudentLeaves] {
            batch.delete_range_cf(family(self.db(), table)?, height_key(Height(0)), height_key(below));
        }
        for table in [Table::Headers, Table::Certificates] {
            let table = family(self.db(), table)?;
            let mut from = Height(0);
            for end in kept.iter().chain([&below]) {
                batch.delete_range_cf(table, height_key(from), height_key(*end));
                from = end.next();
            }
        }
        read_index::prune(self.db(), batch, below.0)
    }

    fn write_and_begin_at(&self, mut batch: WriteBatch, oldest: Height) -> Result<(), StorageError> {
        let turn = self.turn();
        batch.put_cf(family(self.db(), Table::Meta)?, meta::OLDEST, height_key(oldest));
        self.db().write_opt(batch, &synced())?;
        self.begins_at(oldest, &turn);
        Ok(())
    }
}

/// Waits until nobody reads a view from before what was written last, but not for long: as long as one does, compaction
/// keeps what it shows, and the disk would not come back. A node's parts hold the view of their block, so they pass on with the next.
fn until_unread(db: &DB) -> Result<(), StorageError> {
    let (deleted, began) = (db.latest_sequence_number(), Instant::now());
    while let Some(oldest) = db.property_int_value(OLDEST_SNAPSHOT)?.filter(|oldest| *oldest > 0) {
        if oldest >= deleted {
            break;
        }
        if began.elapsed() > UNREAD {
            tracing::warn!(
                "somebody reads a view of the database from before the pruning; its bytes come back later"
            );
            break;
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Has the files rewritten without what was deleted.
fn give_back(db: &DB, below: Height, entries: u64) -> Result<(), StorageError> {
    let mut options = CompactOptions::default();
    // The node's own compactions go on beside it.
    options.set_exclusive_manual_compaction(false);
    let (first, end) = (height_key(Height(0)), height_key(below));
    let by_height =
        [Table::Blocks, Table::Receipts, Table::StudentLeaves, Table::Headers, Table::Certificates];
    for table in by_height {
        let table = family(db, table)?;
        db.flush_cf(table)?;
        db.compact_range_cf_opt(table, Some(first), Some(end), &options);
    }
    if entries >= WORTH_COMPACTING {
        for table in [Table::BlockHashes, Table::Transactions, Table::ReadIndex] {
            let table = family(db, table)?;
            db.flush_cf(table)?;
            db.compact_range_cf_opt(table, None::<&[u8]>, None::<&[u8]>, &options);
        }
    }
    Ok(())
}

/// Bytes of the files in a folder and below; a file that goes meanwhile counts nothing.
pub fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
