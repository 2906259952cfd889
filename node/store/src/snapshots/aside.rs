//! Where a snapshot lies while it is made or fetched: beside its place, and gone again unless it was put there.
//!
//! A process that is killed leaves its folder behind; [`clear_unfinished`] removes those that nobody in this process is at. No other process
//! is at one: whoever makes snapshots of a home has its database open.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_ledger::types::Height;

use super::error::SnapshotError;

/// The folders that something is made in.
static IN_USE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
const ENDING: &str = ".making";

fn in_use() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder beside the one that a snapshot will have; removed when this goes, whatever the reason.
#[derive(Debug)]
pub(super) struct Aside {
    folder: PathBuf,
}

impl Aside {
    /// An empty one for a height.
    ///
    /// # Errors
    /// When something is made there already, or it cannot be made.
    pub(super) fn begin(root: &Path, height: Height) -> Result<Self, SnapshotError> {
        let folder = root.join(format!(".{:012}{ENDING}", height.0));
        if !in_use().insert(folder.clone()) {
            return Err(SnapshotError::io("begin a second time", &folder)(ErrorKind::ResourceBusy.into()));
        }
        let aside = Self { folder };
        remove(&aside.folder)?;
        fs::create_dir_all(&aside.folder).map_err(SnapshotError::io("make", &aside.folder))?;
        Ok(aside)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts what was made in its place.
    pub(super) fn place(self, target: &Path) -> Result<(), SnapshotError> {
        let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all());
        sync(&self.folder).map_err(SnapshotError::io("sync", &self.folder))?;
        remove(target)?;
        fs::rename(&self.folder, target).map_err(SnapshotError::io("put in place", target))?;
        target.parent().map_or(Ok(()), sync).map_err(SnapshotError::io("sync", target))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Nothing is there once it was put in its place; what cannot be removed is cleared later.
        let _ = fs::remove_dir_all(&self.folder);
        in_use().remove(&self.folder);
    }
}

fn remove(folder: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(SnapshotError::io("clear", folder)(error)),
        _ => Ok(()),
    }
}

/// Removes what processes left that were killed while they made a snapshot; how many.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn clear_unfinished(root: &Path) -> Result<usize, SnapshotError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(SnapshotError::io("read", root))?,
    };
    let mut cleared = 0;
    for entry in entries {
        let entry = entry.map_err(SnapshotError::io("read", root))?;
        let name = entry.file_name();
        let named = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(ENDING));
        let left = named && entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Held meanwhile: nobody begins in a folder that is being removed.
        let in_use = in_use();
        if left && !in_use.contains(&entry.path()) {
            remove(&entry.path())?;
            cleared += 1;
        }
    }
    Ok(cleared)
}
