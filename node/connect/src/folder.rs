//! Files that appear in a folder: each line a message.
//!
//! Flow: [`Folder::sweep`] takes every file that has not been written to for a moment → its lines, in submissions → once all of
//! them are on disk the file is moved to `done/` beside it. Names that end in `.part` are left alone: write under such a name and
//! rename. A crash reads a file again, and its messages are events once. Invariants: a file is moved only after its last line is
//! acknowledged; links and folders are not followed. Absent: deleting.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_home::clock::now_ms;
use aula_ingest::event::line::MAX_LINE_BYTES;
use bytes::Bytes;

use crate::given::{Feed, Form, Given};
use crate::pipeline::{Busy, Pipeline, RETRY_S, Summary};

#[cfg(test)]
mod tests;

/// How long a file must have been left alone.
const SETTLED: Duration = Duration::from_secs(1);
/// Lines of one submission.
const AT_ONCE: usize = 2_000;
/// Most bytes of a line that is read at all; a longer one is a letter without its bytes.
const MAX_READ: u64 = 4 * MAX_LINE_BYTES as u64;

/// Why a folder is not read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder, or a file in it, cannot be read or moved.
    #[error("cannot use {0:?}")]
    Disk(PathBuf, #[source] io::Error),
    /// The pipeline takes nothing in now.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// A folder that is read.
#[derive(Debug)]
pub struct Folder {
    feed: Arc<Feed>,
    pipeline: Arc<Pipeline>,
    path: PathBuf,
    form: Form,
    settled: Duration,
}

impl Folder {
    /// A folder whose files hold messages of this form: lines or statements.
    pub fn new(feed: Arc<Feed>, pipeline: Arc<Pipeline>, path: &Path, form: Form) -> Self {
        Self { feed, pipeline, path: path.to_owned(), form, settled: SETTLED }
    }

    /// Reads files without waiting until they were left alone.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { settled: Duration::ZERO, ..self }
    }

    /// Takes every file that is there, in the order of their names; gives their names with what became of each.
    ///
    /// # Errors
    /// [`FolderError`]; files that were not reached stay where they are.
    pub fn sweep(&self) -> Result<Vec<(String, Summary)>, FolderError> {
        let disk = |error| FolderError::Disk(self.path.clone(), error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let metadata = entry.metadata().map_err(disk)?;
            let left_alone = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let name = entry.file_name().to_string_lossy().into_owned();
            let ready = metadata.file_type().is_file() && !name.ends_with(".part") && !name.starts_with('.');
            if ready && left_alone >= self.settled {
                names.push(name);
            }
        }
        names.sort();
        let mut done = Vec::new();
        for name in names {
            let summary = self.read(&name)?;
            let to = self.path.join("done");
            let moved = std::fs::create_dir_all(&to).and_then(|()| self.move_to(&name, &to));
            moved.map_err(|error| FolderError::Disk(to, error))?;
            done.push((name, summary));
        }
        Ok(done)
    }

    /// Moves a file; one of the same name that lies there already keeps its own.
    fn move_to(&self, name: &str, to: &Path) -> io::Result<()> {
        let mut target = to.join(name);
        if target.exists() {
            target = to.join(format!("{name}.{}", now_ms()));
        }
        std::fs::rename(self.path.join(name), target)
    }

    fn read(&self, name: &str) -> Result<Summary, FolderError> {
        let disk = |error| FolderError::Disk(self.path.join(name), error);
        let mut file = BufReader::new(File::open(self.path.join(name)).map_err(disk)?);
        let (sender, mut number): (Arc<str>, u32) = (Arc::from(name), 0);
        let (mut summary, mut group, mut line) = (Summary::default(), Vec::new(), Vec::new());
        loop {
            line.clear();
            let read = io::Read::take(&mut file, MAX_READ).read_until(b'\n', &mut line).map_err(disk)?;
            if read == 0 {
                break;
            }
            if !line.ends_with(b"\n") && read as u64 == MAX_READ {
                skip_line(&mut file).map_err(disk)?;
            }
            number = number.saturating_add(1);
            let raw = line.trim_ascii();
            if !raw.is_empty() {
                let raw = Bytes::copy_from_slice(raw);
                group.extend(Given::read(&self.feed, self.form, raw, (&sender, number), now_ms()));
            }
            if group.len() == AT_ONCE {
                self.submit(std::mem::take(&mut group), &mut summary)?;
            }
        }
        self.submit(group, &mut summary)?;
        Ok(summary)
    }

    fn submit(&self, group: Vec<Given>, summary: &mut Summary) -> Result<(), FolderError> {
        let done = loop {
            match self.pipeline.submit_and_wait(group.clone()) {
                Err(Busy::Queue) => std::thread::sleep(Duration::from_secs(RETRY_S)),
                other => break other?,
            }
        };
        summary.new += done.new;
        summary.known += done.known;
        summary.dead_letters += done.dead_letters;
        summary.spooled += done.spooled;
        Ok(())
    }
}

/// Reads on to the end of a line that is too long to keep.
fn skip_line(file: &mut BufReader<File>) -> io::Result<()> {
    loop {
        let read = file.fill_buf()?;
        let end = read.iter().position(|byte| *byte == b'\n');
        let (count, ended) = (end.map_or(read.len(), |at| at + 1), end.is_some() || read.is_empty());
        file.consume(count);
        if ended {
            return Ok(());
        }
    }
}
