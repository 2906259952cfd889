//! The files that consensus keeps itself, the sign guard's and the engine's log, as operations that may each fail, tear or
//! be forgotten by a power cut. [`FileDisk`] is the file system; the simulator has one that does all of that.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Where files are.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// A file's bytes, `None` when there is no such file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// Opens a file that is there for reading and writing, `None` when it is not.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>>;

    /// Makes an empty file that only its owner may read; one that is there is emptied.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name; one of that name is replaced.
    ///
    /// # Errors
    /// What the system says; of kind `NotFound` when there is no such file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a file's folder durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder_of(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send {
    /// Its length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self) -> io::Result<u64>;

    /// Reads from an offset as much as is there, up to the buffer's length; says how much.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts or extends it with zeros.
    ///
    /// # Errors
    /// What the system says.
    fn set_length(&mut self, length: u64) -> io::Result<()>;

    /// Makes its bytes durable, and its length when `all`.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self, all: bool) -> io::Result<()>;
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileDisk;

impl Disk for FileDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        found(std::fs::read(path))
    }

    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        let file = found(OpenOptions::new().read(true).write(true).open(path))?;
        Ok(file.map(|file| Box::new(file) as Box<dyn DiskFile>))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        let mut read = 0;
        while read < into.len() {
            match self.read(&mut into[read..]) {
                Ok(0) => break,
                Ok(bytes) => read += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        self.write_all(bytes)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self, all: bool) -> io::Result<()> {
        if all { self.sync_all() } else { self.sync_data() }
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
