//! The folder where a lease lies: its mark, and names in it that outlive the machine.
//!
//! Where a share is not mounted, its mount point is an empty folder of each machine's own, in which both would have a lease. So the folder
//! has a mark, an id that an operator's command makes once and that the settings of both homes name. Invariants: nothing but [`mark`] makes
//! one; it makes no folder, and none in the place of another. Absent: the record, and whoever renews it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use rustix::io::Errno;

/// The mark's file.
pub const MARK: &str = "pair-lease-id";
/// Most bytes of it that are read.
const MOST: u64 = 100;

/// The mark of this folder; none where it has none, or is not there.
///
/// # Errors
/// A mark that cannot be read.
pub fn marked(folder: &Path) -> io::Result<Option<String>> {
    let file = match File::open(folder.join(MARK)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(Some(text.trim().to_owned()))
}

/// Marks a folder that is there: the mark is there whole, or not at all.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] for a folder that has a mark; otherwise why it cannot be marked.
pub fn mark(folder: &Path, id: &str) -> io::Result<()> {
    let (path, aside) = (folder.join(MARK), folder.join(format!(".{MARK}.{id}.{}", std::process::id())));
    // An earlier process of this number was killed here.
    let _ = fs::remove_file(&aside);
    let whole = File::create_new(&aside)
        .and_then(|mut file| file.write_all(format!("{id}\n").as_bytes()).and_then(|()| file.sync_all()))
        // A link refuses a name that is taken, and a folder without links can have no lease.
        .and_then(|()| fs::hard_link(&aside, &path));
    // What was linked keeps its other name.
    let _ = fs::remove_file(&aside);
    whole?;
    // One that may be gone with the machine is not told to anybody.
    sync_names(folder).inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Has the names in a folder on disk: a name outlives the machine then. Where the file system syncs no folder there is nothing to ask of it,
/// and the lease's own files are kept there in the same way.
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if syncs_no_folder(&error) => Ok(()),
        synced => synced,
    }
}

/// What fsync(2) says of something that cannot be synced; not that it failed.
fn syncs_no_folder(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::NOTSUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_marked_once_and_none_is_made() -> io::Result<()> {
        let above = tempfile::tempdir()?;
        let folder = above.path().join("lease");
        assert_eq!(marked(&folder)?, None);
        assert!(mark(&folder, "07").is_err() && !folder.exists(), "the share is not mounted");
        fs::create_dir(&folder)?;
        assert_eq!(marked(&folder)?, None);
        // Of a process that was killed before its mark was whole.
        fs::write(folder.join(format!(".{MARK}.07.{}", std::process::id())), "0")?;
        mark(&folder, "07")?;
        assert_eq!(mark(&folder, "08").err().map(|error| error.kind()), Some(ErrorKind::AlreadyExists));
        assert_eq!(marked(&folder)?.as_deref(), Some("07"));
        assert_eq!(fs::read_dir(&folder)?.count(), 1, "nothing is left aside");
        Ok(())
    }

    #[test]
    fn a_folder_that_cannot_be_synced_is_passed_over_and_one_whose_sync_failed_is_not() -> io::Result<()> {
        let of = |error: Errno| syncs_no_folder(&error.into());
        assert_eq!([Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP].map(of), [true; 3]);
        assert_eq!([Errno::IO, Errno::NOSPC, Errno::STALE, Errno::ACCESS].map(of), [false; 4]);
        assert!(!syncs_no_folder(&io::Error::other("no number")));
        let folder = tempfile::tempdir()?;
        sync_names(folder.path())?;
        assert!(sync_names(&folder.path().join("none")).is_err());
        Ok(())
    }
}
