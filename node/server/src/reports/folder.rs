//! Where a report's files go: a folder that is empty, filled whole or not at all.

use std::io;
use std::path::Path;

use aula_home::whole_file::{self, Access};
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
    whole_file::private_folder(folder).map_err(|error| unwritable(folder, &error))?;
    let mut inside = std::fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    if inside.next().is_some() {
        let message = format!("{} is not empty: nothing in it is replaced", folder.display());
        return Err(Failure::new("folder_not_empty", message, "give -o an empty or a new folder"));
    }
    Ok(())
}

/// Writes the files; takes back those written when one cannot be.
///
/// # Errors
/// Codes `disk_full`, `unwritable`.
pub fn fill(folder: &Path, files: &[Made]) -> Result<Vec<FileLine>, Failure> {
    for (at, file) in files.iter().enumerate() {
        let path = folder.join(&file.name);
        if let Err(error) = whole_file::create(&path, Access::Private, &file.bytes) {
            for written in files.iter().take(at) {
                // Nothing more can be done about one that stays.
                let _ = std::fs::remove_file(folder.join(&written.name));
            }
            return Err(unwritable(&path, &error));
        }
    }
    Ok(files.iter().map(Made::line).collect())
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
