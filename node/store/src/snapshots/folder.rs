//! The folders that snapshots lie in: `ROOT/HEIGHT`, and one that is being fetched beside them.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use aula_files::regular_at_most;
use aula_ledger::codec::Canonical;
use aula_ledger::types::Height;

use super::aside::{Aside, clear_unfinished};
use super::error::SnapshotError;
use super::manifest::{Manifest, chunk_name};

pub(super) const MANIFEST: &str = "manifest";
pub(super) const CHAIN: &str = "chain";
/// Largest file `chain` that is read: 10,000 changes of a set of 42, each with its header, certificate and new set, of 6,419 bytes at
/// most; an answer between nodes takes one (`consensus/src/snapshots.rs`).
const MAX_CHAIN_BYTES: u64 = 64 << 20;
const OTHER_LENGTH: &str = "was cut short or lengthened";

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
        regular_at_most(&path, MAX_CHAIN_BYTES).map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => SnapshotError::Chain(format!("its proof: {error}")),
            _ => SnapshotError::io("read", &path)(error),
        })
    }

    /// A chunk's bytes as they are on disk, as many as the manifest says.
    ///
    /// # Errors
    /// [`SnapshotError::Chunk`] when there is no such chunk, or one of another length; [`SnapshotError::Io`] when this machine
    /// does not read it.
    pub fn chunk(&self, index: usize) -> Result<Vec<u8>, SnapshotError> {
        let wrong = |why| SnapshotError::Chunk { height: self.manifest.height, index, why };
        let named = self.manifest.chunks.get(index).ok_or_else(|| wrong("is not in its manifest"))?;
        let path = self.folder.join(chunk_name(index));
        let read = regular_at_most(&path, named.bytes.into()).map_err(|error| match error.kind() {
            ErrorKind::NotFound => wrong("is missing"),
            ErrorKind::InvalidInput => wrong("is not a regular file"),
            ErrorKind::FileTooLarge => wrong(OTHER_LENGTH),
            _ => SnapshotError::io("read", &path)(error),
        })?;
        match read.len() == named.bytes as usize {
            true => Ok(read),
            false => Err(wrong(OTHER_LENGTH)),
        }
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
    let bytes = regular_at_most(&path, Manifest::MAX_BYTES).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => SnapshotError::Absent(folder.to_owned()),
        ErrorKind::FileTooLarge => SnapshotError::State(format!("its manifest: {error}")),
        _ => SnapshotError::io("read", &path)(error),
    })?;
    Ok(Kept { folder: folder.to_owned(), manifest: Manifest::parse(&bytes)? })
}

/// Every snapshot under a root, ascending by height. What is not a snapshot is passed over.
///
/// # Errors
/// [`SnapshotError::Io`] when the root is there and cannot be read.
pub fn list(root: &Path) -> Result<Vec<Kept>, SnapshotError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
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

/// Removes all but the newest `keep`, and what was left unfinished; how many of the former went.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn prune_to(root: &Path, keep: usize) -> Result<usize, SnapshotError> {
    clear_unfinished(root)?;
    let mut kept = list(root)?;
    kept.truncate(kept.len().saturating_sub(keep));
    for old in &kept {
        fs::remove_dir_all(&old.folder).map_err(SnapshotError::io("remove", &old.folder))?;
    }
    Ok(kept.len())
}

/// A new file, on disk when this returns.
pub(super) fn write(path: &PathBuf, bytes: &[u8]) -> Result<(), SnapshotError> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(SnapshotError::io("write", path))
}

/// A chunk that came from elsewhere.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    write(&path, bytes)
}

/// A snapshot that is being fetched: chunks come in any order, each checked when it comes. Nothing stays of one that is given up.
#[derive(Debug)]
pub struct Incoming {
    root: PathBuf,
    aside: Aside,
    manifest: Manifest,
}

impl Incoming {
    /// Begins with a manifest and the proof of its header.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(root: &Path, manifest: Manifest, chain: &[u8]) -> Result<Self, SnapshotError> {
        let aside = Aside::begin(root, manifest.height)?;
        keep(aside.folder(), CHAIN, chain)?;
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
        keep(self.aside.folder(), &chunk_name(index), bytes)?;
        Ok(true)
    }

    /// All chunks are there: puts the snapshot in its place.
    ///
    /// # Errors
    /// When it cannot be put there.
    pub fn finish(self) -> Result<Kept, SnapshotError> {
        keep(self.aside.folder(), MANIFEST, &self.manifest.to_canonical())?;
        let target = of(&self.root, self.manifest.height);
        self.aside.place(&target)?;
        read(&target)
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
