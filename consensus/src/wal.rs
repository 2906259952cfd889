//! The engine's write-ahead log, looked at before the engine opens it.
//!
//! The engine hangs on a damaged entry (circlefin/malachite#1434), so this runs first: every entry is read,
//! checked and decoded the way the engine will. What comes after the first damaged byte is lost; whether that
//! matters is asked of the sign guard, which has a record of everything this node ever signed at its last height:
//!
//! - every precommit for a block stands in the whole part: the log is cut there and goes on. What locks a validator is such
//!   a precommit of its own; whatever else it forgot to have said, the guard does not let it say otherwise, and in a round
//!   that it had left, and comes through once more, it precommits nil (`as_recorded` in [`crate::signing`]);
//! - else the log is set aside and this node follows, signing nothing, until that height is past. Having
//!   forgotten what it was locked on, it must not vote there again. The others need no restart.
//!
//! A log without damage may lack entries at its end too: restored from a backup, or cut where an entry ends. It is
//! judged likewise, but for one signature, the last: the guard records a signature before the engine logs it, and the
//! engine logs it before it leaves, so a process that stopped in between has told nobody. Of an entry that is damaged that cannot be known: a sector
//! that was never written and one that went bad look alike.
//!
//! Format (arc-malachitebft-wal 0.8.2): version `u32`, height `u64`, then entries of a compression flag `u8`,
//! length `u64`, CRC-32 `u32`, bytes; integers big endian.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use arc_malachitebft_core_consensus::Input;
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};
use arc_malachitebft_engine::wal::decode_entry;
use aula_ledger::types::Hash;
use sha2::{Digest, Sha256};

use crate::context::{Address, AulaContext, Height, Vote};
use crate::ports::Disk;
use crate::sign_guard::{SignGuard, Step};
use crate::signing::{proposal_sign_bytes, vote_sign_bytes};
use crate::wire::Wire;

/// Version and height in front of the entries.
const HEADER_BYTES: usize = 12;
/// Flag, length and checksum in front of an entry's bytes.
const ENTRY_HEADER_BYTES: usize = 13;

/// What was found, and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wal {
    /// Nothing to do.
    Fit,
    /// The log was cut where it is damaged; nothing that was signed is lost. The text is for the operator.
    Cut(String),
    /// What was signed at `height` is forgotten: follow until it is past. The text is for the operator.
    Lost {
        /// The last height at which this key signed.
        height: u64,
        /// What happened.
        why: String,
    },
}

/// Checks the log of the validator `own`, whose chain has decided `tip`.
pub(crate) fn check(
    disk: &dyn Disk,
    path: &Path,
    genesis: &Hash,
    own: Address,
    guard: &SignGuard,
    tip: u64,
) -> std::io::Result<Wal> {
    let signed_at = guard.last_height();
    let bytes = disk.read(path)?.unwrap_or_default();
    // What is decided needs no memory: nobody asks for a vote there again.
    let matters = signed_at > tip;
    let lost = |why: String| Wal::Lost { height: signed_at, why };
    let Some((height, entries)) = header(&bytes) else {
        let forgotten = forgotten(guard, genesis, own, &BTreeSet::new());
        if bytes.is_empty() && !matters {
            return Ok(Wal::Fit);
        }
        set_aside(disk, path)?;
        let what = if bytes.is_empty() { "is missing" } else { "has a damaged header" };
        return Ok(if matters && forgotten.may_be_a_lock {
            lost(format!("the write-ahead log {what}"))
        } else {
            Wal::Cut(format!("the write-ahead log {what}; a new one is begun"))
        });
    };
    let (damage, signed) = scan(entries, genesis, own);
    let forgotten = forgotten(guard, genesis, own, &signed);
    match damage {
        None if matters && height == signed_at && forgotten.may_be_a_lock && !forgotten.told_nobody => {
            set_aside(disk, path)?;
            let missing = forgotten.signatures;
            Ok(lost(format!("the write-ahead log lacks {missing} of the signatures of its height")))
        }
        None if matters && height < signed_at && forgotten.may_be_a_lock => {
            set_aside(disk, path)?;
            Ok(lost(format!("the write-ahead log is of height {height}, older than what was signed")))
        }
        None => Ok(Wal::Fit),
        Some((at, what)) if !matters || !forgotten.may_be_a_lock || height > signed_at => {
            let mut file = disk.open(path)?.ok_or(ErrorKind::NotFound)?;
            file.set_length((HEADER_BYTES + at) as u64)?;
            file.sync(true)?;
            Ok(Wal::Cut(format!(
                "the write-ahead log is damaged at byte {}: {what}; cut there",
                HEADER_BYTES + at
            )))
        }
        Some((at, what)) => {
            set_aside(disk, path)?;
            Ok(lost(format!("the write-ahead log is damaged at byte {}: {what}", HEADER_BYTES + at)))
        }
    }
}

/// What the guard has on record of its last height, and a log does not.
struct Forgotten {
    /// How many signatures.
    signatures: usize,
    /// Whether a precommit for a block may be among them.
    may_be_a_lock: bool,
    /// Whether it is the last one alone, which a process that stopped before it logged it has told nobody.
    told_nobody: bool,
}

fn forgotten(guard: &SignGuard, genesis: &Hash, own: Address, logged: &BTreeSet<[u8; 32]>) -> Forgotten {
    let height = guard.last_height();
    let (signed, is_whole) = guard.signed_at_last_height();
    let missing: Vec<_> = signed.into_iter().filter(|(.., hash)| !logged.contains(hash)).collect();
    let is_for_a_block = |(round, step, hash): &(u32, Step, [u8; 32])| {
        *step == Step::Precommit && Some(*hash) != nil_precommit(genesis, own, height, *round)
    };
    Forgotten {
        signatures: missing.len(),
        may_be_a_lock: missing.iter().any(is_for_a_block) || (!missing.is_empty() && !is_whole),
        told_nobody: missing.iter().all(|(.., hash)| Some(*hash) == guard.signed_last()),
    }
}

/// The hash of what a precommit for nil is signed as.
fn nil_precommit(genesis: &Hash, own: Address, height: u64, round: u32) -> Option<[u8; 32]> {
    let (height, round) = (Height(height), Round::new(round));
    let vote = Vote { kind: VoteType::Precommit, height, round, value: NilOrVal::Nil, address: own };
    vote_sign_bytes(genesis, &vote).map(|bytes| Sha256::digest(&bytes).into())
}

/// Makes a log that is not there, empty, with its name durable: the engine syncs the file that it makes, not the folder, and a
/// log that a power cut takes away costs a height as a follower, all validators at once the chain.
pub(crate) fn begin(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    if disk.open(path)?.is_some() {
        return Ok(());
    }
    disk.create(path)?.sync(true)?;
    disk.sync_folder_of(path)
}

/// The height and the entries' bytes; `None` when there is no usable header.
fn header(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (version, rest) = bytes.split_first_chunk::<4>()?;
    let (height, entries) = rest.split_first_chunk::<8>()?;
    (u32::from_be_bytes(*version) == 1).then(|| (u64::from_be_bytes(*height), entries))
}

/// Reads entries up to the first damaged one: its offset and what is wrong, and the hashes of what `own` signed in
/// the whole part.
fn scan(entries: &[u8], genesis: &Hash, own: Address) -> (Option<(usize, &'static str)>, BTreeSet<[u8; 32]>) {
    let mut signed = BTreeSet::new();
    let mut at = 0usize;
    while at < entries.len() {
        let rest = &entries[at..];
        let (data, length) = match entry(rest) {
            Ok(entry) => entry,
            Err(what) => return (Some((at, what)), signed),
        };
        let Ok(input) = decode_entry::<AulaContext, _, _>(&Wire, data) else {
            return (Some((at, "an entry that cannot be decoded")), signed);
        };
        let bytes = match input {
            Input::Vote(vote) if vote.address == own => vote_sign_bytes(genesis, &vote),
            Input::Proposal(proposal) if proposal.address == own => {
                Some(proposal_sign_bytes(genesis, &proposal))
            }
            _ => None,
        };
        if let Some(bytes) = bytes {
            signed.insert(Sha256::digest(&bytes).into());
        }
        at += length;
    }
    (None, signed)
}

/// One entry: its bytes and the length of the whole.
fn entry(rest: &[u8]) -> Result<(&[u8], usize), &'static str> {
    const CUT: &str = "an entry that is cut off";
    let (flag, after) = rest.split_first().ok_or(CUT)?;
    let (length, after) = after.split_first_chunk::<8>().ok_or(CUT)?;
    let (crc, data) = after.split_first_chunk::<4>().ok_or(CUT)?;
    let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| CUT)?;
    let data = data.get(..length).ok_or(CUT)?;
    if *flag != 0 {
        return Err("an entry that claims to be compressed");
    }
    if crc32(data) != u32::from_be_bytes(*crc) {
        return Err("an entry with a wrong checksum");
    }
    Ok((data, length + ENTRY_HEADER_BYTES))
}

/// CRC-32 of IEEE 802.3, bit by bit: the log has a few hundred kilobytes at most and is read once a start.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let mask = (crc & 1).wrapping_neg();
            crc = (crc >> 1) ^ (0xEDB8_8320 & mask);
        }
    }
    !crc
}

/// Renames the log so that an operator can look at it; the last one set aside is replaced.
fn set_aside(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    match disk.rename(path, &path.with_extension("damaged")) {
        Ok(()) => disk.sync_folder_of(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
