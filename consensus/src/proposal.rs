//! Building a block and judging one: the same execution, once per block, its outcome kept by block hash.
//!
//! Flow of building: select from the pool → execute → header with roots → kept → told to consensus. Flow of
//! judging: bytes → canonical block → does it follow the tip, within the limits → execute → the same header? →
//! kept. When the block is decided, the kept outcome is written; nothing is executed twice on the common path.
//!
//! Time: the ledger bounds it without a clock ([`aula_ledger::execute::time`]). Whether it is near the present is
//! judged apart ([`BlockBuilder::is_timely`]), for what comes over the network only, and never kept: one bad clock must not
//! make a block invalid for good.
//!
//! A panic inside execution: while building, the transaction that causes it is found and set aside; while judging,
//! the block is not voted for; on a decided block it is [`Broken`], and the process stops.
//!
//! Invariant: a kept outcome is used on the base it was made on only; [`BlockBuilder::decided`] forgets all.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::chain::turns::Misses;
use aula_ledger::chain::{Block, ValidatorSet};
use aula_ledger::codec::Canonical;
use aula_ledger::execute::limits::Budget;
use aula_ledger::execute::time::MAX_AHEAD_MS;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, time};
use aula_ledger::proof::merkle;
use aula_ledger::state::StateReader;
use aula_ledger::types::{Hash, Height, TimeMs, ValidatorAddress};

use crate::damage::Damage;
use crate::mempool::{Mempool, Pooled};
use crate::parts::MAX_BLOCK_BYTES;
use crate::planted::{self, Bug};
use crate::ports::{ChainStore, Clock, Executor, StoreError, Tip};

/// Most bytes of a block's transactions that can be sent, whatever the parameters say: its header and a length a
/// transaction come on top.
const MOST_TRANSACTION_BYTES: u32 = (MAX_BLOCK_BYTES - 64 * 1024) as u32;
/// Blocks kept with their outcome at one height: two a round for a few rounds. The oldest is forgotten first.
const KEPT: usize = 12;
/// How often a block is built again after a transaction turned out not to belong in it; then it is left empty.
const BUILD_ATTEMPTS: usize = 24;

/// A block that was executed here and is valid.
#[derive(Debug)]
pub struct ExecutedBlock {
    /// The block, shared with whoever sends or stores it.
    pub block: Arc<Block>,
    /// Its canonical bytes.
    pub bytes: Arc<Vec<u8>>,
    /// The hash of its header, under which it is kept.
    pub hash: Hash,
    /// What executing it gave.
    pub outcome: Arc<Outcome>,
}

/// This node cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Broken {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Execution fails where it must not.
    #[error("{0}")]
    Execution(String),
}

/// Why a block is not voted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProposal {
    /// What is wrong with it, for the log.
    pub why: String,
    /// What the verdict is on.
    pub fault: Fault,
}

/// What a verdict is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The block of the announced hash: it is wrong for good, whoever sends it.
    Block,
    /// The bytes: they are not the block of the announced hash and say nothing about it. Anybody may have sent them.
    Bytes,
    /// The head: whoever signed it proposes a block as fresh that another validator built. Nothing against the block.
    Head,
}

impl InvalidProposal {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), fault: Fault::Block }
    }

    fn garbled(why: impl Into<String>) -> Self {
        Self { why: why.into(), fault: Fault::Bytes }
    }

    fn head() -> Self {
        Self { why: "a fresh block names another proposer than its round's".into(), fault: Fault::Head }
    }
}

/// The state a block is executed on, and what is known beside it. Replaced when a block is decided.
#[derive(Clone)]
pub struct Base {
    /// The last decided block.
    pub tip: Tip,
    /// The state after it.
    pub state: Arc<dyn StateReader>,
    /// Who decides the next block.
    pub validators: Arc<ValidatorSet>,
    /// Who decides the one after it.
    pub following: Arc<ValidatorSet>,
    /// Who missed a turn to propose, up to the tip.
    pub misses: Arc<Misses>,
}

impl Base {
    /// The height that is being decided.
    pub fn height(&self) -> Height {
        self.tip.height.next()
    }
}

/// Builds and judges blocks on top of the current tip. Every method may take as long as executing a block does.
pub struct BlockBuilder {
    genesis: Hash,
    executor: Arc<dyn Executor>,
    clock: Arc<dyn Clock>,
    pool: Arc<Mempool>,
    kept: Mutex<Kept>,
    damage: Damage,
}

#[derive(Default)]
struct Kept {
    by_hash: BTreeMap<Hash, Arc<ExecutedBlock>>,
    order: Vec<Hash>,
}

impl BlockBuilder {
    /// Nothing kept yet.
    pub fn new(
        genesis: Hash,
        executor: Arc<dyn Executor>,
        clock: Arc<dyn Clock>,
        pool: Arc<Mempool>,
    ) -> Self {
        Self { genesis, executor, clock, pool, kept: Mutex::default(), damage: Damage::default() }
    }

    /// The same, with what earlier runs found damaged.
    pub fn remembering(self, damage: Damage) -> Self {
        Self { damage, ..self }
    }

    /// Reads the base from the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn base(&self, store: &dyn ChainStore) -> Result<Base, StoreError> {
        let tip = store.tip()?;
        let state = store.state()?;
        let validators = Arc::new(self.executor.next_validators(state.as_ref(), tip.height)?);
        let following = Arc::new(self.executor.following_validators(state.as_ref(), tip.height)?);
        let misses = Arc::new(self.executor.missed_turns(state.as_ref())?);
        Ok(Base { tip, state, validators, following, misses })
    }

    /// Builds the next block from what waits in the pool.
    ///
    /// # Errors
    /// [`Broken`] when the store fails, or when not even an empty block can be executed.
    pub fn build(&self, base: &Base, proposer: ValidatorAddress) -> Result<Arc<ExecutedBlock>, Broken> {
        let mut chosen = self.choose(base)?;
        // A proposer whose clock failed still proposes.
        let time_ms = time::proposed(base.tip.time_ms, self.clock.now_ms().ok());
        for _ in 0..BUILD_ATTEMPTS {
            match self.try_build(base, proposer, time_ms, &chosen)? {
                Tried::Built(judged) => return Ok(judged),
                Tried::Without(index, why) => self.set_aside(&mut chosen, index, &why),
                Tried::Over(why) => leave_out_last(&mut chosen, &why),
                Tried::Unreadable => break,
            }
        }
        match self.try_build(base, proposer, time_ms, &[])? {
            Tried::Built(judged) => Ok(judged),
            _ => Err(Broken::Execution("an empty block cannot be executed; stop and report this".into())),
        }
    }

    /// What waits and fits a block, the ledger's limits all counted. What fits none is set aside.
    fn choose(&self, base: &Base) -> Result<Vec<Arc<Pooled>>, StoreError> {
        let mut params = self.executor.params(base.state.as_ref())?;
        params.max_block_bytes = params.max_block_bytes.min(MOST_TRANSACTION_BYTES);
        let whole = Budget::of(base.state.as_ref(), base.height(), params);
        let selection = self.pool.select(&whole)?;
        for (pooled, limit) in &selection.never {
            tracing::warn!(transaction = %pooled.id, limit, "no block may hold a waiting transaction; it is set aside");
            self.pool.set_aside(&pooled.id);
        }
        Ok(selection.chosen)
    }

    /// Judges a block's bytes as the next block. `fresh_proposer` is the proposer of the round for a block
    /// proposed for the first time; `None` for one proposed again, synced or replayed, whose proposer may be any
    /// validator. Looks at no clock.
    ///
    /// # Errors
    /// [`Broken`] only; a block that is not valid is `Ok(Err(InvalidProposal))`.
    pub fn judge(
        &self,
        base: &Base,
        bytes: Vec<u8>,
        hash: Hash,
        fresh_proposer: Option<ValidatorAddress>,
    ) -> Result<Result<Arc<ExecutedBlock>, InvalidProposal>, Broken> {
        if let Some(known) = self.kept(base, &hash) {
            let proposer = known.block.header.proposer;
            if fresh_proposer.is_some_and(|fresh| is_blamed(fresh, proposer)) {
                return Ok(Err(InvalidProposal::head()));
            }
            return Ok(Ok(known));
        }
        let block = match self.read(base, &bytes, hash, fresh_proposer) {
            Ok(block) => block,
            Err(wrong) => return Ok(Err(wrong)),
        };
        // A wrong block is never remembered by its hash: the hash covers the header only, and these may not be the
        // transactions that belong to it.
        match self.execute(base, &BlockInput::of(&block)) {
            Executed::Outcome(outcome) if outcome.header == block.header => {
                let judged = ExecutedBlock {
                    block: Arc::new(block),
                    bytes: Arc::new(bytes),
                    hash,
                    outcome: Arc::new(*outcome),
                };
                Ok(Ok(self.keep(judged)))
            }
            Executed::Outcome(outcome) => Ok(Err(InvalidProposal::because(format!(
                "its roots are not those of executing it (state root {} here, {} there)",
                outcome.header.state_root, block.header.state_root
            )))),
            Executed::Refused(error) => Ok(Err(InvalidProposal::because(error.to_string()))),
            Executed::Panicked(text) => {
                Ok(Err(InvalidProposal::because(format!("executing it failed inside this program: {text}"))))
            }
            Executed::Broken(error) if error.is_damage() => {
                Ok(Err(InvalidProposal::because(self.note_damage(&error))))
            }
            Executed::Broken(error) => Err(error.into()),
        }
    }

    /// What this node found damaged in its own state, with what to do; none while all is well. It votes nil on what it
    /// cannot judge and should not be relied upon.
    pub fn damage(&self) -> Option<String> {
        self.damage.found()
    }

    fn note_damage(&self, error: &StoreError) -> String {
        let text = format!(
            "{error}; stop this node and run `aula replay`, which names the first height that differs, or move its data \
             folder away and start it as a follower to fetch the chain again"
        );
        tracing::error!(damage = text, "this node cannot judge a block and votes nil");
        self.damage.note(&text);
        text
    }

    /// Where a file about this node's state is written, if it keeps any.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.damage.beside(name)
    }

    /// A final block cannot be executed here: this node's state or program is not the others'.
    pub fn note_unexecutable(&self, why: &str) {
        self.damage.note(why);
    }

    /// Whether a proposed block's time is acceptable to this node's clock. The parent's time + 1 ms always is: it takes
    /// the chain nowhere, and clocks that were set back, or all fail, must not stop it.
    pub fn is_timely(&self, base: &Base, time_ms: TimeMs) -> bool {
        if time_ms.0 == base.tip.time_ms.0.saturating_add(1) {
            return true;
        }
        self.clock.now_ms().is_ok_and(|now| time_ms.0 <= now.saturating_add(MAX_AHEAD_MS))
    }

    /// A block executed on this base, by hash. One that was judged while the tip moved belongs to no base any more.
    pub fn kept(&self, base: &Base, hash: &Hash) -> Option<Arc<ExecutedBlock>> {
        let follows = |judged: &&Arc<ExecutedBlock>| judged.block.header.parent == base.tip.hash;
        self.lock().by_hash.get(hash).filter(follows).cloned()
    }

    /// Forgets everything kept: the tip moved.
    pub fn decided(&self) {
        *self.lock() = Kept::default();
    }

    /// Reads a block and checks all that needs no execution.
    fn read(
        &self,
        base: &Base,
        bytes: &[u8],
        hash: Hash,
        fresh_proposer: Option<ValidatorAddress>,
    ) -> Result<Block, InvalidProposal> {
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(InvalidProposal::garbled("it is over the size limit"));
        }
        let block =
            Block::from_canonical(bytes).map_err(|error| InvalidProposal::garbled(error.to_string()))?;
        let header = &block.header;
        if header.hash() != hash {
            return Err(InvalidProposal::garbled("its hash is not the one that was announced"));
        }
        if merkle::head(&block.transactions) != header.transactions {
            return Err(InvalidProposal::garbled("its transactions are not those of its header"));
        }
        if header.genesis != self.genesis {
            return Err(InvalidProposal::because("it is for another chain"));
        }
        if header.height != base.height() || header.parent != base.tip.hash {
            return Err(InvalidProposal::because("it does not follow the last decided block"));
        }
        if !time::may_follow(base.tip.time_ms, header.time_ms) {
            return Err(InvalidProposal::because(
                "its time is not after its parent's, or more than a day after it",
            ));
        }
        if base.validators.get(&header.proposer).is_none() {
            return Err(InvalidProposal::because("its proposer is not a validator of this height"));
        }
        if fresh_proposer.is_some_and(|fresh| is_blamed(fresh, header.proposer)) {
            return Err(InvalidProposal::head());
        }
        Ok(block)
    }

    fn try_build(
        &self,
        base: &Base,
        proposer: ValidatorAddress,
        time_ms: TimeMs,
        chosen: &[Arc<Pooled>],
    ) -> Result<Tried, Broken> {
        let transactions: Vec<Vec<u8>> = chosen.iter().map(|pooled| pooled.bytes.to_vec()).collect();
        let input = |transactions| BlockInput {
            genesis: &self.genesis,
            height: base.height(),
            time_ms,
            parent: base.tip.hash,
            proposer,
            transactions,
        };
        match self.execute(base, &input(&transactions)) {
            Executed::Outcome(outcome) => {
                let block = Block { header: outcome.header.clone(), transactions };
                let bytes = block.to_canonical();
                if bytes.len() > MAX_BLOCK_BYTES {
                    return Ok(Tried::Over(format!("a block of {} bytes", bytes.len())));
                }
                let hash = block.header.hash();
                let judged = ExecutedBlock {
                    block: Arc::new(block),
                    bytes: Arc::new(bytes),
                    hash,
                    outcome: Arc::new(*outcome),
                };
                Ok(Tried::Built(self.keep(judged)))
            }
            Executed::Refused(ExecuteError::Invalid { index, code }) => {
                Ok(Tried::Without(index as usize, format!("code {}", code as u16)))
            }
            Executed::Refused(error) => Ok(Tried::Over(error.to_string())),
            Executed::Panicked(text) => {
                // The shortest prefix that panics ends with the culprit.
                let panics = |length: usize| {
                    let prefix = transactions.get(..length).unwrap_or(&transactions);
                    matches!(self.execute(base, &input(prefix)), Executed::Panicked(_))
                };
                let lengths: Vec<usize> = (0..=transactions.len()).collect();
                let shortest = lengths.partition_point(|length| !panics(*length));
                match shortest.checked_sub(1) {
                    Some(index) => Ok(Tried::Without(index, format!("a panic: {text}"))),
                    None => Err(Broken::Execution(format!("executing an empty block panics: {text}"))),
                }
            }
            Executed::Broken(error) if error.is_damage() => {
                self.note_damage(&error);
                Ok(Tried::Unreadable)
            }
            Executed::Broken(error) => Err(error.into()),
        }
    }

    /// Takes one transaction, and what follows it from the same account, out of a selection; the one is set aside.
    fn set_aside(&self, chosen: &mut Vec<Arc<Pooled>>, index: usize, why: &str) {
        let Some(culprit) = chosen.get(index).cloned() else {
            chosen.clear();
            return;
        };
        tracing::warn!(transaction = %culprit.id, why, "a transaction is set aside while building a block");
        self.pool.set_aside(&culprit.id);
        chosen.retain(|p| p.account != culprit.account || p.sequence < culprit.sequence);
    }

    fn execute(&self, base: &Base, input: &BlockInput<'_>) -> Executed {
        let run = || self.executor.execute(base.state.as_ref(), input, self.pool.verified());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(outcome)) => {
                // A receipt names the transaction by the hash of all its bytes, as they were executed.
                for receipt in &outcome.receipts {
                    self.pool.verified().insert(receipt.transaction);
                }
                Executed::Outcome(Box::new(outcome))
            }
            Ok(Err(ExecuteError::Broken(error))) => Executed::Broken(error),
            Ok(Err(error)) => Executed::Refused(error),
            Err(panic) => Executed::Panicked(panic_text(panic.as_ref())),
        }
    }

    fn keep(&self, judged: ExecutedBlock) -> Arc<ExecutedBlock> {
        let judged = Arc::new(judged);
        let mut kept = self.lock();
        if kept.by_hash.insert(judged.hash, Arc::clone(&judged)).is_none() {
            kept.order.push(judged.hash);
            if kept.order.len() > KEPT {
                let oldest = kept.order.remove(0);
                kept.by_hash.remove(&oldest);
            }
        }
        judged
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Tried {
    Built(Arc<ExecutedBlock>),
    Without(usize, String),
    Over(String),
    /// Something that the transactions need is damaged in this node's state.
    Unreadable,
}

enum Executed {
    Outcome(Box<Outcome>),
    Refused(ExecuteError),
    Panicked(String),
    Broken(StoreError),
}

/// What was selected is refused as a whole, which counting its costs should have ruled out: the account that was taken
/// last waits for another block, so that the others need not.
fn leave_out_last(chosen: &mut Vec<Arc<Pooled>>, why: &str) {
    tracing::error!(
        why,
        transactions = chosen.len(),
        "a selection does not make a block; an account is left out"
    );
    if let Some(last) = chosen.last().map(|pooled| pooled.account) {
        chosen.retain(|pooled| pooled.account != last);
    }
}

/// Whether a fresh block of one proposer names another.
fn is_blamed(fresh: ValidatorAddress, named: ValidatorAddress) -> bool {
    fresh != named && !planted::is(Bug::WrongProposer)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}

#[cfg(test)]
mod tests;
