//! Transactions that wait for a block: bounded, in sequence order by account, each signature verified once, and no
//! account able to shut the others out.
//!
//! Flow: bytes come from the API or from a peer → [`Mempool::submit`] or [`Mempool::hear`] decodes, checks without state,
//! looks at the account, its roles and what a block could make of it, verifies the signature outside the lock, finds it a
//! place (`quotas`) → [`Mempool::select`] hands a proposer what a block may hold, accounts in turn (`selection`) →
//! [`Mempool::after_block`] notes who got what and who missed a turn (`standing`), drops what is decided, expired, out
//! of turn or signed with a key that is no longer current, and says of what the others are to be told again
//! (`telling`).
//!
//! Invariants: no more than [`Limits`] say, in transactions and bytes, in all, by account, by lane of the reserve
//! (`lanes`) and behind gaps; one transaction for one (account, sequence), the first that came; a refusal has a number
//! ([`Refusal::code`]) and a sentence. What can be executed is never dropped for its age.
//!
//! Guarantee: while what all other accounts wait with fits one block, one account, whatever it sends, delays a
//! transaction of theirs by at most two blocks of honest proposers: with f hostile ones of 3f + 1 it is in a block within f + 3.
//!
//! Absent: priorities and fees (a consortium has none), and memory across restarts: submitters ask again, and what an
//! account got and missed is learned anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::decode_transaction;
use aula_ledger::execute::limits::{Budget, cost_of};
use aula_ledger::params::MAX_TRANSACTION_BYTES;
use aula_ledger::tx::PayloadKind;
use aula_ledger::tx::rights::senders;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::tx::{Receipt, Transaction, TransactionId};
use aula_ledger::types::{Hash, Height, ValidatorAddress};
use tokio::sync::Notify;

use crate::ports::{AccountView, Clock, StoreError};

mod accounts;
mod at_tip;
mod lanes;
mod memory;
mod passed_over;
mod quotas;
mod selection;
mod shapes;
mod share;
mod standing;
mod telling;

pub use at_tip::AtTip;
pub use lanes::{Lane, Place};
pub use memory::Verified;
pub use passed_over::{Delays, PassedOver, TOLD_FROM};
pub use shapes::{Ledger, Limits, Origin, Pooled, Refusal, Room, Selection, Submitted};
pub use standing::Settled;
pub use telling::Occasion;

use memory::Points;
use quotas::Inner;

/// The pool. Shared by the API, gossip and the driver.
pub struct Mempool {
    genesis: Hash,
    limits: Limits,
    clock: Arc<dyn Clock>,
    verified: Verified,
    points: Points,
    inner: Mutex<Inner>,
    ready: Notify,
}

impl Mempool {
    /// An empty pool for a chain whose next block has height `next_height`.
    pub fn new(genesis: Hash, limits: Limits, next_height: Height, clock: Arc<dyn Clock>) -> Self {
        // Enough for a full pool and the blocks that empty it.
        let verified = Verified::new(limits.transactions.saturating_mul(2));
        let inner = Mutex::new(Inner::new(next_height));
        Self { genesis, limits, clock, verified, points: Points::default(), inner, ready: Notify::new() }
    }

    /// Checks a transaction that was submitted to this node, and keeps it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn submit(&self, bytes: Vec<u8>, ledger: &dyn Ledger) -> Result<Submitted, Refusal> {
        self.take_in(bytes, Origin::Here, ledger)
    }

    /// Checks a transaction that another node told of, and keeps it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn hear(&self, bytes: Vec<u8>, ledger: &dyn Ledger) -> Result<Submitted, Refusal> {
        self.take_in(bytes, Origin::Peer, ledger)
    }

    fn take_in(&self, bytes: Vec<u8>, origin: Origin, ledger: &dyn Ledger) -> Result<Submitted, Refusal> {
        if bytes.len() as u64 > MAX_TRANSACTION_BYTES {
            return Err(Refusal::Ledger(Code::Oversized));
        }
        let id = id_of_bytes(&bytes);
        let next_height = {
            let inner = self.lock();
            if inner.by_id.contains_key(&id) {
                return Ok(Submitted::Known(id));
            }
            if inner.set_aside.contains(&id) {
                return Err(Refusal::SetAside);
            }
            inner.next_height
        };
        let transaction = decode_transaction(&bytes).map_err(Refusal::Ledger)?;
        transaction.check(&self.genesis, next_height).map_err(Refusal::Ledger)?;
        let view = self.view(&transaction, ledger)?;
        self.admit(&transaction, &view, bytes.len())?;
        ledger.admits(&transaction)?.map_err(Refusal::Ledger)?;
        if !self.verified.contains(&id) {
            let key = self.points.of(&transaction.public_key);
            if key.is_none_or(|key| !transaction.signature_is_valid_by(&key, &bytes)) {
                return Err(Refusal::Ledger(Code::BadSignature));
            }
            self.verified.insert(id);
        }
        self.keep(id, bytes, &transaction, view, origin)
    }

    /// The account as of the tip: the pool reads it again after each block.
    fn view(&self, transaction: &Transaction, ledger: &dyn Ledger) -> Result<AccountView, Refusal> {
        let account = &transaction.body.account;
        let known = self.lock().accounts.get(account).and_then(|entry| entry.view);
        match known {
            Some(view) => Ok(view),
            None => ledger.account(account)?.ok_or(Refusal::Ledger(Code::UnknownAccount)),
        }
    }

    /// The rules that need the pool and the account, but no signature.
    fn admit(&self, transaction: &Transaction, view: &AccountView, bytes: usize) -> Result<(), Refusal> {
        let body = &transaction.body;
        if transaction.public_key != view.public_key {
            return Err(Refusal::Ledger(Code::KeyNotCurrent));
        }
        if !view.roles.meets(senders(body.payload.kind())) {
            return Err(Refusal::Ledger(Code::RoleNotAllowed));
        }
        if body.sequence < view.next_sequence {
            return Err(Refusal::Ledger(Code::WrongSequence));
        }
        if body.sequence - view.next_sequence >= self.limits.per_account as u64 {
            return Err(Refusal::SequenceTooFar { next: view.next_sequence });
        }
        let inner = self.lock();
        if inner.accounts.get(&body.account).is_some_and(|a| a.waiting.contains_key(&body.sequence)) {
            return Err(Refusal::SequenceTaken);
        }
        match inner.params.as_ref().and_then(|params| standing::over(params, &cost_of(transaction, bytes))) {
            Some(limit) => Err(Refusal::NeverFits { limit }),
            None => Ok(()),
        }
    }

    fn keep(
        &self,
        id: TransactionId,
        bytes: Vec<u8>,
        transaction: &Transaction,
        view: AccountView,
        origin: Origin,
    ) -> Result<Submitted, Refusal> {
        let body = &transaction.body;
        let mut inner = self.lock();
        inner.now_ms = self.clock.now_ms().ok();
        if inner.by_id.contains_key(&id) {
            return Ok(Submitted::Known(id));
        }
        let entry = inner.accounts.entry(body.account).or_default();
        // A block may have been decided while the signature was verified: the pool's newer view counts.
        let view = *entry.view.get_or_insert(view);
        if entry.waiting.contains_key(&body.sequence) {
            return Err(Refusal::SequenceTaken);
        }
        if body.sequence < view.next_sequence {
            return Err(Refusal::Ledger(Code::WrongSequence));
        }
        inner.arrivals += 1;
        let kind = body.payload.kind();
        let pooled = Arc::new(Pooled {
            id,
            account: body.account,
            sequence: body.sequence,
            valid_until: body.valid_until_height,
            cost: cost_of(transaction, bytes.len()),
            lane: Lane::of(kind),
            rounds: u64::from(kind == PayloadKind::RunRound),
            key: transaction.public_key,
            origin,
            arrival: inner.arrivals,
            kept_at: inner.next_height,
            bytes: Arc::new(bytes),
        });
        let kept = inner.keep(&self.limits, pooled);
        if kept.is_err() {
            inner.forget_idle();
        }
        let ready = inner.has_ready();
        drop(inner);
        if ready {
            self.ready.notify_waiters();
        }
        kept.map(|()| Submitted::New(id))
    }

    /// What a block may hold, in an order that executes; see `selection`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn select(&self, whole: &Budget<'_>) -> Result<Selection, StoreError> {
        let mut inner = self.lock();
        inner.mark = inner.arrivals;
        selection::select(&inner.accounts, whole, inner.next_height)
    }

    /// Tells the pool that the next block begins to be built, here or elsewhere: what comes from now on is too late for
    /// it.
    pub fn block_begins(&self) {
        let mut inner = self.lock();
        inner.mark = inner.arrivals;
    }

    /// True when a block could hold something.
    pub fn has_ready(&self) -> bool {
        self.lock().has_ready()
    }

    /// How many transactions a block could hold.
    pub fn ready(&self) -> usize {
        self.lock().held.ready().transactions
    }

    /// Completes when [`Self::has_ready`] has become true.
    pub async fn wait_ready(&self) {
        loop {
            let notified = self.ready.notified();
            if self.has_ready() {
                return;
            }
            notified.await;
        }
    }

    /// What became of a decided block's transactions, by its receipts, of which there is one for each, in order.
    pub fn settled(&self, transactions: &[Vec<u8>], receipts: &[Receipt]) -> Vec<Settled> {
        let one = |(bytes, receipt): (&Vec<u8>, &Receipt)| {
            let id = receipt.transaction;
            let known = self.get(&id).map(|pooled| pooled.cost.clone());
            // What never waited here is decoded once more; a decided block holds nothing that cannot be.
            let decoded = || Some(cost_of(&Transaction::from_canonical(bytes).ok()?, bytes.len()));
            let cost = known.or_else(decoded)?;
            Some(Settled { id, account: cost.account, accepted: receipt.code == Code::Accepted, cost })
        };
        transactions.iter().zip(receipts).filter_map(one).collect()
    }

    /// Tells the pool that the block below `next_height` is decided, who built it and what it held: who got and missed what is noted,
    /// account views are read again, and what can no longer be in a block is dropped. Returns what was dropped without
    /// being decided, with the reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn after_block(
        &self,
        next_height: Height,
        builder: ValidatorAddress,
        block: &[Settled],
        ledger: &dyn Ledger,
    ) -> Result<Vec<(TransactionId, Refusal)>, StoreError> {
        let empty = ledger.budget()?;
        let mut inner = self.lock();
        inner.now_ms = self.clock.now_ms().ok();
        inner.next_height = next_height;
        inner.params = Some(empty.params().clone());
        inner.note_passed_over(builder, block, &empty)?;
        inner.note_block(block, &empty)?;
        inner.forget_idle();
        let mut gone = Vec::new();
        for (id, account) in &mut inner.accounts {
            account.view = ledger.account(id)?;
            for waiting in account.waiting.values() {
                match account.view.map(|view| stale(&waiting.pooled, &view, next_height)) {
                    Some(None) => {}
                    Some(Some(reason)) => gone.push((Arc::clone(&waiting.pooled), reason)),
                    None => gone.push((Arc::clone(&waiting.pooled), Some(Code::UnknownAccount))),
                }
            }
        }
        let mut dropped = Vec::new();
        for (pooled, reason) in gone {
            inner.take(&pooled);
            if let Some(code) = reason {
                dropped.push((pooled.id, Refusal::Ledger(code)));
            }
        }
        let accounts: Vec<_> = inner.accounts.keys().copied().collect();
        for id in accounts {
            inner.settle(&self.limits, &id);
            inner.promote(&self.limits, &id);
            for late in inner.gave_up(&self.limits, &id) {
                dropped.push((late, Refusal::Ledger(Code::WrongSequence)));
            }
        }
        dropped.extend(inner.evicted.drain(..).map(|id| (id, Refusal::Evicted)));
        let ready = inner.has_ready();
        drop(inner);
        if ready {
            self.ready.notify_waiters();
        }
        Ok(dropped)
    }

    /// Tells an empty pool the next height; what [`Self::after_block`] does when nothing changed.
    pub fn set_next_height(&self, next_height: Height) {
        self.lock().next_height = next_height;
    }

    /// Takes a transaction out for good: executing it failed inside this program, or no block may hold it. It is not
    /// kept again while it is remembered.
    pub fn set_aside(&self, id: &TransactionId) {
        let mut inner = self.lock();
        inner.set_aside.insert(*id);
        if let Some(pooled) = inner.by_id.get(id).cloned() {
            inner.take(&pooled);
            inner.settle(&self.limits, &pooled.account);
        }
    }

    /// What to tell the others again now; see `telling`.
    pub fn due_to_tell(&self, occasion: Occasion) -> Vec<Arc<Vec<u8>>> {
        self.lock().due_to_tell(occasion)
    }

    /// What to tell the others because it was submitted again; nothing if they were told at this height.
    pub fn tell_known(&self, id: &TransactionId) -> Option<Arc<Vec<u8>>> {
        self.lock().tell_known(id)
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TransactionId) -> Option<Arc<Pooled>> {
        self.lock().by_id.get(id).cloned()
    }

    /// What waits for long, and who is passed over.
    pub fn delays(&self) -> Delays {
        let now_ms = self.clock.now_ms().ok();
        self.lock().delays(now_ms)
    }

    /// How many wait, and their bytes, wherever they wait.
    pub fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.by_id.len(), inner.held.ready().bytes.saturating_add(inner.held.gap.bytes))
    }

    /// Whose signatures this node has verified; given to `execute_block`.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    // Nothing in a critical section panics half way through a change of several fields but on memory exhaustion.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Mempool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mempool").field("limits", &self.limits).field("size", &self.size()).finish()
    }
}

/// Why a waiting transaction can no longer be in a block: `Some(None)` when it is decided, or another is in its
/// place.
fn stale(pooled: &Pooled, view: &AccountView, next: Height) -> Option<Option<Code>> {
    if pooled.sequence < view.next_sequence {
        return Some(None);
    }
    if pooled.valid_until < next {
        return Some(Some(Code::Expired));
    }
    if pooled.key != view.public_key {
        return Some(Some(Code::KeyNotCurrent));
    }
    None
}

#[cfg(test)]
mod tests;
