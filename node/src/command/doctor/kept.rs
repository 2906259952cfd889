//! What a node keeps of the chain: its genesis, its database, and what its validator key has signed.

use aula_consensus::sign_guard::{Opened, SignGuard};
use aula_home::Home;
use aula_home::config::{Config, Role};
use aula_ledger::execute::time::MAX_AHEAD_MS;
use aula_ledger::genesis::Parsed;
use aula_ledger::types::Hash;
use aula_server::backups::Backups;
use aula_server::bootstrap::{db_options, read_genesis, storage_failure};
use aula_store::snapshots::newest;
use aula_store::{ChainDb, StorageError, sha256};

use super::Check;

/// Newest block that this home holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The last final block in the database.
    pub height: u64,
    /// Its time, milliseconds since 1970 UTC.
    pub time_ms: u64,
}

/// The genesis, when it can be used.
pub fn genesis(home: &Home, checks: &mut Vec<Check>) -> Option<Parsed> {
    match read_genesis(home) {
        Ok((_, parsed)) => {
            let detail = format!("{}, SHA-256 {}", parsed.chain_id, parsed.sha256);
            checks.push(Check::ok("genesis", detail));
            Some(parsed)
        }
        Err(failure) => {
            checks.push(Check::failure("genesis", failure));
            None
        }
    }
}

/// The database, read-only; its tip. A running node has it for itself, and says itself how it is.
pub fn database(
    home: &Home,
    config: &Config,
    genesis: &Parsed,
    running: bool,
    checks: &mut Vec<Check>,
) -> Option<Tip> {
    let path = home.data_dir();
    let read = ChainDb::open_read_only(&path, db_options(config)).and_then(|db| {
        let view = db.latest();
        let tip = view.tip();
        Ok((sha256(&view.genesis()?), Tip { height: tip.height.0, time_ms: tip.time_ms.0 }))
    });
    let (check, tip) = judge_database(read, genesis.sha256, running);
    checks.push(check);
    tip
}

/// What was read of a database that should belong to this genesis.
pub fn judge_database(
    read: Result<(Hash, Tip), StorageError>,
    expected: Hash,
    running: bool,
) -> (Check, Option<Tip>) {
    match read {
        Ok((found, tip)) if found == expected => {
            (Check::ok("database", format!("whole as far as it was read, height {}", tip.height)), Some(tip))
        }
        Ok((found, _)) => {
            let failure = storage_failure(StorageError::OtherChain { expected, found });
            (Check::failure("database", failure), None)
        }
        Err(StorageError::Busy(_)) if running => (Check::ok("database", "open in the running node"), None),
        Err(StorageError::Absent(path)) => {
            let detail = format!("there is none in {} yet", path.display());
            (
                Check::warn(
                    "database",
                    detail,
                    "start the node: it makes one and fetches the chain from its peers",
                ),
                None,
            )
        }
        Err(error) => (Check::failure("database", storage_failure(error)), None),
    }
}

/// What the validator key has signed is on record, so that it never signs two things.
pub fn sign_guard(home: &Home, config: &Config, tip: Option<Tip>, running: bool) -> Check {
    let name = "sign_guard";
    if config.consensus.role == Role::Follower {
        return Check::ok(name, "this node follows and signs nothing");
    }
    let path = home.sign_guard_file();
    if running {
        return match path.exists() {
            true => Check::ok(name, "kept by the running node"),
            false => Check::fail(
                name,
                format!("{} is gone while the node runs", path.display()),
                "restart it with --confirmed-height, a height above all that this key may have signed",
            ),
        };
    }
    let next = "start with --confirmed-height HEIGHT, above everything this key may have signed: the network's height now and a hundred more";
    match SignGuard::open(&path) {
        Ok(Opened::Ready(guard)) => Check::ok(name, format!("last signed at height {}", guard.last_height())),
        // A home that never had a block has signed nothing; `start` makes the guard.
        Ok(Opened::Missing) if tip.is_none_or(|tip| tip.height == 0) => {
            Check::ok(name, "nothing was signed yet")
        }
        Ok(Opened::Missing) => Check::fail(
            name,
            format!("{} is missing: nobody knows what this key has signed", path.display()),
            next,
        ),
        Ok(Opened::Damaged(why)) => Check::fail(name, format!("{} is damaged: {why}", path.display()), next),
        Err(error) => {
            Check::fail(name, aula_home::with_causes(&error), "check the folder's owner and the disk")
        }
    }
}

/// How old the copy of the node's database may be, days: an older one is fetched from the peers as fast.
const BACKUP_DAYS: u64 = 90;

/// When `aula node backup` ran last; no copy is needed, since the chain comes back from the peers.
pub fn node_backup(home: &Home, now_ms: u64) -> Check {
    let name = "node_backup";
    match Backups::of_home(home) {
        Ok(Backups { node_ms: Some(at), .. }) => {
            let days = now_ms.saturating_sub(at) / 86_400_000;
            if days <= BACKUP_DAYS {
                Check::ok(name, format!("made {days} days ago"))
            } else {
                Check::warn(name, format!("made {days} days ago"), "make a new one: aula node backup -o DIR")
            }
        }
        Ok(_) => Check::ok(name, "none was made; the chain comes back from the peers"),
        Err(error) => Check::warn(
            name,
            format!("{}: {error}", home.backups_file().display()),
            "remove that file and make the copies again",
        ),
    }
}

/// Snapshots of the state, from which newcomers begin.
pub fn snapshots(home: &Home, config: &Config) -> Check {
    let name = "snapshots";
    let every = config.storage.snapshot_every;
    match newest(&home.snapshots_dir()) {
        Ok(Some(kept)) => Check::ok(name, format!("the newest is of height {}", kept.manifest.height)),
        Ok(None) if every == 0 => Check::ok(name, "none are made: [storage] snapshot_every is 0"),
        Ok(None) => Check::ok(name, format!("none yet; one is made every {every} blocks")),
        Err(error) => Check::warn(name, error.to_string(), error.hint()),
    }
}

/// How far a block's time and a moment of this machine are apart, in words.
pub(super) fn apart(block_ms: u64, at_ms: u64) -> String {
    match block_ms.checked_sub(at_ms) {
        Some(0) | None => format!("{} ms old", at_ms - block_ms),
        Some(ahead) => format!("{ahead} ms ahead of this machine's clock"),
    }
}

/// This machine's clock against the newest block that this home holds. Says nothing of a clock that is fast: the node may
/// have been off.
pub fn clock(tip: Option<Tip>, now_ms: u64) -> Option<Check> {
    let tip = tip.filter(|tip| tip.height > 0)?;
    let ahead = tip.time_ms.saturating_sub(now_ms);
    Some(if ahead > MAX_AHEAD_MS {
        let detail = format!("the newest block lies {ahead} ms in this machine's future");
        Check::fail(
            "clock",
            detail,
            "set the clock (timedatectl set-ntp true, or chrony) and restart the node",
        )
    } else {
        let apart = apart(tip.time_ms, now_ms);
        let only = "whether it is fast shows while the node runs";
        Check::ok("clock", format!("not behind ({only}); the newest block of this home is {apart}"))
    })
}
