//! The engine's own write-ahead log over a [`Disk`].

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use arc_malachitebft_app::wal::Storage;
use arc_malachitebft_app::wal::log::Log as EngineLog;
use arc_malachitebft_core_consensus::Input;
use arc_malachitebft_engine::wal::{decode_entry, encode_entry};

use crate::context::{AulaContext, Height};
use crate::planted::{self, Bug};
use crate::ports::{Disk, DiskFile};
use crate::wire::Wire;

/// One node's log.
pub(super) struct Log(EngineLog<Stored>);

impl Log {
    pub(super) fn open(disk: Arc<dyn Disk>, path: &Path) -> io::Result<Self> {
        EngineLog::open_with(path, disk).map(Self)
    }

    /// What was logged of a height; nothing, and the log begun anew, when it is of another one.
    pub(super) fn begin(&mut self, height: Height) -> io::Result<Vec<Input<AulaContext>>> {
        if self.0.sequence() != height.0 {
            self.0.reset(height.0)?;
            return Ok(Vec::new());
        }
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let entries: Vec<Vec<u8>> = self.0.iter()?.collect::<io::Result<_>>()?;
        entries.iter().map(|bytes| decode_entry(&Wire, bytes.as_slice())).collect()
    }

    pub(super) fn reset(&mut self, height: Height) -> io::Result<()> {
        self.0.reset(height.0)
    }

    /// Adds an entry, unless the log is of another height.
    pub(super) fn append(&mut self, height: Height, entry: Input<AulaContext>) -> io::Result<()> {
        if self.0.sequence() != height.0 {
            return Ok(());
        }
        let mut bytes = Vec::new();
        encode_entry(entry, &Wire, &mut bytes)?;
        self.0.append(&bytes)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if planted::is(Bug::NoFsync) { Ok(()) } else { self.0.flush() }
    }
}

/// A file of the disk as the log wants it, with a place at which it reads and writes.
struct Stored {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Storage for Stored {
    type OpenOptions = Arc<dyn Disk>;

    fn open_with(path: impl AsRef<Path>, disk: Arc<dyn Disk>) -> io::Result<Self> {
        let file = match disk.open(path.as_ref())? {
            Some(file) => file,
            None => disk.create(path.as_ref())?,
        };
        Ok(Self { file, at: 0 })
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn truncate_to(&mut self, size: u64) -> io::Result<()> {
        self.file.set_length(size)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.file.sync(true)
    }
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.at, into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for Stored {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Stored {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(offset) => (self.file.length()?, offset),
            SeekFrom::Current(offset) => (self.at, offset),
        };
        self.at = base.checked_add_signed(offset).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
