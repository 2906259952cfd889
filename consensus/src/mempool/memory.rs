//! What this node remembers by transaction id: verified signatures, and transactions set aside. Both bounded,
//! both forget the oldest first. And the points of accounts' public keys.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_ledger::execute::SignatureMemory;
use aula_ledger::keys::{KeyPoint, PublicKey};
use aula_ledger::tx::TransactionId;

/// Most keys whose points are remembered: accounts that sent lately. Beyond that all are found anew.
const KEYS: usize = 4_096;

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

/// Points of the keys that transactions were signed with.
#[derive(Debug, Default)]
pub(super) struct Points(Mutex<BTreeMap<PublicKey, KeyPoint>>);

impl Points {
    /// That of this key; none where its bytes stand for none.
    pub(super) fn of(&self, key: &PublicKey) -> Option<KeyPoint> {
        let known = self.lock().get(key).copied();
        if known.is_some() {
            return known;
        }
        let found = key.point()?;
        let mut points = self.lock();
        if points.len() >= KEYS {
            points.clear();
        }
        points.insert(*key, found);
        Some(found)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PublicKey, KeyPoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::keys::{Label, public_key, sign};
    use ed25519_dalek::SigningKey;

    use super::*;

    #[test]
    fn a_point_is_its_keys_own_and_their_number_has_a_bound() {
        let points = Points::default();
        for number in 0..KEYS as u64 + 2 {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            let key = SigningKey::from_bytes(&seed);
            let found = points.of(&public_key(&key)).unwrap();
            if number.is_multiple_of(1_024) {
                let signature = sign(&key, Label::Vote, &seed);
                let again = points.of(&public_key(&key)).unwrap();
                assert!([found, again].iter().all(|point| point.verifies(Label::Vote, &seed, &signature)));
                assert!(!again.verifies(Label::Vote, b"another", &signature));
            }
            assert!(points.lock().len() <= KEYS);
        }
        assert_eq!(points.lock().len(), 2, "beyond the bound all are found anew");
    }
}
