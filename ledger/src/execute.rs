//! THE transition: a block and the state before it give the header, the receipts and the writes after it.
//!
//! Proposing, validating, syncing and replaying all call [`execute_block`]; there is no second way.
//!
//! Flow: the block's limits → for each transaction: what makes a block invalid (form, chain, expiry, account,
//! key, sequence, signature) → the sequence is consumed → the sender's role → the handler on a layer of its
//! own, kept or rolled back → its receipt. At the end each touched bulk tree is hashed once, the overlay
//! gives the state root, and the four roots make the header.
//!
//! Invariants: a rejected transaction changes nothing but its account's sequence (and, for a round that ran without a
//! result, that it did); the same input on the same
//! state gives the same bytes; no input panics. Limits count the whole block, so that a hostile proposer, who
//! passes no mempool, is bound by them too.

use crate::chain::{Block, Header};
use crate::code::Code;
use crate::codec::{Canonical, CodecError};
use crate::params::Params;
use crate::proof::merkle;
use crate::protocol::{Outdated, Protocol};
use crate::rounds::windows;
use crate::state::schema::{self, ChainRecord, RefusedRun, ValidatorSchedule};
use crate::state::{Overlay, StateReader, StateWrites, StoreError};
use crate::tx::handler::{BlockFacts, BlockMemory, Context, Refusal};
use crate::tx::rights::{is_in, senders};
use crate::tx::{Payload, Receipt, Transaction, TransactionId, transaction};
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

pub(crate) mod cost;
pub mod limits;
#[cfg(test)]
mod tests;
pub mod time;

/// What a block is executed with. Roots are computed, not given.
#[derive(Debug, Clone, Copy)]
pub struct BlockInput<'a> {
    /// The chain: SHA-256 of its genesis file.
    pub genesis: &'a Hash,
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
            genesis: &block.header.genesis,
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
    /// What the block changes: records and rows as they stand after it.
    pub writes: StateWrites,
}

/// Why a block has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// A transaction makes the block invalid: vote nil, or leave the transaction out and build again.
    #[error("transaction {index} makes the block invalid: code {}, {}", code.number(), code.explain())]
    Invalid {
        /// Position of the transaction in the block.
        index: u32,
        /// A code of 1 to 99: no block may hold such a transaction.
        code: Code,
    },
    /// The block as a whole breaks a limit.
    #[error("the block is over the limit on {limit}")]
    OverLimit {
        /// The parameter, as a vote spells it.
        limit: &'static str,
    },
    /// The block does not follow the state: another chain or height, or a time out of the rule.
    #[error("the block does not follow the state: its {0} is wrong")]
    NotNext(&'static str),
    /// The block goes by rules that this program does not have.
    #[error("{0}")]
    Outdated(Outdated),
    /// The store failed: stop the process.
    #[error(transparent)]
    Broken(#[from] StoreError),
}

/// Executes a block on the state after its parent.
///
/// # Errors
/// [`ExecuteError::Invalid`], [`ExecuteError::OverLimit`] or [`ExecuteError::NotNext`]: the block must not be
/// voted for. [`ExecuteError::Broken`]: the store failed and the process must stop.
pub fn execute_block(
    state: &dyn StateReader,
    input: &BlockInput<'_>,
    memory: &dyn SignatureMemory,
) -> Result<Outcome, ExecuteError> {
    execute_watched(state, input, memory, &mut |_, _| {})
}

/// The same, with a look at the state before the first transaction (none) and after each one (its position).
///
/// # Errors
/// As [`execute_block`].
pub fn execute_watched(
    state: &dyn StateReader,
    input: &BlockInput<'_>,
    memory: &dyn SignatureMemory,
    watch: &mut dyn FnMut(Option<u32>, &Overlay<'_>),
) -> Result<Outcome, ExecuteError> {
    let (transactions, params) = limits::decode_all(input.transactions, state)?;
    let mut run = Run::begin(state, input, params)?;
    watch(None, &run.overlay);
    let mut receipts = Vec::with_capacity(transactions.len());
    for (index, (transaction, bytes)) in (0u32..).zip(transactions.iter().zip(input.transactions)) {
        receipts.push(run.transaction(transaction, bytes, memory).map_err(|stop| stop.at(index))?);
        watch(Some(index), &run.overlay);
    }
    run.finish(input, receipts)
}

/// Why a block's execution stops at a transaction.
enum Stop {
    Invalid(Code),
    Broken(StoreError),
}

impl From<Code> for Stop {
    fn from(code: Code) -> Self {
        Self::Invalid(code)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Broken(error)
    }
}

impl Stop {
    fn at(self, index: u32) -> ExecuteError {
        match self {
            Self::Invalid(code) => ExecuteError::Invalid { index, code },
            Self::Broken(error) => error.into(),
        }
    }
}

/// Decodes a transaction's bytes.
///
/// # Errors
/// [`Code::Oversized`] or [`Code::Malformed`].
pub fn decode_transaction(bytes: &[u8]) -> Result<Transaction, Code> {
    Transaction::from_canonical(bytes).map_err(|error| match error {
        CodecError::TooLarge { .. } => Code::Oversized,
        CodecError::Version { .. } | CodecError::Malformed { .. } => Code::Malformed,
    })
}

/// A block under way.
struct Run<'a> {
    overlay: Overlay<'a>,
    facts: BlockFacts,
    schedule: ValidatorSchedule,
    student_leaves: Vec<Vec<u8>>,
    memory: BlockMemory,
}

impl<'a> Run<'a> {
    fn begin(
        state: &'a dyn StateReader,
        input: &BlockInput<'_>,
        params: Params,
    ) -> Result<Self, ExecuteError> {
        let chain = schema::chain(state)?;
        follows(&chain, input)?;
        let agreed = schema::protocol(state)?;
        if let Some(outdated) = agreed.refuses(input.height, Protocol::NEWEST) {
            return Err(ExecuteError::Outdated(outdated));
        }
        let protocol = agreed.clone().at(input.height);
        let before = schema::validator_schedule(state)?;
        let schedule = before.clone().advanced();
        let mut overlay = Overlay::new(state);
        let record = ChainRecord { height: input.height, time_ms: input.time_ms, ..chain };
        schema::write(&mut overlay, schema::chain_key(), &record);
        if protocol != agreed {
            schema::write(&mut overlay, schema::protocol_key(), &protocol);
        }
        if before.is_moving() {
            schema::write(&mut overlay, schema::validators_key(), &schedule);
        }
        if schedule.now != schedule.next {
            if protocol.now.keeps_the_founders()
                && schema::set_announced_below(&overlay, input.height)?.is_none()
            {
                schema::write(&mut overlay, schema::set_change_key(Height::GENESIS), &schedule.now);
            }
            schema::write(&mut overlay, schema::set_change_key(input.height), &schedule.next);
        }
        let proposer = input.proposer;
        schema::note_proposer(&mut overlay, &schedule.now, proposer, input.height, protocol.now)?;
        let facts = BlockFacts {
            genesis: record.genesis_sha256,
            height: input.height,
            time_ms: input.time_ms,
            protocol: protocol.now,
            params,
            validators: u32::try_from(schedule.now.validators().len()).unwrap_or(u32::MAX),
        };
        windows::pass(&mut overlay, &facts)?;
        Ok(Self { overlay, facts, schedule, student_leaves: Vec::new(), memory: BlockMemory::default() })
    }

    /// Executes one transaction, of these canonical bytes; what it returns as an error makes the block invalid.
    fn transaction(
        &mut self,
        transaction: &Transaction,
        bytes: &[u8],
        memory: &dyn SignatureMemory,
    ) -> Result<Receipt, Stop> {
        let id = transaction::id_of_bytes(bytes);
        transaction.check(&self.facts.genesis, self.facts.height)?;
        let body = &transaction.body;
        if !is_in(self.facts.protocol, &body.payload) {
            return Err(Code::NotInProtocol.into());
        }
        let (mut account, sender) =
            schema::admitted_member(&self.overlay, &body.account)?.ok_or(Code::UnknownAccount)?;
        if account.public_key != transaction.public_key {
            return Err(Code::KeyNotCurrent.into());
        }
        if account.sequence != body.sequence {
            return Err(Code::WrongSequence.into());
        }
        if !memory.is_verified(&id) && !transaction.signature_is_valid_in(bytes) {
            return Err(Code::BadSignature.into());
        }
        account.sequence = account.sequence.checked_add(1).ok_or(Code::WrongSequence)?;
        schema::write(&mut self.overlay, schema::account_key(&body.account), &account);

        let leaves_before = self.student_leaves.len();
        self.overlay.begin();
        let mut context = Context {
            overlay: &mut self.overlay,
            facts: &self.facts,
            sender: &sender,
            student_leaves: &mut self.student_leaves,
            memory: &mut self.memory,
        };
        let outcome = if sender.roles.meets(senders(body.payload.kind())) {
            body.payload.handler().execute(&mut context)
        } else {
            Err(Code::RoleNotAllowed.into())
        };
        // A handler need not know how large a record may be: what could not be written refuses the transaction here.
        let outcome = match self.overlay.refused() {
            Some(_) => outcome.and(Err(Code::RecordTooLarge.into())),
            None => outcome,
        };
        match outcome {
            Ok(events) => {
                self.overlay.commit();
                Ok(Receipt { transaction: id, code: Code::Accepted, entry: None, events })
            }
            Err(Refusal::Rejected { code, entry }) => {
                self.overlay.rollback();
                self.student_leaves.truncate(leaves_before);
                self.note_refused_run(&body.payload, code);
                Ok(Receipt { transaction: id, code, entry, events: Vec::new() })
            }
            Err(Refusal::Explained { code, event }) => {
                self.overlay.rollback();
                self.student_leaves.truncate(leaves_before);
                self.note_refused_run(&body.payload, code);
                Ok(Receipt { transaction: id, code, entry: None, events: vec![*event] })
            }
            Err(Refusal::Broken(error)) => Err(error.into()),
        }
    }

    /// A round that ran and had no result is not run again for nothing: the one thing that a rejected transaction leaves
    /// beside its sequence.
    fn note_refused_run(&mut self, payload: &Payload, code: Code) {
        let ran = matches!(code, Code::Infeasible | Code::NotProved | Code::NoSeed | Code::RecordTooLarge);
        if let (Payload::RunRound(run), true) = (payload, ran) {
            let refused = RefusedRun::new(run.round, self.facts.height, code, &self.facts.params);
            schema::write(&mut self.overlay, schema::refused_run_key(run.round), &refused);
        }
    }

    fn finish(self, input: &BlockInput<'_>, receipts: Vec<Receipt>) -> Result<Outcome, ExecuteError> {
        let (state_root, writes) = self.overlay.finish(input.height)?;
        let header = Header {
            protocol: self.facts.protocol,
            genesis: self.facts.genesis,
            height: input.height,
            time_ms: input.time_ms,
            parent: input.parent,
            proposer: input.proposer,
            transactions: merkle::head(input.transactions),
            receipts: merkle::head(receipts.iter().map(Canonical::to_canonical)),
            students: merkle::head(&self.student_leaves),
            state_root,
            validators_hash: self.schedule.now.hash(),
            next_validators_hash: self.schedule.next.hash(),
        };
        Ok(Outcome { header, receipts, student_leaves: self.student_leaves, writes })
    }
}

/// The block extends this very state, in height and in [`time`].
fn follows(chain: &ChainRecord, input: &BlockInput<'_>) -> Result<(), ExecuteError> {
    if chain.genesis_sha256 != *input.genesis {
        return Err(ExecuteError::NotNext("chain id"));
    }
    if chain.height.0.checked_add(1) != Some(input.height.0) {
        return Err(ExecuteError::NotNext("height"));
    }
    if !time::may_follow(chain.time_ms, input.time_ms) {
        return Err(ExecuteError::NotNext("time"));
    }
    Ok(())
}
