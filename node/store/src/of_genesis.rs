//! From a genesis to its database: the first state, made or opened.

use std::path::Path;

use aula_ledger::genesis::{Parsed, genesis_state};

use super::{ChainDb, DbOptions, Origin, StorageError, sha256};

/// What a database of this genesis begins with.
///
/// # Errors
/// [`StorageError::FirstState`] when it cannot be computed.
pub fn origin(bytes: &[u8], parsed: &Parsed) -> Result<Origin, StorageError> {
    let (writes, _) = genesis_state(parsed).map_err(|error| StorageError::FirstState(error.to_string()))?;
    Ok(Origin { genesis: bytes.to_vec(), time_ms: parsed.genesis.time_ms, writes })
}

/// Opens the database in this folder, or makes it from the genesis; refuses one of another chain.
///
/// # Errors
/// [`StorageError`].
pub fn open_or_create(
    path: &Path,
    options: DbOptions,
    bytes: &[u8],
    parsed: &Parsed,
) -> Result<ChainDb, StorageError> {
    let db = match ChainDb::open(path, options) {
        Err(StorageError::Absent(_)) => ChainDb::create(path, options, &origin(bytes, parsed)?),
        opened => opened,
    }?;
    let found = sha256(&db.latest().genesis()?);
    if found != parsed.sha256 {
        return Err(StorageError::OtherChain { expected: parsed.sha256, found });
    }
    Ok(db)
}
