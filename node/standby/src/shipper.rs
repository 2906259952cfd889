//! The acting one's side: each write goes to the standby before it is told done.
//!
//! One [`Shipper`] is made for each opening of the vault. It begins by reading the lease's record: where that says that the standby is
//! level, every write goes there first; where it says that nobody is, this one puts that once more and goes on alone, and [`Copier::level`] brings
//! the standby level beside the writes: files, then a copy of the whole database where their histories parted or the log does not reach
//! back, then the log, and the last of it while no write is made. Invariants: it is recorded that this one goes on alone before a
//! write is told done that only it has; a write is told done when the standby has the files that go before it as they were when it was
//! made; it is recorded that the standby is level while no write is made and it has all of them; a standby that knows a newer epoch ends
//! everything here. Absent: who may act, which the permit says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use aula_vault::pair::{Batch, Copier, History, Level, Partner, Source, clear, outgoing};
use rustls::ClientConfig;

use crate::folders::{self, Root, Stamp};
use crate::lease::{LeaseStore, Record, set_level};
use crate::permit::Permit;
use crate::who;
use crate::wire::{Answer, DATABASE, Hello, Line, Note, PIECE, Question, VERSION, fits};

/// A root that goes before the writes: without its keys no write can be read.
pub const KEYSTORE: &str = "keystore";
/// Another: who is staff and which tokens hold is acknowledged like a write, by one that follows it.
pub const IDENTITY: &str = "identity";
/// Bytes of the log that go at once.
const AT_ONCE: usize = 8 << 20;
/// What may be left of the log when writes are stopped for the rest.
const LITTLE: u64 = 64;
/// How long each step of a levelling may take.
const PATIENT: Duration = Duration::from_secs(60);
/// Between two tries while nothing may be told done.
const PAUSE: Duration = Duration::from_millis(20);

/// How the other one is reached, and what it is told.
#[derive(Clone)]
pub struct Reach {
    /// Who this one is ([`crate::who`]); in commands, which go by the permit, the name alone.
    pub name: String,
    /// `HOST:PORT` of the other.
    pub peer: String,
    /// What both know.
    pub secret: String,
    /// How it is recognized; none on one machine.
    pub tls: Option<Arc<ClientConfig>>,
    /// Public keys of its own that the other must not have.
    pub keys: Vec<[u8; 32]>,
    /// How long the other may take to have a write, before this one goes on alone.
    pub patience: Duration,
    /// Folders that are copied beside the database, the keystore among them.
    pub roots: Vec<Root>,
    /// Where the lease's record is.
    pub lease: Arc<dyn LeaseStore>,
    /// The mark of its folder; none of a bucket.
    pub lease_id: Option<String>,
    /// What this home goes by.
    pub permit: Permit,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").field("name", &self.name).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Partner for Reach {
    fn epoch(&self) -> Result<u64, String> {
        self.permit.epoch()
    }

    fn copier(&self) -> Box<dyn Copier> {
        Box::new(Shipper {
            reach: self.clone(),
            mode: Mutex::new(Mode::Unknown),
            aside: Mutex::default(),
            has: AtomicU64::new(0),
        })
    }
}

/// How this opening stands to the other one.
#[derive(Debug)]
enum Mode {
    /// The record was not read yet.
    Unknown,
    /// It is recorded that nobody has what is written here.
    Alone,
    /// The other has everything up to this write.
    Level(Box<Standing>),
}

/// The line to a standby, and what it has.
#[derive(Debug)]
struct Standing {
    line: Line,
    has: u64,
    /// The last write whose files were looked at: another's write takes this one's along, and not what was changed before it.
    looked: u64,
    /// What was looked at last below each root.
    seen: BTreeMap<String, Vec<Stamp>>,
}

/// Why the standby did not take something.
#[derive(Debug)]
enum Cut {
    /// It knows a newer epoch, or acts.
    Over(String),
    /// It cannot be reached, or cannot take it now.
    Away(String),
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Away(error.to_string())
    }
}

impl From<aula_vault::VaultError> for Cut {
    fn from(error: aula_vault::VaultError) -> Self {
        Self::Away(error.to_string())
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Over(why) | Self::Away(why) => f.write_str(why),
        }
    }
}

/// Copies the writes of one opening.
#[derive(Debug)]
pub struct Shipper {
    reach: Reach,
    mode: Mutex<Mode>,
    /// A line for what lies beside the database, while the standby is level: no write waits for it.
    aside: Mutex<Option<Standing>>,
    /// What the standby had when it said so last; 0 before.
    has: AtomicU64,
}

/// What is no refusal.
fn taken(answer: Answer) -> Result<Answer, Cut> {
    match answer {
        Answer::Refused { code, message } => match code.as_str() {
            "old_epoch" | "acting" => Err(Cut::Over(message)),
            _ => Err(Cut::Away(format!("the standby refuses ({code}): {message}"))),
        },
        answer => Ok(answer),
    }
}

/// How far the standby is, as it says.
fn has(answer: Answer) -> Result<u64, Cut> {
    match taken(answer)? {
        Answer::Has(last) => Ok(last),
        _ => Err(Cut::Away("the standby answers what was not asked".into())),
    }
}

/// What a standby has of the vault: how it came about, and its last write's number. None of one that has nothing yet.
type Copied = Option<(History, u64)>;

/// Whether a write is told done only when the standby has the files of this root as they were before it.
fn goes_first(root: &Root) -> bool {
    [KEYSTORE, IDENTITY].contains(&root.name.as_str())
}

impl Standing {
    /// Calls the standby, and says who this one is; gives the standby's name and what it has.
    fn begin(reach: &Reach, source: &Source<'_>, epoch: u64) -> Result<(Self, String, Copied), Cut> {
        let pair = source.history()?.pair;
        let mut line = Line::call(&reach.peer, reach.tls.as_ref(), reach.patience)?;
        let hello = Hello {
            version: VERSION,
            secret: reach.secret.clone(),
            name: reach.name.clone(),
            epoch,
            keys: reach.keys.clone(),
            pair,
            lease_id: reach.lease_id.clone(),
        };
        match taken(line.ask(&Question::Hello(hello))?)? {
            Answer::Welcome(name, standing) => {
                let has = standing.as_ref().map_or(0, |(_, last)| *last);
                Ok((Self { line, has, looked: 0, seen: BTreeMap::new() }, name, standing))
            }
            _ => Err(Cut::Away("the standby answers what was not asked".into())),
        }
    }

    /// Asks whether the standby is there: a line on which nothing goes ends.
    fn is_there(&mut self, reach: &Reach) -> Result<(), Cut> {
        taken(self.line.ask(&Question::Ping { secret: reach.secret.clone() })?).map(|_| ())
    }

    /// Brings the standby's files of a root level.
    fn folder(&mut self, root: &Root, epoch: u64) -> Result<(), Cut> {
        let theirs = match taken(self.line.ask(&Question::Have(epoch, root.name.clone()))?)? {
            Answer::Notes(notes) => notes,
            _ => return Err(Cut::Away("the standby answers what was not asked".into())),
        };
        let own = root.notes()?;
        let there: BTreeSet<&Note> = theirs.iter().collect();
        for note in own.iter().filter(|note| !there.contains(note)) {
            match self.give(&root.folder, (&root.name, &note.path), epoch) {
                // It went meanwhile: the next look finds that.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                given => given?,
            }
        }
        if own.len() != theirs.len() || own.iter().zip(&theirs).any(|(own, theirs)| own.path != theirs.path) {
            let paths = own.into_iter().map(|note| note.path).collect();
            taken(self.line.ask(&Question::Only(epoch, root.name.clone(), paths))?)?;
        }
        Ok(())
    }

    /// A root's folder, where it changed since it was looked at last.
    fn changed(&mut self, root: &Root, epoch: u64) -> Result<(), Cut> {
        let now = root.stamps()?;
        if self.seen.get(&root.name) != Some(&now) {
            self.folder(root, epoch)?;
            self.seen.insert(root.name.clone(), now);
        }
        Ok(())
    }

    /// What goes before the writes, where it changed.
    fn first(&mut self, reach: &Reach, source: &Source<'_>, epoch: u64) -> Result<(), Cut> {
        // A file is on disk before the write that follows it is made.
        let last = source.last();
        reach.roots.iter().filter(|root| goes_first(root)).try_for_each(|root| self.changed(root, epoch))?;
        self.looked = last;
        Ok(())
    }

    /// Everything else beside the database, where it changed.
    fn beside(&mut self, reach: &Reach, epoch: u64) -> Result<(), Cut> {
        reach.roots.iter().filter(|root| !goes_first(root)).try_for_each(|root| self.changed(root, epoch))
    }

    fn batches(&mut self, epoch: u64, batches: Vec<Batch>) -> Result<(), Cut> {
        self.has = has(self.line.ask(&Question::Batches(epoch, batches))?)?;
        Ok(())
    }

    /// From the log, until at most so many writes are missing; false where the log does not do: it does not reach back, or has a write
    /// that no frame takes, which goes with a copy of the whole.
    fn catch_up_by_log(&mut self, source: &Source<'_>, epoch: u64, left: u64) -> Result<bool, Cut> {
        while source.last().saturating_sub(self.has) > left {
            let Some(batches) = source.since(self.has, AT_ONCE)?.filter(|batches| fits(batches)) else {
                return Ok(false);
            };
            let before = self.has;
            self.batches(epoch, batches)?;
            if self.has <= before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A file below a root.
    fn give(&mut self, folder: &Path, (root, path): (&str, &str), epoch: u64) -> io::Result<()> {
        folders::pieces(folder, (root, path), PIECE, |piece| {
            match taken(self.line.ask(&Question::Piece(epoch, piece))?) {
                Ok(_) => Ok(()),
                Err(cut) => Err(io::Error::other(cut.to_string())),
            }
        })
    }

    fn give_all(&mut self, copy: &Path, epoch: u64) -> io::Result<()> {
        let files = folders::stamps(copy)?;
        files.iter().try_for_each(|(path, ..)| self.give(copy, (DATABASE, path), epoch))
    }

    /// A copy of the whole database.
    fn whole(&mut self, source: &Source<'_>, epoch: u64) -> Result<(), Cut> {
        let pair = source.history()?.pair;
        taken(self.line.ask(&Question::Whole(epoch, pair))?)?;
        let copy = outgoing(source.data());
        source.checkpoint(&copy)?;
        let sent = self.give_all(&copy, epoch);
        // Whatever became of it: it would hold what the database has removed since.
        clear(&copy)?;
        sent?;
        match taken(self.line.ask(&Question::WholeEnds(epoch))?)? {
            Answer::Welcome(_, Some((_, last))) => {
                self.has = last;
                Ok(())
            }
            _ => Err(Cut::Away("the standby did not take the copy".into())),
        }
    }
}

impl Shipper {
    fn mode(&self) -> MutexGuard<'_, Mode> {
        // What a panic leaves: at worst a line that is cut.
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits; the standby has everything up to `last` afterwards.
    fn ship(&self, standing: &mut Standing, source: &Source<'_>, epoch: u64, last: u64) -> Result<(), Cut> {
        if standing.has >= last && standing.looked >= last {
            return Ok(());
        }
        standing.first(&self.reach, source, epoch)?;
        let waiting = source.drain();
        if !waiting.is_empty() && fits(&waiting) {
            standing.batches(epoch, waiting)?;
        }
        // What the queue did not have is in the log.
        if !standing.catch_up_by_log(source, epoch, 0)? || standing.has < last {
            return Err(Cut::Away("the log does not reach back to what the standby has".into()));
        }
        Ok(())
    }

    /// What the record says, before the first write of an opening.
    fn look(&self, source: &Source<'_>, epoch: u64) -> Result<Mode, Cut> {
        let kept = self.reach.lease.read().map_err(|error| Cut::Away(error.to_string()))?;
        let record = kept.map(|kept| kept.record);
        let name = who::name_of(&self.reach.name);
        let own = |record: &Record| who::name_of(&record.holder) == name && record.epoch == epoch;
        let record = record.filter(own);
        let record = record.ok_or_else(|| Cut::Over("the lease is another's".into()))?;
        let Some(level) = record.level else {
            // That it says so is not enough: a put of an earlier levelling may still be on its way.
            return self.record_alone(source, epoch).map_err(Cut::Over);
        };
        let (standing, name, its) = Standing::begin(&self.reach, source, epoch)?;
        let known = match &its {
            Some((history, last)) => source.history()?.holds(source.last(), history, *last),
            None => false,
        };
        if !who::is(&name, &level) || !known {
            return Err(Cut::Away("the standby that the record calls level is not".into()));
        }
        source.stopped().keep(true);
        Ok(Mode::Level(Box::new(standing)))
    }

    /// Goes on alone, for as long as it may act.
    fn alone(&self, why: &Cut, source: &Source<'_>, epoch: u64) -> Result<Mode, String> {
        let mode = self.record_alone(source, epoch)?;
        tracing::warn!(%why, epoch, "the standby is away: this one goes on alone");
        Ok(mode)
    }

    /// Puts into the record that nobody has what is written here.
    fn record_alone(&self, source: &Source<'_>, epoch: u64) -> Result<Mode, String> {
        let own = (self.reach.name.as_str(), epoch);
        loop {
            self.reach.epoch()?;
            match set_level(&*self.reach.lease, own, None) {
                Ok(true) => {
                    source.stopped().keep(false);
                    return Ok(Mode::Alone);
                }
                Ok(false) => return Err("the lease is another's".into()),
                Err(error) => {
                    tracing::warn!(%error, "neither the standby nor the lease's store answers: nothing is told done");
                    sleep(PAUSE);
                }
            }
        }
    }

    /// Everything that can be sent beside the writes.
    fn approach(&self, source: &Source<'_>, epoch: u64) -> Result<(Standing, String), Cut> {
        let (mut standing, name, its) = Standing::begin(&self.reach, source, epoch)?;
        self.has.store(standing.has, Ordering::Relaxed);
        standing.line.set_patience(PATIENT)?;
        standing.first(&self.reach, source, epoch)?;
        standing.beside(&self.reach, epoch)?;
        let known = match &its {
            Some((history, last)) => source.history()?.holds(source.last(), history, *last),
            None => false,
        };
        if !known || !standing.catch_up_by_log(source, epoch, LITTLE)? {
            tracing::info!(standby = name, "a copy of the whole vault goes to the standby");
            standing.whole(source, epoch)?;
            if !standing.catch_up_by_log(source, epoch, LITTLE)? {
                return Err(Cut::Away("the log was cut while the copy went".into()));
            }
        }
        standing.line.set_patience(self.reach.patience)?;
        Ok((standing, name))
    }
}

impl Copier for Shipper {
    fn copied(&self, source: &Source<'_>, epoch: u64, last: u64) -> Result<(), String> {
        let mut mode = self.mode();
        if matches!(*mode, Mode::Unknown) {
            *mode = match self.look(source, epoch) {
                Ok(mode) => mode,
                Err(Cut::Over(why)) => return Err(why),
                Err(cut) => self.alone(&cut, source, epoch)?,
            };
        }
        let shipped = match &mut *mode {
            Mode::Level(standing) => self.ship(standing, source, epoch, last),
            Mode::Alone | Mode::Unknown => return Ok(()),
        };
        match shipped {
            Ok(()) => {
                self.has.store(last, Ordering::Relaxed);
                Ok(())
            }
            Err(Cut::Over(why)) => {
                *mode = Mode::Unknown;
                Err(why)
            }
            Err(cut) => {
                *mode = Mode::Unknown;
                *mode = self.alone(&cut, source, epoch)?;
                Ok(())
            }
        }
    }

    fn level(&self, source: &Source<'_>, epoch: u64) -> Level {
        let why = self.bring(source, epoch).err().map(|cut| cut.to_string());
        let has = self.has.load(Ordering::Relaxed);
        let behind = match why {
            None => Some(0),
            Some(_) => (has > 0).then(|| source.last().saturating_sub(has)),
        };
        Level { behind, why }
    }
}

impl Shipper {
    /// What lies beside the database, to a standby that is level. What fails here leaves it level.
    fn beside(&self, source: &Source<'_>, epoch: u64) -> Result<(), Cut> {
        let mut place = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standing = match place.take() {
            Some(standing) => standing,
            None => Standing::begin(&self.reach, source, epoch)?.0,
        };
        standing.line.set_patience(PATIENT)?;
        standing.is_there(&self.reach)?;
        standing.beside(&self.reach, epoch)?;
        *place = Some(standing);
        Ok(())
    }

    /// Brings the standby level where it is not; where it is, what lies beside the database.
    fn bring(&self, source: &Source<'_>, epoch: u64) -> Result<(), Cut> {
        {
            let mut mode = self.mode();
            if matches!(*mode, Mode::Unknown) {
                *mode = match self.look(source, epoch) {
                    Err(cut @ Cut::Away(_)) => self.alone(&cut, source, epoch).map_err(Cut::Over)?,
                    looked => looked?,
                };
            }
            if let Mode::Level(standing) = &mut *mode {
                let sent =
                    standing.is_there(&self.reach).and_then(|()| standing.first(&self.reach, source, epoch));
                if let Err(cut @ Cut::Away(_)) = &sent {
                    *mode = Mode::Unknown;
                    *mode = self.alone(cut, source, epoch).map_err(Cut::Over)?;
                }
                sent?;
                drop(mode);
                return self.beside(source, epoch);
            }
        }
        // It is older than the line that begins now, which takes over what lies beside as well.
        *self.aside.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let (mut standing, name) = self.approach(source, epoch)?;
        let mut mode = self.mode();
        let mut stopped = source.stopped();
        standing.first(&self.reach, source, epoch)?;
        if !standing.catch_up_by_log(source, epoch, 0)? {
            return Err(Cut::Away("the log was cut while the rest of it went".into()));
        }
        self.has.store(standing.has, Ordering::Relaxed);
        match set_level(&*self.reach.lease, (&self.reach.name, epoch), Some(&name)) {
            Ok(true) => {}
            Ok(false) => return Err(Cut::Over("the lease is another's".into())),
            Err(error) => {
                // Whether it is recorded, or will be, is not known: the next write goes to the standby that the record names, or puts into
                // it that nobody is level, before it is told done.
                *mode = Mode::Unknown;
                return Err(Cut::Away(error.to_string()));
            }
        }
        tracing::info!(standby = name, epoch, "the standby is level");
        stopped.keep(true);
        *mode = Mode::Level(Box::new(standing));
        Ok(())
    }
}
