//! A disk in memory that fails as disks do.
//!
//! A write is seen at once and durable only after a sync. A power cut keeps, of what was not synced, each change or not,
//! or a torn part of it; a new name for a file likewise. While a disk lies, it says that it has synced and has not.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_consensus::ports::{Disk, DiskFile};

use crate::chance::Chance;

/// What a disk writes whole.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Debug, Default)]
struct Stored {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

/// What went wrong, by kind.
pub type Counts = BTreeMap<&'static str, u64>;

#[derive(Debug, Default)]
struct Inner {
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    files: BTreeMap<u64, Stored>,
    next: u64,
    full: bool,
    lies: bool,
    sync_us: u64,
    busy_us: u64,
    counts: Counts,
}

/// One machine's disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    inner: Arc<Mutex<Inner>>,
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, new) => {
            let at = usize::try_from(*at).unwrap_or(usize::MAX);
            let end = at.saturating_add(new.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[at..end].copy_from_slice(new);
        }
        Change::Length(length) => bytes.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0),
    }
}

impl MemoryDisk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It takes no more bytes, or does again.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// It says that it has synced and has not, or syncs again.
    pub fn set_lies(&self, lies: bool) {
        self.lock().lies = lies;
    }

    /// How long a sync takes, in microseconds.
    pub fn set_sync_us(&self, sync_us: u64) {
        self.lock().sync_us = sync_us;
    }

    /// How long it was busy since this was asked last, in microseconds.
    pub fn take_busy_us(&self) -> u64 {
        std::mem::take(&mut self.lock().busy_us)
    }

    /// What went wrong so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// The power is gone, and with it what was not synced, or parts of it.
    pub fn cut_power(&self, chance: &mut Chance) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        for stored in inner.files.values_mut() {
            for change in std::mem::take(&mut stored.unsynced) {
                match (chance.below(4), change) {
                    (0 | 1, _) => count(&mut inner.counts, "lost writes"),
                    (2, Change::Write(at, mut bytes)) => {
                        let sectors = (bytes.len() / SECTOR) as u64;
                        let kept = match sectors {
                            // Within a sector a write is whole or not there.
                            0 => continue,
                            some => usize::try_from(chance.below(some)).unwrap_or(0) * SECTOR,
                        };
                        count(&mut inner.counts, "torn writes");
                        bytes.truncate(kept);
                        apply(&mut stored.durable, &Change::Write(at, bytes));
                    }
                    (_, change) => apply(&mut stored.durable, &change),
                }
            }
            stored.seen.clone_from(&stored.durable);
        }
        let (names, durable) = (inner.names.clone(), &mut inner.durable_names);
        for (name, file) in &names {
            if durable.get(name) != Some(file) && chance.below(2) == 0 {
                durable.insert(name.clone(), *file);
            }
        }
        durable.retain(|name, _| names.contains_key(name) || chance.below(2) == 0);
        inner.names = inner.durable_names.clone();
        let named: Vec<u64> = inner.names.values().copied().collect();
        inner.files.retain(|file, _| named.contains(file));
    }

    /// One bit of a file changes. False when there is no such file.
    pub fn flip(&self, path: &Path, chance: &mut Chance) -> bool {
        let mut inner = self.lock();
        let Some(file) = inner.names.get(path).copied() else { return false };
        let Some(stored) = inner.files.get_mut(&file).filter(|stored| !stored.seen.is_empty()) else {
            return false;
        };
        let bit = chance.below(stored.seen.len() as u64 * 8);
        let (at, mask) = (usize::try_from(bit / 8).unwrap_or(0), 1u8 << (bit % 8));
        stored.seen[at] ^= mask;
        if let Some(byte) = stored.durable.get_mut(at) {
            *byte ^= mask;
        }
        count(&mut inner.counts, "flipped bits");
        true
    }

    /// A file is gone.
    pub fn lose(&self, path: &Path) {
        let mut inner = self.lock();
        inner.durable_names.remove(path);
        if inner.names.remove(path).is_some() {
            count(&mut inner.counts, "lost files");
        }
    }
}

fn count(counts: &mut Counts, what: &'static str) {
    *counts.entry(what).or_default() += 1;
}

impl Disk for MemoryDisk {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let inner = self.lock();
        Ok(inner.names.get(path).and_then(|file| inner.files.get(file)).map(|stored| stored.seen.clone()))
    }

    fn open(&self, path: &Path) -> Result<Option<Box<dyn DiskFile>>> {
        let file = self.lock().names.get(path).copied();
        Ok(file.map(|file| Box::new(Open { disk: self.clone(), file }) as Box<dyn DiskFile>))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        let mut inner = self.lock();
        if inner.full {
            count(&mut inner.counts, "refused writes");
            return Err(ErrorKind::StorageFull.into());
        }
        let known = inner.names.get(path).copied();
        let file = match known {
            Some(file) => file,
            None => {
                inner.next += 1;
                let file = inner.next;
                inner.files.insert(file, Stored::default());
                inner.names.insert(path.to_owned(), file);
                file
            }
        };
        drop(inner);
        let mut open = Open { disk: self.clone(), file };
        open.set_length(0)?;
        Ok(Box::new(open))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut inner = self.lock();
        let Some(file) = inner.names.remove(from) else { return Err(ErrorKind::NotFound.into()) };
        inner.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_folder_of(&self, _: &Path) -> Result<()> {
        let mut inner = self.lock();
        inner.busy_us += inner.sync_us;
        if inner.lies {
            count(&mut inner.counts, "fsyncs that did nothing");
        } else {
            inner.durable_names = inner.names.clone();
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Open {
    disk: MemoryDisk,
    file: u64,
}

fn gone() -> Error {
    Error::new(ErrorKind::NotFound, "the file is gone")
}

impl Open {
    fn change(&mut self, change: Change) -> Result<()> {
        let mut inner = self.disk.lock();
        let full = inner.full;
        let stored = inner.files.get_mut(&self.file).ok_or_else(gone)?;
        let end = match &change {
            Change::Write(at, bytes) => at.saturating_add(bytes.len() as u64),
            Change::Length(length) => *length,
        };
        if full && end > stored.seen.len() as u64 {
            count(&mut inner.counts, "refused writes");
            return Err(ErrorKind::StorageFull.into());
        }
        apply(&mut stored.seen, &change);
        stored.unsynced.push(change);
        Ok(())
    }
}

impl DiskFile for Open {
    fn length(&self) -> Result<u64> {
        let inner = self.disk.lock();
        Ok(inner.files.get(&self.file).ok_or_else(gone)?.seen.len() as u64)
    }

    fn read_at(&mut self, at: u64, into: &mut [u8]) -> Result<usize> {
        let inner = self.disk.lock();
        let stored = inner.files.get(&self.file).ok_or_else(gone)?;
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(stored.seen.len());
        let length = into.len().min(stored.seen.len() - from);
        into[..length].copy_from_slice(&stored.seen[from..from + length]);
        Ok(length)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.change(Change::Write(at, bytes.to_vec()))
    }

    fn set_length(&mut self, length: u64) -> Result<()> {
        self.change(Change::Length(length))
    }

    fn sync(&mut self, _all: bool) -> Result<()> {
        let mut inner = self.disk.lock();
        inner.busy_us += inner.sync_us;
        if inner.lies {
            count(&mut inner.counts, "fsyncs that did nothing");
            return Ok(());
        }
        let stored = inner.files.get_mut(&self.file).ok_or_else(gone)?;
        for change in std::mem::take(&mut stored.unsynced) {
            apply(&mut stored.durable, &change);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(disk: &MemoryDisk, path: &Path, bytes: &[u8], synced: bool) {
        let mut file = disk.create(path).unwrap();
        file.write_at(0, bytes).unwrap();
        if synced {
            file.sync(true).unwrap();
            disk.sync_folder_of(path).unwrap();
        }
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_may_keep_the_rest_in_parts() {
        let path = Path::new("file");
        let (mut lost, mut torn, mut whole) = (0, 0, 0);
        for seed in 0..200 {
            let (disk, mut chance) = (MemoryDisk::default(), Chance::of(seed, "test"));
            written(&disk, path, &[1; 2_000], true);
            disk.open(path).unwrap().unwrap().write_at(0, &[2; 2_000]).unwrap();
            disk.cut_power(&mut chance);
            let bytes = disk.read(path).unwrap().unwrap();
            assert_eq!(bytes.len(), 2_000);
            match bytes.iter().filter(|byte| **byte == 2).count() {
                0 => lost += 1,
                2_000 => whole += 1,
                some => {
                    assert_eq!(some % SECTOR, 0);
                    torn += 1;
                }
            }
        }
        assert!(lost > 0 && torn > 0 && whole > 0, "{lost} {torn} {whole}");
    }

    #[test]
    fn a_lying_disk_loses_what_it_said_was_durable_and_a_full_one_refuses() {
        let path = Path::new("file");
        let (disk, mut chance) = (MemoryDisk::default(), Chance::of(1, "test"));
        disk.set_lies(true);
        written(&disk, path, &[1; 100], true);
        assert_eq!(disk.read(path).unwrap().unwrap().len(), 100);
        let kept = (0..20).filter(|_| {
            disk.cut_power(&mut chance);
            disk.read(path).unwrap().is_some_and(|bytes| bytes.len() == 100)
        });
        assert!(kept.count() < 20);
        disk.set_full(true);
        assert_eq!(disk.create(Path::new("other")).unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
