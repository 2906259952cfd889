//! A store on disk for nodes that are killed: one append-only file, a record a call, synced, replayed on opening.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aula_consensus::ports::{ChainStore, Commit, Decided, StoreError, Tip, Undecided};
use aula_ledger::chain::{Block, CommitCertificate};
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, VerifyAll};
use aula_ledger::state::StateReader;
use aula_ledger::types::Height;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::common::{Genesis, MemoryStore};

#[derive(BorshSerialize, BorshDeserialize)]
enum Record {
    Undecided(Undecided),
    Decided { block: Vec<u8>, certificate: Vec<u8> },
}

/// The memory store with a file behind it.
pub struct DiskStore {
    memory: MemoryStore,
    file: Mutex<File>,
}

impl DiskStore {
    /// Opens and replays; a record that is cut off was never acknowledged and is dropped.
    pub fn open(path: &Path, genesis: &Genesis) -> Self {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let memory = MemoryStore::new(genesis);
        let mut at = 0;
        while let Some((length, rest)) = bytes[at..].split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let Some(record) = rest.get(..length) else { break };
            replay(&memory, genesis, Record::try_from_slice(record).unwrap());
            at += 4 + length;
        }
        file.set_len(at as u64).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        Self { memory, file: Mutex::new(file) }
    }

    fn append(&self, record: &Record) {
        let body = borsh::to_vec(record).unwrap();
        let bytes = [&(body.len() as u32).to_le_bytes()[..], &body].concat();
        let mut file = self.file.lock().unwrap();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }
}

fn replay(memory: &MemoryStore, genesis: &Genesis, record: Record) {
    match record {
        Record::Undecided(value) => memory.put_undecided(&value).unwrap(),
        Record::Decided { block, certificate } => {
            let decoded = Block::from_canonical(&block).unwrap();
            let state = memory.state().unwrap();
            let outcome =
                genesis.executor.execute(state.as_ref(), &BlockInput::of(&decoded), &VerifyAll).unwrap();
            let commit = Commit {
                hash: decoded.header.hash(),
                block: Arc::new(decoded),
                block_bytes: Arc::new(block),
                outcome: Arc::new(outcome),
                certificate: CommitCertificate::from_canonical(&certificate).unwrap(),
            };
            memory.commit(&commit).unwrap();
        }
    }
}

impl ChainStore for DiskStore {
    fn tip(&self) -> Result<Tip, StoreError> {
        self.memory.tip()
    }

    fn state(&self) -> Result<Arc<dyn StateReader>, StoreError> {
        self.memory.state()
    }

    fn oldest(&self) -> Result<Height, StoreError> {
        self.memory.oldest()
    }

    fn decided(&self, height: Height) -> Result<Option<Decided>, StoreError> {
        self.memory.decided(height)
    }

    fn put_undecided(&self, value: &Undecided) -> Result<(), StoreError> {
        self.append(&Record::Undecided(value.clone()));
        self.memory.put_undecided(value)
    }

    fn undecided(&self, height: Height) -> Result<Vec<Undecided>, StoreError> {
        self.memory.undecided(height)
    }

    fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let (block, certificate) = (commit.block_bytes.to_vec(), commit.certificate.to_canonical());
        self.append(&Record::Decided { block, certificate });
        self.memory.commit(commit)
    }
}
