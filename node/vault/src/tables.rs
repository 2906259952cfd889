//! Column families of the vault's database, their keys and values. Numbers in keys are big endian.

use std::path::Path;

use aula_ledger::access::Purpose;
use aula_ledger::names::FieldName;
use aula_ledger::types::Handle;
use rocksdb::{
    BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Options, SliceTransform,
    WriteOptions,
};

use crate::error::VaultError;

/// One column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// `identity` → JSON of [`crate::vault::Identity`]; `account` → 20 bytes, in a vault that was made before any chain was known;
    /// `format`, `restored` → one byte; `handles`, `strangers`, `pair_acted` → u64; `pair_history` → borsh of
    /// [`crate::pair::History`]; `schools` → JSON.
    Meta,
    /// Handle, field name → sealed value.
    Records,
    /// Handle, event key (up to 64 bytes) → sealed event.
    Events,
    /// Number (u64) → canonical bytes of an access log entry, in clear: it holds no record.
    Log,
    /// Epoch (u32), log size (u64) → borsh of [`crate::access::Anchor`].
    Anchors,
    /// Handle, purpose (u8) → choice (u8).
    Consents,
    /// Handle → borsh of [`crate::erase::Erased`].
    Erasures,
    /// Handle, version (u32) → borsh of [`crate::versions::KeptVersion`], in clear: hashes, and keys that stand in clear.
    Versions,
    /// Row key (up to 64 bytes) → borsh of [`crate::rows`]'s row: who holds its key, in clear; its parts, sealed.
    Rows,
    /// Term (32 bytes, an HMAC), row key → empty.
    RowIndex,
    /// Handle, row key → empty.
    RowsOf,
    /// Handle, reader's name → borsh of how the reader stands to the student ([`aula_ledger::access::Relation`]s), in clear
    /// as the log has it.
    Roster,
    /// Handle → sealed place on the roster ([`crate::roster`]).
    Places,
    /// Number (u64) → JSON of [`crate::imports::ImportNote`]; number, handle → version anchored last before it (u32).
    Imports,
    /// Handle, number of the import (u64), what was written → what stood there, sealed ([`crate::imports`]).
    Journal,
    /// A message's mark ([`crate::feeds::Once`]) → handle, 1 when it amends another (u8), event key.
    Marks,
    /// Number of a source (u64) → the writer's note of it.
    Sources,
    /// Handle, number (16 bytes) → sealed correction that somebody asks for ([`crate::corrections`]).
    Corrections,
}

/// True when the folder holds a vault: a database that RocksDB has begun.
pub fn is_there(data: &Path) -> bool {
    data.join("CURRENT").exists()
}

impl Table {
    pub(crate) const ALL: [Self; 18] = [
        Self::Meta,
        Self::Records,
        Self::Events,
        Self::Log,
        Self::Anchors,
        Self::Consents,
        Self::Erasures,
        Self::Versions,
        Self::Rows,
        Self::RowIndex,
        Self::RowsOf,
        Self::Roster,
        Self::Places,
        Self::Imports,
        Self::Journal,
        Self::Marks,
        Self::Sources,
        Self::Corrections,
    ];
    /// Tables that came later: a vault of before gets them when it is opened.
    const LATER: &[Self] = Self::ALL.split_at(7).1;

    /// The column family's name on disk; never changed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Events => "events",
            Self::Log => "log",
            Self::Anchors => "anchors",
            Self::Consents => "consents",
            Self::Erasures => "erasures",
            Self::Versions => "versions",
            Self::Rows => "rows",
            Self::RowIndex => "row_index",
            Self::RowsOf => "rows_of",
            Self::Roster => "roster",
            Self::Places => "places",
            Self::Imports => "imports",
            Self::Journal => "journal",
            Self::Marks => "marks",
            Self::Sources => "sources",
            Self::Corrections => "corrections",
        }
    }
}

/// An insert begins where the last one of its table ended: a batch whose keys are in order costs what lies between them, not a
/// search from the top for each.
const NEAR_THE_LAST: &str = "memtable_insert_with_hint_prefix_extractor=rocksdb.CappedPrefix.0";

pub(crate) const FORMAT_KEY: &[u8] = b"format";
/// borsh of [`crate::pair::History`], of a vault that is or was of a pair.
pub(crate) const HISTORY_KEY: &[u8] = b"pair_history";
/// The newest epoch in which somebody of a pair acted.
pub(crate) const ACTED_KEY: &[u8] = b"pair_acted";
/// How often a file beside the database was changed that the other one of a pair must have: u64, big endian.
pub(crate) const BESIDE_KEY: &[u8] = b"pair_beside";
/// There from a restore until the access log is anchored again.
pub(crate) const RESTORED_KEY: &[u8] = b"restored";
/// How many handles the keystore has at least.
pub(crate) const HANDLES_KEY: &[u8] = b"handles";
/// How many reads were refused to strangers.
pub(crate) const STRANGERS_KEY: &[u8] = b"strangers";
/// JSON of the sending systems' identifiers of schools, and their numbers on the ledger.
pub(crate) const SCHOOLS_KEY: &[u8] = b"schools";
pub(crate) const IDENTITY_KEY: &[u8] = b"identity";
/// The account to which everything is sealed, where the vault was made before any chain was known.
pub(crate) const ACCOUNT_KEY: &[u8] = b"account";
/// Bytes of a term in keys of the index.
const TERM_BYTES: usize = 32;
/// The layout that this program writes.
pub(crate) const FORMAT: u8 = 1;

pub(crate) fn record_key(handle: &Handle, field: &FieldName) -> Vec<u8> {
    [&handle.0[..], field.as_str().as_bytes()].concat()
}

pub(crate) fn consent_key(handle: &Handle, purpose: Purpose) -> [u8; 33] {
    let mut key = [0; 33];
    key[..32].copy_from_slice(&handle.0);
    key[32] = purpose as u8;
    key
}

/// The first key after all that begin with this handle; none for the last handle there is.
pub(crate) fn after(handle: &Handle) -> Option<[u8; 32]> {
    let mut end = handle.0;
    for byte in end.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(end);
        }
    }
    None
}

pub(crate) fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

pub(crate) fn family(db: &DB, table: Table) -> Result<&ColumnFamily, VaultError> {
    let missing = || VaultError::Damaged(format!("the column family {} is missing", table.name()));
    db.cf_handle(table.name()).ok_or_else(missing)
}

/// True for a vault of before some later tables: it is whole, and gets them.
fn lacks_later_tables(path: &Path) -> bool {
    let names = DB::list_cf(&Options::default(), path).unwrap_or_default();
    let missing: Vec<Table> =
        Table::ALL.into_iter().filter(|table| names.iter().all(|name| name != table.name())).collect();
    !names.is_empty() && !missing.is_empty() && missing.iter().all(|table| Table::LATER.contains(table))
}

/// Bytes of logs that stay for the other one of a pair, which may have been away.
const KEPT_LOG_MIB: u64 = 1_024;
/// For how long.
const KEPT_LOG_S: u64 = 86_400;

/// Opens the database; `create` also makes what is missing.
pub(crate) fn open(path: &Path, create: bool) -> Result<DB, VaultError> {
    open_as(path, create, Options::default())
}

/// Opens the database of one of a pair: what was written stays in the log for a day, so that the other one needs no whole copy.
pub(crate) fn open_with_log(path: &Path) -> Result<DB, VaultError> {
    let mut options = Options::default();
    options.set_wal_ttl_seconds(KEPT_LOG_S);
    options.set_wal_size_limit_mb(KEPT_LOG_MIB);
    open_as(path, false, options)
}

fn open_as(path: &Path, create: bool, mut options: Options) -> Result<DB, VaultError> {
    options.create_if_missing(create);
    options.create_missing_column_families(create || lacks_later_tables(path));
    options.set_paranoid_checks(true);
    options.set_keep_log_file_num(4);
    options.set_max_total_wal_size(256 << 20);
    // Who leads a group of writers inserts for all of it, so that the order of a batch's keys is made use of.
    options.set_allow_concurrent_memtable_write(false);
    let mut tables = Options::default().get_options_from_string(NEAR_THE_LAST)?;
    // Sealed bytes do not compress; keys do a little, and cost more than they save.
    tables.set_compression_type(DBCompressionType::None);
    tables.set_write_buffer_size(64 << 20);
    let families = Table::ALL.map(|table| {
        let own = match table {
            Table::Marks => marks(&tables),
            Table::RowIndex => row_index(&tables),
            _ => tables.clone(),
        };
        ColumnFamilyDescriptor::new(table.name(), own)
    });
    DB::open_cf_descriptors(&options, path, families).map_err(VaultError::from)
}

/// Nearly every mark that is looked up is not there: filters say so without a look into the files.
fn marks(tables: &Options) -> Options {
    let (mut options, mut blocks) = (tables.clone(), BlockBasedOptions::default());
    blocks.set_bloom_filter(10.0, false);
    options.set_block_based_table_factory(&blocks);
    options.set_memtable_prefix_bloom_ratio(0.1);
    options.set_memtable_whole_key_filtering(true);
    options
}

/// Most terms that a new statement is looked up by are not there: filters of the terms say so. A reader stays within one term.
fn row_index(tables: &Options) -> Options {
    let (mut options, mut blocks) = (tables.clone(), BlockBasedOptions::default());
    options.set_prefix_extractor(SliceTransform::create_fixed_prefix(TERM_BYTES));
    blocks.set_bloom_filter(10.0, false);
    blocks.set_whole_key_filtering(false);
    options.set_block_based_table_factory(&blocks);
    options.set_memtable_prefix_bloom_ratio(0.1);
    options
}
