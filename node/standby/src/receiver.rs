//! The standby's side: what is copied, and the fence.
//!
//! Flow: a connection says who it is and in which epoch it acts → its writes and files are put on disk, then answered. The fence: the
//! highest epoch that was ever heard of or acted in stands in a file, is on disk before anything of it is taken, and whatever is
//! older is refused, in the middle of a connection too. Invariants: while this one acts nothing is taken; one question at a time
//! changes anything; where a connection has begun with a root or with the database, an older one of the same epoch changes nothing there
//! any more: what it sent last may come long after its line was cut; the vault of another pair, or one that no pair wrote, is never
//! replaced, nor is its keystore. Absent: the lease.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_files::Access;
use aula_vault::pair::{Standby, incoming, take_back, take_place};
use aula_vault::{VaultError, pair};
use sha2::{Digest, Sha256};

use crate::folders::{self, Root};
use crate::permit::Permit;
use crate::who::name_of;
use crate::wire::{Answer, DATABASE, Hello, Question, VERSION};

/// The highest epoch that was ever heard of, as this folder of a home's own state says; 0 of a pair that never ran.
///
/// # Errors
/// A state that cannot be read.
pub fn floor_in(folder: &Path) -> io::Result<u64> {
    match std::fs::read_to_string(folder.join("epoch")) {
        Ok(text) => {
            text.trim().parse().map_err(|_| io::Error::other("the pair's file epoch is not a number"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Code of what a stranger is told.
pub const UNKNOWN: &str = "unknown";

/// What a standby is.
#[derive(Clone)]
pub struct Own {
    /// Who this one is ([`crate::who`]); a caller of the same name is refused.
    pub name: String,
    /// What both know.
    pub secret: String,
    /// Public keys of its own that the other must not have.
    pub keys: Vec<[u8; 32]>,
    /// The vault's data.
    pub data: PathBuf,
    /// Folders that are copied beside it.
    pub roots: Vec<Root>,
    /// Where its own state lies.
    pub folder: PathBuf,
    /// The mark of the folder where its lease lies; none of a bucket.
    pub lease_id: Option<String>,
    /// What this home goes by.
    pub permit: Permit,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The standby's store.
#[derive(Debug)]
pub struct Receiver {
    own: Own,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing older is taken.
    floor: u64,
    acting: bool,
    standby: Option<Standby>,
    /// A copy of the whole database is coming.
    whole: bool,
    /// How many connections were welcomed.
    welcomed: u64,
    /// The newest connection that asked for something of each root, or of the database.
    newest: BTreeMap<String, u64>,
}

impl State {
    /// Leaves a root to this connection, and to none before it; false where a newer one has it.
    fn claim(&mut self, root: &str, serial: u64) -> bool {
        let newest = self.newest.entry(root.to_owned()).or_default();
        *newest = serial.max(*newest);
        *newest == serial
    }
}

/// What one connection said of itself.
#[derive(Debug, Default)]
pub struct Caller {
    known: bool,
    /// Which welcome was its own: who was welcomed later has called later.
    serial: u64,
}

impl Caller {
    /// Whether it said the secret.
    pub fn is_known(&self) -> bool {
        self.known
    }
}

fn refused(code: &str, message: impl Into<String>) -> Answer {
    Answer::Refused { code: code.into(), message: message.into() }
}

fn other_vault() -> Answer {
    let why = "the standby has a vault that this pair did not write: move its vault and keystore away first";
    refused("other_vault", why)
}

impl Receiver {
    /// With the fence where an earlier run left it, and the vault where a crash left it.
    ///
    /// # Errors
    /// A state that cannot be read.
    pub fn of(own: Own) -> io::Result<Self> {
        aula_files::private_folder(&own.folder)?;
        take_back(&own.data).map_err(io::Error::other)?;
        let floor = floor_in(&own.folder)?;
        Ok(Self { own, state: Mutex::new(State { floor, ..State::default() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic leaves: an open database, a number that is on disk.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this one acts, in this epoch: nothing is taken, and the database is closed for whoever writes to it now.
    ///
    /// # Errors
    /// A fence that cannot be put on disk: then it must not act.
    pub fn act(&self, epoch: u64) -> io::Result<()> {
        let mut state = self.state();
        self.raise(&mut state, epoch)?;
        *state = State { floor: state.floor, acting: true, ..State::default() };
        Ok(())
    }

    /// The epoch below which nothing is taken.
    pub fn floor(&self) -> u64 {
        self.state().floor
    }

    /// True where there is a vault that this one could act with. A copy of another that is on its way takes its place whole, or not
    /// at all.
    pub fn has_vault(&self) -> bool {
        let _whole = self.state();
        aula_vault::vault::is_there(&self.own.data)
    }

    fn raise(&self, state: &mut State, epoch: u64) -> io::Result<()> {
        if epoch < state.floor {
            return Err(io::Error::other(format!("epoch {epoch} is older than {}", state.floor)));
        }
        if epoch > state.floor {
            let text = format!("{epoch}\n");
            aula_files::replace(&self.own.folder.join("epoch"), Access::Private, text.as_bytes())?;
            state.floor = epoch;
        }
        Ok(())
    }

    /// Answers a question.
    pub fn answer(&self, caller: &mut Caller, question: Question) -> Answer {
        let known = |secret: &str| Sha256::digest(secret) == Sha256::digest(&self.own.secret);
        match question {
            Question::Ping { secret } if known(&secret) => {
                Answer::Here { acting: self.own.permit.epoch().is_ok() }
            }
            Question::Hello(hello) if known(&hello.secret) => {
                let answer = self.hello(caller, &hello);
                caller.known = matches!(answer, Answer::Welcome(..));
                answer
            }
            Question::Ping { .. } | Question::Hello(_) => refused(UNKNOWN, "the secret is another"),
            _ if !caller.known => refused(UNKNOWN, "say who you are first"),
            question => {
                self.take(caller, question).unwrap_or_else(|error| refused("failed", error.to_string()))
            }
        }
    }

    fn hello(&self, caller: &mut Caller, hello: &Hello) -> Answer {
        if hello.version != VERSION {
            return refused("version", "the other one runs another version: give both the same");
        }
        let name = name_of(&hello.name);
        if name == name_of(&self.own.name) {
            return refused("same_name", format!("both are called {name}: give one another name"));
        }
        if hello.keys.iter().any(|key| self.own.keys.contains(key)) {
            let why = "both have the same validator, network or seed key: give each keys of its own (aula init); a pair shares none";
            return refused("shared_key", why);
        }
        if hello.lease_id != self.own.lease_id {
            let why = "the two keep their lease in folders with different marks, and neither would see the other's: run `aula district lease --id ID` \
                       in this home with the other one's lease_id";
            return refused("other_lease", why);
        }
        let mut state = self.state();
        if let Some(answer) = self.fence(&mut state, hello.epoch) {
            return answer;
        }
        match self.standing(&mut state) {
            // Before anything is copied: the keystore goes first, and without its own a vault is nothing.
            Ok(Some((history, _))) if history.pair != hello.pair => other_vault(),
            Ok(standing) => {
                state.welcomed = state.welcomed.saturating_add(1);
                caller.serial = state.welcomed;
                Answer::Welcome(self.own.name.clone(), standing)
            }
            Err(VaultError::Busy) => refused("busy", "a command of the other one has its vault open"),
            Err(error) => refused("vault", error.to_string()),
        }
    }

    /// Refuses what is older than the fence, and everything while this one acts.
    fn fence(&self, state: &mut State, epoch: u64) -> Option<Answer> {
        if state.acting {
            return Some(refused("acting", format!("this one acts, in epoch {}", state.floor)));
        }
        if epoch < state.floor {
            return Some(refused(
                "old_epoch",
                format!("epoch {epoch} is over, {} was heard of", state.floor),
            ));
        }
        self.raise(state, epoch).err().map(|error| refused("failed", error.to_string()))
    }

    /// What its database holds, opened where it is not.
    fn standing(&self, state: &mut State) -> Result<Option<(aula_vault::pair::History, u64)>, VaultError> {
        if state.standby.is_none() {
            state.standby = Standby::open(&self.own.data)?;
        }
        state.standby.as_ref().map(|standby| Ok((standby.history()?, standby.last()))).transpose()
    }

    fn take(&self, caller: &Caller, question: Question) -> io::Result<Answer> {
        let mut held = self.state();
        let state = &mut *held;
        let (epoch, root) = match &question {
            Question::Have(epoch, root) | Question::Only(epoch, root, _) => (*epoch, root.as_str()),
            Question::Piece(epoch, piece) => (*epoch, piece.root.as_str()),
            Question::Batches(epoch, _) | Question::Whole(epoch, _) | Question::WholeEnds(epoch) => {
                (*epoch, DATABASE)
            }
            Question::Ping { .. } | Question::Hello(_) => return Ok(refused(UNKNOWN, "not now")),
        };
        if let Some(answer) = self.fence(state, epoch) {
            return Ok(answer);
        }
        if root != DATABASE {
            self.root(root)?;
        }
        // The epoch does not tell a frame that a dead line still had on its way: files have no numbers, and an older one would stay.
        if !state.claim(root, caller.serial) {
            return Ok(refused("old_line", "a later call of the acting one goes on with this"));
        }
        match question {
            Question::Batches(_, batches) => {
                let Some(standby) = &state.standby else {
                    return Ok(refused("no_vault", "there is no vault"));
                };
                Ok(Answer::Has(standby.apply(&batches).map_err(io::Error::other)?))
            }
            Question::Have(_, root) => {
                // It changes nothing, and takes as long as there are files: writes go on.
                drop(held);
                Ok(Answer::Notes(self.root(&root)?.notes()?))
            }
            Question::Piece(_, piece) if piece.root == DATABASE => {
                if !state.whole {
                    return Ok(refused("no_whole", "no copy was begun"));
                }
                folders::take(&incoming(&self.own.data), &piece)?;
                Ok(Answer::Done)
            }
            Question::Piece(_, piece) => {
                self.root(&piece.root)?.take(&piece)?;
                Ok(Answer::Done)
            }
            Question::Only(_, root, paths) => {
                self.root(&root)?.only(&paths)?;
                Ok(Answer::Done)
            }
            Question::Whole(_, pair) => {
                if let Some((history, _)) = self.standing(state).map_err(io::Error::other)?
                    && history.pair != pair
                {
                    return Ok(other_vault());
                }
                pair::clear(&incoming(&self.own.data)).map_err(io::Error::other)?;
                state.whole = true;
                Ok(Answer::Done)
            }
            Question::WholeEnds(_) if state.whole => {
                state.standby = None;
                take_place(&self.own.data).map_err(io::Error::other)?;
                state.whole = false;
                let standing = self.standing(state).map_err(io::Error::other)?;
                Ok(Answer::Welcome(self.own.name.clone(), standing))
            }
            _ => Ok(refused("no_whole", "no copy was begun")),
        }
    }

    fn root(&self, name: &str) -> io::Result<&Root> {
        let found = self.own.roots.iter().find(|root| root.name == name);
        found.ok_or_else(|| io::Error::other(format!("there is no root {name}")))
    }
}
