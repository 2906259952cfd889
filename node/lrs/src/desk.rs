//! The desk: requests that passed their checks, one write after the other.
//!
//! Flow of a write: the desk's lock → compare with what is kept → one [`Change`] → [`Store::apply`] → unlock → wait for the
//! disk together with whoever else waits (`Desk::settle`). Invariants: nothing is acknowledged before it is on disk;
//! of a batch everything is stored or nothing; the same statement twice is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::attachments::Attachment;
use crate::json::Json;
use crate::limits::MAX_REFERENCES;
use crate::statements::{self, Order, Set, Term};
use crate::store::{Change, NewStatement, Range, Reader, Store, StoreError, TermKey};
use crate::time::Stamp;
use crate::validate::is_voiding;
use crate::version::Version;

mod papers;
mod search;

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
    /// The store.
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
}

/// Who sends.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The client's name.
    pub client: &'a str,
    /// The client as an agent: the statements' authority.
    pub authority: &'a Json,
    /// The version that the request spoke.
    pub version: Version,
}

/// Who is told of statements once they are on disk, before their client is. Told again of one that is sent again.
pub trait Listener: Send + Sync {
    /// These statements, each with its identifier, were taken from this client.
    ///
    /// # Errors
    /// [`StoreError::Busy`]: the client is told to send again.
    fn taken(&self, statements: Vec<String>, client: &str) -> Result<(), StoreError>;
}

/// The desk over a store.
pub struct Desk {
    store: Arc<dyn Store>,
    listener: Option<Arc<dyn Listener>>,
    /// The newest time that was given out, in microseconds since 1970.
    newest_us: Mutex<u64>,
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
        let newest_us = Mutex::new(store.newest()?);
        Ok(Self { store, listener: None, newest_us, applied: Mutex::new(0), synced: Mutex::new(0) })
    }

    /// The same desk with a listener.
    #[must_use]
    pub fn with_listener(self, listener: Arc<dyn Listener>) -> Self {
        Self { listener: Some(listener), ..self }
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Stores statements; on return they are on disk. Gives their identifiers in order. One that is kept already is not
    /// stored again.
    ///
    /// # Errors
    /// [`DeskError`]; then nothing of the batch is stored.
    pub fn take(&self, incoming: Vec<Incoming>, sender: Sender<'_>) -> Result<Vec<String>, DeskError> {
        let told: Vec<Json> = match self.listener {
            Some(_) => incoming.iter().map(|one| one.statement.clone()).collect(),
            None => Vec::new(),
        };
        let (ids, ticket) = {
            let mut newest_us = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let (ids, change) = self.prepare(incoming, sender, &mut newest_us)?;
            // A batch without news may repeat one that is not on disk yet.
            let ticket = if change.statements.is_empty() { self.ticket() } else { self.apply(change)? };
            (ids, ticket)
        };
        self.settle(ticket)?;
        if let Some(listener) = &self.listener {
            let named = told.into_iter().zip(&ids).map(|(mut statement, id)| {
                if let Some(object) = statement.as_object_mut() {
                    object.set("id", Json::Text(id.clone()));
                }
                statement.to_string()
            });
            listener.taken(named.collect(), sender.client)?;
        }
        Ok(ids)
    }

    fn prepare(
        &self,
        incoming: Vec<Incoming>,
        sender: Sender<'_>,
        newest_us: &mut u64,
    ) -> Result<(Vec<String>, Change), DeskError> {
        let (mut ids, mut batch) = (Vec::new(), Batch::default());
        for one in incoming {
            let sent = one.statement.text_of("id").map(statements::id_of);
            let id = sent.unwrap_or_else(statements::new_id);
            if ids.contains(&id) {
                return Err(DeskError::Twice(id));
            }
            ids.push(id.clone());
            if !self.is_kept(&id, &one.statement)? {
                *newest_us = now_us().max(newest_us.saturating_add(1));
                self.add(&mut batch, id, one, sender, *newest_us)?;
            }
        }
        Ok((ids, batch.change()))
    }

    /// True when this statement is kept; an error when another one has its identifier.
    fn is_kept(&self, id: &str, sent: &Json) -> Result<bool, DeskError> {
        let Some(place) = self.place_of(id)? else { return Ok(false) };
        // Of a redacted one less is kept than was sent. It stays so: nobody is brought back by sending again.
        if self.store.outline(place)?.is_some_and(|outline| outline.redacted) {
            return Ok(true);
        }
        let kept = self.store.open(Reader::Itself, &[place])?;
        match kept.first().is_some_and(|(_, kept)| statements::same(kept, sent)) {
            true => Ok(true),
            false => Err(DeskError::Conflict(id.to_owned())),
        }
    }

    /// Adds a new statement to a batch, with what it does to others.
    fn add(
        &self,
        batch: &mut Batch,
        id: String,
        one: Incoming,
        sender: Sender<'_>,
        place: u64,
    ) -> Result<(), DeskError> {
        let mut body = one.statement;
        let stored = Stamp::from_micros(place);
        statements::complete(
            &mut body,
            &Set { id: &id, stored, authority: sender.authority, version: sender.version },
        );
        let mut terms = statements::terms_of(&body);
        terms.insert(Term::Client(sender.client.to_owned()));
        let (target, voids) = (statements::target_of(&body), is_voiding(&body));
        if voids && let Some(target) = &target {
            self.void(batch, target)?;
        }
        let mut inherited = BTreeSet::new();
        if let Some(target) = &target {
            inherited = self.terms_under(batch, target)?;
        }
        let mut all = self.handed_down(&terms);
        all.extend(&inherited);
        self.hand_down(batch, &id, &all)?;
        let voided = !voids && self.is_voided_by_another(batch, &id)?;
        for (activity, definition) in statements::activities_of(&body) {
            if let Some(definition) = definition {
                let known = match batch.activities.remove(&activity) {
                    Some(known) => Some(known),
                    None => self.store.activity(&activity)?,
                };
                batch.activities.insert(activity, described(known, definition));
            }
        }
        let people = statements::people_of(&body);
        let attachments = one.attachments;
        let new = NewStatement { place, body, terms, inherited, people, target, voided, voids, attachments };
        batch.ids.insert(id, place);
        batch.statements.insert(place, new);
        Ok(())
    }

    fn void(&self, batch: &mut Batch, target: &str) -> Result<(), DeskError> {
        if let Some(place) = batch.ids.get(target) {
            let Some(new) = batch.statements.get_mut(place) else { return Ok(()) };
            if new.voids {
                return Err(DeskError::VoidsVoiding(target.to_owned()));
            }
            new.voided = true;
        } else if let Some(place) = self.place_of(target)? {
            if self.store.outline(place)?.is_some_and(|outline| outline.voids) {
                return Err(DeskError::VoidsVoiding(target.to_owned()));
            }
            batch.voided.push(place);
        }
        Ok(())
    }

    fn is_voided_by_another(&self, batch: &Batch, id: &str) -> Result<bool, DeskError> {
        let in_batch = batch.statements.values().any(|new| new.voids && new.target.as_deref() == Some(id));
        let everywhere = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        Ok(in_batch
            || !self
                .store
                .places(Some(&self.store.key(&Term::Voids(id.to_owned()))), everywhere, 1)?
                .is_empty())
    }

    /// The keys under which a statement is found because of the one it refers to, and that one's, and so on.
    fn terms_under(&self, batch: &Batch, id: &str) -> Result<BTreeSet<TermKey>, DeskError> {
        let mut found = BTreeSet::new();
        let mut next = Some(self.store.key(&Term::Id(id.to_owned())));
        for _ in 0..MAX_REFERENCES {
            let Some(key) = next else { break };
            let new = batch.statements.values().find(|new| {
                new.terms.iter().any(|term| matches!(term, Term::Id(_)) && self.store.key(term) == key)
            });
            if let Some(new) = new {
                found.extend(self.handed_down(&new.terms));
                next = new.target.as_ref().map(|id| self.store.key(&Term::Id(id.clone())));
            } else if let Some(place) = self.place_of_key(&key)?
                && let Some(outline) = self.store.outline(place)?
            {
                found.extend(outline.terms);
                next = outline.target;
            } else {
                break;
            }
        }
        Ok(found)
    }

    /// Statements that came before the one they refer to are found by its terms from now on.
    fn hand_down(&self, batch: &mut Batch, id: &str, keys: &BTreeSet<TermKey>) -> Result<(), DeskError> {
        let everywhere = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        let mut ids = vec![self.store.key(&Term::Refers(id.to_owned()))];
        for new in batch.statements.values_mut().filter(|new| new.target.as_deref() == Some(id)) {
            new.inherited.extend(keys);
        }
        for _ in 0..MAX_REFERENCES {
            let mut further = Vec::new();
            for key in ids {
                for place in self.store.places(Some(&key), everywhere, crate::limits::MAX_LOOKED_AT)? {
                    batch.inherited.entry(place).or_default().extend(keys);
                    for (_, body) in self.store.open(Reader::Itself, &[place])? {
                        let id = body.text_of("id").map(statements::id_of).unwrap_or_default();
                        further.push(self.store.key(&Term::Refers(id)));
                    }
                }
            }
            if further.is_empty() {
                break;
            }
            ids = further;
        }
        Ok(())
    }

    /// The place of a statement; of a voided one too.
    pub(crate) fn place_of(&self, id: &str) -> Result<Option<u64>, StoreError> {
        self.place_of_key(&self.store.key(&Term::Id(id.to_owned())))
    }

    fn place_of_key(&self, key: &TermKey) -> Result<Option<u64>, StoreError> {
        let everywhere = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        Ok(self.store.places(Some(key), everywhere, 1)?.first().copied())
    }

    /// The keys of the terms that those who refer to a statement are found by as well.
    fn handed_down(&self, terms: &BTreeSet<Term>) -> BTreeSet<TermKey> {
        terms.iter().filter(|term| term.is_handed_down()).map(|term| self.store.key(term)).collect()
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

/// A batch while it is put together.
#[derive(Default)]
struct Batch {
    ids: BTreeMap<String, u64>,
    statements: BTreeMap<u64, NewStatement>,
    voided: Vec<u64>,
    inherited: BTreeMap<u64, BTreeSet<TermKey>>,
    activities: BTreeMap<String, Json>,
}

impl Batch {
    fn change(self) -> Change {
        Change {
            statements: self.statements.into_values().collect(),
            voided: self.voided,
            inherited: self.inherited.into_iter().collect(),
            activities: self.activities.into_iter().collect(),
            documents: Vec::new(),
        }
    }
}

/// A definition with what a newer one says: members and languages are added or replaced, none is lost.
fn described(known: Option<Json>, newer: Json) -> Json {
    let (Some(Json::Object(mut known)), Json::Object(newer)) = (known, newer.clone()) else { return newer };
    for (key, value) in newer.iter() {
        match (known.get_mut(key).and_then(Json::as_object_mut), value.as_object()) {
            (Some(map), Some(more)) if matches!(key, "name" | "description") => {
                more.iter().for_each(|(tag, text)| map.set(tag, text.clone()));
            }
            _ => known.set(key, value.clone()),
        }
    }
    Json::Object(known)
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
