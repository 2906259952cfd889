//! Files that are the operator's alone, with secrets in them: read if nobody else may, and read again when they are other ones.
//!
//! A file is known by device, number, length, mode and the moment at which its inode was changed last. That moment nobody sets: a
//! file that takes another's place with an old date, and one whose mode alone was mended, are other ones.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aula_files::Unread;

/// Why such a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum OwnFileError {
    /// It is missing, or the system refuses it.
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// Group or others may read or write it.
    #[error("others can read {} (mode {:o}): chmod 600 it", .0.display(), .1)]
    Open(PathBuf, u32),
}

/// Reads a file that nobody but its owner may read or write.
///
/// # Errors
/// [`OwnFileError`].
pub fn read(path: &Path) -> Result<String, OwnFileError> {
    let not_text =
        |error| OwnFileError::Read(path.to_owned(), io::Error::new(io::ErrorKind::InvalidData, error));
    // The error's own bytes are not shown, but they are the secret's.
    String::from_utf8(bytes(path)?).map_err(|error| not_text(error.utf8_error()))
}

/// The same of a file that need not be text.
///
/// # Errors
/// [`OwnFileError`].
pub fn bytes(path: &Path) -> Result<Vec<u8>, OwnFileError> {
    aula_files::read_private(path).map_err(|why| match why {
        Unread::Refused(error) => OwnFileError::Read(path.to_owned(), error),
        Unread::Open(mode) => OwnFileError::Open(path.to_owned(), mode),
    })
}

/// Which file stands at a path, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    mode: u32,
    changed: (i64, i64),
}

impl Mark {
    /// Of a file; none where none can be looked at.
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::found)
    }

    /// Of a file that was looked at.
    pub fn found(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            mode: found.mode(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// Files that are read again when they change. It is begun before they are read, so that no change falls between.
#[derive(Debug)]
pub struct Watch {
    files: Vec<(PathBuf, Option<Mark>)>,
    /// They were refused, and it was said.
    refused: bool,
}

impl Watch {
    /// Of one file, as it stands.
    pub fn of(path: &Path) -> Self {
        Self::seen(vec![(path.to_owned(), Mark::of(path))])
    }

    /// Of one file that was read before anybody watched it: it is due at once.
    pub fn unread(path: &Path) -> Self {
        Self::seen(vec![(path.to_owned(), None)])
    }

    /// Of files as they were when they were read.
    pub const fn seen(files: Vec<(PathBuf, Option<Mark>)>) -> Self {
        Self { files, refused: false }
    }

    /// The paths, also of files that could not be read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Whether they are to be read: they are others than before, or were refused.
    pub fn is_due(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.files {
            let now = Mark::of(path);
            changed |= std::mem::replace(seen, now) != now;
        }
        let again = self.refused;
        self.refused &= !changed;
        changed || again
    }

    /// They were refused: read again at the next look, whatever they look like. True where it was not said of these yet.
    pub const fn refuse(&mut self) -> bool {
        !std::mem::replace(&mut self.refused, true)
    }

    /// They were taken.
    pub const fn take(&mut self) {
        self.refused = false;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn dated(path: &Path, text: &str, mode: u32) -> io::Result<()> {
        fs::write(path, text)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        File::options().write(true).open(path)?.set_modified(UNIX_EPOCH + Duration::from_secs(1_000))
    }

    #[test]
    fn only_the_owners_file_is_read() -> Tested {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secret");
        assert!(matches!(read(&path), Err(OwnFileError::Read(..))));
        for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o620, true)] {
            dated(&path, "hush", mode)?;
            assert_eq!(matches!(read(&path), Err(OwnFileError::Open(..))), open, "{mode:o}");
            fs::remove_file(&path)?;
        }
        // A secret that is no text is one all the same.
        fs::write(&path, [0xff, 0xfe])?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        assert!(matches!(read(&path), Err(OwnFileError::Read(..))));
        assert_eq!(bytes(&path)?, [0xff, 0xfe]);
        Ok(())
    }

    #[test]
    fn a_file_of_another_is_seen_whatever_its_date_and_length() -> Tested {
        let folder = tempfile::tempdir()?;
        let (path, other) = (folder.path().join("clients.toml"), folder.path().join("other"));
        dated(&path, "one", 0o600)?;
        let mut watch = Watch::of(&path);
        assert!(!watch.is_due());
        // As `cp -p` and `mv` leave it.
        dated(&other, "two", 0o600)?;
        fs::rename(&other, &path)?;
        assert!(watch.is_due() && !watch.is_due());
        // A mode that was mended changes no date.
        dated(&path, "two", 0o644)?;
        assert!(watch.is_due());
        assert!(watch.refuse(), "said once");
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        assert!(watch.is_due());
        watch.take();
        assert!(!watch.is_due());
        fs::remove_file(&path)?;
        assert!(watch.is_due() && !watch.is_due());
        Ok(())
    }

    #[test]
    fn what_was_refused_is_read_again_and_told_of_once_as_long_as_it_is_the_same() -> Tested {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("clients.toml");
        dated(&path, "one", 0o600)?;
        let mut watch = Watch::of(&path);
        assert!(watch.refuse());
        assert!(watch.is_due(), "a disk may fail for a moment");
        assert!(!watch.refuse());
        assert!(watch.is_due());
        dated(&path, "more", 0o600)?;
        assert!(watch.is_due() && watch.refuse());
        Ok(())
    }
}
