//! The file that reproduces a divergence.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use aula_ledger::chain::Block;
use aula_ledger::codec::Canonical;
use aula_ledger::state::StateReader;
use borsh::{BorshDeserialize, BorshSerialize};

use super::{Facts, Found, Recorded, Recorder, look};
use crate::ports::Executor;

/// What the file begins with.
const MAGIC: [u8; 16] = *b"aula divergence1";
/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 30;

/// A block, what executing it read, and what peers said that it gave.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Case {
    magic: [u8; 16],
    block: Vec<u8>,
    state: Recorded,
    facts: Vec<Facts>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used: {source}")]
pub struct CaseError {
    /// The file as it was named to this program.
    pub path: PathBuf,
    /// Why.
    pub source: Error,
}

impl Case {
    /// Executes a final block on the state before it and records the case; `said` is what peers say that it gave.
    pub fn record(
        executor: &dyn Executor,
        state: &dyn StateReader,
        block: &Block,
        said: Vec<Facts>,
    ) -> (Found, Self) {
        let recorder = Recorder::new(state);
        let found = look(executor, &recorder, block, &said);
        // What is not proved here is not kept: it would have to be read with everything that it touches.
        let facts =
            said.into_iter().filter(|facts| facts.are_proved_by(&block.header, &recorder)).take(1).collect();
        (found, Self { magic: MAGIC, block: block.to_canonical(), state: recorder.recorded(), facts })
    }

    /// Executes it again.
    ///
    /// # Errors
    /// When the block in it cannot be read.
    pub fn look(&self, executor: &dyn Executor) -> Result<Found, String> {
        let block = Block::from_canonical(&self.block).map_err(|error| error.to_string())?;
        Ok(look(executor, &self.state, &block, &self.facts))
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// [`CaseError`].
    pub fn write(&self, path: &Path) -> Result<(), CaseError> {
        let failed = |source| CaseError { path: path.to_owned(), source };
        let bytes = borsh::to_vec(self).map_err(failed)?;
        let mut file = File::create(path).map_err(failed)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CaseError`].
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let failed = |source| CaseError { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)).map_err(failed)?;
        match Self::try_from_slice(&bytes) {
            Ok(case) if case.magic == MAGIC => Ok(case),
            _ => Err(failed(Error::new(
                ErrorKind::InvalidData,
                "it is not a file of a divergence, or of another version",
            ))),
        }
    }
}
