//! What to do about a file of the home that is there and cannot be read: by the system's word, whichever file it is.

use std::io::{Error, ErrorKind};

/// A link leads back to itself, as Linux says it: the standard library has no name for it yet.
const LOOP: i32 = 40;

/// What to do next; none where the system's word says nothing of it.
pub(crate) fn step(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Some("run it as the user whose file it is, or give that user leave (chown, chmod)")
        }
        ErrorKind::IsADirectory | ErrorKind::InvalidInput => {
            Some("move away what lies there, which is not a file, and put the file in its place")
        }
        ErrorKind::InvalidData => {
            Some("put the file back from a copy, or correct it: it must be text in UTF-8")
        }
        ErrorKind::FileTooLarge => Some("put the file back from a copy: this one is not what belongs there"),
        _ if error.raw_os_error() == Some(LOOP) => {
            Some("remove the link, which leads back to itself, and put the file in its place")
        }
        _ => None,
    }
}

/// Spoils a file in each way in which one may be that is not missing, and asks with a word of the next step whether it is refused; for tests.
#[cfg(test)]
pub(crate) fn each_spoiled(path: &std::path::Path, refused: impl Fn(&str)) -> std::io::Result<()> {
    let ways = [
        (Spoiled::Folder, "not a file"),
        (Spoiled::Loop, "leads back to itself"),
        (Spoiled::Closed, "leave"),
    ];
    for (spoiled, step) in ways {
        if spoiled.put(path)? {
            refused(step);
        }
    }
    std::fs::remove_file(path)
}

/// What lies in a file's place.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
enum Spoiled {
    /// A folder.
    Folder,
    /// A link to itself.
    Loop,
    /// A file that nobody may read.
    Closed,
}

#[cfg(test)]
impl Spoiled {
    /// Puts it there in the place of what is there. False where this process may read everything: nothing is spoiled for it.
    fn put(self, path: &std::path::Path) -> std::io::Result<bool> {
        use std::os::unix::fs::{PermissionsExt, symlink};
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir(path)?,
            Ok(_) => std::fs::remove_file(path)?,
            Err(_) => {}
        }
        match self {
            Self::Folder => std::fs::create_dir(path)?,
            Self::Loop => symlink(path, path)?,
            Self::Closed => {
                std::fs::write(path, b"{}")?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000))?;
                return Ok(std::fs::File::open(path).is_err());
            }
        }
        Ok(true)
    }
}
