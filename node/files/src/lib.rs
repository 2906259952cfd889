//! Files that are there whole or not at all: written aside, synced, put in place, their folder synced; and files that grow by lines.
//!
//! [`create`] and [`replace`] write a file whole, [`Aside`] one that is made piece by piece: a full disk, a kill or a power cut leaves the old file or none, never half of one.
//! [`append_private`] adds lines to one that is its owner's alone: each is there whole, or its rest is no part of the next. An empty file is what earlier programs left behind when the disk was full;
//! it holds nothing, so it counts as none. [`Access::Private`] is the one way in which any crate writes a secret whole.
//! What others may have made is read by [`read_at_most`] and its kin: up to a bound. [`room()`] says how much a disk still takes.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

mod given;
mod room;

pub use given::{MOST_GIVEN_BYTES, read_at_most, regular_at_most, take_at_most, text_at_most, text_of};
pub use room::{Room, room};

/// Who may read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only its owner: mode 0600.
    Private,
    /// Whom the process's mask lets: mode 0644 and less.
    Public,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// True when there is something under this name, and it is not an empty file.
pub fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() || found.len() > 0)
}

/// The mode of what group or others may read, write or enter; none of what is its owner's alone.
pub fn open_to_others(found: &Metadata) -> Option<u32> {
    let mode = found.mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Why a file that is its owner's alone is not read.
#[derive(Debug)]
pub enum Unread {
    /// It is missing, or the system refuses it.
    Refused(io::Error),
    /// Group or others may read, write or enter it: its mode.
    Open(u32),
}

impl Unread {
    /// True where there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "{error}"),
            Self::Open(mode) => write!(f, "others can read it (mode {mode:o}): chmod 600 it"),
        }
    }
}

impl std::error::Error for Unread {}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Refused(error)
    }
}

/// Reads a file that nobody but its owner may read or write. What is looked at is what is read, whatever takes its name meanwhile.
///
/// # Errors
/// [`Unread`].
pub fn read_private(path: &Path) -> Result<Vec<u8>, Unread> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    // Of a folder no mode is the fault.
    if found.is_dir() {
        return Err(Unread::Refused(io::ErrorKind::IsADirectory.into()));
    }
    if let Some(mode) = open_to_others(&found) {
        return Err(Unread::Open(mode));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes a folder that only its owner may enter, mode 0700, and those above it.
///
/// # Errors
/// When one cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when one with content is there; otherwise why it cannot be written.
pub fn create(path: &Path, access: Access, bytes: &[u8]) -> io::Result<()> {
    if !is_there(path) && path.exists() {
        fs::remove_file(path)?;
    }
    clear_stale(path);
    place_new(Aside::with(path, access, bytes)?)?;
    sync_folder(path)
}

/// Puts a file in place where there is none; nothing is left beside it.
fn place_new(aside: Aside) -> io::Result<()> {
    aside.file.sync_all()?;
    // A link, unlike a rename, refuses a name that is taken.
    match fs::hard_link(&aside.at, &aside.path) {
        Err(error) if no_links(&error) && !aside.path.exists() => aside.place(),
        placed => placed,
    }
}

/// Writes a file in the place of one that may be there, whose owner it keeps where root writes it; a link is followed.
///
/// # Errors
/// Why it cannot be written; the old one is then as it was.
pub fn replace(path: &Path, access: Access, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&path).ok();
    put(&path, access, bytes, old.as_ref())
}

/// The same of a private file of a folder that is somebody's, as a service's: where root writes it, it is the folder's owner's.
///
/// # Errors
/// As [`replace`].
pub fn replace_within(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, Access::Private, bytes, Some(&fs::metadata(folder_of(path))?))
}

fn put(path: &Path, access: Access, bytes: &[u8], owner: Option<&Metadata>) -> io::Result<()> {
    let aside = Aside::with(path, access, bytes)?;
    if let Some(owner) = owner {
        give(&aside.file, owner)?;
    }
    // What an operator closed further stays so.
    if access == Access::Public
        && let Ok(old) = fs::metadata(path)
    {
        fs::set_permissions(&aside.at, old.permissions())?;
    }
    aside.place()?;
    sync_folder(path)
}

/// Gives a file that this process made, where it is root, to the owner of another: a service could not read what a command of root's
/// left in its folder. Never one that was found there: whoever owns the folder could have linked it to another's.
fn give(made: &File, like: &Metadata) -> io::Result<()> {
    let own = made.metadata()?;
    if own.uid() == 0 && (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        // A root that may not give away leaves it its own.
        let _ = fchown(made, Some(like.uid()), Some(like.gid()));
    }
    Ok(())
}

/// Adds lines, each with its end, to a file that only its owner may read, and makes it where there is none (root makes it the folder's
/// owner's); on disk on return. Where that fails, the last line may be there in part. What was not written to its end before is ended first.
///
/// # Errors
/// Why it cannot be written.
pub fn append_private(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    let (mut file, is_new) = match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            (options.create(true).open(path)?, false)
        }
        made => (made?, true),
    };
    if is_new {
        give(&file, &fs::metadata(folder_of(path))?)?;
    }
    match is_torn(&file)? {
        // One write: what others append meanwhile stands before or behind it.
        true => file.write_all(&[&b"\n"[..], lines].concat())?,
        false => file.write_all(lines)?,
    }
    file.sync_all()?;
    if is_new { sync_folder(path) } else { Ok(()) }
}

/// Whether the last line was not written to its end: what follows must not be taken for the rest of it.
fn is_torn(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0_u8];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// File systems without hard links.
fn no_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied)
}

/// Removes what processes that were killed while they wrote this file left beside it: of a secret, no copy stays.
fn clear_stale(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let begins = format!(".{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&begins) && found.ends_with(".new") {
            // The next attempt is as good.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file that is written piece by piece under a name beside its own, and stands under its own once it is whole ([`Aside::place`]). One
/// that is dropped before is gone.
#[derive(Debug)]
pub struct Aside {
    file: File,
    at: PathBuf,
    path: PathBuf,
    placed: bool,
}

impl Aside {
    /// Begins one that is to be put at `path`.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn begin(path: &Path, access: Access) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let at = path.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
        // An earlier process of this number was killed here.
        let _ = fs::remove_file(&at);
        let file = OpenOptions::new().write(true).create_new(true).mode(access.mode()).open(&at)?;
        Ok(Self { file, at, path: path.to_owned(), placed: false })
    }

    fn with(path: &Path, access: Access, bytes: &[u8]) -> io::Result<Self> {
        let mut aside = Self::begin(path, access)?;
        aside.write_all(bytes)?;
        Ok(aside)
    }

    /// Puts it in place, whatever is there, with its bytes on disk. Its name is on disk after [`sync_folder`], which whoever puts many into
    /// one folder does once.
    ///
    /// # Errors
    /// Why it cannot be; it is gone then.
    pub fn place(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.at, &self.path)?;
        self.placed = true;
        Ok(())
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done about one that stays.
            let _ = fs::remove_file(&self.at);
        }
    }
}

/// Syncs the folder that holds `path`, so that its name is on disk.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn a_new_file_is_private_and_never_takes_the_place_of_another() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key.json");
        create(&path, Access::Private, b"first")?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        let second = create(&path, Access::Private, b"second");
        assert_eq!(second.map_err(|error| error.kind()), Err(io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(&path)?, b"first");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing is left aside");
        Ok(())
    }

    #[test]
    fn whatever_others_may_do_is_told_with_the_mode() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key.json");
        fs::write(&path, b"secret")?;
        for (mode, told) in
            [(0o600, None), (0o400, None), (0o700, None), (0o640, Some(0o640)), (0o602, Some(0o602))]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            assert_eq!(open_to_others(&fs::metadata(&path)?), told, "{mode:o}");
        }
        Ok(())
    }

    #[test]
    fn a_file_is_read_that_is_its_owner_s_alone() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key.json");
        assert!(read_private(&path).is_err_and(|why| why.is_missing()));
        let of_folder = read_private(folder.path()).err().map(|why| why.to_string());
        assert_eq!(of_folder.as_deref(), Some("is a directory"), "whatever its mode");
        fs::write(&path, b"secret")?;
        for (mode, told) in [(0o600, None), (0o400, None), (0o640, Some(0o640)), (0o602, Some(0o602))] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            match (read_private(&path), told) {
                (Ok(bytes), None) => assert_eq!(bytes, b"secret"),
                (Err(why @ Unread::Open(found)), Some(told)) => {
                    assert_eq!(found, told);
                    assert!(!why.is_missing() && why.to_string().contains(&format!("{told:o}")), "{why}");
                }
                other => panic!("{mode:o}: {other:?}"),
            }
        }
        Ok(())
    }

    #[test]
    fn what_a_killed_process_left_beside_a_secret_is_cleared() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key.json");
        fs::write(folder.path().join(".key.json.1.new"), b"half a secr")?;
        create(&path, Access::Private, b"whole")?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn what_is_filled_aside_stands_once_it_is_whole_and_is_gone_where_it_is_dropped() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("rows.csv");
        let mut half = Aside::begin(&path, Access::Private)?;
        half.write_all(b"a,b")?;
        assert!(!path.exists());
        drop(half);
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
        let mut whole = Aside::begin(&path, Access::Private)?;
        whole.write_all(b"a,b\n1,2\n")?;
        whole.place()?;
        assert_eq!(fs::read(&path)?, b"a,b\n1,2\n");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn lines_are_added_to_a_private_file_and_a_torn_one_is_ended_first() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("book.log");
        append_private(&path, b"one\n")?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        append_private(&path, b"two\nthree\n")?;
        assert_eq!(fs::read(&path)?, b"one\ntwo\nthree\n");
        fs::write(&path, b"one\ntw")?;
        append_private(&path, b"three\n")?;
        assert_eq!(fs::read(&path)?, b"one\ntw\nthree\n");
        Ok(())
    }

    #[test]
    fn an_empty_file_counts_as_none() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("key.json");
        fs::write(&path, b"")?;
        create(&path, Access::Private, b"whole")?;
        assert_eq!(fs::read(&path)?, b"whole");
        Ok(())
    }

    #[test]
    fn a_replaced_file_is_whole_and_a_link_to_it_stays() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (path, link) = (folder.path().join("config.toml"), folder.path().join("link"));
        fs::write(&path, b"old")?;
        std::os::unix::fs::symlink(&path, &link)?;
        replace(&link, Access::Public, b"new")?;
        assert_eq!(fs::read(&path)?, b"new");
        assert!(fs::symlink_metadata(&link)?.is_symlink());
        Ok(())
    }

    #[test]
    fn what_root_writes_belongs_to_whose_file_or_folder_it_is() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (old, list, sums) =
            (folder.path().join("old"), folder.path().join("list"), folder.path().join("sums"));
        fs::write(&old, b"old")?;
        // Only root may; for others everything stays their own.
        for place in [folder.path(), old.as_path()] {
            let _ = chown(place, Some(4321), Some(4321));
        }
        let owner = fs::metadata(&old)?.uid();
        for access in [Access::Private, Access::Public] {
            replace(&old, access, b"new")?;
            assert_eq!(fs::metadata(&old)?.uid(), owner);
        }
        append_private(&list, b"one\n")?;
        replace_within(&sums, b"1")?;
        for made in [&list, &sums] {
            let found = fs::metadata(made)?;
            assert_eq!((found.uid(), found.mode() & 0o777), (owner, 0o600));
        }
        Ok(())
    }
}
