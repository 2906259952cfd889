//! What a node keeps of the chain, and the one trait by which whoever decides blocks reads and writes it.
//!
//! Flow: a block is received → [`ChainStore::put_undecided`] → decided → [`ChainStore::commit`], one synced batch. The
//! node implements the trait over its database, tests over memory. Every call may block, none is async. A
//! [`StoreError`] is fatal: going on with a store that fails would risk what is final.
//!
//! Invariant that the implementor keeps: [`ChainStore::state`] and [`ChainStore::tip`] always belong together, because
//! [`ChainStore::commit`] is one synced batch and nothing else writes either.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::chain::{Block, CommitCertificate};
use crate::execute::Outcome;
use crate::state::{StateReader, StoreError};
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

/// The last decided block; at genesis height 0, the SHA-256 of the genesis file and the genesis time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: Height,
    /// Its hash: the parent of the next block.
    pub hash: Hash,
    /// Its time in milliseconds since 1970.
    pub time_ms: TimeMs,
}

/// A block that was built or received and is not decided yet. Stored before anybody is told about it, so that a
/// restarted node can vote for it, propose it and decide it again.
///
/// Holds what is true of the block, never this node's verdict on it: a verdict may have come from a wrong clock.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Undecided {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: u32,
    /// The round in which it had a quorum of prevotes before, for a block proposed again.
    pub valid_round: Option<u32>,
    /// The proposer of `round`, not necessarily of the block.
    pub proposer: ValidatorAddress,
    /// The block's hash.
    pub hash: Hash,
    /// The block's canonical bytes.
    pub block: Vec<u8>,
    /// The signed head of its stream of parts, as bytes; lets any validator stream it again. Empty for a block that
    /// came by value sync.
    pub head: Vec<u8>,
}

/// A decided block as value sync serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The block's canonical bytes.
    pub block: Vec<u8>,
    /// Why it is final.
    pub certificate: CommitCertificate,
}

/// Everything one decided height writes.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The decided block, decoded.
    pub block: Arc<Block>,
    /// The block's canonical bytes.
    pub block_bytes: Arc<Vec<u8>>,
    /// The hash of the header, by which readers find the block.
    pub hash: Hash,
    /// Writes, receipts, student leaves.
    pub outcome: Arc<Outcome>,
    /// Why it is final.
    pub certificate: CommitCertificate,
}

/// The node's database, as consensus sees it.
pub trait ChainStore: Send + Sync + 'static {
    /// The last decided block.
    ///
    /// # Errors
    /// [`StoreError`], fatal, as for every method here.
    fn tip(&self) -> Result<Tip, StoreError>;

    /// The state after the last decided block. A snapshot: later commits do not show through it, so that a block
    /// may be executed while the next one is written. Cheap, called several times a height.
    fn state(&self) -> Result<Arc<dyn StateReader>, StoreError>;

    /// The lowest height that [`Self::decided`] still has; 1 when nothing was pruned or decided.
    fn oldest(&self) -> Result<Height, StoreError>;

    /// A decided block and its certificate, `None` above the tip or below [`Self::oldest`].
    fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError>;

    /// Keeps an undecided block. Durable when it returns. Idempotent for the same (height, round, hash).
    fn put_undecided(&self, value: &Undecided) -> Result<(), StoreError>;

    /// All undecided blocks kept for a height, in any order.
    fn undecided(&self, height: Height) -> Result<Vec<Undecided>, StoreError>;

    /// Writes a decided height: block, certificate, receipts, state, and the deletion of undecided blocks at or
    /// below it, in ONE batch, synced when it returns. `height` is the tip's + 1.
    fn commit(&self, commit: &Commit) -> Result<(), StoreError>;
}
