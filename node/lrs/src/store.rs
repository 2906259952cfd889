//! Where it is kept: one trait, small enough for memory, a file, and a district's sealed vault.
//!
//! A statement's *place* is the microsecond at which it was stored, one of its own, so that places are in the order of
//! storing and `since` and `until` are ranges of them. A store finds places by keys of terms, and need not know the terms:
//! a sealed one keeps HMACs. Invariants: [`Store::apply`] is all or nothing and visible at once; after [`Store::sync`]
//! everything applied before is on disk; [`Store::open`] lists the read, where reads are listed, before it gives anything.

mod file;
mod memory;
mod sealed;
#[cfg(test)]
pub(super) mod tests;

pub use file::FileStore;
pub use memory::MemoryStore;
pub use sealed::{Door, Roster, SealedStore, levelling};

use std::collections::BTreeSet;

use crate::attachments::Attachment;
use crate::documents::{Document, Key, Shelf};
use crate::json::Json;
use crate::statements::{Order, Term};

/// What a store keeps of a term: a digest, keyed where the store is sealed, so that it tells nothing of the text.
pub type TermKey = [u8; 32];

/// Why a store cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk, or what lies on it.
    #[error("the record store: {0}")]
    Broken(String),
    /// Closed for a moment, or full: ask again later.
    #[error("the record store takes nothing now: {0}")]
    Busy(String),
}

/// Who reads, for the list of reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader<'a> {
    /// A client, by its name.
    Client(&'a str),
    /// The store's own comparison; nothing leaves.
    Itself,
}

/// What is known of a statement without opening it. Holds keys, no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The keys of its own terms, but for those of identifiers.
    pub terms: BTreeSet<TermKey>,
    /// The key of the identifier that it refers to.
    pub target: Option<TermKey>,
    /// Voided: hidden from queries.
    pub voided: bool,
    /// It voids another.
    pub voids: bool,
    /// A person in it was erased: what is left is not what was sent.
    pub redacted: bool,
}

/// A statement to be stored.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// The microsecond since 1970 at which it is stored, no other statement's.
    pub place: u64,
    /// The statement, complete.
    pub body: Json,
    /// What it is found by, each with its key in this store.
    pub terms: Vec<(Term, TermKey)>,
    /// Keys that it is found by because of what it refers to.
    pub inherited: BTreeSet<TermKey>,
    /// The identifiers of everybody in it, each once.
    pub people: Vec<String>,
    /// The identifier that it refers to, and its key.
    pub target: Option<(String, TermKey)>,
    /// Voided from the beginning: the voiding statement came first.
    pub voided: bool,
    /// It voids another.
    pub voids: bool,
    /// Its attachments' bytes.
    pub attachments: Vec<Attachment>,
}

impl NewStatement {
    /// The keys of its own terms that its outline shows: all but those of identifiers.
    fn shown(&self) -> impl Iterator<Item = TermKey> {
        let shown =
            self.terms.iter().filter(|(term, _)| term.is_handed_down() || matches!(term, Term::Client(_)));
        shown.map(|(_, key)| *key)
    }

    /// Every key that it is found by; one may come twice.
    fn keys(&self) -> impl Iterator<Item = TermKey> {
        self.terms.iter().map(|(_, key)| *key).chain(self.inherited.iter().copied())
    }
}

/// What becomes of a document.
#[derive(Debug, Clone)]
pub enum DocumentChange {
    /// Written.
    Put(Key, Document),
    /// Removed.
    Delete(Key),
}

/// One change: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// New statements, ascending by place.
    pub statements: Vec<NewStatement>,
    /// Places of statements that are voided now.
    pub voided: Vec<u64>,
    /// Keys under which statements that stand already are found as well.
    pub inherited: Vec<(u64, BTreeSet<TermKey>)>,
    /// Definitions of activities.
    pub activities: Vec<(String, Json)>,
    /// Documents that are written or deleted, in order.
    pub documents: Vec<DocumentChange>,
    /// Identifiers of people: where one is no student's by now, a store that seals for students applies nothing of it.
    pub students: Vec<String>,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its place.
    pub key: Key,
    /// When it was written, in microseconds since 1970.
    pub updated_us: u64,
}

/// A range of places, inclusive, with the way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The lowest place, itself included.
    pub from: u64,
    /// The highest place, itself included.
    pub to: u64,
    /// Which way.
    pub order: Order,
}

/// Where records are kept. Calls may wait for the disk.
#[allow(clippy::missing_errors_doc)] // Each fails with StoreError, for the same reasons.
pub trait Store: Send + Sync {
    /// The key of a term in this store.
    fn key(&self, term: &Term) -> TermKey;
    /// The newest place; zero when there is none.
    fn newest(&self) -> Result<u64, StoreError>;
    /// Places of statements under a key, or of all, at most so many.
    fn places(&self, key: Option<&TermKey>, range: Range, at_most: usize) -> Result<Vec<u64>, StoreError>;
    /// The lowest place under each of these keys.
    fn first_places(&self, keys: &[TermKey]) -> Result<Vec<Option<u64>>, StoreError> {
        let everywhere = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        keys.iter().map(|key| Ok(self.places(Some(key), everywhere, 1)?.first().copied())).collect()
    }
    /// What is known of the statement at a place.
    fn outline(&self, place: u64) -> Result<Option<Outline>, StoreError>;
    /// The statements at these places; those that are gone are left out.
    fn open(&self, reader: Reader<'_>, places: &[u64]) -> Result<Vec<(u64, Json)>, StoreError>;
    /// The attachments of the statement at a place, after [`Store::open`] gave it.
    fn attachments(&self, place: u64) -> Result<Vec<Attachment>, StoreError>;
    /// The definition of an activity.
    fn activity(&self, id: &str) -> Result<Option<Json>, StoreError>;
    /// What stands under a key; none when nothing does.
    fn document(&self, reader: Reader<'_>, key: &Key) -> Result<Option<Document>, StoreError>;
    /// The documents of a shelf, ascending by key.
    fn documents(&self, reader: Reader<'_>, shelf: &Shelf) -> Result<Vec<Listed>, StoreError>;
    /// Applies a change.
    fn apply(&self, change: Change) -> Result<(), StoreError>;
    /// Finds the document under a key by this one of a replica's as well, until it is written anew; a store that no replica levels
    /// with need not.
    fn keep_for(&self, _key: &Key, _replica: &TermKey) -> Result<(), StoreError> {
        Ok(())
    }
    /// Whether the document under a key is found by this one of a replica's: nobody wrote it anew since [`Store::keep_for`].
    fn is_kept_for(&self, _key: &Key, _replica: &TermKey) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// Waits until what was applied is on disk.
    fn sync(&self) -> Result<(), StoreError>;
    /// How many statements.
    fn count(&self) -> Result<u64, StoreError>;
}
