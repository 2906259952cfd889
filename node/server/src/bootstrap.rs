//! From a home's genesis file to its database: read, check, make or open. Used by every subcommand that has a chain.

use aula_home::config::Config;
pub use aula_home::founding::read_genesis;
use aula_home::{Failure, Home};
use aula_ledger::genesis::Parsed;
use aula_store::{ChainDb, DbOptions, Origin, StorageError};

/// What a database of this genesis begins with.
///
/// # Errors
/// When the first state cannot be computed.
pub fn origin(bytes: &[u8], parsed: &Parsed) -> Result<Origin, Failure> {
    aula_store::origin(bytes, parsed).map_err(storage_failure)
}

/// Opens the home's database, or makes it from the genesis; refuses one of another chain.
///
/// # Errors
/// With the storage's own sentence and hint.
pub fn open_database(
    home: &Home,
    options: DbOptions,
    bytes: &[u8],
    parsed: &Parsed,
) -> Result<ChainDb, Failure> {
    aula_store::open_or_create(&home.data_dir(), options, bytes, parsed).map_err(storage_failure)
}

/// The storage's sentence and hint as a failure.
pub fn storage_failure(error: StorageError) -> Failure {
    Failure::new("storage", &error, error.hint())
}

/// Memory bounds from the configuration.
pub fn db_options(config: &Config) -> DbOptions {
    let tree_cache_bytes = (config.storage.tree_cache_mib as u64).saturating_mul(1 << 20);
    DbOptions { cache_bytes: config.storage.cache_mib.saturating_mul(1 << 20), tree_cache_bytes }
}
