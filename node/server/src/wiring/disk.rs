//! Tries the disk under the engine's log: it takes bytes, refuses them, or does not answer.
//!
//! A disk that hangs (a network's, a broken controller's) says neither yes nor no. So a try has a thread of its own that nobody has to
//! wait for, neither whoever looks nor the end of the process, and there is one try at a time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use aula_home::{Failure, with_causes};
use tokio::sync::oneshot::{self, Receiver};
use tokio::time::timeout;

/// What is written to try the disk, as much as a vote in the engine's log.
const PROBE: [u8; 512] = [0x5a; 512];

/// A disk that is tried.
pub(super) struct Disk {
    folder: PathBuf,
    /// Since when a try waits for its answer.
    under_way: Option<(Instant, Receiver<io::Result<()>>)>,
}

/// What is known of the disk after a while.
#[derive(Debug)]
pub(super) enum Tried {
    /// It took bytes, and synced them.
    Written,
    /// It says why it does not.
    Refused(io::Error),
    /// It has not answered for so long.
    Silent(Duration),
}

impl Disk {
    pub(super) const fn of(folder: PathBuf) -> Self {
        Self { folder, under_way: None }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tries it, or goes on with the try that has no answer yet; waits so long at most.
    pub(super) async fn attempt(&mut self, patience: Duration) -> Tried {
        let (began, mut answer) = match self.under_way.take() {
            Some(waits) => waits,
            None => match begin(self.folder.clone()) {
                Ok(answer) => (Instant::now(), answer),
                Err(error) => return Tried::Refused(error),
            },
        };
        match timeout(patience, &mut answer).await {
            Ok(Ok(Ok(()))) => Tried::Written,
            Ok(Ok(Err(error))) => Tried::Refused(error),
            Ok(Err(ended)) => Tried::Refused(io::Error::other(ended)),
            Err(_) => {
                self.under_way = Some((began, answer));
                Tried::Silent(began.elapsed())
            }
        }
    }
}

fn begin(folder: PathBuf) -> io::Result<Receiver<io::Result<()>>> {
    let (tell, answer) = oneshot::channel();
    thread::Builder::new().name("disk".into()).spawn(move || {
        // Nobody listens any more when the process ends.
        let _ = tell.send(probe(&folder));
    })?;
    Ok(answer)
}

/// Writes a file, syncs it, removes it.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(".probe");
    let written =
        File::create(&path).and_then(|mut file| file.write_all(&PROBE).and_then(|()| file.sync_all()));
    // A full disk removes as well.
    let removed = fs::remove_file(&path);
    written.and(removed)
}

/// What is said of a disk that refuses.
pub(super) fn refused(folder: &Path, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on that disk, or move the home to a larger one, and start the node again: everything final is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "mount the disk writable for the node's user (dmesg says why it is not) and start the node again"
        }
        _ => "see what the system says of that disk (dmesg), and start the node again",
    };
    Failure::new(
        "disk_refuses",
        format!("nothing can be written in {}: {}", folder.display(), with_causes(error)),
        next,
    )
}

#[cfg(test)]
pub(super) mod tests {
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);
    /// No machine is so busy.
    const LONG: Duration = Duration::from_secs(600);

    /// From now on the disk under this folder hangs: a file that nobody reads from takes no byte and gives no error.
    pub(in crate::wiring) fn hang(folder: &Path) -> io::Result<()> {
        Ok(mkfifoat(CWD, folder.join(".probe"), Mode::RUSR | Mode::WUSR)?)
    }

    /// It hangs no longer.
    pub(in crate::wiring) fn release(folder: &Path) -> io::Result<()> {
        File::open(folder.join(".probe")).map(drop)
    }

    #[test]
    fn a_disk_is_tried_without_a_trace_and_its_refusal_has_a_next_step() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        probe(folder.path())?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
        assert!(probe(&folder.path().join("gone")).is_err());
        // The kernel's own full disk.
        let failed =
            File::options().write(true).open("/dev/full").and_then(|mut full| full.write_all(&PROBE));
        let failure = failed.err().map(|error| refused(folder.path(), &error));
        assert!(failure.is_some_and(|failure| failure.hint.contains("free space")));
        let read_only = refused(folder.path(), &io::ErrorKind::ReadOnlyFilesystem.into());
        assert!(read_only.hint.contains("mount"), "{read_only:?}");
        Ok(())
    }

    #[tokio::test]
    async fn a_disk_that_hangs_holds_up_nobody_and_is_tried_once() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut disk = Disk::of(folder.path().to_owned());
        assert!(matches!(disk.attempt(LONG).await, Tried::Written));
        hang(folder.path())?;
        let first = disk.attempt(SHORT).await;
        let second = disk.attempt(SHORT).await;
        let (Tried::Silent(first), Tried::Silent(second)) = (first, second) else {
            panic!("it answers");
        };
        assert!(second > first, "the same try: {second:?} after {first:?}");
        release(folder.path())?;
        // That one's answer, whatever it is, and then a try that is whole again.
        assert!(!matches!(disk.attempt(LONG).await, Tried::Silent(_)));
        assert!(matches!(disk.attempt(LONG).await, Tried::Written));
        Ok(())
    }
}
