//! A file of this machine on its way: read in pieces, so that one of gigabytes takes no more memory than a small one.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::DeliveryError;

/// A file that is sent. It must not change meanwhile.
#[derive(Debug, Clone)]
pub struct Local {
    path: PathBuf,
    length: u64,
}

impl Local {
    /// The file at a path, with its length now.
    ///
    /// # Errors
    /// One that is not there.
    pub fn of(path: &Path) -> Result<Self, DeliveryError> {
        let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        Ok(Self { path: path.to_owned(), length: found.len() })
    }

    /// Its bytes, counted.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// So many of its bytes from there on, fewer where it ends.
    ///
    /// # Errors
    /// A disk that does not give them.
    pub fn piece(&self, from: u64, most: usize) -> Result<Vec<u8>, DeliveryError> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(most as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| unreadable(&self.path, &error))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> DeliveryError {
    DeliveryError::Here { path: path.to_owned(), why: error.to_string() }
}
