//! The outbox: `NAME/DATE/` for every report of a schedule, delivered whole and once, and deleted when its years are over.
//!
//! A report is filled in a folder aside and renamed to its date: a rename to a date that is there fails, so that of two
//! nodes that share an outbox one delivers. `NAME/DATE.done` stays when a reader takes the folder away.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::folder::{self, Made, unwritable};
use aula_home::Failure;

/// The folder of one schedule.
#[derive(Debug, Clone)]
pub struct Outbox(PathBuf);

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// It is there now.
    Now,
    /// Another had delivered it.
    Before,
}

/// What marks a date as delivered.
const DONE: &str = "done";

impl Outbox {
    /// Opens or makes it.
    ///
    /// # Errors
    /// Codes `disk_full`, `unwritable`.
    pub fn open(outbox: &Path, name: &str) -> Result<Self, Failure> {
        let folder = outbox.join(name);
        aula_files::private_folder(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    fn mark(&self, date: &str) -> PathBuf {
        self.0.join(format!("{date}.{DONE}"))
    }

    /// Whether a date was delivered.
    pub fn has(&self, date: &str) -> bool {
        self.0.join(date).exists() || self.mark(date).exists()
    }

    /// Delivers a date's files.
    ///
    /// # Errors
    /// Codes `disk_full`, `unwritable`; nothing is then left.
    pub fn deliver(&self, date: &str, files: &[Made]) -> Result<Delivered, Failure> {
        self.deliver_filled(date, |aside| folder::fill(aside, files).map(|_| ()))
    }

    /// Delivers what fills a date's folder, as it is made.
    ///
    /// # Errors
    /// What `fill` gives; codes `disk_full`, `unwritable`. Nothing is then left.
    pub fn deliver_filled(
        &self,
        date: &str,
        fill: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<Delivered, Failure> {
        let aside = self.0.join(format!(".{date}.{}", std::process::id()));
        // An earlier process of this number was killed here.
        let _ = fs::remove_dir_all(&aside);
        let placed = folder::empty(&aside).and_then(|()| fill(&aside)).and_then(|()| {
            let to = self.0.join(date);
            if self.has(date) {
                return Ok(Delivered::Before);
            }
            match fs::rename(&aside, &to) {
                Ok(()) => Ok(Delivered::Now),
                Err(error)
                    if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) =>
                {
                    Ok(Delivered::Before)
                }
                Err(error) => Err(unwritable(&to, &error)),
            }
        });
        if !matches!(placed, Ok(Delivered::Now)) {
            // Gone already after a rename.
            let _ = fs::remove_dir_all(&aside);
        }
        if matches!(placed, Ok(Delivered::Now)) {
            let mark = self.mark(date);
            aula_files::replace(&mark, aula_files::Access::Private, b"delivered\n")
                .map_err(|error| unwritable(&mark, &error))?;
        }
        placed
    }

    /// Deletes every report of this date or an earlier one, with its mark and with what a killed process left aside; gives
    /// how many.
    ///
    /// # Errors
    /// Code `not_deleted` when one cannot be: retention that deletes nothing must not look as if it did.
    pub fn forget(&self, until: &str) -> Result<usize, Failure> {
        let refused = |path: &Path, error: &std::io::Error| {
            let message = format!("{} is over its years and cannot be deleted: {error}", path.display());
            Failure::new("not_deleted", message, "check the folder's owner, or delete it by hand")
        };
        let mut gone = 0usize;
        for entry in fs::read_dir(&self.0).map_err(|error| refused(&self.0, &error))? {
            let path = entry.map_err(|error| refused(&self.0, &error))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(date) = date_in(&name).filter(|date| *date <= until) else { continue };
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Ok(()) => gone = gone.saturating_add(usize::from(name == date)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(refused(&path, &error)),
            }
        }
        Ok(gone)
    }
}

/// The date that a name in the outbox begins with, `YYYY-MM-DD`, also behind the dot of what lies aside.
pub(super) fn date_in(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.').unwrap_or(name);
    let date = name.get(..10)?;
    let shaped = date
        .bytes()
        .enumerate()
        .all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    shaped.then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_home::Advise;

    fn files(text: &str) -> Vec<Made> {
        vec![Made::new("a.txt", text), Made::new("manifest.json", "{}")]
    }

    #[test]
    fn of_two_nodes_with_one_outbox_one_delivers() -> Result<(), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let (one, other) = (Outbox::open(above.path(), "nightly")?, Outbox::open(above.path(), "nightly")?);
        assert_eq!(one.deliver("2026-11-29", &files("one"))?, Delivered::Now);
        assert_eq!(other.deliver("2026-11-29", &files("other"))?, Delivered::Before);
        let folder = above.path().join("nightly/2026-11-29");
        assert_eq!(fs::read_to_string(folder.join("a.txt")).hint("read")?, "one");
        // Taken away by a reader: not made again.
        fs::remove_dir_all(&folder).hint("take it away")?;
        assert!(one.has("2026-11-29"));
        assert_eq!(one.deliver("2026-11-29", &files("again"))?, Delivered::Before);
        let left: Vec<_> = fs::read_dir(above.path().join("nightly")).hint("read")?.collect();
        assert_eq!(left.len(), 1, "the mark alone, nothing aside");
        Ok(())
    }

    #[test]
    fn what_is_over_its_years_is_gone_and_nothing_else() -> Result<(), Failure> {
        let above = tempfile::tempdir().hint("give the tests a TMPDIR")?;
        let outbox = Outbox::open(above.path(), "nightly")?;
        for date in ["2019-11-28", "2019-11-29", "2019-11-30"] {
            outbox.deliver(date, &files(date))?;
        }
        let folder = above.path().join("nightly");
        fs::create_dir(folder.join(".2019-11-01.77")).hint("leave something aside")?;
        fs::write(folder.join("notes.txt"), "a reader's").hint("write")?;
        assert_eq!(outbox.forget("2019-11-29")?, 2);
        let mut left: Vec<_> = fs::read_dir(&folder)
            .hint("read")?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["2019-11-30", "2019-11-30.done", "notes.txt"]);
        assert_eq!(outbox.forget("2019-11-29")?, 0);
        Ok(())
    }
}
