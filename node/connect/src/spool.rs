//! A spool: groups of messages that the vault cannot take now, sealed, on disk before their senders hear.
//!
//! A file of records: four bytes of length, little endian, then a sealed group. The key is the district's own (`spool` in the
//! keystore), held in memory since the vault was open last: without it nothing is taken in. Flow: [`Spool::push`], synced →
//! [`Spool::records`] when the vault is open again → [`Spool::clear`] once all of them are on disk there. A crash in between
//! takes them again, and the marks make each an event once. Invariants: a record that is cut at the end of the file was never
//! acknowledged, and is left out; the file never grows over its limit. Absent: order among senders.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aula_vault::seal::{Cipher, OVERHEAD_BYTES};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::given::Form;

/// Most bytes of one record.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// A message in a spool.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Spooled {
    /// The feed's name in config.toml.
    pub feed: String,
    /// How it was written.
    pub form: Form,
    /// As they came, not decoded.
    pub raw: Vec<u8>,
    /// Who sent it or which file it stood in.
    pub sender: String,
    /// Which message of the request, or which line of the file.
    pub number: u32,
    /// When it was received, milliseconds since 1970.
    pub received_ms: u64,
}

/// Why a spool takes or gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// A further record would pass its limit: senders are told to come again.
    #[error("the spool {path:?} has {bytes} bytes, and takes {limit} at most")]
    Full {
        /// The spool's file.
        path: PathBuf,
        /// Bytes it has.
        bytes: u64,
        /// Most bytes.
        limit: u64,
    },
    /// The file cannot be read, written or synced.
    #[error("the spool {1:?} cannot be used")]
    Disk(#[source] io::Error, PathBuf),
    /// A record does not open.
    #[error("a record of the spool {0:?} does not open: it is damaged, or of another vault")]
    Damaged(PathBuf),
}

/// An open spool file, with the key that seals what is pushed.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    limit: u64,
    bytes: u64,
    /// When its oldest message was received, milliseconds since 1970.
    oldest_ms: Option<u64>,
}

impl Spool {
    /// The spool in this file, which may be missing.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn at(path: &Path, limit: u64) -> Result<Self, SpoolError> {
        let disk = |error| SpoolError::Disk(error, path.to_owned());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(disk)?;
        }
        let bytes = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(mut file) => whole_records(&mut file).map_err(disk)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(disk(error)),
        };
        // What lies here from before is as old as can be.
        let oldest_ms = (bytes > 0).then_some(0);
        Ok(Self { path: path.to_owned(), limit, bytes, oldest_ms })
    }

    /// What its file takes, lengths and sealing included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True when it has nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// When its oldest message was received, milliseconds since 1970; 0 for one of an earlier run.
    pub fn oldest_ms(&self) -> Option<u64> {
        self.oldest_ms
    }

    /// Appends a group: on disk on return.
    ///
    /// # Errors
    /// [`SpoolError::Full`], a disk that refuses: nothing of it counts then.
    pub fn push(&mut self, cipher: &Cipher, group: &[Spooled]) -> Result<(), SpoolError> {
        let disk = |error| SpoolError::Disk(error, self.path.clone());
        let clear = borsh::to_vec(group).map_err(disk)?;
        let sealed = cipher.seal(&clear, BOUND).map_err(|error| disk(io::Error::other(error.to_string())))?;
        let grown = self.bytes + 4 + sealed.len() as u64;
        if grown > self.limit || sealed.len() > MAX_RECORD_BYTES {
            return Err(SpoolError::Full { path: self.path.clone(), bytes: self.bytes, limit: self.limit });
        }
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        let record = [&length.to_le_bytes()[..], &sealed].concat();
        let mut file = self.open(true).map_err(disk)?;
        if let Err(error) = file.write_all(&record).and_then(|()| file.sync_data()) {
            // What was written in part is cut off, so that the next record stands where a reader looks for it.
            let _ = file.set_len(self.bytes);
            return Err(disk(error));
        }
        self.bytes = grown;
        let oldest = group.iter().map(|spooled| spooled.received_ms).min();
        self.oldest_ms = self.oldest_ms.or(oldest);
        Ok(())
    }

    /// Every group, oldest first.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn records(&self, cipher: &Cipher) -> Result<Vec<Vec<Spooled>>, SpoolError> {
        let disk = |error| SpoolError::Disk(error, self.path.clone());
        let mut bytes = Vec::new();
        if self.bytes > 0 {
            File::open(&self.path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(disk)?;
        }
        let (mut rest, mut groups) = (bytes.as_slice(), Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let Some((sealed, after)) = after.split_at_checked(length) else { break };
            if length < OVERHEAD_BYTES {
                return Err(SpoolError::Damaged(self.path.clone()));
            }
            let clear = cipher.open(sealed, BOUND).map_err(|_| SpoolError::Damaged(self.path.clone()))?;
            groups.push(borsh::from_slice(&clear).map_err(|_| SpoolError::Damaged(self.path.clone()))?);
            rest = after;
        }
        Ok(groups)
    }

    /// Empties it: its messages are on disk elsewhere.
    ///
    /// # Errors
    /// When the disk refuses: they are taken again then, and are events once all the same.
    pub fn clear(&mut self) -> Result<(), SpoolError> {
        let disk = |error| SpoolError::Disk(error, self.path.clone());
        let file = self.open(false).map_err(disk)?;
        file.set_len(0).and_then(|()| file.sync_all()).map_err(disk)?;
        (self.bytes, self.oldest_ms) = (0, None);
        Ok(())
    }

    fn open(&self, append: bool) -> io::Result<File> {
        OpenOptions::new().create(true).append(append).write(true).mode(0o600).open(&self.path)
    }
}

/// Cuts off a record that a crash left in part, so that the next one stands where a reader looks for it; gives the bytes left.
fn whole_records(file: &mut File) -> io::Result<u64> {
    let (end, mut at, mut length) = (file.metadata()?.len(), 0u64, [0; 4]);
    while at + 4 <= end {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut length)?;
        let next = at + 4 + u64::from(u32::from_le_bytes(length));
        if next > end {
            break;
        }
        at = next;
    }
    if at < end {
        file.set_len(at)?;
    }
    Ok(at)
}

/// What a record belongs to.
const BOUND: &[u8] = b"aula/v1/feed-spool";

#[cfg(test)]
mod tests {
    use super::*;
    use aula_vault::SecretKey;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn spooled(number: u32) -> Spooled {
        let (feed, sender) = ("lms".to_owned(), "east".to_owned());
        Spooled { feed, form: Form::Line, raw: b"a student's line".to_vec(), sender, number, received_ms: 7 }
    }

    #[test]
    fn what_was_pushed_is_there_after_a_restart_sealed_and_until_it_is_cleared() -> Tested {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("feeds").join("hot.spool");
        let cipher = Cipher::new(&SecretKey::from_bytes(&[7; 32]));
        let mut spool = Spool::at(&path, 1 << 20)?;
        assert!(spool.is_empty() && spool.records(&cipher)?.is_empty());
        spool.push(&cipher, &[spooled(1), spooled(2)])?;
        spool.push(&cipher, &[spooled(3)])?;
        assert_eq!(spool.oldest_ms(), Some(7));
        let bytes = std::fs::read(&path)?;
        assert!(!bytes.windows(9).any(|w| w == b"a student"));
        // A crash cuts a record that nobody was told of.
        std::fs::write(&path, [&bytes[..], &[200, 0, 0, 0, 1, 2]].concat())?;
        let mut spool = Spool::at(&path, 1 << 20)?;
        assert_eq!(std::fs::read(&path)?, bytes);
        assert_eq!(spool.records(&cipher)?, [vec![spooled(1), spooled(2)], vec![spooled(3)]]);
        let other = Cipher::new(&SecretKey::from_bytes(&[8; 32]));
        assert!(matches!(spool.records(&other), Err(SpoolError::Damaged(_))));
        spool.clear()?;
        assert!(spool.is_empty() && std::fs::read(&path)?.is_empty());
        let mut small = Spool::at(&path, 100)?;
        assert!(matches!(small.push(&cipher, &[spooled(1), spooled(2)]), Err(SpoolError::Full { .. })));
        assert!(small.is_empty() && std::fs::read(&path)?.is_empty());
        Ok(())
    }
}
