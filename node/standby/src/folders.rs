//! Files that lie beside the database: compared by their hashes, and copied whole where they differ.
//!
//! Roots are named, so that each home has its own folder for each. Invariants: a path that leaves its root is refused, and so is a file
//! that is not of a root of certain files, whose other files are nobody's to remove; a file takes its name when it is whole and on disk;
//! the file that names the keystore's current generation goes last; what the acting one no longer has is removed, its bytes written over
//! first. Absent: who asks.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use aula_vault::pair::shred_copied;
use sha2::{Digest, Sha256};

use crate::wire::{Note, Piece};

/// Of a file on its way.
const PART: &str = ".pair-part";
/// Deepest folder below a root.
const DEEPEST: usize = 8;

/// A named folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its name, the same in both homes.
    pub name: String,
    /// Where it is in this one.
    pub folder: PathBuf,
    /// The only files of it that are copied, where others may lie there; none: all of them.
    pub files: Option<&'static [&'static str]>,
}

impl Root {
    /// All of a folder.
    pub fn all(name: &str, folder: PathBuf) -> Self {
        Self { name: name.to_owned(), folder, files: None }
    }

    /// These files of a folder.
    pub fn of_files(name: &str, folder: PathBuf, files: &'static [&'static str]) -> Self {
        Self { name: name.to_owned(), folder, files: Some(files) }
    }

    fn has(&self, path: &str) -> bool {
        self.files.is_none_or(|files| files.contains(&path))
    }

    /// What tells that its files are others than they were.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn stamps(&self) -> io::Result<Vec<Stamp>> {
        let Some(files) = self.files else { return stamps(&self.folder) };
        let mut found = Vec::new();
        for path in files {
            // These names alone, through links: what else lies there is the operator's and may be closed, and a file that an operator
            // keeps elsewhere must not look as if it were gone.
            match fs::metadata(self.folder.join(path)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                seen => found.extend(stamp((*path).to_owned(), &seen?)),
            }
        }
        found.sort();
        Ok(found)
    }

    /// Its files by their hashes.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn notes(&self) -> io::Result<Vec<Note>> {
        noted(&self.folder, self.stamps()?)
    }

    /// Takes a piece of one of its files.
    ///
    /// # Errors
    /// A path that is not of it, a disk that refuses.
    pub fn take(&self, piece: &Piece) -> io::Result<()> {
        if !self.has(&piece.path) {
            return Err(io::Error::other(format!("{} is not a file of the root {}", piece.path, self.name)));
        }
        take(&self.folder, piece)
    }

    /// Removes every file of it that is not one of these.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn only(&self, paths: &[String]) -> io::Result<()> {
        only(&self.folder, self.stamps()?, paths)
    }
}

/// What tells that a file is another than it was.
pub type Stamp = (String, u64, i64, i64, u64);

/// Of a file; none of anything else.
fn stamp(path: String, seen: &fs::Metadata) -> Option<Stamp> {
    seen.is_file().then(|| (path, seen.len(), seen.mtime(), seen.mtime_nsec(), seen.ino()))
}

/// Every file below a folder, by its path there.
///
/// # Errors
/// A folder that cannot be read.
pub fn stamps(folder: &Path) -> io::Result<Vec<Stamp>> {
    let mut found = Vec::new();
    walk(folder, String::new(), 0, &mut found)?;
    // What names others comes after them.
    found.sort_by_key(|(path, ..)| (path == "CURRENT", path.clone()));
    Ok(found)
}

fn walk(folder: &Path, above: String, depth: usize, found: &mut Vec<Stamp>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || name.ends_with(PART) {
            continue;
        }
        let path = format!("{above}{name}");
        let seen = match entry.metadata() {
            // It went while the folder was looked through.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            seen => seen?,
        };
        if seen.is_dir() && depth < DEEPEST {
            walk(&entry.path(), format!("{path}/"), depth + 1, found)?;
        } else {
            found.extend(stamp(path, &seen));
        }
    }
    Ok(())
}

/// The hash of a file; none where it is gone.
///
/// # Errors
/// A file that cannot be read.
pub fn hash(path: &Path) -> io::Result<Option<[u8; 32]>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(Some(hasher.finalize().into()))
}

/// What is below a folder.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn notes(folder: &Path) -> io::Result<Vec<Note>> {
    noted(folder, stamps(folder)?)
}

fn noted(folder: &Path, found: Vec<Stamp>) -> io::Result<Vec<Note>> {
    let mut notes = Vec::new();
    for (path, ..) in found {
        if let Some(sha256) = hash(&folder.join(&path))? {
            notes.push(Note { path, sha256 });
        }
    }
    Ok(notes)
}

/// Gives a file piece by piece.
///
/// # Errors
/// A file that cannot be read, whatever `give` fails by.
pub fn pieces(
    folder: &Path,
    (root, path): (&str, &str),
    size: usize,
    mut give: impl FnMut(Piece) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = File::open(folder.join(path))?;
    let mut at = 0u64;
    loop {
        let mut bytes = Vec::new();
        let count = Read::by_ref(&mut file).take(size as u64).read_to_end(&mut bytes)?;
        let last = count < size;
        give(Piece { root: root.into(), path: path.into(), at, bytes, last })?;
        if last {
            return Ok(());
        }
        at = at.saturating_add(count as u64);
    }
}

fn below(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !inside || path.split('/').count() > DEEPEST + 1 {
        return Err(io::Error::other("a path leaves its folder"));
    }
    Ok(folder.join(path))
}

/// Takes a piece of a file.
///
/// # Errors
/// A path that leaves the folder, a disk that refuses.
pub fn take(folder: &Path, piece: &Piece) -> io::Result<()> {
    let path = below(folder, &piece.path)?;
    if let Some(above) = path.parent() {
        aula_files::private_folder(above)?;
    }
    let part = PathBuf::from(format!("{}{PART}", path.display()));
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&part)?;
    file.set_len(piece.at)?;
    file.seek(SeekFrom::Start(piece.at))?;
    file.write_all(&piece.bytes)?;
    if piece.last {
        file.sync_all()?;
        fs::rename(&part, &path)?;
        aula_files::sync_folder(&path)?;
    }
    Ok(())
}

/// Removes every file of these that is not one of those that stay.
fn only(folder: &Path, found: Vec<Stamp>, paths: &[String]) -> io::Result<()> {
    let stay: BTreeSet<&String> = paths.iter().collect();
    for (path, ..) in found {
        if !stay.contains(&path) {
            let gone = folder.join(&path);
            shred_copied(&gone).map_err(io::Error::other)?;
            // A folder that has something else stays.
            let above = gone.parent().filter(|above| *above != folder);
            let _ = above.map(fs::remove_dir);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(from: &Path, to: &Path) -> io::Result<usize> {
        let (own, other) = (notes(from)?, notes(to)?);
        let differ: Vec<&Note> = own.iter().filter(|note| !other.contains(note)).collect();
        for note in &differ {
            pieces(from, ("root", &note.path), 3, |piece| take(to, &piece))?;
        }
        only(to, stamps(to)?, &own.iter().map(|note| note.path.clone()).collect::<Vec<_>>())?;
        Ok(differ.len())
    }

    #[test]
    fn a_folder_is_copied_as_far_as_it_differs_and_no_path_leaves_it() -> io::Result<()> {
        let both = tempfile::tempdir()?;
        let (from, to) = (both.path().join("a"), both.path().join("b"));
        fs::create_dir_all(from.join("gen-1"))?;
        fs::write(from.join("gen-1/keys"), b"123456")?;
        fs::write(from.join("CURRENT"), b"gen-1")?;
        fs::write(from.join(".aside"), b"not yet")?;
        fs::write(from.join("empty"), b"")?;
        assert_eq!(copy(&from, &to)?, 3);
        assert_eq!(fs::read(to.join("gen-1/keys"))?, b"123456");
        assert_eq!(copy(&from, &to)?, 0);
        fs::create_dir_all(from.join("gen-2"))?;
        fs::write(from.join("gen-2/keys"), b"12345678")?;
        fs::write(from.join("CURRENT"), b"gen-2")?;
        fs::remove_dir_all(from.join("gen-1"))?;
        assert_eq!(stamps(&from)?.last().map(|(path, ..)| path.clone()).as_deref(), Some("CURRENT"));
        assert_eq!(copy(&from, &to)?, 2);
        assert!(!to.join("gen-1").exists() && !to.join(".aside").exists());
        assert_eq!(notes(&from)?, notes(&to)?);
        for path in ["../up", "/etc/up", "", "a/../../up", "1/2/3/4/5/6/7/8/9/10"] {
            let piece = Piece { root: "root".into(), path: path.into(), at: 0, bytes: vec![1], last: true };
            assert!(take(&to, &piece).is_err(), "{path}");
        }
        Ok(())
    }

    #[test]
    fn of_a_root_of_certain_files_nothing_else_is_told_taken_or_removed() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let root =
            Root::of_files("identity", folder.path().join("identity"), &["tokens.json", "directory.jsonl"]);
        fs::create_dir(&root.folder)?;
        for name in ["tokens.json", "directory.jsonl", "providers.toml"] {
            fs::write(root.folder.join(name), name)?;
        }
        let names = |notes: Vec<Note>| notes.into_iter().map(|note| note.path).collect::<Vec<_>>();
        assert_eq!(names(root.notes()?), ["directory.jsonl", "tokens.json"]);
        let piece = |path: &str| Piece {
            root: "identity".into(),
            path: path.into(),
            at: 0,
            bytes: b"other".to_vec(),
            last: true,
        };
        root.take(&piece("tokens.json"))?;
        assert!(root.take(&piece("providers.toml")).is_err());
        root.only(&["tokens.json".to_owned()])?;
        assert_eq!(names(root.notes()?), ["tokens.json"]);
        assert_eq!(fs::read(root.folder.join("tokens.json"))?, b"other");
        assert_eq!(fs::read(root.folder.join("providers.toml"))?, b"providers.toml", "the operator's own");
        let all = Root::all("outbox", root.folder.clone());
        assert_eq!(names(all.notes()?), ["providers.toml", "tokens.json"]);
        Ok(())
    }

    #[test]
    fn a_root_of_certain_files_sees_them_through_links_and_looks_at_nothing_else() -> io::Result<()> {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let both = tempfile::tempdir()?;
        let (folder, elsewhere) = (both.path().join("identity"), both.path().join("elsewhere"));
        let root = Root::of_files("identity", folder.clone(), &["tokens.json", "directory.jsonl"]);
        assert!(root.notes()?.is_empty(), "no folder yet");
        for new in [&folder, &elsewhere] {
            fs::create_dir(new)?;
        }
        fs::write(elsewhere.join("tokens"), b"kept")?;
        symlink(elsewhere.join("tokens"), folder.join("tokens.json"))?;
        symlink(elsewhere.join("nothing"), folder.join("directory.jsonl"))?;
        let found = root.notes()?;
        assert_eq!(found.iter().map(|note| note.path.as_str()).collect::<Vec<_>>(), ["tokens.json"]);
        assert_eq!(found.first().map(|note| note.sha256), hash(&elsewhere.join("tokens"))?);
        let before = root.stamps()?;
        fs::write(elsewhere.join("tokens"), b"changed")?;
        assert_ne!(root.stamps()?, before);
        // A folder of the operator's that is closed to this one. (To root none is.)
        let closed = folder.join("providers");
        fs::create_dir(&closed)?;
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0))?;
        let looked = root.stamps();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700))?;
        assert_eq!(looked?.len(), 1);
        Ok(())
    }
}
