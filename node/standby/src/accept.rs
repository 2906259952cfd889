//! An operator's word that this home of a pair may act although what only the other one has is lost: HOME/pair/accept.
//!
//! Said of the record that stands in the lease's store, and of no later one: `aula district failover` writes the file, who keeps the lease
//! takes it back when it sees another record. Each change of who is level is another record, and so is each renewal: the word of a day on
//! which nothing came of it loses nothing later. Absent: whether it may be said.

use std::io;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use aula_files::{Access, replace};

use crate::lease::Record;

/// What the word is said of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The record's epoch; where the store has none, the highest that was heard of.
    pub epoch: u64,
    /// Which change of the record it is; none where the store has none.
    pub turn: Option<u64>,
}

impl From<&Record> for Accepted {
    fn from(record: &Record) -> Self {
        Self { epoch: record.epoch, turn: Some(record.turn) }
    }
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.turn {
            Some(turn) => write!(f, "{} {turn}", self.epoch),
            None => write!(f, "{} none", self.epoch),
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("accept")
}

/// Gives the word.
///
/// # Errors
/// A folder that cannot be written.
pub fn give(folder: &Path, of: Accepted) -> io::Result<()> {
    replace(&path(folder), Access::Private, format!("{of}\n").as_bytes())
}

/// The word, where it was said of this; one that was said of anything else is taken back.
pub fn said(folder: &Path, of: Accepted) -> Option<Accepted> {
    let path = path(folder);
    let text = fs::read_to_string(&path).ok()?;
    if text.trim() == of.to_string() {
        return Some(of);
    }
    match fs::remove_file(&path) {
        Ok(()) => tracing::warn!(
            "the loss was accepted for another record than the one there now: the word is taken back"
        ),
        // It counts for nothing all the same.
        Err(error) => tracing::debug!(%error, "a word that was taken back is still there"),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_of_one_record_and_is_taken_back_when_another_is_seen() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (of, later) = (Accepted { epoch: 3, turn: Some(17) }, Accepted { epoch: 3, turn: Some(18) });
        let said = |of| said(folder.path(), of);
        assert_eq!(said(of), None);
        give(folder.path(), of)?;
        assert_eq!((said(of), said(of)), (Some(of), Some(of)));
        assert_eq!(said(later), None);
        // The first one stands there again, as nothing says that it can: the word was taken back.
        assert_eq!(said(of), None);
        give(folder.path(), Accepted { turn: None, ..of })?;
        assert_eq!(said(of), None);
        // As it was written before it named a record.
        fs::write(path(folder.path()), "3\n")?;
        assert_eq!(said(Accepted { turn: None, ..of }), None);
        assert!(!path(folder.path()).exists());
        Ok(())
    }
}
