//! A node's database over a simulated disk: one file of records, each whole or not there.
//!
//! It stands in for the node's own database and keeps the same promises: a commit is one record, synced before the call
//! returns, and the undecided blocks of its height go with it. When it is opened, everything up to the first damaged
//! record is read, and the rest is cut off.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_consensus::ports::{ChainStore, Commit, Decided, Disk, DiskFile, StoreError, Tip, Undecided};
use aula_ledger::chain::CommitCertificate;
use aula_ledger::state::{MemoryState, StateReader, StateWrites};
use aula_ledger::types::{Handle, Hash, Height, TimeMs};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

/// Length and checksum in front of a record.
const HEAD: usize = 12;

#[derive(BorshSerialize, BorshDeserialize)]
enum Record {
    Undecided(Undecided),
    Decided(Box<Written>),
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
struct Written {
    height: Height,
    hash: Hash,
    time_ms: TimeMs,
    block: Vec<u8>,
    certificate: CommitCertificate,
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    stale: Vec<Vec<u8>>,
    rows: BTreeMap<String, BTreeMap<Handle, Vec<u8>>>,
}

#[derive(Debug)]
struct Inner {
    file: Box<dyn DiskFile>,
    end: u64,
    tip: Tip,
    decided: BTreeMap<u64, (Hash, Decided)>,
    undecided: BTreeMap<(u64, u32, Hash), Undecided>,
    state: Arc<MemoryState>,
}

/// One node's database.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
}

impl Store {
    /// Opens it; a file that is not there is begun at the genesis.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(disk: &dyn Disk, path: &Path, genesis: Tip, state: &Arc<MemoryState>) -> io::Result<Self> {
        let bytes = disk.read(path)?.unwrap_or_default();
        let file = match disk.open(path)? {
            Some(file) => file,
            None => {
                let mut file = disk.create(path)?;
                file.sync(true)?;
                disk.sync_folder_of(path)?;
                file
            }
        };
        let mut inner = Inner {
            file,
            end: 0,
            tip: genesis,
            decided: BTreeMap::new(),
            undecided: BTreeMap::new(),
            state: Arc::clone(state),
        };
        let mut rest = bytes.as_slice();
        while let Some((record, length)) = next(rest) {
            if !inner.take(record) {
                break;
            }
            inner.end += length as u64;
            rest = &rest[length..];
        }
        if !rest.is_empty() {
            inner.file.set_length(inner.end)?;
            inner.file.sync(true)?;
        }
        Ok(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hash of a decided block.
    pub fn hash_at(&self, height: u64) -> Option<Hash> {
        self.lock().decided.get(&height).map(|(hash, _)| *hash)
    }

    /// How many undecided blocks it keeps of the round of which it keeps most.
    pub fn most_undecided(&self) -> usize {
        let mut rounds: BTreeMap<(u64, u32), usize> = BTreeMap::new();
        for (height, round, _) in self.lock().undecided.keys() {
            *rounds.entry((*height, *round)).or_default() += 1;
        }
        rounds.into_values().max().unwrap_or(0)
    }
}

/// The first record and its length, if it is whole.
fn next(bytes: &[u8]) -> Option<(Record, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let body = rest.get(..length)?;
    if Sha256::digest(body)[..8] != *sum {
        return None;
    }
    Some((Record::try_from_slice(body).ok()?, HEAD + length))
}

impl Inner {
    /// Applies a record; false when it does not follow what is there.
    fn take(&mut self, record: Record) -> bool {
        match record {
            Record::Undecided(value) => {
                self.undecided.insert((value.height.0, value.round, value.hash), value);
            }
            Record::Decided(written) => {
                if written.height != self.tip.height.next() {
                    return false;
                }
                let Written { height, hash, time_ms, block, certificate, values, nodes, stale, rows } =
                    *written;
                self.tip = Tip { height, hash, time_ms };
                self.decided.insert(height.0, (hash, Decided { block, certificate }));
                self.undecided.retain(|(at, ..), _| *at > height.0);
                let writes = StateWrites {
                    values,
                    map_nodes: nodes,
                    stale_map_nodes: stale,
                    rows,
                    ..StateWrites::default()
                };
                Arc::make_mut(&mut self.state).apply(writes);
            }
        }
        true
    }

    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::Failed(error.to_string());
        let body = borsh::to_vec(record).map_err(failed)?;
        let length =
            u32::try_from(body.len()).map_err(|_| StoreError::Failed("a record is too long".into()))?;
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&Sha256::digest(&body)[..8]);
        bytes.extend_from_slice(&body);
        self.file.write_at(self.end, &bytes).map_err(failed)?;
        self.file.sync(false).map_err(failed)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

impl ChainStore for Store {
    fn tip(&self) -> Result<Tip, StoreError> {
        Ok(self.lock().tip)
    }

    fn state(&self) -> Result<Arc<dyn StateReader>, StoreError> {
        let state: Arc<MemoryState> = Arc::clone(&self.lock().state);
        Ok(state)
    }

    fn oldest(&self) -> Result<Height, StoreError> {
        Ok(Height(1))
    }

    fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        Ok(self.lock().decided.get(&height.0).map(|(_, decided)| decided.clone()))
    }

    fn put_undecided(&self, value: &Undecided) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.undecided.contains_key(&(value.height.0, value.round, value.hash)) {
            return Ok(());
        }
        let record = Record::Undecided(value.clone());
        inner.append(&record)?;
        inner.take(record);
        Ok(())
    }

    fn undecided(&self, height: Height) -> Result<Vec<Undecided>, StoreError> {
        Ok(self.lock().undecided.values().filter(|value| value.height == height).cloned().collect())
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let writes = commit.outcome.writes.clone();
        if !writes.trees.is_empty() {
            return Err(StoreError::Failed("the simulated store keeps no bulk trees".into()));
        }
        let header = &commit.block.header;
        let record = Record::Decided(Box::new(Written {
            height: header.height,
            hash: commit.hash,
            time_ms: header.time_ms,
            block: commit.block_bytes.to_vec(),
            certificate: commit.certificate.clone(),
            values: writes.values,
            nodes: writes.map_nodes,
            stale: writes.stale_map_nodes,
            rows: writes.rows,
        }));
        let mut inner = self.lock();
        inner.append(&record)?;
        if !inner.take(record) {
            return Err(StoreError::Failed("a commit that does not follow the tip".into()));
        }
        Ok(())
    }
}
