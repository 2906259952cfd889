//! What this node found damaged in its own state: remembered in a file beside the database, so that a restart says so too,
//! until `aula replay` has found every root right or the database is replaced.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Longest text of it that is read back.
const MOST_BYTES: u64 = 16 * 1024;

/// Found damage, in memory and on disk.
#[derive(Debug, Default)]
pub struct Damage {
    file: Option<PathBuf>,
    found: Mutex<Option<String>>,
}

impl Damage {
    /// What an earlier process wrote into `file`, if it is there. One that cannot be read counts as damage: all that is
    /// known is that something was written.
    pub fn open(file: PathBuf) -> Self {
        let found = match read(&file) {
            Ok(found) => found,
            Err(error) => Some(format!("{} is there and cannot be read: {error}", file.display())),
        };
        if let Some(text) = &found {
            tracing::error!(damage = text, "an earlier run found this node's state damaged");
        }
        Self { file: Some(file), found: Mutex::new(found) }
    }

    /// A file beside the one in which damage is written down.
    pub fn beside(&self, name: &str) -> Option<PathBuf> {
        self.file.as_ref().map(|file| file.with_file_name(name))
    }

    /// The text for the operator, with what to do; none while all is well.
    pub fn found(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Remembers it, durably where there is a file.
    pub fn note(&self, text: &str) {
        *self.lock() = Some(text.to_owned());
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, text) {
            tracing::error!(file = %file.display(), %error, "that this state is damaged cannot be written down");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> std::io::Result<Option<String>> {
    use std::io::Read;
    let mut text = Vec::new();
    match File::open(file) {
        Ok(file) => file.take(MOST_BYTES).read_to_end(&mut text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut written = File::create(file)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_said_after_a_restart_until_the_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("damaged");
        let first = Damage::open(file.clone());
        assert_eq!(first.found(), None);
        first.note("a record is damaged; run `aula replay`");
        for _ in 0..2 {
            let again = Damage::open(file.clone());
            assert_eq!(again.found().as_deref(), Some("a record is damaged; run `aula replay`"));
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(Damage::open(file).found(), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_clean_bill() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Damage::open(folder.path().to_owned()).found().is_some());
    }
}
