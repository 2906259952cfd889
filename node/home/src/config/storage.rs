//! `[storage]`: how much memory the database may take, how much history it keeps, and when it makes snapshots.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Blocks that stay below the oldest snapshot that is kept: whoever begins with it asks for those after it, and a node that was away
/// some minutes for those before.
pub const BELOW_SNAPSHOT_BLOCKS: u64 = 1_000;

/// How much memory the database may take, how much history it keeps, and when it makes snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Memory for recently read blocks of the database, in MiB, 8 to 65,536.
    pub cache_mib: usize,
    /// Memory for recently used student and round trees, in MiB, 8 to 65,536.
    pub tree_cache_mib: usize,
    /// Blocks between snapshots of the state, 100 to 10,000,000; each half day has one too. 0: none. Nodes with the same number
    /// make the same snapshots, so that a newcomer may fetch one from several of them.
    pub snapshot_every: u64,
    /// Snapshots that stay, the newest, 1 to 100.
    pub keep_snapshots: usize,
    /// Whether every block stays, or the newest alone.
    pub history: History,
    /// Blocks that stay where history is pruned, 1,000 to 1,000,000,000.
    pub keep_blocks: u64,
    /// What a node without blocks begins with.
    pub begin_with: BeginWith,
}

/// What a node without blocks begins with; one that prunes, also when it has fallen far behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeginWith {
    /// A snapshot of its peers, where they have one; blocks otherwise.
    #[default]
    Snapshot,
    /// Every block since the genesis: what an archive begins with.
    Blocks,
}

/// How much of the chain a node keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// Every block that it has: evidence about all of them comes from here.
    #[default]
    Archive,
    /// The newest blocks; older ones go while the node runs.
    Pruned,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            cache_mib: 64,
            tree_cache_mib: 128,
            snapshot_every: 10_000,
            keep_snapshots: 2,
            history: History::Archive,
            keep_blocks: 100_000,
            begin_with: BeginWith::Snapshot,
        }
    }
}

impl Storage {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        for (field, found, allowed, range) in [
            ("storage.cache_mib", size(self.cache_mib), 8..=65_536, "8 to 65536 MiB"),
            ("storage.tree_cache_mib", size(self.tree_cache_mib), 8..=65_536, "8 to 65536 MiB"),
            (
                "storage.snapshot_every",
                // None is as good as any number in the range.
                if self.snapshot_every == 0 { 100 } else { self.snapshot_every },
                100..=10_000_000,
                "0 (none) or 100 to 10000000 blocks",
            ),
            ("storage.keep_snapshots", size(self.keep_snapshots), 1..=100, "1 to 100"),
            ("storage.keep_blocks", self.keep_blocks, 1_000..=1_000_000_000, "1000 to 1000000000 blocks"),
        ] {
            if !allowed.contains(&found) {
                return Err(ConfigError::Range { field, found, range });
            }
        }
        // Those since the oldest snapshot that is kept.
        let (snapshots, every) = (self.keep_snapshots, self.snapshot_every);
        let least = every.saturating_mul(size(snapshots)).saturating_add(BELOW_SNAPSHOT_BLOCKS);
        if self.history == History::Pruned && self.keep_blocks < least {
            return Err(ConfigError::KeepBlocks { found: self.keep_blocks, least, snapshots, every });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NextStep;

    #[test]
    fn a_node_that_prunes_keeps_the_blocks_after_its_snapshots() {
        let mut storage = Storage { keep_blocks: 20_999, ..Storage::default() };
        assert!(storage.check().is_ok(), "an archive keeps all");
        storage.history = History::Pruned;
        let refused = storage.check().err().map(|error| (error.to_string(), error.next_step()));
        assert!(refused.is_some_and(|(said, next)| {
            said.contains("storage.keep_blocks is 20999, it must be 21000 or more")
                && next.contains("raise keep_blocks")
        }));
        storage.keep_blocks = 21_000;
        assert!(storage.check().is_ok());
        storage.snapshot_every = 10_000_000;
        assert!(storage.check().is_err());
        (storage.snapshot_every, storage.keep_blocks) = (0, 1_000);
        assert!(storage.check().is_ok(), "no snapshots, no newcomers");
    }
}
