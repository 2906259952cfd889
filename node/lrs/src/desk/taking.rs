//! Statements on their way in.
//!
//! Flow: outside the desk's lock a statement is completed and its terms are given their keys ([`Prepared`]) → under the lock the
//! store is asked once for all that a request is compared with → one [`Change`]. Statements of one request see each other as if
//! they had come one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::{Desk, DeskError, Heard, Incoming, Sender, now_us};
use crate::attachments::Attachment;
use crate::json::Json;
use crate::limits::MAX_REFERENCES;
use crate::statements::{self, Order, Set, Term};
use crate::store::{Change, NewStatement, Range, Reader, Store, StoreError, TermKey};
use crate::time::Stamp;
use crate::validate::is_voiding;

/// A statement of which everything is known but when it is stored.
pub(super) struct Prepared {
    pub(super) id: String,
    pub(super) body: Json,
    raw: Option<bytes::Bytes>,
    pub(super) terms: Vec<(Term, TermKey)>,
    pub(super) target: Option<(String, TermKey)>,
    pub(super) voids: bool,
    /// Keys of the statements that it is compared with: itself, and those that refer to it.
    pub(super) near: [TermKey; 2],
    attachments: Vec<Attachment>,
    /// What it says of activities that are known changes nothing.
    pub(super) describes_new_only: bool,
}

/// Where the statements near one stand already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Near {
    /// Where the statement itself stands already.
    pub(super) own: Option<u64>,
    /// Whether another one that stands there refers to it.
    pub(super) referring: bool,
}

impl Near {
    /// Of the lowest places under [`Prepared::near`].
    pub(super) fn at(found: &[Option<u64>]) -> Self {
        let at = |place: usize| found.get(place).copied().flatten();
        Self { own: at(0), referring: at(1).is_some() }
    }
}

/// The keys of terms in a store; what the statement before had too is not computed again.
pub(super) struct Keys<'a> {
    store: &'a dyn Store,
    last: BTreeMap<u8, (String, TermKey)>,
}

impl<'a> Keys<'a> {
    pub(super) fn of_store(store: &'a dyn Store) -> Self {
        Self { store, last: BTreeMap::new() }
    }

    fn of(&mut self, term: &Term) -> TermKey {
        let (kind, text) = term.parts();
        if let Some((_, key)) = self.last.get(&kind).filter(|(last, _)| last == text) {
            return *key;
        }
        let key = self.store.key(term);
        match self.last.get_mut(&kind) {
            Some(last) => {
                last.0.clear();
                last.0.push_str(text);
                last.1 = key;
            }
            None => drop(self.last.insert(kind, (text.to_owned(), key))),
        }
        key
    }
}

impl Prepared {
    pub(super) fn new(keys: &mut Keys<'_>, one: Incoming, sender: Sender<'_>) -> Self {
        let Incoming { statement: mut body, attachments, raw } = one;
        let sent = body.text_of("id").map(statements::id_of);
        // Bytes that lack the identifier are not the statement's.
        let raw = raw.filter(|_| sent.is_some());
        let id = sent.unwrap_or_else(statements::new_id);
        statements::complete(
            &mut body,
            &Set { id: &id, authority: sender.authority, version: sender.version },
        );
        let all = statements::terms_of(&body).into_iter().chain([Term::Client(sender.client.to_owned())]);
        let terms: Vec<(Term, TermKey)> = all
            .map(|term| {
                let key = keys.of(&term);
                (term, key)
            })
            .collect();
        let own = terms.iter().find(|(term, _)| matches!(term, Term::Id(_))).map(|(_, key)| *key);
        let own = own.unwrap_or_else(|| keys.of(&Term::Id(id.clone())));
        let near = [own, keys.store.key(&Term::Refers(id.clone()))];
        let target = statements::target_of(&body).map(|id| {
            let key = keys.store.key(&Term::Id(id.clone()));
            (id, key)
        });
        let voids = is_voiding(&body);
        Self { id, body, raw, terms, target, voids, near, attachments, describes_new_only: false }
    }

    /// The keys of the terms that those who refer to it are found by as well.
    fn handed_down(&self) -> BTreeSet<TermKey> {
        handed_down(&self.terms)
    }
}

fn handed_down(terms: &[(Term, TermKey)]) -> BTreeSet<TermKey> {
    terms.iter().filter(|(term, _)| term.is_handed_down()).map(|(_, key)| *key).collect()
}

impl Desk {
    /// Stores statements; on return they are on disk. Gives their identifiers in order. One that is kept already is not
    /// stored again.
    ///
    /// # Errors
    /// [`DeskError`]; then nothing of the batch is stored.
    pub fn take(&self, incoming: Vec<Incoming>, sender: Sender<'_>) -> Result<Vec<String>, DeskError> {
        let mut keys = Keys::of_store(self.store());
        let prepared: Vec<Prepared> =
            incoming.into_iter().map(|one| Prepared::new(&mut keys, one, sender)).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) = prepared.iter().find(|one| !seen.insert(one.id.as_str())) {
            return Err(DeskError::Twice(twice.id.clone()));
        }
        drop(seen);
        let tell = self.listener.as_ref().map(|listener| {
            let heard: Vec<Heard<'_>> = prepared
                .iter()
                .map(|one| Heard { id: &one.id, statement: &one.body, raw: one.raw.as_ref() })
                .collect();
            listener.hear(&heard, sender.client)
        });
        let ids: Vec<String> = prepared.iter().map(|one| one.id.clone()).collect();
        let ticket = {
            let mut newest_us = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let change = self.compare(prepared, &mut newest_us)?;
            // A batch without news may repeat one that is not on disk yet.
            if change.statements.is_empty() { self.ticket() } else { self.apply(change)? }
        };
        self.settle(ticket)?;
        if let Some(tell) = tell {
            tell()?;
        }
        Ok(ids)
    }

    /// What is new of a request, as one change.
    fn compare(&self, prepared: Vec<Prepared>, newest_us: &mut u64) -> Result<Change, DeskError> {
        let asked: Vec<TermKey> = prepared.iter().flat_map(|one| one.near).collect();
        let found = self.store.first_places(&asked)?;
        let mut batch = Batch::default();
        for (one, near) in prepared.into_iter().zip(found.chunks(2)) {
            let near = Near::at(near);
            if let Some(place) = near.own {
                self.check_kept(place, (&one.id, &one.body))?;
            } else {
                *newest_us = now_us().max(newest_us.saturating_add(1));
                self.add(&mut batch, one, near, *newest_us)?;
            }
        }
        Ok(batch.change())
    }

    /// An error when another statement has this one's identifier.
    pub(super) fn check_kept(&self, place: u64, (id, sent): (&str, &Json)) -> Result<(), DeskError> {
        // Of a redacted one less is kept than was sent. It stays so: nobody is brought back by sending again.
        if self.store.outline(place)?.is_some_and(|outline| outline.redacted) {
            return Ok(());
        }
        let kept = self.store.open(Reader::Itself, &[place])?;
        match kept.first().is_some_and(|(_, kept)| statements::same(kept, sent)) {
            true => Ok(()),
            false => Err(DeskError::Conflict(id.to_owned())),
        }
    }

    /// Adds a new statement to a batch, with what it does to others.
    pub(super) fn add(
        &self,
        batch: &mut Batch,
        one: Prepared,
        near: Near,
        place: u64,
    ) -> Result<(), DeskError> {
        let mut inherited = BTreeSet::new();
        if let Some((id, key)) = &one.target {
            if one.voids {
                self.void(batch, id, key)?;
            }
            inherited = self.terms_under(batch, *key)?;
        }
        if near.referring || batch.targets.contains_key(&one.id) {
            let mut all = one.handed_down();
            all.extend(&inherited);
            self.hand_down(batch, &one.id, one.near[1], &all)?;
        }
        let mut voided = !one.voids && batch.voids.contains(&one.id);
        // One that voids it refers to it as well.
        if near.referring && !one.voids && !voided {
            voided = self.place_of_key(&self.store.key(&Term::Voids(one.id.clone())))?.is_some();
        }
        let Prepared {
            mut body, terms, target, voids, near: [own, ..], attachments, describes_new_only, ..
        } = one;
        for (activity, definition) in statements::definitions_of(&body) {
            if describes_new_only && self.store.activity(&activity)?.is_some() {
                continue;
            }
            self.describe(batch, activity, definition)?;
        }
        let people = statements::people_of(&body);
        statements::stamp(&mut body, Stamp::from_micros(place));
        if let Some((target, _)) = &target {
            batch.targets.entry(target.clone()).or_default().push(place);
            if voids {
                batch.voids.insert(target.clone());
            }
        }
        batch.ids.insert(own, place);
        let new = NewStatement { place, body, terms, inherited, people, target, voided, voids, attachments };
        batch.statements.insert(place, new);
        Ok(())
    }

    /// Merges an activity's definition with what is known; nothing is written of what says nothing new.
    fn describe(&self, batch: &mut Batch, activity: String, definition: Json) -> Result<(), DeskError> {
        let known = match batch.activities.remove(&activity) {
            Some((known, changed)) => Some((known, changed)),
            None => self.store.activity(&activity)?.map(|known| (known, false)),
        };
        let merged = match known {
            Some((known, changed)) => {
                let merged = described(Some(known.clone()), definition);
                let changed = changed || merged != known;
                (merged, changed)
            }
            None => (definition, true),
        };
        batch.activities.insert(activity, merged);
        Ok(())
    }

    fn void(&self, batch: &mut Batch, target: &str, key: &TermKey) -> Result<(), DeskError> {
        if let Some(place) = batch.ids.get(key) {
            let Some(new) = batch.statements.get_mut(place) else { return Ok(()) };
            if new.voids {
                return Err(DeskError::VoidsVoiding(target.to_owned()));
            }
            new.voided = true;
        } else if let Some(place) = self.place_of_key(key)? {
            if self.store.outline(place)?.is_some_and(|outline| outline.voids) {
                return Err(DeskError::VoidsVoiding(target.to_owned()));
            }
            batch.voided.push(place);
        }
        Ok(())
    }

    /// The keys under which a statement is found because of the one it refers to, and that one's, and so on.
    fn terms_under(&self, batch: &Batch, target: TermKey) -> Result<BTreeSet<TermKey>, DeskError> {
        let mut found = BTreeSet::new();
        let mut next = Some(target);
        for _ in 0..MAX_REFERENCES {
            let Some(key) = next else { break };
            if let Some(new) = batch.ids.get(&key).and_then(|place| batch.statements.get(place)) {
                found.extend(handed_down(&new.terms));
                next = new.target.as_ref().map(|(_, key)| *key);
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
    fn hand_down(
        &self,
        batch: &mut Batch,
        id: &str,
        refers: TermKey,
        keys: &BTreeSet<TermKey>,
    ) -> Result<(), DeskError> {
        let everywhere = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        for place in batch.targets.get(id).cloned().unwrap_or_default() {
            if let Some(new) = batch.statements.get_mut(&place) {
                new.inherited.extend(keys);
            }
        }
        let mut ids = vec![refers];
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

    pub(super) fn place_of_key(&self, key: &TermKey) -> Result<Option<u64>, StoreError> {
        Ok(self.store.first_places(&[*key])?.first().copied().flatten())
    }
}

/// A batch while it is put together.
#[derive(Default)]
pub(super) struct Batch {
    /// Places by the keys of identifiers.
    pub(super) ids: BTreeMap<TermKey, u64>,
    statements: BTreeMap<u64, NewStatement>,
    /// Places by the identifiers that they refer to.
    targets: BTreeMap<String, Vec<u64>>,
    /// Identifiers that statements of the batch void.
    voids: BTreeSet<String>,
    /// Places of statements that stand already and are voided now.
    pub(super) voided: Vec<u64>,
    inherited: BTreeMap<u64, BTreeSet<TermKey>>,
    /// Definitions, and whether they say anything new.
    activities: BTreeMap<String, (Json, bool)>,
    /// Identifiers that must be students' still when it is applied.
    pub(super) students: Vec<String>,
}

impl Batch {
    /// Voids a statement of the batch.
    pub(super) fn void_new(&mut self, place: u64) {
        if let Some(new) = self.statements.get_mut(&place) {
            new.voided = true;
        }
    }

    pub(super) fn change(self) -> Change {
        let news = self.activities.into_iter().filter(|(_, (_, changed))| *changed);
        Change {
            statements: self.statements.into_values().collect(),
            voided: self.voided,
            inherited: self.inherited.into_iter().collect(),
            activities: news.map(|(id, (definition, _))| (id, definition)).collect(),
            documents: Vec::new(),
            students: self.students,
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
