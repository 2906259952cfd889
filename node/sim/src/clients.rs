//! Funders who send transactions, and send them again until they are final.

use std::collections::BTreeMap;

use aula_consensus::ports::ChainStore;
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::types::{Hash, Height};

use crate::chance::Chance;
use crate::consortium::{Consortium, FUNDERS};
use crate::store::Store;

/// After this time a transaction that is not final is sent again, elsewhere.
const AGAIN_MS: u64 = 5_000;

struct Waiting {
    id: Hash,
    bytes: Vec<u8>,
    first_ms: u64,
    last_ms: u64,
}

/// All funders.
pub struct Clients {
    chance: Chance,
    next: [u64; FUNDERS as usize],
    waiting: BTreeMap<u8, Waiting>,
    looked: u64,
}

impl Clients {
    /// Nothing sent yet.
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::of(seed, "clients"),
            next: [0; FUNDERS as usize],
            waiting: BTreeMap::new(),
            looked: 0,
        }
    }

    /// What is sent now, each with a number that chooses where. A funder waits until its last transaction is final.
    pub fn due(&mut self, now_ms: u64, consortium: &Consortium) -> Vec<(Vec<u8>, u64)> {
        let mut sent = Vec::new();
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.last_ms + AGAIN_MS <= now_ms) {
            waiting.last_ms = now_ms;
            sent.push(waiting.bytes.clone());
        }
        let free: Vec<u8> = (0..FUNDERS).filter(|funder| !self.waiting.contains_key(funder)).collect();
        if let Some(funder) = self.chance.one(&free).copied() {
            let bytes = consortium.transaction(funder, self.next[usize::from(funder)]);
            self.next[usize::from(funder)] += 1;
            let id = id_of_bytes(&bytes);
            let waiting = Waiting { id, bytes: bytes.clone(), first_ms: now_ms, last_ms: now_ms };
            self.waiting.insert(funder, waiting);
            sent.push(bytes);
        }
        sent.into_iter().map(|bytes| (bytes, self.chance.any())).collect()
    }

    /// A height is decided: what it holds is final.
    pub fn decided(&mut self, height: u64, store: &Store) {
        while self.looked < height {
            let Some(decided) = store.decided(Height(self.looked + 1)).ok().flatten() else { return };
            self.looked += 1;
            let Ok(block) = Block::from_canonical(&decided.block) else { return };
            let final_now: Vec<Hash> = block.transactions.iter().map(|bytes| id_of_bytes(bytes)).collect();
            self.waiting.retain(|_, waiting| !final_now.contains(&waiting.id));
        }
    }

    /// When the oldest transaction that waits was first sent, if that was before this time.
    pub fn waiting_since(&self, before_ms: u64) -> Option<u64> {
        self.waiting.values().map(|waiting| waiting.first_ms).filter(|first| *first < before_ms).min()
    }
}
