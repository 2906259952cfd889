//! Turns: how one vault serves a process that keeps it open and others that want it for a moment.
//!
//! RocksDB lets one process at a time open a database, and opening a vault reads every student's wrapped key. Flow: whoever
//! finds the vault busy holds a shared lock on the file `TURN` beside the data (`ask`) and tries again; whoever keeps
//! the vault open looks at that lock ([`Turn::is_asked`]) before each use and every few milliseconds, and closes the vault
//! when somebody asks. The lock is the operating system's (flock), so that a process that dies asks no more.
//! Invariants: a turn never decides who may read, which the access check does, nor who may open, which RocksDB's own lock
//! does; a folder in which no file can be made has no turns, and then nobody may keep it open. Absent: queues.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::vault::{Folders, Vault, VaultError};

/// How long a command asks for a vault that another process has open.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// First pause between tries; each is twice the one before, since every try begins a log file of the database.
const FIRST_PAUSE: Duration = Duration::from_millis(15);

/// The file of turns of a vault that somebody keeps open.
#[derive(Debug)]
pub struct Turn {
    file: File,
    path: PathBuf,
}

impl Turn {
    /// Opens the file, and makes it where it is missing.
    ///
    /// # Errors
    /// When it cannot be made: then the vault must not be kept open.
    pub fn at(data: &Path) -> io::Result<Self> {
        let path = data.join("TURN");
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        Ok(Self { file, path })
    }

    /// Whether to close the vault: somebody asks for it, or another folder has taken its place.
    pub fn is_asked(&self) -> bool {
        let moved = match (self.file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(held), Ok(there)) => (held.dev(), held.ino()) != (there.dev(), there.ino()),
            _ => true,
        };
        moved
            || match self.file.try_lock() {
                Ok(()) => self.file.unlock().is_err(),
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
            }
    }
}

/// Asks until it is dropped.
#[derive(Debug)]
struct Asking {
    _file: File,
}

fn ask(data: &Path) -> io::Result<Asking> {
    let Turn { file, .. } = Turn::at(data)?;
    // Waits no longer than somebody's look.
    file.lock_shared()?;
    Ok(Asking { _file: file })
}

impl Vault {
    /// Opens the vault as [`Vault::open`], and where another process has it open asks for a turn, for so long.
    ///
    /// # Errors
    /// As [`Vault::open`]; [`VaultError::Busy`] when nobody gave it up in time.
    pub fn open_in_turn(folders: &Folders, patience: Duration) -> Result<Self, VaultError> {
        match Self::open(folders) {
            Err(VaultError::Busy) => {}
            opened => return opened,
        }
        let Ok(_asking) = ask(&folders.data) else { return Err(VaultError::Busy) };
        let (end, mut pause) = (Instant::now() + patience, FIRST_PAUSE);
        loop {
            sleep(pause.min(end.saturating_duration_since(Instant::now())));
            match Self::open(folders) {
                Err(VaultError::Busy) if Instant::now() < end => pause *= 2,
                opened => return opened,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::World;

    #[test]
    fn who_asks_is_heard_and_who_is_gone_is_not() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let turn = Turn::at(folder.path())?;
        assert!(!turn.is_asked());
        let (one, other) = (ask(folder.path())?, ask(folder.path())?);
        assert!(turn.is_asked());
        drop(one);
        assert!(turn.is_asked());
        drop(other);
        assert!(!turn.is_asked());
        std::fs::remove_file(folder.path().join("TURN"))?;
        assert!(turn.is_asked(), "another folder may be there now");
        Ok(())
    }

    #[test]
    fn a_vault_that_is_kept_open_is_given_up_and_one_that_is_not_stays_busy()
    -> Result<(), Box<dyn std::error::Error>> {
        let World { root: _root, vault: kept, .. } = World::new()?;
        let folders = kept.folders().clone();
        let turn = Turn::at(&folders.data)?;
        let refused = Vault::open_in_turn(&folders, Duration::from_millis(40));
        assert!(matches!(refused, Err(VaultError::Busy)));
        let keeper = std::thread::spawn(move || {
            while !turn.is_asked() {
                sleep(Duration::from_millis(1));
            }
            drop(kept);
        });
        let opened = Vault::open_in_turn(&folders, Duration::from_secs(60));
        assert!(keeper.join().is_ok() && opened.is_ok());
        Ok(())
    }
}
