//! What the blocks alone do not answer quickly: the n-th transaction, those of one kind, who signed and who missed.
//!
//! Flow: [`Index::follow`] reads the final blocks it has not seen yet, oldest first, at most [`STEP`] of them a call →
//! a transaction gets the next ordinal. Ordinals never change, so a cursor made of one neither misses nor repeats a
//! row while the chain grows. The index is in memory: a node that starts reads its chain once, in the background.
//!
//! Invariants: what is in the index is final; a block is counted once. Absent: anything about students.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_consensus::context::proposer_at;
use aula_ledger::chain::{Transaction, ValidatorSet};
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema;
use aula_ledger::tx::PayloadKind;
use aula_ledger::types::{Height, ValidatorAddress};

use crate::storage::{ChainView, StorageError};

/// Most blocks read in one call: well under a second, so that a request is answered while a long chain is read.
pub const STEP: u64 = 512;

/// A transaction's place and what can be listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The block.
    pub height: u64,
    /// The position in the block.
    pub index: u32,
    /// What kind.
    pub kind: PayloadKind,
    /// The receipt's number; 0 is accepted.
    pub code: u8,
}

/// What is known of a validator's work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// Everything counted, up to a height.
#[derive(Debug, Default)]
pub struct Contents {
    height: u64,
    entries: Vec<Entry>,
    by_kind: BTreeMap<PayloadKind, Vec<u64>>,
    validators: BTreeMap<ValidatorAddress, Work>,
    anchored: u64,
    failed_rounds: u64,
    set: Option<ValidatorSet>,
}

/// The index behind its lock.
#[derive(Debug, Default)]
pub struct Index {
    contents: Mutex<Contents>,
    height: AtomicU64,
}

impl Index {
    /// Reads new final blocks and gives the contents, which reach [`Contents::height`].
    ///
    /// # Errors
    /// When the database fails or a block is damaged.
    pub fn follow(&self, view: &ChainView) -> Result<MutexGuard<'_, Contents>, StorageError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let last = view.tip().height.0.min(contents.height.saturating_add(STEP));
        while contents.height < last {
            let next = Height(contents.height + 1);
            contents.take(view, next)?;
        }
        self.height.store(contents.height, Ordering::Relaxed);
        Ok(contents)
    }

    /// The height that the last call of [`Self::follow`] reached.
    pub fn height(&self) -> u64 {
        self.height.load(Ordering::Relaxed)
    }
}

impl Contents {
    /// The last height read.
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// How many transactions, rejected ones included.
    pub fn transactions(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Student states anchored so far, each anchor counted.
    pub const fn anchored(&self) -> u64 {
        self.anchored
    }

    /// Rounds of consensus that decided nothing.
    pub const fn failed_rounds(&self) -> u64 {
        self.failed_rounds
    }

    /// A transaction's place by its ordinal.
    pub fn entry(&self, ordinal: u64) -> Option<Entry> {
        self.entries.get(usize::try_from(ordinal).ok()?).copied()
    }

    /// The ordinal of a transaction in a block.
    pub fn ordinal_of(&self, height: u64, index: u32) -> Option<u64> {
        let at = self.entries.binary_search_by_key(&(height, index), |entry| (entry.height, entry.index));
        at.ok().map(|at| at as u64)
    }

    /// How many transactions of a kind there are.
    pub fn count_of(&self, kind: PayloadKind) -> u64 {
        self.by_kind.get(&kind).map_or(0, |ordinals| ordinals.len() as u64)
    }

    /// The newest ordinals below `before` of the kinds that `wanted` names (all when it is empty), newest first.
    pub fn newest(&self, before: u64, wanted: &[PayloadKind], limit: usize) -> Vec<u64> {
        if wanted.is_empty() {
            let end = before.min(self.transactions());
            return (end.saturating_sub(limit as u64)..end).rev().collect();
        }
        let lists = wanted.iter().filter_map(|kind| self.by_kind.get(kind));
        let mut found: Vec<u64> = lists
            .flat_map(|list| {
                let end = list.partition_point(|ordinal| *ordinal < before);
                list.get(end.saturating_sub(limit)..end).unwrap_or_default().iter().copied()
            })
            .collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(limit);
        found
    }

    /// A validator's work so far.
    pub fn work(&self, validator: &ValidatorAddress) -> Work {
        self.validators.get(validator).copied().unwrap_or_default()
    }

    fn take(&mut self, view: &ChainView, height: Height) -> Result<(), StorageError> {
        let damaged = |what: &str| StorageError::Damaged(format!("block {height}: {what}"));
        let header = view.header(height)?.ok_or_else(|| damaged("no header"))?;
        let certificate = view.certificate(height)?.ok_or_else(|| damaged("no certificate"))?;
        let set = self.set_of(view, height, &header.validators_hash)?;
        for round in 0..certificate.round {
            if let Some(proposer) = proposer_at(&set, height, round) {
                self.validators.entry(proposer).or_default().missed_rounds += 1;
            }
        }
        self.failed_rounds += u64::from(certificate.round);
        for validator in set.validators() {
            self.validators.entry(validator.address).or_default().expected += 1;
        }
        for (signer, _) in &certificate.signatures {
            let work = self.validators.entry(*signer).or_default();
            work.signed += 1;
            work.last_signed = height.0;
        }
        self.validators.entry(header.proposer).or_default().proposed += 1;
        self.set = Some(set);
        self.anchored += header.students.leaf_count;
        if header.transactions.leaf_count > 0 {
            self.take_transactions(view, height)?;
        }
        self.height = height.0;
        Ok(())
    }

    /// The set that decides a height: the one of the height before, unless the header names another.
    fn set_of(
        &self,
        view: &ChainView,
        height: Height,
        hash: &aula_ledger::types::Hash,
    ) -> Result<ValidatorSet, StorageError> {
        if let Some(set) = self.set.as_ref().filter(|set| set.hash() == *hash) {
            return Ok(set.clone());
        }
        let failed = |error: aula_ledger::state::StoreError| StorageError::Damaged(error.to_string());
        let changes = schema::set_changes(view).map_err(failed)?;
        let changed = changes.range(..height).next_back().map(|(_, set)| set.clone());
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
            let transaction =
                Transaction::from_canonical(bytes).map_err(|e| StorageError::Damaged(e.to_string()))?;
            let kind = transaction.body.payload.kind();
            let ordinal = self.transactions();
            self.by_kind.entry(kind).or_default().push(ordinal);
            self.entries.push(Entry { height: height.0, index, kind, code: receipt.code.number() });
        }
        Ok(())
    }
}
