//! What goes out to a place, and how a place is waited for, whatever kind it is of.

use std::path::{Path, PathBuf};

use aula_delivery::{DeliveryError, Local};
use aula_home::{Advise, Failure, with_causes};

/// A file that is sent, under the name that it has here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Outgoing {
    pub(super) fn local(&self) -> Result<Local, DeliveryError> {
        Local::of(&self.path)
    }
}

/// A folder's files, by name.
pub(super) fn files(folder: &Path) -> Result<Vec<Outgoing>, Failure> {
    let unreadable = format!("cannot read {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).advise(&unreadable, "check its owner")? {
        let path = entry.advise(&unreadable, "check its owner")?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push(Outgoing { name, path });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The certificate authority that a place trusts beside the usual ones, as its file has it.
pub(super) fn authority(ca: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    let read = |path: &Path| {
        let hint = "correct ca of the [[delivery]] in config.toml";
        std::fs::read(path).advise(format!("cannot read {}", path.display()), hint)
    };
    ca.map(read).transpose()
}

/// Runs what waits for others to its end, on a thread of its own: the caller may be within a runtime.
pub(super) fn run(work: impl Future<Output = Result<(), DeliveryError>> + Send) -> Result<(), Failure> {
    let hint = "it is tried again at the next look; correct the [[delivery]] in config.toml if it is wrong";
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            Ok(runtime.advise("cannot begin to deliver", "free memory and files")?.block_on(work))
        });
        thread.join().unwrap_or_else(|_| Err(Failure::new("failed", "a delivery ended unexpectedly", hint)))
    })?;
    done.map_err(|error| Failure::new("not_delivered", with_causes(&error), hint))
}
