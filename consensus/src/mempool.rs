//! Transactions that wait for a block: bounded, in sequence order by account, each signature verified once.
//!
//! Flow: bytes come from the API or from a peer → [`Mempool::submit`] decodes, checks without state, looks at the
//! account, verifies the signature outside the lock, keeps → [`Mempool::select`] hands a proposer what may go in
//! a block, oldest first across accounts → [`Mempool::after_block`] drops what is decided, expired, out of turn or
//! signed with a key that is no longer current.
//!
//! Invariants: no more than [`Limits`] say, counted in transactions, bytes and per account; one transaction for
//! one (account, sequence), the first that came; a refusal has a number ([`Refusal::code`]) and a sentence.
//!
//! Absent: priorities and fees (a consortium has none), and memory across restarts: submitters ask again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_ledger::chain::transaction::id_of_bytes;
use aula_ledger::chain::{Code, Transaction, TransactionId};
use aula_ledger::codec::Canonical;
use aula_ledger::params::MAX_TRANSACTION_BYTES;
use aula_ledger::types::{AccountId, Hash, Height};
use tokio::sync::Notify;

use crate::ports::{AccountView, StoreError};

mod memory;
mod shapes;

pub use memory::Verified;
pub use shapes::{Budget, Limits, Pooled, Refusal, Submitted};

/// Looks an account up in the state after the last decided block.
pub type Lookup<'a> = &'a dyn Fn(&AccountId) -> Result<Option<AccountView>, StoreError>;

#[derive(Debug, Default)]
struct Account {
    view: Option<AccountView>,
    waiting: BTreeMap<u64, Arc<Pooled>>,
}

#[derive(Debug)]
struct Inner {
    accounts: BTreeMap<AccountId, Account>,
    by_id: HashMap<TransactionId, Arc<Pooled>>,
    bytes: usize,
    arrivals: u64,
    next_height: Height,
    set_aside: memory::Recent,
}

/// The pool. Shared by the API, gossip and the driver.
#[derive(Debug)]
pub struct Mempool {
    genesis: Hash,
    limits: Limits,
    verified: Verified,
    inner: Mutex<Inner>,
    ready: Notify,
}

impl Mempool {
    /// An empty pool for a chain whose next block has height `next_height`.
    pub fn new(genesis: Hash, limits: Limits, next_height: Height) -> Self {
        let inner = Inner {
            accounts: BTreeMap::new(),
            by_id: HashMap::new(),
            bytes: 0,
            arrivals: 0,
            next_height,
            set_aside: memory::Recent::new(1_000),
        };
        // Enough for a full pool and the blocks that empty it.
        let verified = Verified::new(limits.transactions.saturating_mul(2));
        Self { genesis, limits, verified, inner: Mutex::new(inner), ready: Notify::new() }
    }

    /// Checks a transaction and keeps it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn submit(&self, bytes: Vec<u8>, lookup: Lookup<'_>) -> Result<Submitted, Refusal> {
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
        let transaction =
            Transaction::from_canonical(&bytes).map_err(|_| Refusal::Ledger(Code::Malformed))?;
        transaction.check(&self.genesis, next_height).map_err(Refusal::Ledger)?;
        let view = self.view(&transaction.body.account, lookup)?;
        self.admit(&self.lock(), &transaction, bytes.len(), &view)?;
        if !self.verified.contains(&id) {
            if !transaction.signature_is_valid() {
                return Err(Refusal::Ledger(Code::BadSignature));
            }
            self.verified.insert(id);
        }
        self.keep(id, bytes, &transaction, view)
    }

    /// The transactions a block may hold, in an order that executes: by account in sequence, oldest first across
    /// accounts.
    pub fn select(&self, budget: Budget) -> Vec<Arc<Pooled>> {
        let inner = self.lock();
        let mut heads = BinaryHeap::new();
        for (account, entry) in &inner.accounts {
            if let Some(first) = entry.first_ready() {
                heads.push(Reverse((first.arrival, *account)));
            }
        }
        let mut taken: BTreeMap<AccountId, usize> = BTreeMap::new();
        let (mut chosen, mut bytes, mut range_values) = (Vec::new(), 0usize, 0u32);
        while let Some(Reverse((_, account))) = heads.pop() {
            if chosen.len() >= budget.transactions {
                break;
            }
            let Some(entry) = inner.accounts.get(&account) else { continue };
            let count = taken.entry(account).or_default();
            let Some(pooled) = entry.ready_at(*count) else { continue };
            // The account's later transactions cannot overtake one that does not fit.
            let proved = range_values.saturating_add(pooled.range_values);
            if bytes.saturating_add(pooled.bytes.len()) > budget.bytes || proved > budget.range_values {
                continue;
            }
            bytes += pooled.bytes.len();
            range_values = proved;
            chosen.push(Arc::clone(pooled));
            *count += 1;
            if *count < budget.per_account
                && let Some(next) = entry.ready_at(*count)
            {
                heads.push(Reverse((next.arrival, account)));
            }
        }
        chosen
    }

    /// True when a block could hold something.
    pub fn has_ready(&self) -> bool {
        self.lock().accounts.values().any(|account| account.first_ready().is_some())
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

    /// Tells the pool that the block below `next_height` is decided: account views are read again, and what can no
    /// longer be in a block is dropped. Returns what was dropped without being decided, with the reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn after_block(
        &self,
        next_height: Height,
        lookup: Lookup<'_>,
    ) -> Result<Vec<(TransactionId, Refusal)>, StoreError> {
        let mut dropped = Vec::new();
        let mut inner = self.lock();
        inner.next_height = next_height;
        // Views of accounts with nothing waiting are forgotten; the others are refreshed.
        inner.accounts.retain(|_, account| !account.waiting.is_empty());
        let mut gone = Vec::new();
        for (id, account) in &mut inner.accounts {
            account.view = lookup(id)?;
            for pooled in account.waiting.values() {
                match account.view.map(|view| stale(pooled, &view, next_height, &self.limits)) {
                    Some(None) => {}
                    Some(Some(reason)) => gone.push((Arc::clone(pooled), reason)),
                    None => gone.push((Arc::clone(pooled), Some(Code::UnknownAccount))),
                }
            }
        }
        for (pooled, reason) in gone {
            inner.remove(&pooled);
            if let Some(code) = reason {
                dropped.push((pooled.id, Refusal::Ledger(code)));
            }
        }
        let ready = inner.accounts.values().any(|account| account.first_ready().is_some());
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

    /// Takes a transaction out for good: executing it failed inside this program, or a block that held it was
    /// refused. It is not kept again while it is remembered.
    pub fn set_aside(&self, id: &TransactionId) {
        let mut inner = self.lock();
        inner.set_aside.insert(*id);
        if let Some(pooled) = inner.by_id.get(id).cloned() {
            inner.remove(&pooled);
        }
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TransactionId) -> Option<Arc<Pooled>> {
        self.lock().by_id.get(id).cloned()
    }

    /// How many wait, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.by_id.len(), inner.bytes)
    }

    /// Whose signatures this node has verified; given to `execute_block`.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    fn view(&self, account: &AccountId, lookup: Lookup<'_>) -> Result<AccountView, Refusal> {
        if let Some(view) = self.lock().accounts.get(account).and_then(|entry| entry.view) {
            return Ok(view);
        }
        lookup(account)?.ok_or(Refusal::Ledger(Code::UnknownAccount))
    }

    /// The rules that need the pool and the account, but no signature.
    fn admit(
        &self,
        inner: &Inner,
        transaction: &Transaction,
        bytes: usize,
        view: &AccountView,
    ) -> Result<(), Refusal> {
        let body = &transaction.body;
        if transaction.public_key != view.public_key {
            return Err(Refusal::Ledger(Code::KeyNotCurrent));
        }
        if body.sequence < view.next_sequence {
            return Err(Refusal::Ledger(Code::WrongSequence));
        }
        if body.sequence - view.next_sequence >= self.limits.per_account as u64 {
            return Err(Refusal::SequenceTooFar { next: view.next_sequence });
        }
        if let Some(entry) = inner.accounts.get(&body.account) {
            if entry.waiting.contains_key(&body.sequence) {
                return Err(Refusal::SequenceTaken);
            }
            if entry.waiting.len() >= self.limits.per_account {
                return Err(Refusal::AccountFull);
            }
        }
        let full = inner.by_id.len() >= self.limits.transactions
            || inner.bytes.saturating_add(bytes) > self.limits.bytes;
        if full { Err(Refusal::PoolFull) } else { Ok(()) }
    }

    fn keep(
        &self,
        id: TransactionId,
        bytes: Vec<u8>,
        transaction: &Transaction,
        view: AccountView,
    ) -> Result<Submitted, Refusal> {
        let mut inner = self.lock();
        if inner.by_id.contains_key(&id) {
            return Ok(Submitted::Known(id));
        }
        let body = &transaction.body;
        // A block may have been decided while the signature was verified: the pool's newer view counts.
        let view = inner.accounts.get(&body.account).and_then(|entry| entry.view).unwrap_or(view);
        self.admit(&inner, transaction, bytes.len(), &view)?;
        inner.arrivals += 1;
        let pooled = Arc::new(Pooled {
            id,
            account: body.account,
            sequence: body.sequence,
            valid_until: body.valid_until_height,
            key: transaction.public_key,
            arrival: inner.arrivals,
            range_values: body.payload.range_values(),
            kept_at: inner.next_height,
            bytes: Arc::new(bytes),
        });
        inner.bytes += pooled.bytes.len();
        inner.by_id.insert(id, Arc::clone(&pooled));
        let entry = inner.accounts.entry(body.account).or_default();
        entry.view = Some(view);
        entry.waiting.insert(body.sequence, pooled);
        let ready = entry.first_ready().is_some();
        drop(inner);
        if ready {
            self.ready.notify_waiters();
        }
        Ok(Submitted::New(id))
    }

    // Nothing in a critical section panics half way through a change of several fields but on memory exhaustion.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, pooled: &Pooled) {
        if self.by_id.remove(&pooled.id).is_some() {
            self.bytes = self.bytes.saturating_sub(pooled.bytes.len());
        }
        if let Some(account) = self.accounts.get_mut(&pooled.account) {
            account.waiting.remove(&pooled.sequence);
        }
    }
}

impl Account {
    /// The transaction with the account's next sequence number.
    fn first_ready(&self) -> Option<&Arc<Pooled>> {
        self.ready_at(0)
    }

    /// The transaction `count` after the account's next sequence number, reachable when all before it wait too;
    /// callers count up from 0.
    fn ready_at(&self, count: usize) -> Option<&Arc<Pooled>> {
        let next = self.view?.next_sequence.checked_add(count as u64)?;
        self.waiting.get(&next)
    }
}

/// Why a waiting transaction can no longer be in a block: `Some(None)` when it is decided, or another is in its
/// place.
fn stale(pooled: &Pooled, view: &AccountView, next: Height, limits: &Limits) -> Option<Option<Code>> {
    if pooled.sequence < view.next_sequence {
        return Some(None);
    }
    if pooled.valid_until < next {
        return Some(Some(Code::Expired));
    }
    if pooled.key != view.public_key {
        return Some(Some(Code::KeyNotCurrent));
    }
    let waited = next.0.saturating_sub(pooled.kept_at.0);
    if pooled.sequence > view.next_sequence && waited > limits.gap_heights {
        return Some(Some(Code::WrongSequence));
    }
    None
}

#[cfg(test)]
mod tests;
