//! The desk: requests that passed their checks, one write after the other.
//!
//! Flow of a write: the desk's lock → compare with what is kept → one [`Change`] → [`Store::apply`] → unlock → wait for the
//! disk together with whoever else waits (`Desk::settle`). Invariants: nothing is acknowledged before it is on disk;
//! of a batch everything is stored or nothing; the same statement twice is one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::attachments::Attachment;
use crate::json::Json;
use crate::store::{Change, Store, StoreError};
use crate::version::Version;

mod bringing;
mod papers;
mod search;
mod taking;

pub use bringing::{Became, Brought, Laid, Sheet};
pub use papers::{Papers, Which};
pub use search::Page;

/// Why the desk refuses.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Another statement has this identifier.
    #[error("another statement has the id {0}: a statement never changes; send a new id, or void it")]
    Conflict(String),
    /// One identifier twice in a batch.
    #[error("the id {0} stands twice in one request")]
    Twice(String),
    /// A voiding statement is to be voided.
    #[error("{0} voids another statement, and cannot be voided itself")]
    VoidsVoiding(String),
    /// The conditions of a document do not hold.
    #[error(transparent)]
    Unmet(#[from] crate::documents::Unmet),
    /// Documents that do not merge.
    #[error(transparent)]
    Unmergeable(#[from] crate::documents::Unmergeable),
    /// What is kept cannot be read or written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A statement that passed its checks, with the attachments it describes.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The statement as it was sent.
    pub statement: Json,
    /// Its attachments' bytes.
    pub attachments: Vec<Attachment>,
    /// Its own bytes as they were sent, where they are at hand.
    pub raw: Option<Bytes>,
}

/// On whose behalf a write is made, and how.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The client's name.
    pub client: &'a str,
    /// The client as an agent: the statements' authority.
    pub authority: &'a Json,
    /// The version that the request spoke.
    pub version: Version,
}

/// A statement that is about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// The statement with its identifier, not yet with when it is stored.
    pub statement: &'a Json,
    /// Its bytes as they were sent, when they have the identifier.
    pub raw: Option<&'a Bytes>,
}

/// What is done once statements are on disk. Fails with [`StoreError::Busy`]: the client is told to send again.
pub type Tell = Box<dyn FnOnce() -> Result<(), StoreError> + Send>;

/// Who is told of statements once they are on disk, before their client is. Told again of one that is sent again.
pub trait Listener: Send + Sync {
    /// Reads these statements of a client, and gives what is called once all of them are on disk; never called for what
    /// is not stored.
    fn hear(&self, statements: &[Heard<'_>], client: &str) -> Tell;
}

/// Whose turn it is to write, of several desks.
#[derive(Debug, Clone, Default)]
pub struct Turn(Arc<Mutex<u64>>);

/// The desk over a store.
pub struct Desk {
    store: Arc<dyn Store>,
    listener: Option<Arc<dyn Listener>>,
    /// The newest time that was given out, in microseconds since 1970; who holds it writes.
    newest_us: Arc<Mutex<u64>>,
    /// How many changes were applied, and how many of them are on disk.
    applied: Mutex<u64>,
    synced: Mutex<u64>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Opens the desk.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let newest_us = Arc::new(Mutex::new(store.newest()?));
        Ok(Self { store, listener: None, newest_us, applied: Mutex::new(0), synced: Mutex::new(0) })
    }

    /// The same desk with a listener.
    #[must_use]
    pub fn with_listener(self, listener: Arc<dyn Listener>) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// The same desk, one write after the other with all others of this turn: desks over one vault share one, so that no place is given
    /// out twice and nothing that two of them take at once is kept twice.
    #[must_use]
    pub fn in_turn(self, turn: &Turn) -> Self {
        let own = *self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest_us = turn.0.lock().unwrap_or_else(PoisonError::into_inner);
        *newest_us = own.max(*newest_us);
        drop(newest_us);
        Self { newest_us: turn.0.clone(), ..self }
    }

    /// Where the desk keeps things; what reads without writing may ask it directly.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Applies a change, with the desk's lock held, and gives the ticket to settle.
    fn apply(&self, change: Change) -> Result<u64, DeskError> {
        self.store.apply(change)?;
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        *applied = applied.saturating_add(1);
        Ok(*applied)
    }

    fn ticket(&self) -> u64 {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the change with this ticket is on disk. Who comes first syncs for everybody who applied before.
    fn settle(&self, ticket: u64) -> Result<(), DeskError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced < ticket {
            let applied = self.ticket();
            self.store.sync()?;
            *synced = applied;
        }
        Ok(())
    }
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
