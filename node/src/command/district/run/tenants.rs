//! Several districts in one process: none has a folder of another's, none waits for another's threads, and what breaks the work of one
//! stops no other's.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use aula_files::private_folder;
use aula_home::Home;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::office::Office;
use crate::command::{Advise, Failure};

/// How long a step that does not wait may go on when the service ends.
const LAST_STEP: Duration = Duration::from_secs(2);

/// A district's folders: its home, then where its records and its keys are.
#[derive(Debug)]
struct Folders {
    home: PathBuf,
    private: [PathBuf; 2],
}

/// A folder as it really is, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| Some((above, std::fs::canonicalize(above).ok()?)));
    match there {
        Some((above, found)) => path.strip_prefix(above).map_or(found.clone(), |rest| found.join(rest)),
        None => path.to_owned(),
    }
}

/// What two districts share, if anything: a home, or a folder of records or keys that is, or lies in, the other's.
fn shared(one: &Folders, other: &Folders) -> Option<PathBuf> {
    if one.home == other.home {
        return Some(one.home.clone());
    }
    let mut pairs = one.private.iter().flat_map(|own| other.private.iter().map(move |theirs| (own, theirs)));
    pairs.find(|(own, theirs)| own.starts_with(theirs) || theirs.starts_with(own)).map(|(own, _)| own.clone())
}

/// Whether each district has folders of its own.
///
/// # Errors
/// Two that share one, by name.
pub(super) fn apart(offices: &[Office]) -> Result<(), Failure> {
    let mut seen: Vec<Folders> = Vec::new();
    for office in offices {
        let folders = office.place.folders(&office.context)?;
        let own = Folders {
            home: real(office.context.home.path()),
            private: [real(&folders.data), real(&folders.keystore)],
        };
        if let Some((before, folder)) = seen.iter().find_map(|before| Some((before, shared(before, &own)?))) {
            return Err(Failure::new(
                "shared_folder",
                format!("{} and {} share {}", before.home.display(), own.home.display(), folder.display()),
                "give each district a home, a vault and a keystore of its own ([vault] in its config.toml)",
            ));
        }
        seen.push(own);
    }
    Ok(())
}

/// Keeps every other process from serving these homes for as long as what is given back lives: two would tell alerts and write the status
/// each for itself. A process that dies, dies with its locks.
///
/// # Errors
/// A home that another process serves, code `runs_already`, or whose folder cannot be written.
pub(super) fn alone(offices: &[Office]) -> Result<Vec<File>, Failure> {
    offices.iter().map(|office| held(&office.context.home)).collect()
}

fn held(home: &Home) -> Result<File, Failure> {
    let (folder, hint) = (home.service_dir(), "check the folder's owner and the space left");
    private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    // The other of a pair is given the folder, and replaces or removes here what it has not: but nothing with a dot before its name.
    let path = folder.join(".running");
    let lock = File::create(&path).advise(format!("cannot write {}", path.display()), hint)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            "runs_already",
            format!("another process serves {}", home.path().display()),
            "leave it to that one, or stop it first; `aula district run --once` may run beside it",
        )),
        Err(TryLockError::Error(error)) => Err(error).advise(format!("cannot lock {}", path.display()), hint),
    }
}

/// The threads on which districts work, each on its own: what counts or waits there takes none of another's, and the operating system
/// shares the cores among them.
pub(super) struct Threads {
    stop: watch::Sender<bool>,
    working: Vec<JoinHandle<()>>,
}

impl Threads {
    /// None yet.
    pub(super) fn none() -> Self {
        Self { stop: watch::Sender::new(false), working: Vec::new() }
    }

    /// Begins a district's work on so many threads; it ends with [`Threads::end`], wherever it waits then.
    ///
    /// # Errors
    /// A thread that cannot be started.
    pub(super) fn begin<W>(
        &mut self,
        home: &Path,
        threads: usize,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> Result<(), Failure>
    where
        W: Future<Output = ()>,
    {
        let (hint, mut stopped) =
            ("raise the limit on processes (ulimit -u) and run again", self.stop.subscribe());
        let (told, begun) = std::sync::mpsc::sync_channel(1);
        let run = move || {
            let made = Builder::new_multi_thread().worker_threads(threads.max(1)).enable_all().build();
            let (runtime, made) = match made {
                Ok(runtime) => (Some(runtime), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Who asked is waiting for it.
            let _ = told.send(made);
            let Some(runtime) = runtime else { return };
            runtime.block_on(async {
                tokio::select! {
                    () = work() => {}
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            });
            runtime.shutdown_timeout(LAST_STEP);
        };
        let name =
            home.file_name().map_or_else(|| "district".into(), |name| name.to_string_lossy().into_owned());
        let started = std::thread::Builder::new().name(name).spawn(run);
        let thread = started.advise("a district's thread cannot be started", hint)?;
        let made = begun.recv().unwrap_or_else(|_| Err(std::io::Error::other("its thread ended")));
        made.advise("a district's threads cannot be started", hint)?;
        self.working.push(thread);
        Ok(())
    }

    /// Cuts all work where it waits, and waits for what is between two waits.
    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        let ended = tokio::task::spawn_blocking(move || {
            // A panic was told where it happened.
            self.working.into_iter().for_each(|thread| drop(thread.join()));
        });
        let _ = ended.await;
    }
}

/// Does a district's work, and begins it again when a fault of this program ends it.
pub(super) async fn kept<W>(home: PathBuf, pause: Duration, work: impl Fn() -> W)
where
    W: Future<Output = ()> + Send + 'static,
{
    loop {
        // Dropped with this future, it ends the work too.
        let mut one = JoinSet::new();
        one.spawn(work());
        match one.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(home = %home.display(), "the work of this district broke off, others go on: it begins again");
            }
            _ => return,
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    fn folders(home: &str, data: &str, keystore: &str) -> Folders {
        Folders { home: home.into(), private: [data.into(), keystore.into()] }
    }

    #[test]
    fn two_districts_share_no_folder_of_records_or_keys_by_any_name() {
        let east = folders("/srv/east", "/srv/east/vault", "/keys/east");
        for (other, what) in [
            (folders("/srv/west", "/srv/west/vault", "/keys/west"), None),
            (folders("/srv/east/west", "/srv/west/vault", "/keys/west"), None),
            (folders("/srv/east", "/srv/west/vault", "/keys/west"), Some("/srv/east")),
            (folders("/srv/west", "/srv/east/vault", "/keys/west"), Some("/srv/east/vault")),
            (folders("/srv/west", "/srv/west/vault", "/keys/east"), Some("/keys/east")),
            (folders("/srv/west", "/srv/west/vault", "/srv/east/vault/keys"), Some("/srv/east/vault")),
            (folders("/srv/west", "/keys", "/keys2"), Some("/keys/east")),
            (folders("/srv/west", "/keys/easter", "/keys/west"), None),
        ] {
            assert_eq!(shared(&east, &other).as_deref(), what.map(Path::new), "{other:?}");
        }
        let above = tempfile::tempdir().unwrap();
        let link = above.path().join("link");
        std::os::unix::fs::symlink(above.path(), &link).unwrap();
        assert_eq!(real(&link.join("not/there")), real(above.path()).join("not/there"));
    }

    #[test]
    fn one_process_serves_a_home_and_the_next_may_once_it_is_gone() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let first = held(&home)?;
        assert!(held(&home).is_err_and(|failure| failure.code == "runs_already"));
        let given = aula_standby::folders::stamps(&home.service_dir()).advise("its files", "look")?;
        assert!(given.is_empty(), "the other of a pair would take the lock away: {given:?}");
        drop(first);
        held(&home).map(drop)
    }

    #[tokio::test]
    async fn a_district_that_keeps_its_threads_busy_keeps_none_of_another_s() {
        let (mut threads, (done, other)) = (Threads::none(), std::sync::mpsc::channel::<()>());
        let (freed, busy) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        for _ in 0..2 {
            // Two districts that never wait, on more threads than a small machine has cores.
            let (freed, busy) = (freed.clone(), busy.clone());
            let work = move || async move {
                let mut all = JoinSet::new();
                for _ in 0..4 {
                    let (freed, busy) = (freed.clone(), busy.clone());
                    all.spawn(async move {
                        busy.fetch_add(1, Ordering::SeqCst);
                        while !freed.load(Ordering::SeqCst) {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                    });
                }
                while all.join_next().await.is_some() {}
            };
            threads.begin(Path::new("/srv/flood"), 4, work).unwrap();
        }
        while busy.load(Ordering::SeqCst) < 8 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let work = move || async move {
            tokio::spawn(async move { done.send(()) }).await.unwrap().unwrap();
            std::future::pending().await
        };
        threads.begin(Path::new("/srv/quiet"), 1, work).unwrap();
        assert_eq!(other.recv_timeout(Duration::from_secs(60)), Ok(()), "the quiet district works meanwhile");
        freed.store(true, Ordering::SeqCst);
        threads.end().await;
    }

    #[tokio::test]
    async fn work_that_breaks_off_begins_again_and_that_of_others_goes_on() {
        let (tries, others) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let mut both = JoinSet::new();
        let own = tries.clone();
        both.spawn(kept("/srv/east".into(), Duration::ZERO, move || {
            let own = own.clone();
            async move { assert!(own.fetch_add(1, Ordering::SeqCst) >= 2, "a fault that this test plants") }
        }));
        let own = others.clone();
        both.spawn(kept("/srv/west".into(), Duration::ZERO, move || {
            let own = own.clone();
            async move {
                own.fetch_add(1, Ordering::SeqCst);
            }
        }));
        while let Some(ended) = both.join_next().await {
            ended.unwrap();
        }
        assert_eq!((tries.load(Ordering::SeqCst), others.load(Ordering::SeqCst)), (3, 1));
    }
}
