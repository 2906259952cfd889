//! Folders and files that only their owner may use, written whole and synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aula_files::Access;

/// A file or folder that cannot be used. Never holds content.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot use {path}")]
    Io {
        /// The file or folder that was opened or written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others can read or write it.
    #[error(
        "{path} has mode {mode:o}: others can reach it (chmod go-rwx it, and rotate the keys if others may have)"
    )]
    TooOpen {
        /// The file or folder; nothing was read from it.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not what this program writes.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file whose content is refused.
        path: PathBuf,
        /// Which rule is broken; never the content.
        reason: &'static str,
    },
    /// There is one already.
    #[error("{path} exists already")]
    Exists {
        /// The file that stays as it is.
        path: PathBuf,
    },
}

impl FileError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    pub(crate) fn damaged(path: &Path, reason: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), reason }
    }
}

/// Makes a folder with mode 0700, and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    aula_files::private_folder(path).map_err(FileError::io(path))
}

/// Refuses what group or others may read, write or enter.
pub(crate) fn check_private(path: &Path) -> Result<(), FileError> {
    let found = fs::metadata(path).map_err(FileError::io(path))?;
    aula_files::open_to_others(&found)
        .map_or(Ok(()), |mode| Err(FileError::TooOpen { path: path.to_owned(), mode }))
}

/// Writes a new file with mode 0600 and syncs it and its folder; never overwrites.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    aula_files::create(path, Access::Private, bytes).map_err(FileError::io(path))
}

/// Replaces a file whole: a crash leaves the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    aula_files::replace(path, Access::Private, bytes).map_err(FileError::io(path))
}

/// Syncs the folder that holds `path`, so that its name is on disk.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    aula_files::sync_folder(path).map_err(FileError::io(path))
}

/// Overwrites a file's bytes, syncs and removes it. On copy-on-write or flash storage the old bytes may outlive
/// the overwriting: keys belong on a disk that is encrypted itself, or in an HSM.
pub(crate) fn shred(path: &Path) -> Result<(), FileError> {
    let io = FileError::io;
    let length = fs::metadata(path).map_err(io(path))?.len();
    let mut file = OpenOptions::new().write(true).open(path).map_err(io(path))?;
    let zeros = [0u8; 4096];
    let mut left = length;
    while left > 0 {
        let count = left.min(4096);
        let part = zeros.get(..usize::try_from(count).unwrap_or(4096)).unwrap_or(&zeros);
        file.write_all(part).map_err(io(path))?;
        left -= count;
    }
    file.sync_all().map_err(io(path))?;
    fs::remove_file(path).map_err(io(path))
}

/// Shreds every file of a folder and removes it; a missing folder is nothing to do.
pub(crate) fn shred_folder(path: &Path) -> Result<(), FileError> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(FileError::io(path))?,
    };
    for entry in entries {
        let entry = entry.map_err(FileError::io(path))?.path();
        if entry.is_dir() { shred_folder(&entry)? } else { shred(&entry)? }
    }
    fs::remove_dir(path).map_err(FileError::io(path))?;
    sync_folder(path)
}

/// Copies a folder's files, folders inside included, with their modes, and syncs them.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    make_folder(to)?;
    for entry in fs::read_dir(from).map_err(FileError::io(from))? {
        let entry = entry.map_err(FileError::io(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(FileError::io(&target))?;
            File::open(&target).and_then(|file| file.sync_all()).map_err(FileError::io(&target))?;
        }
    }
    sync_folder(&to.join("x"))
}
