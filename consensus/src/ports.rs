//! What consensus needs from the node: storage, time, and the ledger's answers. The node implements
//! [`ChainStore`] over its database and [`Clock`] over the system's; [`Executor`] is implemented here, by
//! [`crate::executor::LedgerExecutor`], and replaced only in tests.
//!
//! Every call may block (it is made from a thread that may), none is async. A [`StoreError`] is fatal: the
//! driver stops and says so, because going on with a store that fails would risk what is final.
//!
//! Invariant that the node keeps: [`ChainStore::state`] and [`ChainStore::tip`] always belong together, because
//! [`ChainStore::commit`] is one synced batch and nothing else writes either.

use std::sync::Arc;

use aula_ledger::chain::{Block, CommitCertificate, ValidatorSet};
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, SignatureMemory};
use aula_ledger::keys::PublicKey;
use aula_ledger::params::Params;
use aula_ledger::state::StateReader;
pub use aula_ledger::state::StoreError;
use aula_ledger::types::{AccountId, Hash, Height, TimeMs, ValidatorAddress};
use borsh::{BorshDeserialize, BorshSerialize};
use libp2p::{Multiaddr, PeerId};

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
    /// The block.
    pub block: Arc<Block>,
    /// The block's canonical bytes.
    pub block_bytes: Arc<Vec<u8>>,
    /// Its hash.
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

/// The clock failed; the node votes nil in that round and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system clock is before 1970 or cannot be read")]
pub struct ClockError;

/// The node's wall clock.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`ClockError`].
    fn now_ms(&self) -> Result<u64, ClockError>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Result<u64, ClockError> {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .map_err(|_| ClockError)?;
        u64::try_from(since.as_millis()).map_err(|_| ClockError)
    }
}

/// What the mempool must know of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountView {
    /// The sequence number its next transaction must carry.
    pub next_sequence: u64,
    /// The key that must have signed it.
    pub public_key: PublicKey,
}

/// A network identity that a vote of the members has admitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdmittedPeer {
    /// Its libp2p identity.
    pub peer: PeerId,
    /// Where it may be reached, if that is known.
    pub listen: Option<Multiaddr>,
}

/// The ledger's rules, as consensus asks for them. All answers are functions of the given state alone.
pub trait Executor: Send + Sync + 'static {
    /// Executes a block on the state after its parent. See [`aula_ledger::execute::execute_block`].
    ///
    /// # Errors
    /// [`ExecuteError`] says whether the block is invalid or the store broken.
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError>;

    /// The validators that decide the height after `tip`, where `state` is the state after `tip`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn next_validators(&self, state: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError>;

    /// The validators that decide the height after that: changes enter two heights after the block that decides them,
    /// so they are settled.
    ///
    /// # Errors
    /// [`StoreError`].
    fn following_validators(&self, state: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError>;

    /// An account, `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn account(
        &self,
        state: &dyn StateReader,
        account: &AccountId,
    ) -> Result<Option<AccountView>, StoreError>;

    /// The parameters in force.
    ///
    /// # Errors
    /// [`StoreError`].
    fn params(&self, state: &dyn StateReader) -> Result<Params, StoreError>;

    /// All peers that the genesis or votes of the members have admitted.
    ///
    /// # Errors
    /// [`StoreError`].
    fn admitted_peers(&self, state: &dyn StateReader) -> Result<Vec<AdmittedPeer>, StoreError>;
}
