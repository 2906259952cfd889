//! What goes into the pool, what comes out, and why not.

use std::sync::Arc;

use aula_ledger::code::Code;
use aula_ledger::execute::limits::{Budget, Cost};
use aula_ledger::keys::PublicKey;
use aula_ledger::tx::{Transaction, TransactionId};
use aula_ledger::types::{AccountId, Height};

use super::lanes::{Lane, Place};
use crate::ports::{AccountView, StoreError};

/// So much, in bytes and in number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of transactions.
    pub bytes: usize,
    /// Transactions, however long.
    pub transactions: usize,
}

/// How much may wait. The three parts take nothing from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in all, but for the reserve and what waits behind a gap.
    pub transactions: usize,
    /// Bytes of these transactions together.
    pub bytes: usize,
    /// Transactions of one account; also how far ahead of its next sequence number one may be.
    pub per_account: usize,
    /// One account may hold one in so many of the bytes.
    pub account_share: usize,
    /// Range-proved values that wait of one account.
    pub account_range_values: u64,
    /// Runs of rounds that wait of one account.
    pub account_rounds: u64,
    /// A lane of the reserve in all.
    pub lane: Room,
    /// One account's part of a lane.
    pub account_lane: Room,
    /// What waits behind gaps in all.
    pub gaps: Room,
    /// What waits of one account behind a gap.
    pub account_gap: Room,
    /// Milliseconds after which a transaction whose predecessors never came is dropped.
    pub gap_ms: u64,
}

impl Default for Limits {
    /// 50 full blocks of 1,000 and 128 MiB, a sixteenth of the bytes and a fifth of the number an account. Sixteen
    /// blocks' range values and rounds an account. A MiB a lane, 64 an account. 16 MiB behind gaps, one an account, for
    /// ten minutes.
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            transactions: 50_000,
            bytes: 128 * MIB,
            per_account: 10_000,
            account_share: 16,
            account_range_values: 16 * 1_024,
            account_rounds: 16,
            lane: Room { bytes: MIB, transactions: 4_096 },
            account_lane: Room { bytes: MIB / 16, transactions: 64 },
            gaps: Room { bytes: 16 * MIB, transactions: 16_384 },
            account_gap: Room { bytes: MIB, transactions: 1_024 },
            gap_ms: 10 * 60 * 1_000,
        }
    }
}

impl Limits {
    /// The most that may wait in all, wherever it waits: in the open, in the lanes of the reserve, behind gaps.
    pub fn most(&self) -> Room {
        let sum = |open: usize, lane: usize, gaps: usize| {
            open.saturating_add(lane.saturating_mul(Lane::COUNT)).saturating_add(gaps)
        };
        Room {
            bytes: sum(self.bytes, self.lane.bytes, self.gaps.bytes),
            transactions: sum(self.transactions, self.lane.transactions, self.gaps.transactions),
        }
    }

    /// What an account may hold of the open part.
    pub(super) fn account(&self) -> Room {
        Room { bytes: self.bytes / self.account_share.max(1), transactions: self.per_account }
    }
}

/// What the pool asks of the state after the last decided block.
pub trait Ledger {
    /// An account, if there is one that may send.
    ///
    /// # Errors
    /// [`StoreError`], as for all.
    fn account(&self, id: &AccountId) -> Result<Option<AccountView>, StoreError>;

    /// See [`crate::ports::Executor::admits`].
    fn admits(&self, transaction: &Transaction) -> Result<Result<(), Code>, StoreError>;

    /// What the next block may hold.
    fn budget(&self) -> Result<Budget<'_>, StoreError>;
}

/// Why a transaction is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The ledger's own rules: a code of 1 to 99 that would make a block invalid, or one that the state would reject
    /// it with: the sender's role, a round that is not there.
    #[error("the ledger's rules refuse it: {}", .0.explain())]
    Ledger(Code),
    /// There is no room, and nobody holds more of it than the sender would.
    #[error("the pool of waiting transactions is full; try again in a second")]
    PoolFull,
    /// The account has too many waiting.
    #[error("this account has as much waiting as one may have; wait until some of it is final")]
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
    /// Sequence numbers before it are missing, and there is no more room for such.
    #[error(
        "sequence number {missing} has not come, and no more room is left behind it; send that one first"
    )]
    GapFull {
        /// The first missing sequence number.
        missing: u64,
    },
    /// It had to make room for an account that holds less.
    #[error("the pool was full and this account held the most of it; submit it again when others are final")]
    Evicted,
    /// No block may hold it under the parameters in force.
    #[error("it is over the limit of a whole block on {limit}; split it, or vote for a higher limit")]
    NeverFits {
        /// The parameter, as a vote spells it.
        limit: &'static str,
    },
    /// The state could not be read.
    #[error("the state cannot be read")]
    Broken(#[from] StoreError),
}

impl Refusal {
    /// The number a submitter is told: 1 to 255 are the ledger's, 1001 to 1099 the pool's.
    pub fn code(&self) -> u16 {
        match self {
            Self::Ledger(code) => *code as u16,
            Self::PoolFull => 1001,
            Self::AccountFull => 1002,
            Self::SequenceTaken => 1003,
            Self::SequenceTooFar { .. } => 1004,
            Self::SetAside => 1005,
            Self::GapFull { .. } => 1006,
            Self::Evicted => 1007,
            Self::NeverFits { .. } => 1008,
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

impl Submitted {
    /// The id, whether it is new here or not.
    pub fn id(&self) -> TransactionId {
        match self {
            Self::New(id) | Self::Known(id) => *id,
        }
    }
}

/// Who brought a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A submitter, to this node.
    Here,
    /// Another node, which has it too.
    Peer,
}

/// A waiting transaction.
#[derive(Debug)]
pub struct Pooled {
    /// The labelled hash of its bytes.
    pub id: TransactionId,
    /// Canonical, signatures included.
    pub bytes: Arc<Vec<u8>>,
    /// The sender.
    pub account: AccountId,
    /// Its sequence number.
    pub sequence: u64,
    /// The last height at which it may be in a block.
    pub valid_until: Height,
    /// What it takes of a block.
    pub cost: Cost,
    pub(super) lane: Option<Lane>,
    pub(super) rounds: u64,
    pub(super) key: PublicKey,
    pub(super) origin: Origin,
    pub(super) arrival: u64,
    pub(super) kept_at: Height,
}

impl Pooled {
    /// Its length in bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// What a proposer takes.
#[derive(Debug, Default)]
pub struct Selection {
    /// What the block holds, in an order that executes.
    pub chosen: Vec<Arc<Pooled>>,
    /// What no block could hold, with the parameter it is over.
    pub never: Vec<(Arc<Pooled>, &'static str)>,
}

/// A transaction and where it waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) pooled: Arc<Pooled>,
    pub(super) place: Place,
    /// The time at which it came there, if the clock could be read.
    pub(super) since_ms: Option<u64>,
    /// When the others were told of it last, and how often.
    pub(super) told_at: Height,
    pub(super) told: u32,
}
