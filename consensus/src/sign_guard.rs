//! The sign guard: no validator signs two different things in one step, whatever happens to its process.
//!
//! Flow: before a signature leaves, one 64-byte record (height, round, step, SHA-256 of the signed bytes,
//! checksum) is written and synced. The same bytes may be signed again (a restarted engine re-derives its votes);
//! different bytes for the same (height, round, step), or any older height, are refused.
//!
//! The file: a header record (format, floor), then records in the order of writing, zero-filled ahead so that a
//! sync is a data sync only. Records are aligned to 64 bytes and so never span a disk sector: a record is there
//! or it is not, and a bad checksum is damage, not a torn write. When the file is full it is rewritten with the
//! records of the highest round of the current height only, through a temporary file and a rename: a validator does
//! not go back to a round that it has left, so nothing below the lowest round on record is signed any more, and a
//! height may have as many rounds as it takes.
//!
//! The floor: the highest height at which this node must not sign. A missing or damaged file has no memory of
//! what was signed, so the caller gets [`Opened::Missing`] or [`Opened::Damaged`] and runs as a follower until
//! its operator confirms a height above everything this key may have signed. Backups leave this file out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

mod file;

use crate::planted::{self, Bug};
use crate::ports::{Disk, DiskFile, FileDisk};
use file::{CAPACITY, Parsed, RECORD_BYTES, encode, parse, write_fresh};

/// What is signed: part of the key under which only one message may ever be signed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// A proposal message.
    Propose = 1,
    /// The first vote of a round, for a block or nil.
    Prevote = 2,
    /// The second vote of a round, for what the prevotes gave or nil.
    Precommit = 3,
}

/// Why a signature is refused or the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Something else was signed for this step.
    #[error("another message was already signed at height {height}, round {round}, step {step:?}")]
    Conflict {
        /// Height of the refused message.
        height: u64,
        /// Round of the refused message.
        round: u32,
        /// What was to be signed.
        step: Step,
    },
    /// The height lies below what was signed, or at or below the confirmed floor.
    #[error("height {height} is not above the last safe height {floor}")]
    BelowFloor {
        /// Height of the refused message.
        height: u64,
        /// The highest height that must not be signed any more.
        floor: u64,
    },
    /// The round lies below what this height's records go back to.
    #[error("round {round} of height {height} is below round {lowest}, the lowest one on record")]
    BelowRound {
        /// Height of the refused message.
        height: u64,
        /// Round of the refused message.
        round: u32,
        /// The lowest round that may still be signed.
        lowest: u32,
    },
    /// Votes and proposals have a round.
    #[error("a message without a round is never signed")]
    NilRound,
    /// Extensions are disabled.
    #[error("vote extensions are not used on this chain")]
    NoExtensions,
    /// A proof for a key that is not ours.
    #[error("asked to prove possession of another validator's key")]
    ForeignKey,
    /// The file system said no.
    #[error("the sign guard's file {path} cannot be used")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The outcome of opening a guard's file.
#[derive(Debug)]
pub enum Opened {
    /// The file is whole; signing may go on.
    Ready(SignGuard),
    /// There is no file: what this key has signed is unknown.
    Missing,
    /// The file cannot be trusted; the text says what is wrong with it.
    Damaged(String),
}

#[derive(Debug)]
struct Inner {
    file: Box<dyn DiskFile>,
    /// Index of the next free record.
    next: usize,
    floor: u64,
    height: u64,
    signed: BTreeMap<(u32, Step), [u8; 32]>,
    /// What was recorded last.
    last: Option<[u8; 32]>,
    /// Whether `signed` is all that was signed at `height`.
    is_whole: bool,
    refusals: u64,
    /// The height at which one was refused last, until somebody asks.
    refused: Option<u64>,
}

/// The guard of one validator key. One process at a time may hold it; the node's home lock sees to that.
#[derive(Debug)]
pub struct SignGuard {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    inner: Mutex<Inner>,
}

impl SignGuard {
    /// Creates the file for a key that has signed nothing above `floor` (0 for a new key), replacing a file that
    /// is there.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn create(path: &Path, floor: u64) -> Result<Self, GuardError> {
        Self::create_on(Arc::new(FileDisk), path, floor)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn create_on(disk: Arc<dyn Disk>, path: &Path, floor: u64) -> Result<Self, GuardError> {
        let io = |source| GuardError::Io { path: path.to_owned(), source };
        let file = write_fresh(disk.as_ref(), path, floor, 0, &BTreeMap::new()).map_err(io)?;
        let inner = Inner {
            file,
            next: 1,
            floor,
            height: 0,
            signed: BTreeMap::new(),
            last: None,
            is_whole: true,
            refusals: 0,
            refused: None,
        };
        Ok(Self { disk, path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Opens the file and checks every record of it.
    ///
    /// # Errors
    /// [`GuardError::Io`] when the file is there but cannot be read.
    pub fn open(path: &Path) -> Result<Opened, GuardError> {
        Self::open_on(Arc::new(FileDisk), path)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// [`GuardError::Io`] when the file is there but cannot be read.
    pub fn open_on(disk: Arc<dyn Disk>, path: &Path) -> Result<Opened, GuardError> {
        let io = |source| GuardError::Io { path: path.to_owned(), source };
        let Some(file) = disk.open(path).map_err(io)? else { return Ok(Opened::Missing) };
        let Some(bytes) = disk.read(path).map_err(io)? else { return Ok(Opened::Missing) };
        match parse(&bytes) {
            Ok(Parsed { floor, next, height, signed, last, is_whole }) => {
                let inner =
                    Inner { file, next, floor, height, signed, last, is_whole, refusals: 0, refused: None };
                Ok(Opened::Ready(Self { disk, path: path.to_owned(), inner: Mutex::new(inner) }))
            }
            Err(reason) => Ok(Opened::Damaged(reason)),
        }
    }

    /// The highest height at which anything was signed, 0 if nothing was.
    pub fn last_height(&self) -> u64 {
        self.lock().height
    }

    /// The highest height at which this guard refuses to sign whatever was recorded.
    pub fn floor(&self) -> u64 {
        self.lock().floor
    }

    /// Round, step and hash of what was signed at the last height, in the order of rounds, and whether that is all of it: rounds that were left
    /// are not kept for ever.
    pub fn signed_at_last_height(&self) -> (Vec<(u32, Step, [u8; 32])>, bool) {
        let inner = self.lock();
        (inner.signed.iter().map(|((round, step), hash)| (*round, *step, *hash)).collect(), inner.is_whole)
    }

    /// The hash of what was signed last, if anything was signed since the file was begun.
    pub fn signed_last(&self) -> Option<[u8; 32]> {
        self.lock().last
    }

    /// Raises the floor durably: from now on nothing at or below `floor` is signed.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn raise_floor(&self, floor: u64) -> Result<(), GuardError> {
        let mut inner = self.lock();
        if floor <= inner.floor {
            return Ok(());
        }
        let file = self.write_fresh(floor, inner.height, &inner.signed).map_err(|e| self.io(e))?;
        inner.next = inner.signed.len() + 1;
        inner.file = file;
        inner.floor = floor;
        Ok(())
    }

    /// Admits one message for signing and makes that durable before it returns.
    ///
    /// # Errors
    /// [`GuardError::Conflict`] and [`GuardError::BelowFloor`] refuse; [`GuardError::Io`] means that nothing is
    /// known to be durable, so nothing may be signed.
    pub fn admit(&self, height: u64, round: u32, step: Step, bytes: &[u8]) -> Result<(), GuardError> {
        if planted::is(Bug::NoGuard) {
            return Ok(());
        }
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let mut inner = self.lock();
        let known = inner.signed.get(&(round, step)).filter(|_| height == inner.height).copied();
        let lowest = inner.signed.first_key_value().map_or(0, |((lowest, _), _)| *lowest);
        let refused = if height <= inner.floor {
            Some(GuardError::BelowFloor { height, floor: inner.floor })
        } else if height < inner.height {
            Some(GuardError::BelowFloor { height, floor: inner.height - 1 })
        } else if known.is_some_and(|known| known != hash) {
            Some(GuardError::Conflict { height, round, step })
        } else if height == inner.height && round < lowest {
            Some(GuardError::BelowRound { height, round, lowest })
        } else {
            None
        };
        if let Some(error) = refused {
            inner.refusals += 1;
            inner.refused = Some(inner.height);
            return Err(error);
        }
        if known.is_some() {
            return Ok(());
        }
        self.append(&mut inner, height, round, step, hash).map_err(|e| self.io(e))
    }

    /// The hash of what was signed in a step, if that is on record.
    pub fn recorded(&self, height: u64, round: u32, step: Step) -> Option<[u8; 32]> {
        let inner = self.lock();
        inner.signed.get(&(round, step)).filter(|_| height == inner.height).copied()
    }

    /// Whether something was signed in a later round of a height.
    pub fn has_left(&self, height: u64, round: u32) -> bool {
        let inner = self.lock();
        let highest = inner.signed.last_key_value().map(|((highest, _), _)| *highest);
        height == inner.height && highest > Some(round)
    }

    /// Counts as a refusal, until `height` is past: what was logged there and what is derived from it differ. A guard that
    /// was begun anew may know less than the log.
    pub fn note_divergence(&self, height: u64) {
        let mut inner = self.lock();
        inner.refusals += 1;
        inner.refused = Some(inner.height.max(height));
    }

    /// How many signatures were refused since the guard was opened.
    pub fn refusals(&self) -> u64 {
        self.lock().refusals
    }

    /// The height at which a signature was refused since this was asked last: the caller has forgotten what was signed there, and
    /// follows until it is past.
    pub fn take_refused(&self) -> Option<u64> {
        self.lock().refused.take()
    }

    fn append(
        &self,
        inner: &mut Inner,
        height: u64,
        round: u32,
        step: Step,
        hash: [u8; 32],
    ) -> std::io::Result<()> {
        if inner.next >= CAPACITY {
            let highest = inner.signed.last_key_value().map_or(0, |((highest, _), _)| *highest);
            let mut kept = inner.signed.clone();
            kept.retain(|(round, _), _| height == inner.height && *round == highest);
            inner.file = self.write_fresh(inner.floor, inner.height, &kept)?;
            inner.next = kept.len() + 1;
            inner.is_whole = false;
            inner.signed = kept;
        }
        let record = encode(height, round, step, &hash);
        inner.file.write_at((inner.next * RECORD_BYTES) as u64, &record)?;
        if !planted::is(Bug::NoFsync) {
            inner.file.sync(false)?;
        }
        inner.next += 1;
        if height > inner.height {
            inner.signed.clear();
            inner.height = height;
            inner.is_whole = true;
        }
        inner.signed.insert((round, step), hash);
        inner.last = Some(hash);
        Ok(())
    }

    fn write_fresh(
        &self,
        floor: u64,
        height: u64,
        signed: &BTreeMap<(u32, Step), [u8; 32]>,
    ) -> std::io::Result<Box<dyn DiskFile>> {
        write_fresh(self.disk.as_ref(), &self.path, floor, height, signed)
    }

    fn io(&self, source: std::io::Error) -> GuardError {
        GuardError::Io { path: self.path.clone(), source }
    }

    // A panic while the lock is held leaves at worst a record on disk that memory does not know: the next
    // signature for that step is written again, which is harmless.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
