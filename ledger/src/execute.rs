//! THE transition: a block and the state before it give the header, the receipts and the writes after it.
//!
//! Proposing, validating, syncing and replaying all call [`execute_block`]; there is no second way.

use crate::chain::{Block, Code, Header, Receipt, TransactionId};
use crate::state::{StateReader, StateWrites, StoreError};
use crate::types::{ChainId, Hash, Height, TimeMs, ValidatorAddress};

/// What a block is executed with. Roots are computed, not given.
#[derive(Debug, Clone, Copy)]
pub struct BlockInput<'a> {
    /// Which chain.
    pub chain_id: &'a ChainId,
    /// The height to execute: one more than the state's.
    pub height: Height,
    /// Block time in milliseconds.
    pub time_ms: TimeMs,
    /// The parent's hash (height 1: SHA-256 of the genesis file).
    pub parent: Hash,
    /// Who built the block.
    pub proposer: ValidatorAddress,
    /// The transactions' bytes, in order.
    pub transactions: &'a [Vec<u8>],
}

impl<'a> BlockInput<'a> {
    /// The input that a finished block was executed with.
    pub fn of(block: &'a Block) -> Self {
        Self {
            chain_id: &block.header.chain_id,
            height: block.header.height,
            time_ms: block.header.time_ms,
            parent: block.header.parent,
            proposer: block.header.proposer,
            transactions: &block.transactions,
        }
    }
}

/// Remembers which transactions' signatures this node has already verified, by the hash of all their bytes.
pub trait SignatureMemory {
    /// True when this very transaction's signature was verified before.
    fn is_verified(&self, transaction: &TransactionId) -> bool;
}

/// Remembers nothing: every signature is verified. For replay and for the auditor.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyAll;

impl SignatureMemory for VerifyAll {
    fn is_verified(&self, _: &TransactionId) -> bool {
        false
    }
}

/// What executing a block gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The header with all roots.
    pub header: Header,
    /// One receipt a transaction, in order.
    pub receipts: Vec<Receipt>,
    /// The student-state leaves anchored, in order: the leaves of `header.students`.
    pub student_leaves: Vec<Vec<u8>>,
    /// What to write.
    pub writes: StateWrites,
}

/// Why a block has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// A transaction makes the block invalid: vote nil, or leave the transaction out and build again.
    #[error("transaction {index} makes the block invalid: code {}", *code as u16)]
    Invalid {
        /// Position of the transaction in the block.
        index: u32,
        /// Why.
        code: Code,
    },
    /// The block as a whole breaks a limit.
    #[error("the block is over the limit on {limit}")]
    OverLimit {
        /// Which parameter.
        limit: &'static str,
    },
    /// The store failed: stop the process.
    #[error(transparent)]
    Broken(#[from] StoreError),
}

/// Executes a block on the state after its parent.
///
/// # Errors
/// [`ExecuteError::Invalid`] or [`ExecuteError::OverLimit`]: the block must not be voted for.
/// [`ExecuteError::Broken`]: the store failed and the process must stop.
pub fn execute_block(
    _state: &dyn StateReader,
    _input: &BlockInput<'_>,
    _memory: &dyn SignatureMemory,
) -> Result<Outcome, ExecuteError> {
    Err(ExecuteError::Broken(StoreError("execution is being written".into())))
}
