//! How much room a file system has left.

use std::io;
use std::path::Path;

/// The room of a file system, as it is for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this user may still write: what is kept for root is not among them.
    pub free_bytes: u64,
    /// Bytes of the whole file system.
    pub size_bytes: u64,
    /// How many files this user may still make (inodes); none where the file system does not count them.
    pub free_files: Option<u64>,
}

/// The room where a file or folder lies. It waits for the disk: a mount that hangs holds its caller up.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where nothing is at `path`; otherwise why the system does not say.
pub fn room(path: &Path) -> io::Result<Room> {
    let told = rustix::fs::statvfs(path)?;
    Ok(Room {
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        size_bytes: told.f_blocks.saturating_mul(told.f_frsize),
        free_files: (told.f_files > 0).then_some(told.f_favail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_part_of_a_disk_is_a_part_of_it_and_of_what_is_not_there_nothing_is_told() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let found = room(folder.path())?;
        assert!(0 < found.size_bytes && found.free_bytes <= found.size_bytes, "{found:?}");
        let missing = room(&folder.path().join("nothing"));
        assert_eq!(missing.map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
        Ok(())
    }
}
