//! What goes into the pool, what comes out, and why not.

use std::sync::Arc;

use aula_ledger::chain::{Code, TransactionId};
use aula_ledger::keys::PublicKey;
use aula_ledger::types::{AccountId, Height};

use crate::ports::StoreError;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in all.
    pub transactions: usize,
    /// Bytes in all.
    pub bytes: usize,
    /// Transactions of one account; also how far ahead of its next sequence number one may be.
    pub per_account: usize,
    /// Heights after which a transaction whose predecessors never came is dropped.
    pub gap_heights: u64,
}

impl Default for Limits {
    /// 50 full blocks of 1,000, 128 MiB, 10,000 an account, ten quiet minutes for a gap.
    fn default() -> Self {
        Self { transactions: 50_000, bytes: 128 * 1024 * 1024, per_account: 10_000, gap_heights: 600 }
    }
}

/// Why a transaction is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The ledger's own rules: the code of 1 to 99 that would make a block invalid.
    #[error("the ledger's rules refuse it: {0:?}")]
    Ledger(Code),
    /// The pool is full.
    #[error("the pool of waiting transactions is full; try again in a second")]
    PoolFull,
    /// The account has too many waiting.
    #[error("this account has as many waiting transactions as one may have")]
    AccountFull,
    /// Another transaction waits under the same sequence number.
    #[error("another transaction of this account waits under the same sequence number")]
    SequenceTaken,
    /// The sequence number is too far ahead.
    #[error("the sequence number is too far ahead of the account's next one, {next}")]
    SequenceTooFar {
        /// The account's next sequence number.
        next: u64,
    },
    /// It was taken out of a block because executing it failed inside this program.
    #[error("executing this transaction failed inside this program; it was set aside")]
    SetAside,
    /// The state could not be read.
    #[error("the state cannot be read")]
    Broken(#[from] StoreError),
}

impl Refusal {
    /// The number a submitter is told: 1 to 99 are the ledger's, 1001 to 1099 the pool's.
    pub fn code(&self) -> u16 {
        match self {
            Self::Ledger(code) => *code as u16,
            Self::PoolFull => 1001,
            Self::AccountFull => 1002,
            Self::SequenceTaken => 1003,
            Self::SequenceTooFar { .. } => 1004,
            Self::SetAside => 1005,
            Self::Broken(_) => 1099,
        }
    }
}

/// What a submitter is told when nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It was not known and waits now.
    New(TransactionId),
    /// It waits already.
    Known(TransactionId),
}

/// A waiting transaction.
#[derive(Debug)]
pub struct Pooled {
    /// Its name.
    pub id: TransactionId,
    /// Its canonical bytes.
    pub bytes: Arc<Vec<u8>>,
    /// The sender.
    pub account: AccountId,
    /// Its sequence number.
    pub sequence: u64,
    /// The last height at which it may be in a block.
    pub valid_until: Height,
    /// Range-proved values it carries.
    pub range_values: u32,
    pub(super) key: PublicKey,
    pub(super) arrival: u64,
    pub(super) kept_at: Height,
}

/// How much a proposer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Transactions, hence signatures.
    pub transactions: usize,
    /// Bytes of transactions.
    pub bytes: usize,
    /// Transactions of one account.
    pub per_account: usize,
    /// Range-proved values.
    pub range_values: u32,
}
