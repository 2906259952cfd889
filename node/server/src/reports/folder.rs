//! Where a report's files go: a folder that is empty, filled whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use aula_files::{Access, Aside};
use aula_home::{Advise, DEFECT, Failure};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A file that was made, not written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name within the folder.
    pub name: String,
    /// What will stand in the file.
    pub bytes: Vec<u8>,
}

impl Made {
    /// A file of this name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// JSON for people and programs, with a newline at its end.
    ///
    /// # Errors
    /// Never in practice.
    pub fn json(name: &str, value: &impl Serialize) -> Result<Self, Failure> {
        let mut bytes = serde_json::to_vec_pretty(value).hint(DEFECT)?;
        bytes.push(b'\n');
        Ok(Self::new(name, bytes))
    }

    /// Its line in a manifest.
    pub fn line(&self) -> FileLine {
        FileLine {
            name: self.name.clone(),
            bytes: self.bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&self.bytes)),
        }
    }
}

/// A file in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct FileLine {
    /// Its name within the folder.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Refuses a folder that holds something already; makes it when it is not there.
///
/// # Errors
/// Codes `folder_not_empty`, `not_a_folder`, `disk_full`, `unwritable`.
pub fn empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() && !folder.is_dir() {
        let message = format!("{} is not a folder", folder.display());
        return Err(Failure::new("not_a_folder", message, "give -o a folder's name"));
    }
    aula_files::private_folder(folder).map_err(|error| unwritable(folder, &error))?;
    let mut inside = std::fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    if inside.next().is_some() {
        let message = format!("{} is not empty: nothing in it is replaced", folder.display());
        return Err(Failure::new("folder_not_empty", message, "give -o an empty or a new folder"));
    }
    Ok(())
}

/// Makes what goes into an empty folder; where that fails, a folder that was not there before is gone again.
///
/// # Errors
/// As [`empty`], and what `make` gives.
pub fn for_empty<T>(folder: &Path, make: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let was_there = folder.exists();
    empty(folder)?;
    make().inspect_err(|_| {
        if !was_there {
            // One that something is in by now stays.
            let _ = std::fs::remove_dir(folder);
        }
    })
}

/// What takes a file's bytes, as they are made.
pub type Filling<'a> = &'a mut dyn FnMut(&mut dyn Write) -> Result<(), Failure>;

/// Where files go one after another, none of them held.
pub trait Out {
    /// The next file, which `fill` writes. Gives its line in a manifest.
    ///
    /// # Errors
    /// What `fill` gives; codes `disk_full`, `unwritable`.
    fn file(&mut self, name: &str, fill: Filling<'_>) -> Result<FileLine, Failure>;

    /// The next file, of these bytes.
    ///
    /// # Errors
    /// As [`Out::file`].
    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<FileLine, Failure> {
        self.file(name, &mut |to| to.write_all(bytes).hint(DEFECT))
    }
}

/// A writer that says what passed through it.
pub(super) struct Passing<W> {
    to: W,
    digest: Sha256,
    bytes: u64,
    /// Why it could not be written: who writes may have words of its own for it.
    refused: Option<io::Error>,
}

impl<W: Write> Passing<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, digest: Sha256::new(), bytes: 0, refused: None }
    }

    /// What was written to, the line of what passed, and why it did not all.
    pub(super) fn ended(self, name: &str) -> (W, FileLine, Option<io::Error>) {
        let sha256 = hex::encode(self.digest.finalize());
        (self.to, FileLine { name: name.to_owned(), bytes: self.bytes, sha256 }, self.refused)
    }
}

impl<W: Write> Write for Passing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(bytes).inspect_err(|error| {
            self.refused = Some(io::Error::new(error.kind(), error.to_string()));
        })?;
        self.digest.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A folder that is filled: each file stands there whole or not at all.
struct Folder<'a> {
    folder: &'a Path,
    written: Vec<FileLine>,
}

impl Folder<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Out for Folder<'_> {
    fn file(&mut self, name: &str, fill: Filling<'_>) -> Result<FileLine, Failure> {
        let path = self.path(name);
        let refused = |error: io::Error| unwritable(&path, &error);
        let aside = Aside::begin(&path, Access::Private).map_err(refused)?;
        let mut passing = Passing::new(BufWriter::new(aside));
        let filled = fill(&mut passing);
        let (buffered, line, why) = passing.ended(name);
        if let Some(why) = why {
            return Err(refused(why));
        }
        filled?;
        let aside = buffered.into_inner().map_err(io::IntoInnerError::into_error);
        aside.and_then(Aside::place).map_err(refused)?;
        self.written.push(line.clone());
        Ok(line)
    }
}

/// Writes files as they are made into a folder that holds none of their names; takes back those written when one cannot be. Gives their
/// lines.
///
/// # Errors
/// What `make` gives; codes `disk_full`, `unwritable`.
pub fn filling(
    folder: &Path,
    make: impl FnOnce(&mut dyn Out) -> Result<(), Failure>,
) -> Result<Vec<FileLine>, Failure> {
    let mut into = Folder { folder, written: Vec::new() };
    let made = make(&mut into).and_then(|()| {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unwritable(folder, &error))
    });
    if let Err(failure) = made {
        for line in &into.written {
            // Nothing more can be done about one that stays.
            let _ = std::fs::remove_file(into.path(&line.name));
        }
        return Err(failure);
    }
    Ok(into.written)
}

/// Writes the files; takes back those written when one cannot be.
///
/// # Errors
/// Codes `disk_full`, `unwritable`.
pub fn fill(folder: &Path, files: &[Made]) -> Result<Vec<FileLine>, Failure> {
    filling(folder, |out| {
        for file in files {
            out.bytes(&file.name, &file.bytes)?;
        }
        Ok(())
    })
}

/// Why something cannot be written.
pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::new("disk_full", message, "free space and run it again: nothing was left half written")
        }
        _ => Failure::new("unwritable", message, "check the folder's owner and permissions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_nothing_in_it_is_replaced() -> Result<(), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let folder = above.path().join("out");
        empty(&folder)?;
        let lines = fill(&folder, &[Made::new("a.txt", *b"a"), Made::new("b.txt", *b"b")])?;
        assert_eq!(lines[0].sha256, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
        assert_eq!(empty(&folder).map_err(|refused| refused.code), Err("folder_not_empty".to_owned()));
        assert_eq!(empty(&folder.join("a.txt")).map_err(|r| r.code), Err("not_a_folder".to_owned()));
        Ok(())
    }

    #[test]
    fn where_nothing_is_made_a_folder_stays_that_was_there_before() -> Result<(), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let new = above.path().join("out");
        let refused = || Err::<(), _>(Failure::new("unknown_district", "there is no district 9", DEFECT));
        for (folder, stays) in [(new.as_path(), false), (above.path(), true)] {
            assert!(for_empty(folder, refused).is_err_and(|failure| failure.code == "unknown_district"));
            assert_eq!(folder.exists(), stays, "{}", folder.display());
        }
        for_empty(&new, || fill(&new, &[Made::new("a.txt", *b"a")]))?;
        assert!(new.join("a.txt").exists());
        Ok(())
    }

    #[test]
    fn a_file_that_fails_in_the_middle_leaves_nothing_and_a_full_disk_is_known_by_its_own_word()
    -> Result<(), Failure> {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let failed = filling(above.path(), |out| {
            out.file("a.txt", &mut |to| to.write_all(b"a").hint(DEFECT))?;
            let half = &mut |to: &mut dyn Write| {
                to.write_all(b"half").hint(DEFECT)?;
                Err(Failure::new("stopped", "no more rows", DEFECT))
            };
            out.file("b.txt", half).map(|_| ())
        });
        assert_eq!(failed.map_err(|failure| failure.code), Err("stopped".to_owned()));
        assert_eq!(std::fs::read_dir(above.path()).hint("read it")?.count(), 0);
        let mut passing = Passing::new(Full);
        assert!(passing.write_all(b"x").is_err());
        let (_, line, why) = passing.ended("x.csv");
        assert_eq!((line.bytes, why.map(|error| error.kind())), (0, Some(io::ErrorKind::StorageFull)));
        Ok(())
    }

    #[test]
    fn what_was_written_before_a_failure_is_taken_back() -> Result<(), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let files = [Made::new("a.txt", *b"a"), Made::new("no/such/folder.txt", *b"b")];
        assert_eq!(fill(above.path(), &files).map_err(|refused| refused.code), Err("unwritable".to_owned()));
        assert_eq!(std::fs::read_dir(above.path()).hint("read it")?.count(), 0);
        let full = unwritable(above.path(), &io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code, "disk_full");
        Ok(())
    }
}
