//! The folders that snapshots lie in: `ROOT/HEIGHT`, and one that is being fetched beside them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use aula_ledger::codec::Canonical;
use aula_ledger::types::Height;

use super::create::keep;
use super::error::SnapshotError;
use super::manifest::{Manifest, chunk_name};

pub(super) const MANIFEST: &str = "manifest";
pub(super) const CHAIN: &str = "chain";
/// Largest file `chain` that is read: 10,000 changes of a set of 42, each with its header, certificate and new set, of 6,419 bytes at
/// most; an answer between nodes takes one (`consensus/src/snapshots.rs`).
const MAX_CHAIN_BYTES: u64 = 64 << 20;

/// A snapshot that is there; not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// `ROOT/HEIGHT`.
    pub folder: PathBuf,
    /// What it says it consists of.
    pub manifest: Manifest,
}

impl Kept {
    /// The proof of its header, as bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Io`].
    pub fn chain_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        let path = self.folder.join(CHAIN);
        let length = fs::metadata(&path).map_err(SnapshotError::io("read", &path))?.len();
        if length > MAX_CHAIN_BYTES {
            return Err(SnapshotError::Chain(format!("its proof has {length} bytes")));
        }
        fs::read(&path).map_err(SnapshotError::io("read", &path))
    }

    /// A chunk's bytes as they are on disk; none when there is no such chunk or file.
    pub fn chunk(&self, index: usize) -> Option<Vec<u8>> {
        self.manifest.chunks.get(index)?;
        fs::read(self.folder.join(chunk_name(index))).ok()
    }
}

/// The folder of a height's snapshot.
pub(super) fn of(root: &Path, height: Height) -> PathBuf {
    // Padded, so that names sort as heights do.
    root.join(format!("{:012}", height.0))
}

/// Reads a folder's manifest.
///
/// # Errors
/// [`SnapshotError::Absent`], or what is wrong with it.
pub(super) fn read(folder: &Path) -> Result<Kept, SnapshotError> {
    let path = folder.join(MANIFEST);
    let bytes = match fs::metadata(&path) {
        Ok(found) if found.len() > Manifest::MAX_BYTES => {
            return Err(SnapshotError::State(format!("its manifest has {} bytes", found.len())));
        }
        Ok(_) => fs::read(&path).map_err(SnapshotError::io("read", &path))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SnapshotError::Absent(folder.to_owned()));
        }
        Err(error) => return Err(SnapshotError::io("read", &path)(error)),
    };
    Ok(Kept { folder: folder.to_owned(), manifest: Manifest::parse(&bytes)? })
}

/// Every snapshot under a root, ascending by height. What is none is passed over.
///
/// # Errors
/// [`SnapshotError::Io`] when the root is there and cannot be read.
pub fn list(root: &Path) -> Result<Vec<Kept>, SnapshotError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(SnapshotError::io("read", root))?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let entry = entry.map_err(SnapshotError::io("read", root))?;
        let named = entry.file_name().to_str().is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()));
        if named {
            kept.extend(read(&entry.path()).ok());
        }
    }
    kept.sort_by_key(|one| one.manifest.height);
    Ok(kept)
}

/// The newest under a root.
///
/// # Errors
/// As [`list`].
pub fn newest(root: &Path) -> Result<Option<Kept>, SnapshotError> {
    Ok(list(root)?.pop())
}

/// Removes all but the newest `keep`; how many went.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn prune_to(root: &Path, keep: usize) -> Result<usize, SnapshotError> {
    let mut kept = list(root)?;
    kept.truncate(kept.len().saturating_sub(keep));
    for old in &kept {
        fs::remove_dir_all(&old.folder).map_err(SnapshotError::io("remove", &old.folder))?;
    }
    Ok(kept.len())
}

/// An empty folder beside the one that a snapshot will have.
pub(super) fn begin(root: &Path, height: Height) -> Result<PathBuf, SnapshotError> {
    let aside = root.join(format!(".{:012}.making", height.0));
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(SnapshotError::io("clear", &aside)(error));
        }
        _ => {}
    }
    fs::create_dir_all(&aside).map_err(SnapshotError::io("make", &aside))?;
    Ok(aside)
}

/// Puts what was made aside in its place.
pub(super) fn place(aside: &Path, target: &Path) -> Result<(), SnapshotError> {
    let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all());
    sync(aside).map_err(SnapshotError::io("sync", aside))?;
    match fs::remove_dir_all(target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(SnapshotError::io("clear", target)(error));
        }
        _ => {}
    }
    fs::rename(aside, target).map_err(SnapshotError::io("put in place", target))?;
    target.parent().map_or(Ok(()), sync).map_err(SnapshotError::io("sync", target))
}

/// A snapshot that is being fetched: chunks come in any order, each checked when it comes.
#[derive(Debug)]
pub struct Incoming {
    root: PathBuf,
    aside: PathBuf,
    manifest: Manifest,
}

impl Incoming {
    /// Begins with a manifest and the proof of its header.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(root: &Path, manifest: Manifest, chain: &[u8]) -> Result<Self, SnapshotError> {
        let aside = begin(root, manifest.height)?;
        keep(&aside, CHAIN, chain)?;
        Ok(Self { root: root.to_owned(), aside, manifest })
    }

    /// Keeps a chunk, if it is the one that the manifest names. False when it is not: whoever sent it lies or is damaged.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn chunk(&self, index: usize, bytes: &[u8]) -> Result<bool, SnapshotError> {
        let Some(named) = self.manifest.chunks.get(index) else { return Ok(false) };
        if bytes.len() != named.bytes as usize || crate::sha256(bytes) != named.sha256 {
            return Ok(false);
        }
        keep(&self.aside, &chunk_name(index), bytes)?;
        Ok(true)
    }

    /// All chunks are there: puts the snapshot in its place.
    ///
    /// # Errors
    /// When it cannot be put there.
    pub fn finish(self) -> Result<Kept, SnapshotError> {
        keep(&self.aside, MANIFEST, &self.manifest.to_canonical())?;
        let target = of(&self.root, self.manifest.height);
        place(&self.aside, &target)?;
        read(&target)
    }

    /// Gives it up.
    pub fn abandon(self) {
        // What stays is cleared when the next one begins.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

impl Kept {
    /// The snapshot in a folder.
    ///
    /// # Errors
    /// [`SnapshotError::Absent`], or what is wrong with its manifest.
    pub fn in_folder(folder: &Path) -> Result<Self, SnapshotError> {
        read(folder)
    }

    /// The snapshot of a height under a root.
    ///
    /// # Errors
    /// As [`Self::in_folder`].
    pub fn of_height(root: &Path, height: Height) -> Result<Self, SnapshotError> {
        read(&of(root, height))
    }
}
