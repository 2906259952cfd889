//! From chunks back to records. Every chunk is hashed before a byte of it is looked at.

use super::error::SnapshotError;
use super::folder::Kept;
use super::manifest::CHUNK_BYTES;
use crate::chain::sha256;

/// What a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    /// The authenticated map.
    Value = 0,
    /// A bulk tree.
    Row = 1,
}

/// Longest key: a row's, a label of 64 bytes and a handle, is far below it.
const MAX_KEY: usize = 1 << 12;
/// Largest value. No type of the ledger admits more.
const MAX_VALUE: usize = 1 << 28;

pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// The records of a snapshot, in order.
pub(super) struct Records<'a> {
    kept: &'a Kept,
    next_chunk: usize,
    chunk: Vec<u8>,
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) const fn of(kept: &'a Kept) -> Self {
        Self { kept, next_chunk: 0, chunk: Vec::new(), at: 0 }
    }

    /// The next one; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Record>, SnapshotError> {
        let mut kind = [0];
        if !self.more()? {
            return Ok(None);
        }
        self.fill(&mut kind)?;
        let kind = match kind {
            [0] => Kind::Value,
            [1] => Kind::Row,
            _ => return Err(malformed()),
        };
        let (key, value) = (self.length(MAX_KEY)?, self.length(MAX_VALUE)?);
        Ok(Some(Record { kind, key: self.take(key)?, value: self.take(value)? }))
    }

    fn length(&mut self, most: usize) -> Result<usize, SnapshotError> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        let length = u32::from_le_bytes(bytes) as usize;
        if length > most { Err(malformed()) } else { Ok(length) }
    }

    /// Takes bytes as they come, so that a length that lies costs no memory.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut taken = Vec::with_capacity(length.min(CHUNK_BYTES));
        while taken.len() < length {
            if !self.more()? {
                return Err(malformed());
            }
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            let part = rest.get(..rest.len().min(length - taken.len())).unwrap_or_default();
            taken.extend_from_slice(part);
            self.at += part.len();
        }
        Ok(taken)
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), SnapshotError> {
        into.copy_from_slice(&self.take(into.len())?);
        Ok(())
    }

    /// Whether there is another byte; opens the next chunk where this one ends.
    fn more(&mut self) -> Result<bool, SnapshotError> {
        if self.at < self.chunk.len() {
            return Ok(true);
        }
        let index = self.next_chunk;
        let manifest = &self.kept.manifest;
        let Some(named) = manifest.chunks.get(index) else { return Ok(false) };
        let bytes = self.kept.chunk(index)?;
        if sha256(&bytes) != named.sha256 {
            let why = "was changed: it has another SHA-256 than the manifest says";
            return Err(SnapshotError::Chunk { height: manifest.height, index, why });
        }
        (self.chunk, self.at, self.next_chunk) = (bytes, 0, index + 1);
        Ok(true)
    }
}

fn malformed() -> SnapshotError {
    SnapshotError::State("a record is malformed".into())
}
