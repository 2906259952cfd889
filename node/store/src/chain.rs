//! Opening the database and writing it: one synced batch a height.
//!
//! Flow of a commit: check that it follows the tip → one batch with header, block, certificate, receipts,
//! student leaves, indexes, state writes, deletion of undecided blocks up to the height, and the new tip → synced
//! write → the view of readers is swapped. A crash before the write leaves the height undecided, with its
//! proposals still in [`Table::Undecided`]; after it, the height is final.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use aula_ledger::codec::Canonical;
use aula_ledger::state::{StateReader, StateWrites, StoreError};
use aula_ledger::store::{ChainStore, Commit, Decided, Tip, Undecided};
use aula_ledger::types::{Hash, Height, TimeMs};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, ErrorKind, Options, ReadOptions,
    WriteBatch, WriteOptions,
};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};

use super::error::{StorageError, damaged};
use super::making::{self, Found};
use super::read_index::ReadIndex;
use super::tables::{FORMAT, Table, height_key, meta, place, rows_prefix, undecided_key};
use super::trees::Trees;
use super::view::{ChainView, OwnedSnapshot, family, oldest_of};

/// By block time a snapshot is due at least this often: a chain at rest makes few blocks, and no newcomer takes a snapshot that is twice as old.
const HALF_DAY_MS: u64 = 12 * 3_600_000;

/// Memory bounds.
#[derive(Debug, Clone, Copy)]
pub struct DbOptions {
    /// Blocks of the database, in bytes.
    pub cache_bytes: usize,
    /// Bulk trees, in bytes.
    pub tree_cache_bytes: u64,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, tree_cache_bytes: 128 << 20 }
    }
}

/// The beginning of a chain: what a new database is filled with.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The genesis file's bytes.
    pub genesis: Vec<u8>,
    /// The genesis time.
    pub time_ms: TimeMs,
    /// The first state.
    pub writes: StateWrites,
}

impl Origin {
    /// SHA-256 of the genesis file: the first block's parent.
    pub fn hash(&self) -> Hash {
        sha256(&self.genesis)
    }
}

/// Plain SHA-256, as `sha256sum` prints it: what names a genesis file.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// The open database. One process, one writer (consensus), any number of readers.
pub struct ChainDb {
    db: Arc<DB>,
    path: PathBuf,
    latest: RwLock<Arc<ChainView>>,
    tip: watch::Sender<Tip>,
    /// Held while a batch and the view after it are made: a view and what it says of itself belong together.
    writing: Mutex<()>,
    oldest: AtomicU64,
    /// Of which heights a snapshot is due, and who makes it.
    due: Mutex<Option<(u64, mpsc::Sender<Arc<ChainView>>)>>,
}

impl std::fmt::Debug for ChainDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainDb").field("path", &self.path).field("tip", &*self.tip.borrow()).finish()
    }
}

impl ChainDb {
    /// Makes a database that holds a genesis and no block: aside, then in its place, so that a process that is killed
    /// meanwhile leaves none. What an earlier one left is cleared away.
    ///
    /// # Errors
    /// [`StorageError::Present`] when there is one; otherwise as [`Self::open`].
    pub fn create(path: &Path, options: DbOptions, origin: &Origin) -> Result<Self, StorageError> {
        making::make_aside(path, |aside| {
            let db = open_tables(aside, options, Opening::New)?;
            let mut batch = WriteBatch::default();
            write_state(&db, &mut batch, &origin.writes)?;
            let metadata = family(&db, Table::Meta)?;
            let tip = Tip { height: Height::GENESIS, hash: origin.hash(), time_ms: origin.time_ms };
            batch.put_cf(metadata, meta::GENESIS, &origin.genesis);
            batch.put_cf(metadata, meta::TIP, encode_tip(&tip));
            batch.put_cf(metadata, meta::FORMAT, [FORMAT]);
            // Into tables at once: a database without any is one whose making was broken off.
            db.write_opt(batch, &synced())?;
            db.flush_cf(metadata)?;
            Ok::<_, StorageError>(())
        })?;
        Self::open(path, options)
    }

    /// Opens a database that [`Self::create`] made.
    ///
    /// # Errors
    /// [`StorageError`] says whether it is absent, busy, damaged or of another layout.
    pub fn open(path: &Path, options: DbOptions) -> Result<Self, StorageError> {
        Self::open_as(path, options, Opening::Writing)
    }

    /// Opens it for reading alone: nothing in its folder is written, which need not be writable.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_read_only(path: &Path, options: DbOptions) -> Result<Self, StorageError> {
        Self::open_as(path, options, Opening::Reading)
    }

    fn open_as(path: &Path, options: DbOptions, opening: Opening) -> Result<Self, StorageError> {
        let found = making::look(path).map_err(|source| StorageError::Io {
            what: "cannot look at",
            path: path.to_owned(),
            source,
        })?;
        match found {
            Found::Nothing => return Err(StorageError::Absent(path.to_owned())),
            Found::Headless => return Err(damaged("database", "the file CURRENT is missing")),
            Found::Database => {}
        }
        let db = Arc::new(open_tables(path, options, opening)?);
        let metadata = family(&db, Table::Meta)?;
        let found = db.get_cf(metadata, meta::FORMAT)?.and_then(|value| value.first().copied());
        if found.is_none() {
            // Its making was broken off before its one batch: nothing is lost by doing it again.
            return Err(match making::is_unfinished(path) {
                true => StorageError::Absent(path.to_owned()),
                false => damaged("meta", "the layout's version is missing"),
            });
        }
        if found != Some(FORMAT) {
            return Err(StorageError::Format { expected: FORMAT, found });
        }
        let tip = db.get_cf(metadata, meta::TIP)?.as_deref().and_then(decode_tip);
        let tip = tip.ok_or_else(|| damaged("meta", "the tip is missing or malformed"))?;
        let oldest = oldest_of(db.get_cf(metadata, meta::OLDEST)?.as_deref())?;
        let view =
            ChainView::new(tip, OwnedSnapshot::take(db.clone()), Trees::empty(options.tree_cache_bytes));
        Ok(Self {
            db,
            path: path.to_owned(),
            latest: RwLock::new(Arc::new(view)),
            tip: watch::Sender::new(tip),
            writing: Mutex::new(()),
            oldest: AtomicU64::new(oldest.0),
            due: Mutex::new(None),
        })
    }

    /// Everything final, as of now.
    pub fn latest(&self) -> Arc<ChainView> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rows of the read model's index, which is written behind the chain.
    pub fn read_index(&self) -> ReadIndex {
        ReadIndex::new(self.db.clone())
    }

    /// Tells of each new tip, the newest only; for streams and for waiting.
    pub fn watch_tip(&self) -> watch::Receiver<Tip> {
        self.tip.subscribe()
    }

    /// From now on the view after every so many heights, and after the first block of each half day, for whoever makes a snapshot of
    /// it; ends with the database. Nodes with one interval get the same heights, so that their snapshots are the same bytes. One that comes while the one before
    /// is still not taken is left out.
    pub fn snapshots_due(&self, every: NonZeroU64) -> mpsc::Receiver<Arc<ChainView>> {
        let (tell, due) = mpsc::channel(1);
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = Some((every.get(), tell));
        due
    }

    /// The database itself.
    pub(super) const fn db(&self) -> &Arc<DB> {
        &self.db
    }

    /// The folder it lies in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A turn to write.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lowest block that is kept is another now; in a turn, after the batch that says so. Readers get a view of the
    /// database as it is: an older one would keep on disk what was deleted.
    pub(super) fn begins_at(&self, oldest: Height, _turn: &MutexGuard<'_, ()>) {
        self.oldest.store(oldest.0, Ordering::Relaxed);
        let before = self.latest();
        let trees = before.trees().after(&std::collections::BTreeMap::new());
        let view = ChainView::new(before.tip(), OwnedSnapshot::take(self.db.clone()), trees);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }

    fn write_height(&self, commit: &Commit) -> Result<(), StorageError> {
        let _turn = self.turn();
        let before = self.latest();
        let tip = Tip {
            height: commit.block.header.height,
            hash: commit.hash,
            time_ms: commit.block.header.time_ms,
        };
        if tip.height != before.tip().height.next() {
            return Err(StorageError::NotNext { given: tip.height, tip: before.tip().height });
        }
        let db = &self.db;
        let mut batch = WriteBatch::default();
        let key = height_key(tip.height);
        batch.put_cf(family(db, Table::Headers)?, key, commit.block.header.to_canonical());
        batch.put_cf(family(db, Table::Blocks)?, key, commit.block_bytes.as_slice());
        batch.put_cf(family(db, Table::Certificates)?, key, encode(&commit.certificate)?);
        batch.put_cf(family(db, Table::Receipts)?, key, encode(&commit.outcome.receipts)?);
        if !commit.outcome.student_leaves.is_empty() {
            batch.put_cf(family(db, Table::StudentLeaves)?, key, encode(&commit.outcome.student_leaves)?);
        }
        batch.put_cf(family(db, Table::BlockHashes)?, commit.hash.0, key);
        let transactions = family(db, Table::Transactions)?;
        // A receipt each, in their order, which names it: nothing is hashed again.
        for (index, receipt) in (0u32..).zip(&commit.outcome.receipts) {
            batch.put_cf(transactions, receipt.transaction.0, place(tip.height, index));
        }
        write_state(db, &mut batch, &commit.outcome.writes)?;
        // One by one, not as a range: each range deletion would slow every later read of this table.
        let undecided = family(db, Table::Undecided)?;
        for key in self.undecided_keys(tip.height)? {
            batch.delete_cf(undecided, key);
        }
        batch.put_cf(family(db, Table::Meta)?, meta::TIP, encode_tip(&tip));
        db.write_opt(batch, &synced())?;
        let trees = before.trees().after(&commit.outcome.writes.trees);
        let view = Arc::new(ChainView::new(tip, OwnedSnapshot::take(db.clone()), trees));
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = view.clone();
        self.tip.send_replace(tip);
        if let Some((every, due)) = &*self.due.lock().unwrap_or_else(PoisonError::into_inner)
            && is_due(*every, &before.tip(), &tip)
        {
            // Refused while one waits, or when nobody makes them any more.
            let _ = due.try_send(view);
        }
        Ok(())
    }

    /// What `of` makes of the keys and bytes of a height's undecided blocks, which may be megabytes: nothing is copied for it.
    fn each_undecided<T>(
        &self,
        height: Height,
        of: impl Fn(&[u8], &[u8]) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(height_key(height.next()));
        let mut at = self.db.raw_iterator_cf_opt(family(&self.db, Table::Undecided)?, options);
        at.seek(height_key(height));
        let mut all = Vec::new();
        while let Some((key, value)) = at.item() {
            all.push(of(key, value)?);
            at.next();
        }
        at.status()?;
        Ok(all)
    }

    fn undecided_keys(&self, height: Height) -> Result<Vec<Vec<u8>>, StorageError> {
        self.each_undecided(height, |key, _| Ok(key.to_vec()))
    }

    fn undecided_of(&self, height: Height) -> Result<Vec<Undecided>, StorageError> {
        self.each_undecided(height, |_, bytes| {
            borsh::from_slice(bytes).map_err(|e| damaged("undecided block", e))
        })
    }

    fn keep_undecided(&self, value: &Undecided) -> Result<(), StorageError> {
        let key = undecided_key(value.height, value.round, &value.hash);
        self.db.put_cf_opt(family(&self.db, Table::Undecided)?, key, encode(value)?, &synced())?;
        Ok(())
    }
}

impl ChainStore for ChainDb {
    fn tip(&self) -> Result<Tip, StoreError> {
        Ok(self.latest().tip())
    }

    fn state(&self) -> Result<Arc<dyn StateReader>, StoreError> {
        Ok(self.latest())
    }

    fn oldest(&self) -> Result<Height, StoreError> {
        Ok(Height(self.oldest.load(Ordering::Relaxed)))
    }

    fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        let view = self.latest();
        let Some(block) = view.block_bytes(height)? else { return Ok(None) };
        let certificate = view
            .certificate(height)?
            .ok_or_else(|| damaged("certificates", format!("none for height {height}")))?;
        Ok(Some(Decided { block, certificate }))
    }

    fn put_undecided(&self, value: &Undecided) -> Result<(), StoreError> {
        Ok(self.keep_undecided(value)?)
    }

    fn undecided(&self, height: Height) -> Result<Vec<Undecided>, StoreError> {
        Ok(self.undecided_of(height)?)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        Ok(self.write_height(commit)?)
    }
}

/// Said by the blocks alone, so that all nodes say the same.
fn is_due(every: u64, before: &Tip, tip: &Tip) -> bool {
    tip.height.0.is_multiple_of(every) || tip.time_ms.0 / HALF_DAY_MS > before.time_ms.0 / HALF_DAY_MS
}

fn write_state(db: &DB, batch: &mut WriteBatch, writes: &StateWrites) -> Result<(), StorageError> {
    let values = family(db, Table::Values)?;
    for (key, value) in &writes.values {
        match value {
            Some(value) => batch.put_cf(values, key, value),
            None => batch.delete_cf(values, key),
        }
    }
    let nodes = family(db, Table::MapNodes)?;
    for key in &writes.stale_map_nodes {
        batch.delete_cf(nodes, key);
    }
    for (key, node) in &writes.map_nodes {
        batch.put_cf(nodes, key, node);
    }
    let rows = family(db, Table::Rows)?;
    for (label, written) in &writes.rows {
        let mut key = rows_prefix(label);
        let prefix = key.len();
        for (handle, row) in written {
            key.truncate(prefix);
            key.extend_from_slice(&handle.0);
            batch.put_cf(rows, &key, row);
        }
    }
    Ok(())
}

pub(super) fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

pub(super) fn encode(value: &impl borsh::BorshSerialize) -> Result<Vec<u8>, StorageError> {
    borsh::to_vec(value).map_err(|e| StorageError::Failed(format!("cannot encode: {e}")))
}

pub(super) fn encode_tip(tip: &Tip) -> Vec<u8> {
    [&height_key(tip.height)[..], &tip.hash.0, &tip.time_ms.0.to_be_bytes()].concat()
}

fn decode_tip(bytes: &[u8]) -> Option<Tip> {
    let (height, rest) = bytes.split_first_chunk::<8>()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let time_ms = u64::from_be_bytes(rest.try_into().ok()?);
    Some(Tip { height: Height(u64::from_be_bytes(*height)), hash: Hash(*hash), time_ms: TimeMs(time_ms) })
}

/// What for a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    New,
    Writing,
    Reading,
}

/// Every table with its options: one shared cache, LZ4, Bloom filters where absence is asked for often.
pub(super) fn open_tables(path: &Path, options: DbOptions, opening: Opening) -> Result<DB, StorageError> {
    let create = opening == Opening::New;
    let cache = Cache::new_lru_cache(options.cache_bytes);
    let mut common = Options::default();
    common.create_if_missing(create);
    common.create_missing_column_families(create);
    common.set_max_open_files(512);
    common.set_keep_log_file_num(4);
    common.set_max_total_wal_size(128 << 20);
    common.set_max_background_jobs(2);
    // A torn last record after a crash is cut off; damage before it is an error and not skipped.
    common.set_wal_recovery_mode(rocksdb::DBRecoveryMode::TolerateCorruptedTailRecords);
    let options_of = |table: Table| {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&cache);
        blocks.set_format_version(5);
        if table.is_point_read() {
            blocks.set_bloom_filter(10.0, false);
        }
        let mut own = Options::default();
        own.set_block_based_table_factory(&blocks);
        own.set_compression_type(DBCompressionType::Lz4);
        own.set_write_buffer_size(16 << 20);
        own
    };
    // A database of an earlier program lacks a derived table; any other that is missing is damage, or was never made.
    let known = if create { Vec::new() } else { DB::list_cf(&common, path)? };
    let has = |table: &Table| create || known.iter().any(|name| name == table.name());
    let (present, missing): (Vec<Table>, Vec<Table>) = Table::ALL.into_iter().partition(has);
    if let Some(table) = missing.iter().find(|table| !table.is_derived()) {
        return Err(match making::is_unfinished(path) {
            true => StorageError::Absent(path.to_owned()),
            false => damaged("database", format!("the table {} is missing", table.name())),
        });
    }
    let families =
        present.into_iter().map(|table| ColumnFamilyDescriptor::new(table.name(), options_of(table)));
    let opened = match opening {
        Opening::Reading if making::is_held(path) => return Err(StorageError::Busy(path.to_owned())),
        Opening::Reading => DB::open_cf_descriptors_read_only(&common, path, families, false),
        Opening::New | Opening::Writing => DB::open_cf_descriptors(&common, path, families),
    };
    let mut db = opened.map_err(|error| {
        let own = error.to_string().contains("lock hold by current process");
        if error.kind() == ErrorKind::IOError && (own || making::is_held(path)) {
            return StorageError::Busy(path.to_owned());
        }
        error.into()
    })?;
    if opening == Opening::Reading {
        return Ok(db);
    }
    for table in missing {
        db.create_cf(table.name(), &options_of(table))?;
    }
    Ok(db)
}
