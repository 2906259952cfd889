//! The guard's file: its bytes, reading them with every check, writing them whole.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Step;
use crate::ports::{Disk, DiskFile};

/// Bytes of one record; divides every sector size.
pub(super) const RECORD_BYTES: usize = 64;
/// Records in one file, header included: 128 KiB, about 600 quiet heights between two rewrites.
pub(super) const CAPACITY: usize = 2048;
/// First bytes of the header: format and version.
const MAGIC: &[u8; 16] = b"AULASIGNGUARD\0\0\x01";

fn checksum(first: &[u8]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(b"aula/sign-guard/v1");
    hasher.update(first);
    let digest = hasher.finalize();
    let mut out = [0u8; 16];
    out.copy_from_slice(&digest[..16]);
    out
}

fn seal(mut record: [u8; RECORD_BYTES]) -> [u8; RECORD_BYTES] {
    let sum = checksum(&record[..48]);
    record[48..].copy_from_slice(&sum);
    record
}

fn header(floor: u64) -> [u8; RECORD_BYTES] {
    let mut record = [0u8; RECORD_BYTES];
    record[..16].copy_from_slice(MAGIC);
    record[16..24].copy_from_slice(&floor.to_le_bytes());
    seal(record)
}

pub(super) fn encode(height: u64, round: u32, step: Step, hash: &[u8; 32]) -> [u8; RECORD_BYTES] {
    let mut record = [0u8; RECORD_BYTES];
    record[..8].copy_from_slice(&height.to_le_bytes());
    record[8..12].copy_from_slice(&round.to_le_bytes());
    record[12] = step as u8;
    record[16..48].copy_from_slice(hash);
    seal(record)
}

/// What a file says.
pub(super) struct Parsed {
    pub(super) floor: u64,
    /// Index of the next free record.
    pub(super) next: usize,
    /// The last height.
    pub(super) height: u64,
    /// What was signed at it.
    pub(super) signed: BTreeMap<(u32, Step), [u8; 32]>,
    /// What was recorded last.
    pub(super) last: Option<[u8; 32]>,
    /// Whether `signed` is all that was signed at the last height: a file that begins at it may have been rewritten meanwhile,
    /// without the rounds that were left.
    pub(super) is_whole: bool,
}

/// Reads a whole file; the error text says what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    if bytes.len() != CAPACITY * RECORD_BYTES {
        return Err(format!("it has {} bytes instead of {}", bytes.len(), CAPACITY * RECORD_BYTES));
    }
    let (records, _) = bytes.as_chunks::<RECORD_BYTES>();
    let Some((head, records)) = records.split_first() else {
        return Err("it is empty".into());
    };
    if &head[..16] != MAGIC || head[48..] != checksum(&head[..48]) {
        return Err("its header is damaged".into());
    }
    let floor = u64_at(head, 16);
    let (mut next, mut height, mut signed, mut last) = (1usize, 0u64, BTreeMap::new(), None);
    let mut is_whole = false;
    let mut ended = false;
    for (index, record) in records.iter().enumerate() {
        if record == &[0u8; RECORD_BYTES] {
            ended = true;
            continue;
        }
        if ended || record[48..] != checksum(&record[..48]) {
            return Err(format!("record {} is damaged", index + 1));
        }
        let step = match record[12] {
            1 => Step::Propose,
            2 => Step::Prevote,
            3 => Step::Precommit,
            other => return Err(format!("record {} names step {other}", index + 1)),
        };
        let at = u64_at(record, 0);
        if at < height {
            return Err(format!("record {} goes back to height {at}", index + 1));
        }
        if at > height {
            is_whole = height > 0;
            signed.clear();
            height = at;
        }
        let round = u32::from_le_bytes([record[8], record[9], record[10], record[11]]);
        let mut hash = [0u8; 32];
        hash.copy_from_slice(&record[16..48]);
        signed.insert((round, step), hash);
        last = Some(hash);
        next = index + 2;
    }
    Ok(Parsed { floor, next, height, signed, last, is_whole })
}

fn u64_at(record: &[u8; RECORD_BYTES], at: usize) -> u64 {
    let mut out = [0u8; 8];
    out.copy_from_slice(&record[at..at + 8]);
    u64::from_le_bytes(out)
}

/// Writes a full-length file under a temporary name, syncs it, renames it, syncs the folder.
pub(super) fn write_fresh(
    disk: &dyn Disk,
    path: &Path,
    floor: u64,
    height: u64,
    signed: &BTreeMap<(u32, Step), [u8; 32]>,
) -> std::io::Result<Box<dyn DiskFile>> {
    let temporary = path.with_extension("tmp");
    let mut bytes = vec![0u8; CAPACITY * RECORD_BYTES];
    bytes[..RECORD_BYTES].copy_from_slice(&header(floor));
    for (index, ((round, step), hash)) in signed.iter().enumerate().take(CAPACITY - 1) {
        let at = (index + 1) * RECORD_BYTES;
        bytes[at..at + RECORD_BYTES].copy_from_slice(&encode(height, *round, *step, hash));
    }
    let mut file = disk.create(&temporary)?;
    file.write_at(0, &bytes)?;
    file.sync(true)?;
    disk.rename(&temporary, path)?;
    disk.sync_folder_of(path)?;
    Ok(file)
}
