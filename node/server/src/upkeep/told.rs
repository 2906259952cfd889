//! What became of an order: what the command prints as JSON, and what the running node answers by the socket.

use std::path::PathBuf;

use aula_ledger::types::{ChainId, Hash, Height};

use aula_store::snapshots::Kept;
use serde::{Deserialize, Serialize};

/// A snapshot that was made, or that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The block after which the state is this.
    pub height: Height,
    /// Hash of the block at that height.
    pub block_hash: Hash,
    /// The certified root of its state.
    pub state_root: Hash,
    /// Its name: the digest of its list of chunks.
    pub manifest: Hash,
    /// Records of the state.
    pub records: u64,
    /// Files of it.
    pub chunks: usize,
    /// Bytes of all chunks.
    pub bytes: u64,
    /// Where it is.
    pub folder: PathBuf,
    /// How long it took, in seconds; none of one that was made before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Snapshot {
    /// Of one that is kept.
    pub fn of(kept: &Kept) -> Self {
        let manifest = &kept.manifest;
        Self {
            height: manifest.height,
            block_hash: manifest.block,
            state_root: manifest.state_root,
            manifest: manifest.name(),
            records: manifest.records,
            chunks: manifest.chunks.len(),
            bytes: manifest.bytes(),
            folder: kept.folder.clone(),
            seconds: None,
        }
    }
}

/// Blocks that went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pruned {
    /// The chain's newest.
    pub height: Height,
    /// The oldest block that is left.
    pub oldest: Height,
    /// The snapshot for whose newcomers more blocks stay than were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_snapshot: Option<Height>,
    /// How many went.
    pub blocks: u64,
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk now.
    pub bytes_after: u64,
    /// The difference; 0 where the disk holds more now.
    pub bytes_freed: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A copy of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The newest block in the copy.
    pub height: Height,
    /// Hash of the block at that height.
    pub block_hash: Hash,
    /// How many files.
    pub files: usize,
    /// What the copy's files take on disk.
    pub bytes: u64,
    /// Where it is.
    pub folder: PathBuf,
    /// Whether it holds a sign guard: never, two nodes of one guard could sign twice.
    pub sign_guard: bool,
    /// Whether it holds keys: never.
    pub keys: bool,
}

/// A node from a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The newest block in the copy that it was made from.
    pub height: Height,
    /// Hash of the block at that height.
    pub block_hash: Hash,
    /// As the copy names it.
    pub chain_id: ChainId,
    /// The chain's genesis.
    pub genesis_sha256: Hash,
    /// How many files.
    pub files: usize,
    /// What the restored files take on disk.
    pub bytes: u64,
    /// Whether the home has a sign guard of its own.
    pub sign_guard: bool,
    /// Where the database is.
    pub data: PathBuf,
}
