//! From a home's genesis file to its database: read, check, make or open. Used by every subcommand that has a chain.

use aula_ledger::genesis::{Genesis, Parsed, genesis_state};

use crate::config::Config;
use crate::home::Home;
use crate::storage::{ChainDb, DbOptions, Origin, StorageError, sha256};
use crate::terminal::{Advise, Failure};

/// Reads and checks the home's genesis.
///
/// # Errors
/// When it is missing or breaks a rule.
pub fn read_genesis(home: &Home) -> Result<(Vec<u8>, Parsed), Failure> {
    let path = home.genesis_file();
    let bytes = std::fs::read(&path).advise(
        format!("cannot read the genesis {}", path.display()),
        "run `aula join --genesis FILE --peer MULTIADDR` first, or give another --home",
    )?;
    let parsed = Genesis::parse(&bytes)
        .advise(format!("{} cannot be used", path.display()), "fetch the consortium's genesis file again")?;
    Ok((bytes, parsed))
}

/// What a database of this genesis begins with.
///
/// # Errors
/// When the first state cannot be computed.
pub fn origin(bytes: &[u8], parsed: &Parsed) -> Result<Origin, Failure> {
    let (writes, _) = genesis_state(parsed)
        .advise("the first state cannot be computed", "report it together with the genesis file")?;
    Ok(Origin { genesis: bytes.to_vec(), time_ms: parsed.genesis.time_ms, writes })
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
    let path = home.data_dir();
    let db = match ChainDb::open(&path, options) {
        Err(StorageError::Absent(_)) => ChainDb::create(&path, options, &origin(bytes, parsed)?),
        opened => opened,
    };
    let db = db.map_err(storage_failure)?;
    let found = sha256(&db.latest().genesis().map_err(storage_failure)?);
    if found != parsed.sha256 {
        return Err(storage_failure(StorageError::OtherChain { expected: parsed.sha256, found }));
    }
    Ok(db)
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
