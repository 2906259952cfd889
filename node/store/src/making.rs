//! A new database is made aside and renamed, so that a process that is killed meanwhile leaves nothing that counts; and
//! who has a database open is asked of its lock, not guessed from an error's words.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::error::StorageError;

/// What stands where a database would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or what a process left that was killed before it had made one.
    Nothing,
    /// A database's files.
    Database,
    /// A database's files without the one that says which of them count.
    Headless,
}

/// Looks at a folder without opening anything in it.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn look(path: &Path) -> io::Result<Found> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        entries => entries?,
    };
    let mut holds_data = false;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "CURRENT" {
            return Ok(Found::Database);
        }
        // Tables, and logs of writes that are not in tables yet.
        let is_log =
            name.strip_suffix(".log").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
        holds_data |= name.ends_with(".sst") || (is_log && entry.metadata()?.len() > 0);
    }
    Ok(if holds_data { Found::Headless } else { Found::Nothing })
}

/// True when a folder with `CURRENT` holds no tables and none of the writes that fill them: its making was broken off.
pub(super) fn is_unfinished(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().ends_with(".sst")))
    })
}

/// Makes a database in a folder beside `path` by `fill`, and puts it there. One process at a time.
///
/// # Errors
/// [`StorageError::Present`] when there is one, otherwise what failed.
pub(super) fn make_aside<T, E: From<StorageError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |what: &'static str| {
        move |source: io::Error| StorageError::Io { what, path: path.to_owned(), source }
    };
    let (folder, aside) = (folder_of(path), beside(path, "making"));
    fs::create_dir_all(&folder).map_err(failed("cannot make the folder of"))?;
    let turn = beside(path, "lock");
    let turn = File::create(turn).and_then(|file| file.lock().map(|()| file));
    let _turn = turn.map_err(failed("cannot lock the making of"))?;
    match look(path).map_err(failed("cannot look at"))? {
        Found::Nothing => {}
        Found::Database if is_unfinished(path) => {}
        Found::Database | Found::Headless => return Err(StorageError::Present(path.to_owned()).into()),
    }
    for stale in [aside.as_path(), path] {
        match fs::remove_dir_all(stale) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(failed("cannot clear what was left of")(error).into());
            }
            _ => {}
        }
    }
    fs::create_dir(&aside).map_err(failed("cannot make"))?;
    // What failed takes no room: a full disk may be why.
    let made = fill(&aside).inspect_err(|_| drop(fs::remove_dir_all(&aside)))?;
    let placed = fs::rename(&aside, path).and_then(|()| aula_files::sync_folder(path));
    placed.map_err(failed("cannot put in place"))?;
    Ok(made)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

/// True when another process holds the database's lock. Not to be asked of one that this process has open: closing the
/// lock's file would let go of it.
pub(super) fn is_held(path: &Path) -> bool {
    let lock = OpenOptions::new().read(true).write(true).open(path.join("LOCK"));
    lock.is_ok_and(|file| {
        fcntl_getlk(&file, &Flock::from(FlockType::WriteLock)).is_ok_and(|held| held.is_some())
    })
}
