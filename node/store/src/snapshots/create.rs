//! From a view to a folder of chunks.

use std::path::Path;

use aula_ledger::audit::chain_evidence;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Height;

use super::aside::Aside;
use super::error::SnapshotError;
use super::folder::{self, Kept, write};
use super::manifest::{CHUNK_BYTES, ChunkRef, Manifest, chunk_name};
use super::read::Kind;
use crate::chain::{encode, sha256};
use crate::error::damaged;
use crate::tables::Table;
use crate::view::ChainView;

/// Writes the state of a view into `root/HEIGHT`, and gives what is there. One that is there already is left as it is.
///
/// # Errors
/// [`SnapshotError::NoBlock`] at the genesis; otherwise when the view cannot be read or the files cannot be written.
pub fn create(view: &ChainView, root: &Path) -> Result<Kept, SnapshotError> {
    let tip = view.tip();
    if tip.height == Height::GENESIS {
        return Err(SnapshotError::NoBlock);
    }
    let target = folder::of(root, tip.height);
    if let Ok(kept) = folder::read(&target) {
        return Ok(kept);
    }
    let aside = Aside::begin(root, tip.height)?;
    let header = view.header(tip.height)?.ok_or_else(|| damaged("headers", "the tip's is missing"))?;
    let mut chunks =
        Chunks { folder: aside.folder(), buffer: Vec::with_capacity(CHUNK_BYTES), chunks: Vec::new() };
    let mut records = 0;
    for (table, kind) in [(Table::Values, Kind::Value), (Table::Rows, Kind::Row)] {
        let mut failed = None;
        view.walk(table, |key, value| {
            records += 1;
            // The walk ends at an error; the first one is the cause.
            chunks.record(kind, key, value).map_err(|error| {
                let told = damaged("snapshot", &error);
                failed = Some(error);
                told
            })
        })
        .map_err(|error| failed.take().unwrap_or(SnapshotError::Storage(error)))?;
    }
    let chunks = chunks.finish()?;
    let manifest = Manifest {
        genesis: header.genesis,
        height: tip.height,
        block: tip.hash,
        state_root: header.state_root,
        records,
        chunks,
    };
    let signed = |height| Ok(view.header(height)?.zip(view.certificate(height)?));
    let evidence = chain_evidence(view, tip.height, &signed, &[]).map_err(|error| damaged("chain", error))?;
    write(&aside.folder().join(folder::CHAIN), &encode(&evidence)?)?;
    write(&aside.folder().join(folder::MANIFEST), &manifest.to_canonical())?;
    aside.place(&target)?;
    folder::read(&target)
}

/// Cuts the stream of records into files.
struct Chunks<'a> {
    folder: &'a Path,
    buffer: Vec<u8>,
    chunks: Vec<ChunkRef>,
}

impl Chunks<'_> {
    fn record(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        for part in [&[kind as u8][..], &length(key), &length(value), key, value] {
            self.push(part)?;
        }
        Ok(())
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == CHUNK_BYTES {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), SnapshotError> {
        let path = self.folder.join(chunk_name(self.chunks.len()));
        write(&path, &self.buffer)?;
        let bytes = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.chunks.push(ChunkRef { sha256: sha256(&self.buffer), bytes });
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<ChunkRef>, SnapshotError> {
        if !self.buffer.is_empty() {
            self.cut()?;
        }
        Ok(self.chunks)
    }
}
