//! What the blocks alone do not answer quickly: the n-th transaction, those of one kind, who signed and who missed.
//!
//! Flow: [`Index::follow`] reads the final blocks it has not seen yet, oldest first, at most [`STEP`] of them a call →
//! a transaction gets the next ordinal. Ordinals never change, so a cursor made of one neither misses nor repeats a
//! row while the chain grows. Rows and totals are kept in the database ([`ReadIndex`]), written behind the chain: a node
//! that starts goes on where it ended, and memory does not grow with the chain. Totals that are missing, of another
//! layout or of another chain's block are made again from the first block that this node has, in the background: where older
//! ones were pruned or never fetched, totals count from there.
//!
//! Invariants: what is in the index is final; a block is counted once; rows below `transactions()` are on disk. Absent:
//! anything about students.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use aula_ledger::chain::ValidatorSet;
use aula_ledger::chain::turns::{Misses, Turns};
use aula_ledger::state::schema;
use aula_ledger::tx::PayloadKind;
use aula_ledger::tx::transaction::sender_and_kind;
use aula_ledger::types::{AccountId, Hash, Height, ValidatorAddress};
use borsh::{BorshDeserialize, BorshSerialize};

use aula_store::{ChainView, IndexRow, ReadIndex, StorageError};

/// Most blocks read in one call, and most transactions but for those of the last block: a fraction of a second, so that
/// a request is answered while a long chain is read.
pub const STEP: u64 = 512;
const STEP_TRANSACTIONS: usize = 4_096;
/// The layout of [`Totals`] on disk.
const LAYOUT: u8 = 3;

/// A transaction's place and what can be listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The height of the block that holds it.
    pub height: u64,
    /// The position in the block.
    pub index: u32,
}

/// What is known of a validator's work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Work {
    /// Blocks it was to sign.
    pub expected: u64,
    /// Blocks whose certificate holds its signature. A certificate needs two thirds; a late signature is left out.
    pub signed: u64,
    /// Blocks it proposed.
    pub proposed: u64,
    /// Rounds in which it was to propose and no block was decided.
    pub missed_rounds: u64,
    /// The last height whose certificate it signed.
    pub last_signed: u64,
}

/// What an account sent of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sent {
    /// How many transactions, rejected ones included.
    pub count: u64,
    /// How many of those were rejected.
    pub rejected: u64,
    /// The block of the newest.
    pub last: u64,
}

/// Everything counted, up to a height.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
struct Totals {
    height: u64,
    /// The block of that height.
    block: Hash,
    transactions: u64,
    by_kind: BTreeMap<u8, u64>,
    by_account: BTreeMap<AccountId, BTreeMap<u8, Sent>>,
    validators: BTreeMap<ValidatorAddress, Work>,
    anchored: u64,
    failed_rounds: u64,
    /// Who missed a turn, up to that block: whose turns the next height has follows.
    misses: Misses,
}

/// The index up to a height, as of one moment; later blocks do not show through.
#[derive(Debug)]
pub struct Contents {
    totals: Totals,
    rows: ReadIndex,
}

/// The index of a node. One writer at a time, readers never wait for it longer than a step.
#[derive(Debug)]
pub struct Index {
    rows: ReadIndex,
    latest: RwLock<Option<Arc<Contents>>>,
    /// The validator set of the last height read; locked by whoever reads on.
    writer: Mutex<Option<ValidatorSet>>,
}

impl Index {
    /// The index that is kept in a database; nothing is read yet.
    pub const fn new(rows: ReadIndex) -> Self {
        Self { rows, latest: RwLock::new(None), writer: Mutex::new(None) }
    }

    /// Reads new final blocks and gives the contents, which reach [`Contents::height`].
    ///
    /// While somebody else reads a chain of more than [`STEP`] blocks, it is not waited for.
    ///
    /// # Errors
    /// When the database fails or a block is damaged.
    pub fn follow(&self, view: &ChainView) -> Result<Arc<Contents>, StorageError> {
        let tip = view.tip().height.0;
        let known = self.latest();
        if let Some(known) = known.as_ref().filter(|known| known.height() >= tip) {
            return Ok(known.clone());
        }
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                match known.filter(|known| tip.saturating_sub(known.height()) > STEP) {
                    Some(known) => return Ok(known),
                    None => self.writer.lock().unwrap_or_else(PoisonError::into_inner),
                }
            }
        };
        self.read_on(view, &mut writer)
    }

    /// The height that the last call of [`Self::follow`] reached.
    pub fn height(&self) -> u64 {
        self.latest().map_or(0, |contents| contents.height())
    }

    fn latest(&self) -> Option<Arc<Contents>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read_on(
        &self,
        view: &ChainView,
        set: &mut MutexGuard<'_, Option<ValidatorSet>>,
    ) -> Result<Arc<Contents>, StorageError> {
        // Whoever held the lock may have read what is wanted.
        let totals = match self.latest() {
            Some(known) if known.height() >= view.tip().height.0 => return Ok(known),
            Some(known) => known.totals.clone(),
            None => self.kept(view)?,
        };
        let mut totals = totals;
        // Blocks that were pruned, or never fetched because this node began with a snapshot, cannot be counted any more.
        let first = view.oldest()?.0.saturating_sub(1).min(view.tip().height.0);
        if totals.height < first {
            totals.height = first;
            totals.misses = misses_at(view, Height(first))?;
        }
        let last = view.tip().height.0.min(totals.height.saturating_add(STEP));
        let before = totals.height;
        let mut pass = Pass { totals, rows: Vec::new(), set: set.take() };
        while pass.totals.height < last && pass.rows.len() < STEP_TRANSACTIONS {
            pass.take(view, Height(pass.totals.height + 1))?;
        }
        let Pass { totals, rows, set: newest } = pass;
        if totals.height > before {
            let bytes = borsh::to_vec(&(LAYOUT, &totals));
            let bytes = bytes.map_err(|e| StorageError::Failed(format!("cannot encode: {e}")))?;
            self.rows.append(&rows, &bytes)?;
        }
        **set = newest;
        let contents = Arc::new(Contents { totals, rows: self.rows.clone() });
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(contents.clone());
        Ok(contents)
    }

    /// The totals on disk if they are of this chain; otherwise everything begins anew.
    fn kept(&self, view: &ChainView) -> Result<Totals, StorageError> {
        let Some(bytes) = self.rows.totals()? else { return Ok(Totals::default()) };
        let decoded = borsh::from_slice::<(u8, Totals)>(&bytes).ok();
        if let Some((_, totals)) = decoded.filter(|(layout, _)| *layout == LAYOUT)
            && totals.height <= view.tip().height.0
            && view.header(Height(totals.height))?.is_some_and(|header| header.hash() == totals.block)
        {
            return Ok(totals);
        }
        tracing::warn!("the index of transactions is not of this chain and is made again");
        self.rows.clear()?;
        Ok(Totals::default())
    }
}

impl Contents {
    /// The last height read.
    pub const fn height(&self) -> u64 {
        self.totals.height
    }

    /// How many transactions, rejected ones included.
    pub const fn transactions(&self) -> u64 {
        self.totals.transactions
    }

    /// Student states anchored so far, each anchor counted.
    pub const fn anchored(&self) -> u64 {
        self.totals.anchored
    }

    /// Rounds of consensus that decided nothing.
    pub const fn failed_rounds(&self) -> u64 {
        self.totals.failed_rounds
    }

    /// A transaction's place by its ordinal.
    ///
    /// # Errors
    /// When the database fails.
    pub fn entry(&self, ordinal: u64) -> Result<Option<Entry>, StorageError> {
        if ordinal >= self.transactions() {
            return Ok(None);
        }
        let row = self.rows.row(ordinal)?;
        Ok(row.map(|row| Entry { height: row.height, index: row.index }))
    }

    /// The ordinal of a transaction in a block; none above [`Self::height`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn ordinal_of(&self, height: u64, index: u32) -> Result<Option<u64>, StorageError> {
        if height > self.height() {
            return Ok(None);
        }
        Ok(self.rows.first_of(height)?.map(|first| first.saturating_add(index.into())))
    }

    /// How many transactions of a kind there are.
    pub fn count_of(&self, kind: PayloadKind) -> u64 {
        self.totals.by_kind.get(&(kind as u8)).copied().unwrap_or_default()
    }

    /// What an account sent, by kind.
    pub fn sent_by(&self, account: &AccountId) -> impl Iterator<Item = (PayloadKind, Sent)> + '_ {
        let kinds = self.totals.by_account.get(account).into_iter().flatten();
        kinds.filter_map(|(number, sent)| {
            let kind = PayloadKind::ALL.iter().find(|kind| **kind as u8 == *number)?;
            Some((*kind, *sent))
        })
    }

    /// The newest ordinals below `before` of the kinds that `wanted` names (all when it is empty), newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn newest(
        &self,
        before: u64,
        wanted: &[PayloadKind],
        limit: usize,
    ) -> Result<Vec<u64>, StorageError> {
        let end = before.min(self.transactions());
        if wanted.is_empty() {
            return Ok((end.saturating_sub(limit as u64)..end).rev().collect());
        }
        let mut found = Vec::new();
        for kind in wanted.iter().filter(|kind| self.count_of(**kind) > 0) {
            found.extend(self.rows.newest_of(*kind as u8, end, limit)?);
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(limit);
        Ok(found)
    }

    /// A validator's work so far.
    pub fn work(&self, validator: &ValidatorAddress) -> Work {
        self.totals.validators.get(validator).copied().unwrap_or_default()
    }
}

/// Who had missed a turn at a height whose blocks are not here: what the present state remembers from then. A validator that
/// missed another turn since is not among them, so that for at most ten heights a validator a failed round may be counted
/// to a neighbour.
fn misses_at(view: &ChainView, height: Height) -> Result<Misses, StorageError> {
    let mut misses = schema::missed_turns(view).map_err(|error| StorageError::Damaged(error.to_string()))?;
    misses.latest.retain(|miss| miss.height <= height);
    Ok(misses)
}

/// Blocks being read, and what is to be written of them.
struct Pass {
    totals: Totals,
    rows: Vec<IndexRow>,
    set: Option<ValidatorSet>,
}

impl Pass {
    fn take(&mut self, view: &ChainView, height: Height) -> Result<(), StorageError> {
        let damaged = |what: &str| StorageError::Damaged(format!("block {height}: {what}"));
        let header = view.header(height)?.ok_or_else(|| damaged("no header"))?;
        let certificate = view.certificate(height)?.ok_or_else(|| damaged("no certificate"))?;
        let set = self.set_of(view, height, &header.validators_hash)?;
        let totals = &mut self.totals;
        let turns = Turns::new(&set, &totals.misses, height);
        for proposer in (0..certificate.round).filter_map(|round| turns.proposer(round)) {
            totals.validators.entry(proposer.address).or_default().missed_rounds += 1;
        }
        if header.protocol.leaves_out_the_silent() {
            totals.misses.note(&set, height, header.proposer);
        }
        totals.failed_rounds += u64::from(certificate.round);
        for validator in set.validators() {
            totals.validators.entry(validator.address).or_default().expected += 1;
        }
        for (signer, _) in &certificate.signatures {
            let work = totals.validators.entry(*signer).or_default();
            work.signed += 1;
            work.last_signed = height.0;
        }
        totals.validators.entry(header.proposer).or_default().proposed += 1;
        totals.anchored += header.students.leaf_count;
        self.set = Some(set);
        if header.transactions.leaf_count > 0 {
            self.take_transactions(view, height)?;
        }
        self.totals.height = height.0;
        self.totals.block = header.hash();
        Ok(())
    }

    /// The set that decides a height: the one of the height before, unless the header names another.
    fn set_of(&self, view: &ChainView, height: Height, hash: &Hash) -> Result<ValidatorSet, StorageError> {
        if let Some(set) = self.set.as_ref().filter(|set| set.hash() == *hash) {
            return Ok(set.clone());
        }
        let failed = |error: aula_ledger::state::StoreError| StorageError::Damaged(error.to_string());
        let changed = schema::set_announced_below(view, height).map_err(failed)?;
        let schedule = schema::validator_schedule(view).map_err(failed)?;
        let known = [changed, Some(schedule.now), Some(schedule.next)];
        let found = known.into_iter().flatten().find(|set| set.hash() == *hash);
        match found {
            Some(set) => Ok(set),
            None => {
                let bytes = view.genesis()?;
                let parsed = aula_ledger::genesis::Genesis::parse(&bytes)
                    .map_err(|error| StorageError::Damaged(error.to_string()))?;
                Ok(parsed.validators)
            }
        }
    }

    fn take_transactions(&mut self, view: &ChainView, height: Height) -> Result<(), StorageError> {
        let (Some(block), Some(receipts)) = (view.block(height)?, view.receipts(height)?) else {
            return Err(StorageError::Damaged(format!("block {height} has no body or receipts")));
        };
        for (index, (bytes, receipt)) in (0u32..).zip(block.transactions.iter().zip(&receipts)) {
            let (account, kind) = sender_and_kind(bytes).ok_or_else(|| {
                StorageError::Damaged(format!("block {height}: transaction {index} is not a valid one"))
            })?;
            let kind = kind as u8;
            let (ordinal, code) = (self.totals.transactions, receipt.code.number());
            self.totals.transactions += 1;
            *self.totals.by_kind.entry(kind).or_default() += 1;
            let of_account = self.totals.by_account.entry(account).or_default();
            let sent = of_account.entry(kind).or_default();
            sent.count += 1;
            sent.rejected += u64::from(code != 0);
            sent.last = height.0;
            self.rows.push(IndexRow { ordinal, height: height.0, index, kind, code });
        }
        Ok(())
    }
}
