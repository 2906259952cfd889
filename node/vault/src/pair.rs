//! A vault of a pair: each write is ordered, carries an epoch, and is told done once the other one has it.
//!
//! Who may write, and how the other one is reached, is asked of a [`Partner`] that the program registers for the vault's folder before
//! it opens it. Flow of a write: the partner gives the epoch, or refuses → one writer at a time writes, so that numbers of writes
//! have no gap → [`Copier::copied`] returns once the other one has it, or once it is recorded that this one goes on alone. The
//! other one is a [`Standby`]: the same database, to which nothing is written but what was copied, under the same numbers.
//! Invariants: where an epoch begins stands in the database itself, in the batch of its first write, so that two histories that
//! parted can be told apart by looking at them ([`History::holds`]); a standby takes batches without a gap. Absent: network, clocks,
//! leases.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use borsh::{BorshDeserialize, BorshSerialize};
use rand::RngCore;
use rand::rngs::OsRng;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{DB, WriteBatch, WriteOptions};

use crate::error::VaultError;
use crate::files::{FileError, make_folder, shred, sync_folder};
use crate::tables::{self, HISTORY_KEY, Table, family, is_there, synced};

#[cfg(test)]
mod tests;

/// Where an epoch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Begin {
    /// Its number, above every earlier one.
    pub epoch: u64,
    /// The number of the last write before it.
    pub after: u64,
}

/// Which epochs wrote a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct History {
    /// Drawn when the pair began.
    pub pair: [u8; 16],
    /// Oldest first.
    pub begins: Vec<Begin>,
}

impl History {
    /// The newest epoch; 0 before the first.
    pub fn epoch(&self) -> u64 {
        self.begins.last().map_or(0, |begin| begin.epoch)
    }

    /// True when a database of this history, whose last write is `own_last`, holds everything that the other has: then the other needs
    /// only what came after its own last write.
    pub fn holds(&self, own_last: u64, other: &Self, other_last: u64) -> bool {
        let count = other.begins.len();
        let same = self.pair == other.pair && self.begins.get(..count) == Some(&other.begins[..]);
        let end = self.begins.get(count).map_or(own_last, |next| next.after);
        count > 0 && same && other_last <= end
    }
}

/// A batch of writes as the database's log has it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Batch {
    /// The number of its first write.
    pub first: u64,
    /// In the log's own form, so that another database writes them as they are.
    pub bytes: Vec<u8>,
}

/// Who may write to a vault of a pair.
pub trait Partner: Send + Sync {
    /// The epoch under which this process may write now.
    ///
    /// # Errors
    /// Why it may not.
    fn epoch(&self) -> Result<u64, String>;

    /// What copies the writes of one opening.
    fn copier(&self) -> Box<dyn Copier>;
}

/// What copies a vault's writes to the other one.
pub trait Copier: Send + Sync {
    /// Returns once the other one has every write up to this number on disk, with the files that lie beside the database and go before
    /// writes as they were when it was made, or once it is recorded that this one goes on alone.
    ///
    /// # Errors
    /// Why nobody may be told that it is done.
    fn copied(&self, source: &Source<'_>, epoch: u64, last: u64) -> Result<(), String>;

    /// Brings the other one level where it is not.
    fn level(&self, source: &Source<'_>, epoch: u64) -> Level;
}

/// How the other one stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// Writes that it lacks; none while nothing is known of it.
    pub behind: Option<u64>,
    /// Why it is not level.
    pub why: Option<String>,
}

static PARTNERS: Mutex<BTreeMap<PathBuf, Arc<dyn Partner>>> = Mutex::new(BTreeMap::new());

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic leaves is whole: a queue, a table.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says whose partner decides over the vault in this folder, before it is opened.
pub fn register(data: &Path, partner: Arc<dyn Partner>) {
    locked(&PARTNERS).insert(data.to_owned(), partner);
}

/// Who decides over the vault in this folder decides over what is made ready for it in another one too.
pub(crate) fn decides_over_too(data: &Path, ready: &Path) {
    let mut partners = locked(&PARTNERS);
    if let Some(partner) = partners.get(data).cloned() {
        partners.insert(ready.to_owned(), partner);
    }
}

/// Whether this process may write to the vault in this folder now: it is in no pair, or its home acts.
///
/// # Errors
/// [`VaultError::NotActing`] says why not.
pub fn may_write(data: &Path) -> Result<(), VaultError> {
    let partner = locked(&PARTNERS).get(data).cloned();
    partner.map_or(Ok(()), |partner| partner.epoch().map(|_| ()).map_err(VaultError::NotActing))
}

/// Writes that wait for the copier.
#[derive(Debug, Default)]
struct Queue {
    /// Whether they are kept for it: while the other one is level.
    on: bool,
    batches: Vec<Batch>,
}

/// What an open vault of a pair has beside its database.
pub(crate) struct Paired {
    partner: Arc<dyn Partner>,
    copier: Box<dyn Copier>,
    /// Held while a write is ordered.
    queue: Mutex<Queue>,
    /// The database did not take the last write.
    refused: AtomicBool,
}

impl Paired {
    /// Of the vault in this folder; none of one that is in no pair.
    pub(crate) fn of(data: &Path) -> Result<Option<Self>, VaultError> {
        let Some(partner) = locked(&PARTNERS).get(data).cloned() else { return Ok(None) };
        partner.epoch().map_err(VaultError::NotActing)?;
        let copier = partner.copier();
        Ok(Some(Self { partner, copier, queue: Mutex::default(), refused: AtomicBool::new(false) }))
    }

    pub(crate) fn write(
        &self,
        db: &DB,
        data: &Path,
        mut batch: WriteBatch,
        options: &WriteOptions,
    ) -> Result<(), VaultError> {
        if batch.is_empty() {
            return Ok(db.write_opt(batch, options)?);
        }
        let (epoch, last) = {
            let mut queue = locked(&self.queue);
            let epoch = self.partner.epoch().map_err(VaultError::NotActing)?;
            let mut history = history_of(db)?;
            let before = db.latest_sequence_number();
            if history.epoch() > epoch {
                let newer = history.epoch();
                return Err(VaultError::NotActing(format!("epoch {newer} wrote here, and this is {epoch}")));
            }
            if history.epoch() < epoch {
                if history.begins.is_empty() {
                    OsRng.fill_bytes(&mut history.pair);
                }
                history.begins.push(Begin { epoch, after: before });
                let bytes = borsh::to_vec(&history);
                let bytes = bytes.map_err(|error| VaultError::Unwritable(error.to_string()))?;
                batch.put_cf(family(db, Table::Meta)?, HISTORY_KEY, bytes);
            }
            let copied = queue.on.then(|| Batch { first: before + 1, bytes: batch.data().to_vec() });
            self.heard(db.write_opt(batch, options))?;
            queue.batches.extend(copied);
            (epoch, db.latest_sequence_number())
        };
        self.done(db, data, epoch, last)
    }

    /// Syncs writes that were not, and waits until the other one has them.
    pub(crate) fn sync(&self, db: &DB, data: &Path) -> Result<(), VaultError> {
        let epoch = self.partner.epoch().map_err(VaultError::NotActing)?;
        self.heard(db.flush_wal(true))?;
        self.done(db, data, epoch, db.latest_sequence_number())
    }

    /// Notes whether the database took something.
    fn heard(&self, said: Result<(), rocksdb::Error>) -> Result<(), rocksdb::Error> {
        self.refused.store(said.is_err(), Ordering::Relaxed);
        said
    }

    /// Whether the database did not take the last write: its disk is full, or takes nothing any more.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn done(&self, db: &DB, data: &Path, epoch: u64, last: u64) -> Result<(), VaultError> {
        let source = Source { db, data, queue: &self.queue };
        self.copier.copied(&source, epoch, last).map_err(VaultError::NotActing)
    }
}

/// The one way into a vault's database.
pub struct Way<'a> {
    pub(crate) db: &'a DB,
    pub(crate) data: &'a Path,
    pub(crate) paired: Option<&'a Paired>,
}

impl std::fmt::Debug for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Way").finish_non_exhaustive()
    }
}

impl Way<'_> {
    /// Writes a batch: on disk on return, and with the other one of a pair.
    ///
    /// # Errors
    /// When it is not.
    pub fn write(&self, batch: WriteBatch) -> Result<(), VaultError> {
        self.write_with(batch, &synced())
    }

    pub(crate) fn write_with(&self, batch: WriteBatch, options: &WriteOptions) -> Result<(), VaultError> {
        match self.paired {
            Some(paired) => paired.write(self.db, self.data, batch, options),
            None => Ok(self.db.write_opt(batch, options)?),
        }
    }

    pub(crate) fn sync(&self) -> Result<(), VaultError> {
        match self.paired {
            Some(paired) => paired.sync(self.db, self.data),
            None => Ok(self.db.flush_wal(true)?),
        }
    }

    /// A write of its own for a change beside the database: what is copied before a write goes with it, under its number and epoch.
    pub(crate) fn beside_changed(&self) -> Result<(), VaultError> {
        if self.paired.is_none() {
            return Ok(());
        }
        let meta = family(self.db, Table::Meta)?;
        let before = self.db.get_cf(meta, tables::BESIDE_KEY)?.and_then(|bytes| bytes.try_into().ok());
        let count = before.map_or(0, u64::from_be_bytes).wrapping_add(1);
        let mut batch = WriteBatch::default();
        batch.put_cf(meta, tables::BESIDE_KEY, count.to_be_bytes());
        self.write(batch)
    }

    /// Brings the other one level, where there is one.
    pub(crate) fn level(&self) -> Result<Level, VaultError> {
        let Some(paired) = self.paired else { return Ok(Level::default()) };
        let epoch = paired.partner.epoch().map_err(VaultError::NotActing)?;
        if history_of(self.db)?.epoch() < epoch {
            // An epoch begins with a write: the standby must be able to tell it from the one before.
            let mut batch = WriteBatch::default();
            batch.put_cf(family(self.db, Table::Meta)?, tables::ACTED_KEY, epoch.to_be_bytes());
            self.write(batch)?;
        }
        let source = Source { db: self.db, data: self.data, queue: &paired.queue };
        Ok(paired.copier.level(&source, epoch))
    }
}

fn history_of(db: &DB) -> Result<History, VaultError> {
    let Some(bytes) = db.get_cf(family(db, Table::Meta)?, HISTORY_KEY)? else {
        return Ok(History::default());
    };
    borsh::from_slice(&bytes).map_err(|_| VaultError::Damaged("the pair's history is unreadable".into()))
}

/// An open vault as its copier sees it.
pub struct Source<'a> {
    db: &'a DB,
    data: &'a Path,
    queue: &'a Mutex<Queue>,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// No write is made while this is held.
pub struct Stopped<'a> {
    queue: MutexGuard<'a, Queue>,
}

impl std::fmt::Debug for Stopped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stopped").finish_non_exhaustive()
    }
}

impl Stopped<'_> {
    /// From now on writes are kept for [`Source::drain`], or are not.
    pub fn keep(&mut self, on: bool) {
        *self.queue = Queue { on, batches: Vec::new() };
    }
}

impl Source<'_> {
    /// Which epochs wrote it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self) -> Result<History, VaultError> {
        history_of(self.db)
    }

    /// The number of its last write.
    pub fn last(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        self.data
    }

    /// Writes that were made since this was asked last.
    pub fn drain(&self) -> Vec<Batch> {
        std::mem::take(&mut locked(self.queue).batches)
    }

    /// Waits for writes under way, and lets none be made while it is held.
    pub fn stopped(&self) -> Stopped<'_> {
        Stopped { queue: locked(self.queue) }
    }

    /// Writes after this number, about so many bytes of them; none where the log does not reach back so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn since(&self, after: u64, bytes: usize) -> Result<Option<Vec<Batch>>, VaultError> {
        if after >= self.last() {
            return Ok(Some(Vec::new()));
        }
        // It gives the batches that begin after this number.
        let Ok(log) = self.db.get_updates_since(after) else { return Ok(None) };
        read(log, after + 1, bytes)
    }

    /// Copies the whole database, as of now, into a new folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint(&self, to: &Path) -> Result<(), VaultError> {
        clear(to)?;
        Ok(Checkpoint::new(self.db)?.create_checkpoint(to)?)
    }
}

/// What a log gives from the number `next` on, without a gap; none where it has not that.
fn read(
    log: impl Iterator<Item = Result<(u64, WriteBatch), rocksdb::Error>>,
    mut next: u64,
    bytes: usize,
) -> Result<Option<Vec<Batch>>, VaultError> {
    let (mut found, mut held) = (Vec::new(), 0);
    for batch in log {
        let (first, batch) = batch?;
        if first + batch.len() as u64 <= next {
            continue;
        }
        if first != next {
            return Ok(None);
        }
        next = first + batch.len() as u64;
        held += batch.size_in_bytes();
        found.push(Batch { first, bytes: batch.data().to_vec() });
        if held > bytes {
            break;
        }
    }
    Ok((!found.is_empty()).then_some(found))
}

/// The database of the one that waits.
#[derive(Debug)]
pub struct Standby {
    db: DB,
}

impl Standby {
    /// Opens it; none where there is no vault yet.
    ///
    /// # Errors
    /// [`VaultError::Busy`] while somebody has it open, damage.
    pub fn open(data: &Path) -> Result<Option<Self>, VaultError> {
        take_back(data)?;
        if !is_there(data) {
            return Ok(None);
        }
        Ok(Some(Self { db: tables::open_with_log(data)? }))
    }

    /// Which epochs wrote it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self) -> Result<History, VaultError> {
        history_of(&self.db)
    }

    /// The number of its last write.
    pub fn last(&self) -> u64 {
        self.db.latest_sequence_number()
    }

    /// Writes what was copied, each batch under its own number; on disk on return. What it has already is passed over. Gives the number
    /// of the last write; a lower one than was sent says that something between is missing.
    ///
    /// # Errors
    /// A disk that refuses, bytes that are no batch.
    pub fn apply(&self, batches: &[Batch]) -> Result<u64, VaultError> {
        for Batch { first, bytes } in batches {
            let next = self.last() + 1;
            if *first < next {
                continue;
            }
            if *first > next {
                break;
            }
            self.db.write(WriteBatch::from_data(bytes))?;
        }
        self.db.flush_wal(true)?;
        Ok(self.last())
    }
}

fn beside(data: &Path, ending: &str) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    data.with_file_name(name)
}

/// Where a copy of the whole database is put together before it takes its place.
pub fn incoming(data: &Path) -> PathBuf {
    beside(data, ".pair-new")
}

/// Where a copy of the whole database is made before it is sent.
pub fn outgoing(data: &Path) -> PathBuf {
    beside(data, ".pair-out")
}

/// Puts the copy that was put together in the place of the database, which is closed.
///
/// # Errors
/// When the disk refuses; a crash leaves the old or the new one.
pub fn take_place(data: &Path) -> Result<(), VaultError> {
    let (new, old) = (incoming(data), beside(data, ".pair-old"));
    std::fs::set_permissions(&new, Permissions::from_mode(0o700)).map_err(FileError::io(&new))?;
    clear(&old)?;
    if data.exists() {
        std::fs::rename(data, &old).map_err(FileError::io(data))?;
    } else if let Some(above) = data.parent() {
        make_folder(above)?;
    }
    std::fs::rename(&new, data).map_err(FileError::io(&new))?;
    sync_folder(data)?;
    clear(&old)
}

/// Removes a copy of the whole database, or what there is of one; where there is none, nothing is to be done.
///
/// # Errors
/// When the disk refuses.
pub fn clear(path: &Path) -> Result<(), VaultError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::io(path)(error).into()),
        _ => Ok(()),
    }
}

/// Removes a file that was copied and that the other one no longer has; its bytes are written over first.
///
/// # Errors
/// When the disk refuses.
pub fn shred_copied(path: &Path) -> Result<(), VaultError> {
    Ok(shred(path)?)
}

/// Undoes a replacement that a crash cut in the middle.
///
/// # Errors
/// When the disk refuses.
pub fn take_back(data: &Path) -> Result<(), VaultError> {
    let old = beside(data, ".pair-old");
    if !data.exists() && is_there(&old) {
        std::fs::rename(&old, data).map_err(FileError::io(data))?;
        sync_folder(data)?;
    }
    Ok(())
}
