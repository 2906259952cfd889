//! The record that says who of a pair acts, and the store that keeps it.
//!
//! A store has one record, and puts another in its place only where the one that was read still stands ([`LeaseStore::put`]). Invariant of
//! all who write it: the epoch rises with each holder, and with each start of the same one. Absent: when it is written, which
//! [`crate::contender`] says.

use serde::{Deserialize, Serialize};

use crate::who::name_of;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Higher than every earlier holder's.
    pub epoch: u64,
    /// Whose it is ([`crate::who`]).
    pub holder: String,
    /// How long after a change of the record nobody else takes it, milliseconds.
    pub lease_ms: u64,
    /// Who has everything that was acknowledged beside the holder; nobody while the holder goes on alone.
    pub level: Option<String>,
    /// The holder has stopped by itself: nobody needs to wait.
    pub released: bool,
    /// Renewals.
    pub turn: u64,
}

/// A record as it stands in its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The store's word for exactly this one.
    pub tag: String,
    /// As its writer put it.
    pub record: Record,
}

/// The store cannot be asked, or says what is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lease's store cannot be used: {0}")]
pub struct LeaseError(pub String);

/// Where the record is.
pub trait LeaseStore: Send + Sync {
    /// The record; none before the first.
    ///
    /// # Errors
    /// [`LeaseError`].
    fn read(&self) -> Result<Option<Kept>, LeaseError>;

    /// Puts a record in the place of the one with this tag, or where there is none. Gives its tag; none, and nothing is changed, where
    /// another stands there.
    ///
    /// # Errors
    /// [`LeaseError`]: it may stand there, or not.
    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError>;

    /// Says once and for all whose this is, beside the record, where nobody's was said before; gives whose it is. `what` and `owner` are
    /// letters, digits, hyphens and dots.
    ///
    /// # Errors
    /// [`LeaseError`]: it may be said, or not.
    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError>;
}

/// How often a change is tried that renewals get in the way of.
const TRIES: usize = 20;

/// Says in the record who has everything beside its holder; false where the record is no longer this holder's of this epoch. It is put also
/// where it says so already: what was put earlier, and is still on its way, finds another record then and changes nothing. An epoch has one
/// holder: whoever has its permit goes by the name alone.
///
/// # Errors
/// [`LeaseError`]: it may be said, or not.
pub fn set_level(
    store: &dyn LeaseStore,
    (holder, epoch): (&str, u64),
    level: Option<&str>,
) -> Result<bool, LeaseError> {
    for _ in 0..TRIES {
        let Some(kept) = store.read()? else { return Ok(false) };
        if name_of(&kept.record.holder) != name_of(holder)
            || kept.record.epoch != epoch
            || kept.record.released
        {
            return Ok(false);
        }
        let turn = kept.record.turn.saturating_add(1);
        let record = Record { level: level.map(str::to_owned), turn, ..kept.record };
        if store.put(Some(&kept.tag), &record)?.is_some() {
            return Ok(true);
        }
    }
    Err(LeaseError(format!("its record changed {TRIES} times while it was to be set")))
}
