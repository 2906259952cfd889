//! The database that was made of a snapshot takes the present one's place.
//!
//! Three renames, each of which leaves something to begin with: the present one aside, the new one in its place, the old one
//! gone. A process that ends in between finishes it when it starts again. Nothing else of the home is touched: what the
//! validator key has signed lies elsewhere.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use aula_home::Home;

/// Where the database of a snapshot is made.
pub(super) fn beside(home: &Home) -> PathBuf {
    home.path().join(".data.of-snapshot")
}

fn before(home: &Home) -> PathBuf {
    home.path().join(".data.before-snapshot")
}

/// Puts it in its place, when there is one; true when there was. The databases must not be open.
///
/// # Errors
/// When a folder cannot be renamed or removed.
pub fn take_in(home: &Home) -> io::Result<bool> {
    let (new, old, data) = (beside(home), before(home), home.data_dir());
    if new.exists() {
        if data.exists() {
            remove(&old)?;
            fs::rename(&data, &old)?;
        }
        fs::rename(&new, &data)?;
        File::open(home.path())?.sync_all()?;
        remove(&old)?;
        return Ok(true);
    }
    remove(&old)?;
    Ok(false)
}

fn remove(folder: &PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
