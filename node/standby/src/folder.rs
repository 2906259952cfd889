//! The lease's record in a folder that both reach: of one machine, or of a shared file system with hard links (NFS 4).
//!
//! The record is the file `lease-N` with the highest N. A change makes the next one by a hard link, which refuses a name that is taken;
//! a lower one that a process that was long away makes is not the highest, is seen not to be, and counts for nothing. Older files
//! are removed by whoever made the newest. Whose a key is stands in a file `of-KEY`, made the same way and never replaced. Invariant: what
//! is read or made there counts while the folder has the mark that the settings name, before and after ([`crate::place`]). Absent: locks,
//! which a stopped process would keep; folders that are made.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::lease::{Kept, LeaseError, LeaseStore, Record};
use crate::place::{marked, sync_names};

/// A store in a folder.
#[derive(Debug)]
pub struct FolderLease {
    folder: PathBuf,
    /// Of the folder's mark.
    id: String,
    /// Of the files of this one on their way.
    own: String,
}

/// Most bytes of a record: others may write to the folder.
const MOST: u64 = 16 << 10;
/// Files that stay behind the newest: a reader may be about to open them.
const BEHIND: u64 = 8;
/// What lies on its way for so long was left by a process that was killed.
const LEFT: Duration = Duration::from_secs(600);

/// The numbers of the records in a folder, ascending.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        found.extend(name.to_string_lossy().strip_prefix("lease-").and_then(|n| n.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether there is a lease's record in a folder.
///
/// # Errors
/// A folder that cannot be read.
pub fn has_record(folder: &Path) -> io::Result<bool> {
    Ok(!numbers(folder)?.is_empty())
}

impl FolderLease {
    /// The store in the folder of this mark, for who is called so.
    ///
    /// # Errors
    /// A folder that is not there, has another mark or none, or no hard links.
    pub fn at(folder: &Path, id: &str, name: &str) -> Result<Self, LeaseError> {
        let own = format!(".{name}.{}", std::process::id());
        let store = Self { folder: folder.to_owned(), id: id.to_owned(), own };
        store.within(|| {
            store.clear(name);
            let (one, other) = (store.aside(), store.aside());
            let tried = fs::write(&one, b"").and_then(|()| fs::hard_link(&one, &other));
            let (_, _) = (fs::remove_file(&one), fs::remove_file(&other));
            tried
        })?;
        Ok(store)
    }

    /// Whether the folder is the one that the settings mean.
    fn is_here(&self) -> Result<(), LeaseError> {
        let found = marked(&self.folder).map_err(|error| self.failed(&error))?;
        let shown = self.folder.display();
        match found {
            Some(id) if id == self.id => Ok(()),
            Some(_) => Err(LeaseError(format!("{shown} has another mark than [pair] lease_id says"))),
            None => Err(LeaseError(format!("{shown} has no mark of this pair: is its share mounted?"))),
        }
    }

    /// Does something in the folder. Where its share went meanwhile it may be done, or not.
    fn within<T>(&self, work: impl FnOnce() -> io::Result<T>) -> Result<T, LeaseError> {
        self.is_here()?;
        let done = work().map_err(|error| self.failed(&error))?;
        self.is_here()?;
        Ok(done)
    }

    /// A name that no other put of this or another process has.
    fn aside(&self) -> PathBuf {
        static PUTS: AtomicU64 = AtomicU64::new(0);
        self.folder.join(format!("{}.{}", self.own, PUTS.fetch_add(1, Ordering::Relaxed)))
    }

    /// Removes what processes of this name that were killed left on its way.
    fn clear(&self, name: &str) {
        let begins = format!(".{name}.");
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let mine = entry.file_name().to_string_lossy().starts_with(&begins);
            let age =
                entry.metadata().and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
            if mine && age.is_some_and(|age| age > LEFT) {
                // The next start is as good.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("lease-{number}"))
    }

    fn read_newest(&self) -> io::Result<Option<(u64, Vec<u8>)>> {
        for _ in 0..100 {
            let Some(number) = numbers(&self.folder)?.last().copied() else { return Ok(None) };
            let mut bytes = Vec::new();
            let read =
                fs::File::open(self.path(number)).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
            match read {
                Ok(_) => return Ok(Some((number, bytes))),
                // It was replaced many times since the folder was looked through.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("its files come and go"))
    }

    /// Makes a file of this name, whole and on disk; false where there is one.
    fn make(&self, place: &Path, bytes: &[u8]) -> io::Result<bool> {
        let aside = self.aside();
        let written = fs::File::create_new(&aside)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
            .and_then(|()| fs::hard_link(&aside, place));
        // Nobody writes to what is linked now.
        let _ = fs::remove_file(&aside);
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn put_next(&self, number: u64, bytes: &[u8]) -> io::Result<bool> {
        if !self.make(&self.path(number), bytes)? {
            return Ok(false);
        }
        let numbers = numbers(&self.folder)?;
        if numbers.last() != Some(&number) {
            return Ok(false);
        }
        for old in numbers.into_iter().filter(|old| old.saturating_add(BEHIND) < number) {
            // Who reads it tries again.
            let _ = fs::remove_file(self.path(old));
        }
        Ok(true)
    }

    fn failed(&self, error: &io::Error) -> LeaseError {
        LeaseError(format!("{}: {error}", self.folder.display()))
    }
}

impl LeaseStore for FolderLease {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        let Some((number, bytes)) = self.within(|| self.read_newest())? else { return Ok(None) };
        let record = serde_json::from_slice::<Record>(&bytes);
        let record = record
            .map_err(|_| LeaseError(format!("{} is not a lease's record", self.path(number).display())))?;
        Ok(Some(Kept { tag: number.to_string(), record }))
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let bytes = serde_json::to_vec(record).map_err(|error| LeaseError(error.to_string()))?;
        let number = match over {
            None => 1,
            Some(tag) => {
                let number =
                    tag.parse::<u64>().map_err(|_| LeaseError(format!("{tag} is not a tag of it")))?;
                number.saturating_add(1)
            }
        };
        let put = self.within(|| self.put_next(number, &bytes))?;
        Ok(put.then(|| number.to_string()))
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        let place = self.folder.join(format!("of-{what}"));
        self.within(|| {
            let made = self.make(&place, owner.as_bytes())?;
            sync_names(&self.folder)?;
            if made {
                return Ok(owner.to_owned());
            }
            let mut text = String::new();
            fs::File::open(&place)?.take(MOST).read_to_string(&mut text)?;
            Ok(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::mark;

    const ID: &str = "00c0ffee";

    /// The store of a marked folder.
    fn at(folder: &Path, name: &str) -> Result<FolderLease, LeaseError> {
        // It is marked when it is opened first.
        let _ = mark(folder, ID);
        FolderLease::at(folder, ID, name)
    }

    fn record(turn: u64) -> Record {
        Record { epoch: 1, holder: "east".into(), lease_ms: 1_000, level: None, released: false, turn }
    }

    #[test]
    fn one_of_two_who_saw_the_same_record_replaces_it_and_who_was_long_away_does_not()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (one, other) = (at(folder.path(), "a")?, at(folder.path(), "b")?);
        assert_eq!(one.read()?, None);
        let first = one.put(None, &record(0))?.ok_or("free")?;
        assert_eq!(other.put(None, &record(9))?, None);
        assert_eq!(other.read()?.map(|kept| kept.record), Some(record(0)));
        let mut tag = first.clone();
        for turn in 1..40 {
            tag = other.put(Some(&tag), &record(turn))?.ok_or("free")?;
            assert_eq!(one.put(Some(&first), &record(99))?, None, "{turn}");
            assert_eq!(one.read()?.map(|kept| kept.record.turn), Some(turn));
        }
        assert!(fs::read_dir(folder.path())?.count() < 16, "older ones go");
        Ok(())
    }

    #[test]
    fn whose_something_is_is_said_once_and_stays_when_the_record_is_replaced()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (one, other) = (at(folder.path(), "a")?, at(folder.path(), "b")?);
        assert_eq!(one.claim("07", "a")?, "a");
        assert_eq!((other.claim("07", "b")?, one.claim("07", "a")?), ("a".into(), "a".into()));
        assert_eq!(other.claim("08", "b")?, "b");
        let mut tag = one.put(None, &record(0))?.ok_or("free")?;
        for turn in 1..20 {
            tag = one.put(Some(&tag), &record(turn))?.ok_or("free")?;
        }
        assert_eq!(other.claim("07", "b")?, "a");
        assert_eq!(other.read()?.map(|kept| kept.record.turn), Some(19));
        Ok(())
    }

    /// As machines see it whose share is gone: an empty folder of their own, or none.
    #[test]
    fn nobody_has_a_lease_in_a_folder_without_the_pairs_mark() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let (folder, away) = (above.path().join("lease"), above.path().join("share"));
        assert!(FolderLease::at(&folder, ID, "a").is_err_and(|error| error.0.contains("mounted?")));
        assert!(!folder.exists(), "none is made");
        fs::create_dir(&folder)?;
        let store = at(&folder, "a")?;
        let tag = store.put(None, &record(0))?.ok_or("free")?;
        assert_eq!(store.claim("07", "a")?, "a");
        fs::rename(&folder, &away)?;
        fs::create_dir(&folder)?;
        let refused = |word: &str| {
            let says = |error: LeaseError| error.0.contains(word);
            store.read().is_err_and(says)
                && store.put(None, &record(1)).is_err_and(says)
                && store.put(Some(&tag), &record(1)).is_err_and(says)
                && store.claim("07", "b").is_err_and(says)
                && FolderLease::at(&folder, ID, "b").is_err_and(says)
        };
        assert!(refused("mounted?"));
        assert_eq!(fs::read_dir(&folder)?.count(), 0);
        mark(&folder, "another")?;
        assert!(refused("another mark"));
        fs::remove_dir_all(&folder)?;
        assert!(refused("mounted?"));
        fs::rename(&away, &folder)?;
        assert_eq!(store.read()?.map(|kept| kept.record), Some(record(0)));
        assert_eq!(store.claim("07", "b")?, "a");
        Ok(())
    }

    /// A change whose share goes while it is made counts for nothing.
    #[test]
    fn what_is_done_while_the_share_goes_is_no_success() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let (folder, away) = (above.path().join("lease"), above.path().join("share"));
        fs::create_dir(&folder)?;
        let store = at(&folder, "a")?;
        let done = store.within(|| fs::rename(&folder, &away).and_then(|()| fs::create_dir(&folder)));
        assert!(done.is_err_and(|error| error.0.contains("mounted?")));
        Ok(())
    }

    #[test]
    fn what_another_wrote_there_is_an_error_that_is_told() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let store = at(folder.path(), "a")?;
        let tag = store.put(None, &record(0))?.ok_or("free")?;
        let foreign = folder.path().join("lease-7");
        let refused = || store.read().is_err_and(|error| error.0.contains("is not a lease's record"));
        for bytes in [&b"{}"[..], b"", b"lease"] {
            fs::write(&foreign, bytes)?;
            assert!(refused());
        }
        // It stands above what was read: nobody has the lease by what was below.
        assert_eq!(store.put(Some(&tag), &record(1))?, None);
        // A terabyte of nothing fits a disk, and no memory.
        fs::File::create(&foreign)?.set_len(1 << 40)?;
        assert!(refused());
        Ok(())
    }

    #[test]
    fn of_many_at_once_one_wins_each_time() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        at(folder.path(), "a")?.put(None, &record(0))?;
        let wins: usize = std::thread::scope(|scope| {
            let work = |name: usize| {
                let path = folder.path();
                move || {
                    let store = at(path, &format!("t{name}")).expect("a folder");
                    let mut wins = 0;
                    for _ in 0..50 {
                        let kept = store.read().expect("read").expect("there");
                        let next = Record { turn: kept.record.turn + 1, ..kept.record };
                        wins += usize::from(store.put(Some(&kept.tag), &next).expect("put").is_some());
                    }
                    wins
                }
            };
            let threads: Vec<_> = (0..4).map(|name| scope.spawn(work(name))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        let store = at(folder.path(), "z")?;
        let turns = store.read()?.map(|kept| kept.record.turn);
        assert!(wins > 0);
        // Who wins and is overtaken before it looks says that it lost: no more wins than changes.
        assert!(turns.is_some_and(|turns| wins as u64 <= turns), "{wins} {turns:?}");
        Ok(())
    }
}
