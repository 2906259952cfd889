//! What keeps a node easy to keep, the same work whether the node runs or not: snapshots, pruning, a copy of the database.
//!
//! A command makes an [`Order`]. While the node runs it hands it over by the socket in the home ([`control`]), because the
//! database has one owner; otherwise the command opens the database and carries it out itself. `interval` carries out what
//! the settings ask for while the node decides.

use std::path::PathBuf;
use std::time::Instant;

use aula_home::config::{BELOW_SNAPSHOT_BLOCKS, Config, History};
use aula_home::{Advise, DEFECT, Failure, Home};
use aula_ledger::types::Height;
use aula_store::ChainDb;
use aula_store::snapshots::{self, SnapshotError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bootstrap::storage_failure;

pub mod backup;
pub mod control;
pub(crate) mod interval;
pub mod newcomer;
pub(crate) mod serving;
pub mod told;

#[cfg(test)]
mod tests;

/// Fewest blocks that pruning keeps: a node that was away for some minutes finds them at its peers.
pub const MIN_KEEP_BLOCKS: u64 = 1_000;

/// One piece of work on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// A snapshot of the newest state.
    Snapshot,
    /// A copy of the database in a new folder.
    Backup {
        /// The folder, absolute.
        into: PathBuf,
    },
    /// Delete blocks.
    Prune {
        /// How many of the newest stay; without it, as many as the settings say.
        keep: Option<u64>,
    },
}

/// Carries an order out. Takes as long as the disk does.
///
/// # Errors
/// When it cannot be done.
fn carry_out(order: &Order, db: &ChainDb, home: &Home, config: &Config) -> Result<Value, Failure> {
    match order {
        Order::Snapshot => serde_json::to_value(snapshot(db, home)?),
        Order::Backup { into } => serde_json::to_value(backup::make(db, home, into)?),
        Order::Prune { keep } => serde_json::to_value(prune(db, home, config, *keep)?),
    }
    .hint(DEFECT)
}

fn snapshot(db: &ChainDb, home: &Home) -> Result<told::Snapshot, Failure> {
    let start = Instant::now();
    let kept = snapshots::create(&db.latest(), &home.snapshots_dir()).map_err(refused)?;
    Ok(told::Snapshot { seconds: Some(start.elapsed().as_secs_f64()), ..told::Snapshot::of(&kept) })
}

/// Which blocks may go where so many are to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prunable {
    below: Height,
    /// The snapshot for which more stay.
    for_snapshot: Option<Height>,
}

impl Prunable {
    /// Whoever begins with a snapshot asks for the blocks after it: none of them goes while it is kept, by a node that makes snapshots.
    fn of(home: &Home, config: &Config, tip: Height, keep: u64) -> Result<Self, Failure> {
        let below = Height((tip.0 + 1).saturating_sub(keep).max(1));
        // Where none are made no newer one comes: what was fetched or made once would hold its blocks for good.
        let kept = match config.storage.snapshot_every {
            0 => Vec::new(),
            _ => snapshots::list(&home.snapshots_dir()).map_err(refused)?,
        };
        // Those beyond the ones that are kept go when the next is made.
        let oldest = kept.get(kept.len().saturating_sub(config.storage.keep_snapshots));
        let held = oldest.map(|oldest| {
            let height = oldest.manifest.height;
            (Height((height.0 + 1).saturating_sub(BELOW_SNAPSHOT_BLOCKS).max(1)), height)
        });
        Ok(match held.filter(|(first, _)| *first < below) {
            Some((first, snapshot)) => Self { below: first, for_snapshot: Some(snapshot) },
            None => Self { below, for_snapshot: None },
        })
    }
}

fn prune(db: &ChainDb, home: &Home, config: &Config, keep: Option<u64>) -> Result<told::Pruned, Failure> {
    let set = (config.storage.history == History::Pruned).then_some(config.storage.keep_blocks);
    let Some(keep) = keep.or(set) else {
        return Err(Failure::new(
            "archive",
            "this node is an archive: its settings keep every block",
            "say how many blocks to keep with --keep N, or set [storage] history = \"pruned\" in config.toml",
        ));
    };
    if keep < MIN_KEEP_BLOCKS {
        return Err(Failure::new(
            "range",
            format!("{keep} blocks are too few to keep"),
            format!("keep {MIN_KEEP_BLOCKS} or more: a node that was away fetches them from its peers"),
        ));
    }
    let start = Instant::now();
    let height = db.latest().tip().height;
    let Prunable { below, for_snapshot } = Prunable::of(home, config, height, keep)?;
    let pruned = db.prune(below).map_err(storage_failure)?;
    Ok(told::Pruned {
        height,
        for_snapshot,
        oldest: pruned.oldest,
        blocks: pruned.blocks,
        bytes_before: pruned.bytes_before,
        bytes_after: pruned.bytes_after,
        bytes_freed: pruned.freed(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// A snapshot's error with its next step.
pub fn refused(error: SnapshotError) -> Failure {
    let hint = error.hint();
    Failure::new("snapshot", &error, hint)
}
