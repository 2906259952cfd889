//! From a folder of chunks to a database, or to the word that one could be made.

use std::path::Path;

use aula_ledger::audit::bundle::ChainEvidence;
use aula_ledger::audit::{TrustedBlock, certified, chain_evidence};
use aula_ledger::codec::Canonical;
use aula_ledger::genesis::Parsed;
use aula_ledger::store::Tip;
use aula_ledger::types::{Height, TimeMs};
use rocksdb::{DB, WriteBatch, WriteOptions};

use super::error::SnapshotError;
use super::folder::Kept;
use super::manifest::Manifest;
use super::read::{Kind, Records};
use super::state::StateCheck;
use crate::chain::{DbOptions, Opening, encode, encode_tip, open_tables, synced};
use crate::error::{StorageError, damaged};
use crate::making;
use crate::newcomer::Newcomer;
use crate::tables::{FORMAT, Table, height_key, meta};
use crate::view::{ChainView, family};

/// Bytes of records that are written together.
const BATCH_BYTES: usize = 4 << 20;

/// A snapshot that was found right, or whose header was.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What it consists of.
    pub manifest: Manifest,
    /// When its block was, milliseconds since 1970.
    pub time_ms: TimeMs,
    /// The way to its block from the genesis.
    pub evidence: ChainEvidence,
}

impl Verified {
    /// The block, as a chain's tip.
    pub const fn tip(&self) -> Tip {
        Tip { height: self.manifest.height, hash: self.manifest.block, time_ms: self.time_ms }
    }
}

/// Whether a manifest's block is final, by the proof that came with it; nothing of the state is looked at.
///
/// # Errors
/// [`SnapshotError::OtherChain`], [`SnapshotError::Chain`].
pub fn verify_chain(
    manifest: &Manifest,
    chain: &[u8],
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
) -> Result<Verified, SnapshotError> {
    if manifest.genesis != genesis.sha256 {
        return Err(SnapshotError::OtherChain);
    }
    let evidence: ChainEvidence =
        borsh::from_slice(chain).map_err(|_| SnapshotError::Chain("its proof is malformed".into()))?;
    let header = certified(&evidence, genesis, trusted).map_err(SnapshotError::Chain)?;
    let named = (manifest.height, manifest.block, manifest.state_root);
    if named != (header.height, header.hash(), header.state_root) {
        return Err(SnapshotError::Chain("its manifest names another block than its proof".into()));
    }
    let time_ms = header.time_ms;
    Ok(Verified { manifest: manifest.clone(), time_ms, evidence })
}

/// Whether a snapshot may be used: its header, every chunk, and the whole state under the header's root.
///
/// # Errors
/// [`SnapshotError`] names what is wrong, and the chunk.
pub fn verify(
    kept: &Kept,
    genesis: &Parsed,
    trusted: Option<TrustedBlock>,
) -> Result<Verified, SnapshotError> {
    let verified = verify_chain(&kept.manifest, &kept.chain_bytes()?, genesis, trusted)?;
    let mut check = StateCheck::default();
    let mut records = Records::of(kept);
    while let Some(record) = records.next()? {
        check.take(record.kind, &record.key, &record.value)?;
    }
    count(&check, &kept.manifest)?;
    check.finish(kept.manifest.height, kept.manifest.state_root)?;
    Ok(verified)
}

/// Makes a database of a snapshot, whose tip is the snapshot's block. What is refused leaves none.
///
/// # Errors
/// As [`verify`]; [`StorageError::Present`] when there is a database already.
pub fn install(
    kept: &Kept,
    genesis: (&[u8], &Parsed),
    trusted: Option<TrustedBlock>,
    path: &Path,
    options: DbOptions,
) -> Result<Verified, SnapshotError> {
    let verified = verify_chain(&kept.manifest, &kept.chain_bytes()?, genesis.1, trusted)?;
    making::make_aside(path, |aside| {
        let db = open_tables(aside, options, Opening::New)?;
        fill(&db, kept)?;
        write_chain(&db, &verified, genesis.0)?;
        Ok(verified)
    })
}

fn fill(db: &DB, kept: &Kept) -> Result<(), SnapshotError> {
    // Nothing is believed before its last batch is written, so the log is not needed: tables are flushed below.
    let mut unlogged = WriteOptions::default();
    unlogged.disable_wal(true);
    let write = |batch: &mut WriteBatch, least: usize| -> Result<(), StorageError> {
        if batch.size_in_bytes() > least {
            db.write_opt(std::mem::take(batch), &unlogged)?;
        }
        Ok(())
    };
    let (values, rows, nodes) =
        (family(db, Table::Values)?, family(db, Table::Rows)?, family(db, Table::MapNodes)?);
    let (mut check, mut records, mut batch) =
        (StateCheck::default(), Records::of(kept), WriteBatch::default());
    while let Some(record) = records.next()? {
        check.take(record.kind, &record.key, &record.value)?;
        let table = if record.kind == Kind::Value { values } else { rows };
        batch.put_cf(table, &record.key, &record.value);
        write(&mut batch, BATCH_BYTES)?;
    }
    count(&check, &kept.manifest)?;
    for (key, node) in check.finish(kept.manifest.height, kept.manifest.state_root)?.nodes {
        batch.put_cf(nodes, key, node);
        write(&mut batch, BATCH_BYTES)?;
    }
    write(&mut batch, 0)?;
    for table in [values, rows, nodes] {
        db.flush_cf(table).map_err(StorageError::from)?;
    }
    Ok(())
}

/// The headers that evidence walks by, and what makes it a database.
fn write_chain(db: &DB, verified: &Verified, genesis: &[u8]) -> Result<(), StorageError> {
    let (headers, certificates, hashes, metadata) = (
        family(db, Table::Headers)?,
        family(db, Table::Certificates)?,
        family(db, Table::BlockHashes)?,
        family(db, Table::Meta)?,
    );
    let mut batch = WriteBatch::default();
    let links = verified.evidence.links.iter().map(|link| &link.block);
    for block in links.chain([&verified.evidence.head]) {
        let key = height_key(block.header.height);
        batch.put_cf(headers, key, block.header.to_canonical());
        batch.put_cf(certificates, key, encode(&block.certificate)?);
        batch.put_cf(hashes, block.header.hash().0, key);
    }
    batch.put_cf(metadata, meta::GENESIS, genesis);
    batch.put_cf(metadata, meta::TIP, encode_tip(&verified.tip()));
    batch.put_cf(metadata, meta::OLDEST, height_key(verified.manifest.height.next()));
    batch.put_cf(metadata, meta::FORMAT, [FORMAT]);
    // Whoever took it looked at its block: only how it goes on is not known yet.
    batch.put_cf(metadata, meta::NEWCOMER, [Newcomer::Proven.byte()]);
    db.write_opt(batch, &synced())?;
    for table in [headers, certificates, hashes, metadata] {
        db.flush_cf(table)?;
    }
    Ok(())
}

pub(super) fn count(check: &StateCheck, manifest: &Manifest) -> Result<(), SnapshotError> {
    match check.records() == manifest.records {
        true => Ok(()),
        false => Err(SnapshotError::State("it has another number of records than its manifest says".into())),
    }
}

/// Whether a database is what it says: its tip certified from the genesis on, its records the ones of the tip's state root,
/// its map theirs. What a copy is checked with before it is used.
///
/// # Errors
/// [`SnapshotError`].
pub fn check_view(view: &ChainView, genesis: &Parsed) -> Result<Tip, SnapshotError> {
    let tip = view.tip();
    if crate::sha256(&view.genesis()?) != genesis.sha256 {
        return Err(SnapshotError::OtherChain);
    }
    if tip.height == Height::GENESIS {
        return Ok(tip);
    }
    let signed = |height| Ok(view.header(height)?.zip(view.certificate(height)?));
    let evidence = chain_evidence(view, tip.height, &signed, &[])
        .map_err(|error| SnapshotError::Chain(error.to_string()))?;
    let header = certified(&evidence, genesis, None).map_err(SnapshotError::Chain)?;
    if header.hash() != tip.hash {
        return Err(SnapshotError::Chain("the tip is another block than the one at its height".into()));
    }
    let mut check = StateCheck::default();
    for (table, kind) in [(Table::Values, Kind::Value), (Table::Rows, Kind::Row)] {
        let mut refused = None;
        view.walk(table, |key, value| {
            check.take(kind, key, value).map_err(|error| {
                let told = damaged("state", &error);
                refused = Some(error);
                told
            })
        })
        .map_err(|error| refused.take().unwrap_or(SnapshotError::Storage(error)))?;
    }
    check.finish(tip.height, header.state_root)?;
    let kept = aula_ledger::state::map::root(view, tip.height)?;
    match kept == header.state_root {
        true => Ok(tip),
        false => Err(SnapshotError::State("its map has another root than its records".into())),
    }
}
