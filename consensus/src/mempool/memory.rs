//! What this node remembers by transaction id: verified signatures, and transactions set aside. Both bounded,
//! both forget the oldest first.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use aula_ledger::execute::SignatureMemory;
use aula_ledger::tx::TransactionId;

/// A set that keeps the last `capacity` ids.
#[derive(Debug)]
pub(super) struct Recent {
    set: HashSet<TransactionId>,
    order: VecDeque<TransactionId>,
    capacity: usize,
}

impl Recent {
    pub(super) fn new(capacity: usize) -> Self {
        Self { set: HashSet::new(), order: VecDeque::new(), capacity: capacity.max(1) }
    }

    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        self.set.contains(id)
    }

    pub(super) fn insert(&mut self, id: TransactionId) {
        if !self.set.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }
}

/// Ids whose signature this node has verified. The id covers every byte, key and signature included, so a copy
/// with another signature is another id.
#[derive(Debug)]
pub struct Verified(Mutex<Recent>);

impl Verified {
    /// Remembers the last `capacity` ids.
    pub fn new(capacity: usize) -> Self {
        Self(Mutex::new(Recent::new(capacity)))
    }

    /// True when the signature was verified here.
    pub fn contains(&self, id: &TransactionId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Remembers that the signature is valid.
    pub fn insert(&self, id: TransactionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }
}

impl SignatureMemory for Verified {
    fn is_verified(&self, transaction: &TransactionId) -> bool {
        self.contains(transaction)
    }
}
