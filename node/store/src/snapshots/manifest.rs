//! The list of a snapshot's chunks, each by its hash.

use aula_ledger::codec::{Canonical, CodecError};
use aula_ledger::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::sha256;

/// Bytes of every chunk but the last, which may be shorter: 1 MiB, one answer over the network.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Most chunks of a snapshot: 64 GiB of records.
pub const MAX_CHUNKS: usize = 1 << 16;

/// A chunk: its bytes, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChunkRef {
    /// SHA-256 of the bytes.
    pub sha256: Hash,
    /// How many, 1 to [`CHUNK_BYTES`].
    pub bytes: u32,
}

/// What a snapshot consists of. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Manifest {
    /// SHA-256 of the chain's genesis file.
    pub genesis: Hash,
    /// The block after which the state is the one in the chunks.
    pub height: Height,
    /// That block's hash.
    pub block: Hash,
    /// That block's state root.
    pub state_root: Hash,
    /// Records of the map and rows of the bulk trees in all.
    pub records: u64,
    /// The chunks, in order.
    pub chunks: Vec<ChunkRef>,
}

impl Canonical for Manifest {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "snapshot manifest";
    const MAX_BYTES: u64 = 128 + 36 * MAX_CHUNKS as u64;
}

impl Manifest {
    /// Reads one, and checks that its numbers can be true.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not a list, or when a chunk has a size that none may have.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let manifest = Self::from_canonical(bytes)?;
        let size = |chunk: &ChunkRef| chunk.bytes as usize;
        let full = manifest.chunks.split_last().is_none_or(|(last, before)| {
            (1..=CHUNK_BYTES).contains(&size(last)) && before.iter().all(|one| size(one) == CHUNK_BYTES)
        });
        match full && manifest.chunks.len() <= MAX_CHUNKS {
            true => Ok(manifest),
            false => Err(CodecError::Malformed { what: Self::WHAT }),
        }
    }

    /// SHA-256 of the canonical bytes: two manifests with one name are one.
    pub fn name(&self) -> Hash {
        sha256(&self.to_canonical())
    }

    /// Bytes of all chunks.
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum()
    }
}

/// The file of a chunk, by its number from 0.
pub fn chunk_name(index: usize) -> String {
    format!("chunk-{index:06}")
}
