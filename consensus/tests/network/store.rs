//! What the tests ask of a node's database, and one in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use aula_consensus::ports::{ChainStore, Commit, Decided, StoreError, Tip, Undecided};
use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::state::{MemoryState, StateReader};
use aula_ledger::types::{Hash, Height, TimeMs};
use aula_store::ChainDb;

use crate::common::Genesis;

/// What a test reads of a node's chain, wherever it is kept.
pub trait Chain: ChainStore {
    fn height(&self) -> u64 {
        self.tip().unwrap().height.0
    }

    fn decided_at(&self, height: u64) -> Option<Decided> {
        self.decided(Height(height)).unwrap()
    }

    fn hash_at(&self, height: u64) -> Option<Hash> {
        self.decided_at(height).map(|decided| decided.certificate.block_hash)
    }

    fn time_at(&self, height: u64) -> u64 {
        Block::from_canonical(&self.decided_at(height).unwrap().block).unwrap().header.time_ms.0
    }

    fn in_memory(&self) -> &MemoryStore {
        panic!("this node keeps its chain on disk")
    }
}

impl Chain for MemoryStore {
    fn in_memory(&self) -> &MemoryStore {
        self
    }
}

/// The node's own, on disk.
impl Chain for ChainDb {}

/// A store in memory that behaves as the node's: a commit is whole or not there.
pub struct MemoryStore {
    genesis: Tip,
    inner: Mutex<Inner>,
}

struct Inner {
    decided: BTreeMap<u64, (Hash, TimeMs, Decided)>,
    undecided: BTreeMap<(u64, u32, Hash), Undecided>,
    state: MemoryState,
    /// States that were given out and are still held, by height.
    held: Vec<(u64, Weak<MemoryState>)>,
}

impl ChainStore for MemoryStore {
    fn tip(&self) -> Result<Tip, StoreError> {
        let inner = self.inner.lock().unwrap();
        Ok(match inner.decided.last_key_value() {
            Some((height, (hash, time_ms, _))) => {
                Tip { height: Height(*height), hash: *hash, time_ms: *time_ms }
            }
            None => self.genesis,
        })
    }

    fn state(&self) -> Result<Arc<dyn StateReader>, StoreError> {
        let mut inner = self.inner.lock().unwrap();
        let height = inner.decided.last_key_value().map_or(0, |(height, _)| *height);
        let state = Arc::new(inner.state.clone());
        inner.held.retain(|(_, state)| state.strong_count() > 0);
        inner.held.push((height, Arc::downgrade(&state)));
        Ok(state)
    }

    fn oldest(&self) -> Result<Height, StoreError> {
        Ok(Height(1))
    }

    fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        Ok(self.inner.lock().unwrap().decided.get(&height.0).map(|(_, _, decided)| decided.clone()))
    }

    fn put_undecided(&self, value: &Undecided) -> Result<(), StoreError> {
        let key = (value.height.0, value.round, value.hash);
        self.inner.lock().unwrap().undecided.insert(key, value.clone());
        Ok(())
    }

    fn undecided(&self, height: Height) -> Result<Vec<Undecided>, StoreError> {
        let inner = self.inner.lock().unwrap();
        Ok(inner.undecided.values().filter(|value| value.height == height).cloned().collect())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let mut inner = self.inner.lock().unwrap();
        let height = commit.block.header.height.0;
        let next = inner.decided.last_key_value().map_or(1, |(last, _)| last + 1);
        assert_eq!(height, next, "a commit follows the tip");
        let decided = Decided { block: commit.block_bytes.to_vec(), certificate: commit.certificate.clone() };
        inner.decided.insert(height, (commit.hash, commit.block.header.time_ms, decided));
        inner.undecided.retain(|(at, _, _), _| *at > height);
        inner.state.apply(commit.outcome.writes.clone());
        Ok(())
    }
}

impl MemoryStore {
    pub fn new(genesis: &Genesis) -> Self {
        let inner = Inner {
            decided: BTreeMap::new(),
            undecided: BTreeMap::new(),
            state: genesis.state.clone(),
            held: Vec::new(),
        };
        Self { genesis: genesis.tip, inner: Mutex::new(inner) }
    }

    /// A store of its own that holds the same.
    pub fn copy(&self) -> Arc<Self> {
        let inner = self.inner.lock().unwrap();
        let (decided, undecided) = (inner.decided.clone(), inner.undecided.clone());
        let inner = Inner { decided, undecided, state: inner.state.clone(), held: Vec::new() };
        Arc::new(Self { genesis: self.genesis, inner: Mutex::new(inner) })
    }

    /// The height of the oldest state that somebody holds; the newest height when nobody holds any.
    pub fn oldest_held(&self) -> u64 {
        let inner = self.inner.lock().unwrap();
        let held = inner.held.iter().filter(|(_, state)| state.strong_count() > 0);
        let newest = inner.decided.last_key_value().map_or(0, |(height, _)| *height);
        held.map(|(height, _)| *height).min().unwrap_or(newest)
    }
}
