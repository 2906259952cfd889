//! What a running node tells its owner: events as they happen, and why it had to stop.

use aula_ledger::chain::misbehaviour::Equivocation;
use aula_ledger::protocol::Outdated;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{Hash, Height, TimeMs, ValidatorAddress};

use crate::context::BadKey;
use crate::mempool::Refusal;
use crate::ports::StoreError;
use crate::proposal::Broken;

/// Whether this node signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It signs when it is in the validator set.
    Validator,
    /// It follows and signs nothing up to this height, then starts to sign; `None`: it never does.
    Follower {
        /// The last height at which it does not sign.
        until: Option<Height>,
    },
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The node started to take part, as this.
    Started(Mode),
    /// A round began.
    Round {
        /// Height being decided.
        height: Height,
        /// The round, from 0.
        round: u32,
        /// Whose turn it is, by the set of the height.
        proposer: ValidatorAddress,
    },
    /// A block is final and persisted.
    Decided {
        /// The height that is final now; the next one begins.
        height: Height,
        /// The round in which it was decided.
        round: u32,
        /// The hash of its header, which the certificate names.
        hash: Hash,
        /// The time in its header, which bounds the next block's from below.
        time_ms: TimeMs,
        /// How many transactions it holds.
        transactions: usize,
    },
    /// Transactions left the pool without being decided.
    Dropped(Vec<(TransactionId, Refusal)>),
    /// A validator signed two things where one is allowed.
    Equivocation {
        /// Height at which it was seen.
        height: Height,
        /// The address whose key signed both.
        validator: ValidatorAddress,
        /// Both, signed, as the ledger takes them; none if what was seen is no evidence under its rules.
        evidence: Option<Box<Equivocation>>,
    },
    /// The write-ahead log was damaged; the text says what was done about it.
    WalDamaged(String),
    /// The sign guard's file is missing or damaged; the text says what the operator does next.
    GuardLost(String),
    /// A decided block arrived by sync that this node finds wrong: it cannot follow the chain.
    CannotFollow {
        /// The height of that block; this node stays below it.
        height: Height,
        /// What is wrong with it.
        why: String,
    },
}

/// Why the node stopped by itself. The text says what to do next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FatalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Execution failed on a block that is final, or a validator set cannot be used.
    #[error("{0}; keep the data folder and report this")]
    Program(String),
    /// The next height goes by rules that this program does not have.
    #[error("{0}")]
    Outdated(Outdated),
    /// The engine stopped or refused to start.
    #[error("{0}")]
    Engine(String),
}

impl FatalError {
    pub(crate) fn engine(text: impl Into<String>) -> Self {
        Self::Engine(text.into())
    }

    pub(crate) fn program(text: impl Into<String>) -> Self {
        Self::Program(text.into())
    }
}

impl From<Broken> for FatalError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Store(error) => Self::Store(error),
            Broken::Execution(text) => Self::Program(text),
        }
    }
}

impl From<BadKey> for FatalError {
    fn from(error: BadKey) -> Self {
        Self::Program(error.to_string())
    }
}
