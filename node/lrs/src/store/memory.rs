//! In memory: for tests, and the state over the file of [`super::FileStore`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use sha2::{Digest, Sha256};

use super::{Change, DocumentChange, Listed, Outline, Range, Reader, Store, StoreError, TermKey};
use crate::attachments::Attachment;
use crate::documents::{Document, Key, Shelf};
use crate::json::Json;
use crate::statements::{Order, Term};

#[derive(Default)]
struct State {
    rows: BTreeMap<u64, Row>,
    index: BTreeMap<TermKey, BTreeSet<u64>>,
    activities: BTreeMap<String, Json>,
    documents: BTreeMap<Key, Document>,
}

struct Row {
    body: Json,
    outline: Outline,
    attachments: Vec<Attachment>,
}

/// Records in memory. Nothing outlives the process.
#[derive(Default)]
pub struct MemoryStore(RwLock<State>);

impl MemoryStore {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a term: a store that nothing is sealed in needs no secret one.
pub(super) fn key_of(term: &Term) -> TermKey {
    let (kind, text) = term.parts();
    Sha256::new().chain_update([kind]).chain_update(text).finalize().into()
}

impl Store for MemoryStore {
    fn key(&self, term: &Term) -> TermKey {
        key_of(term)
    }

    fn newest(&self) -> Result<u64, StoreError> {
        Ok(self.state().rows.last_key_value().map_or(0, |(place, _)| *place))
    }

    fn places(&self, key: Option<&TermKey>, range: Range, at_most: usize) -> Result<Vec<u64>, StoreError> {
        if range.from > range.to {
            return Ok(Vec::new());
        }
        let (state, bounds) = (self.state(), range.from..=range.to);
        Ok(match key {
            Some(key) => {
                let Some(found) = state.index.get(key) else { return Ok(Vec::new()) };
                ordered(found.range(bounds).copied(), range.order, at_most)
            }
            None => ordered(state.rows.range(bounds).map(|(place, _)| *place), range.order, at_most),
        })
    }

    fn outline(&self, place: u64) -> Result<Option<Outline>, StoreError> {
        Ok(self.state().rows.get(&place).map(|row| row.outline.clone()))
    }

    fn open(&self, _: Reader<'_>, places: &[u64]) -> Result<Vec<(u64, Json)>, StoreError> {
        let state = self.state();
        Ok(places.iter().filter_map(|place| Some((*place, state.rows.get(place)?.body.clone()))).collect())
    }

    fn attachments(&self, place: u64) -> Result<Vec<Attachment>, StoreError> {
        Ok(self.state().rows.get(&place).map(|row| row.attachments.clone()).unwrap_or_default())
    }

    fn activity(&self, id: &str) -> Result<Option<Json>, StoreError> {
        Ok(self.state().activities.get(id).cloned())
    }

    fn document(&self, _: Reader<'_>, key: &Key) -> Result<Option<Document>, StoreError> {
        Ok(self.state().documents.get(key).cloned())
    }

    fn documents(&self, _: Reader<'_>, shelf: &Shelf) -> Result<Vec<Listed>, StoreError> {
        let state = self.state();
        let first = Key { shelf: shelf.clone(), registration: None, id: String::new() };
        let own = state.documents.range(first..).take_while(|(key, _)| key.shelf == *shelf);
        Ok(own.map(|(key, document)| Listed { key: key.clone(), updated_us: document.updated_us }).collect())
    }

    fn apply(&self, change: Change) -> Result<(), StoreError> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for new in change.statements {
            for key in new.keys() {
                state.index.entry(key).or_default().insert(new.place);
            }
            let (terms, target) = (new.shown().collect(), new.target.map(|(_, key)| key));
            let outline = Outline { terms, target, voided: new.voided, voids: new.voids, redacted: false };
            state.rows.insert(new.place, Row { body: new.body, outline, attachments: new.attachments });
        }
        for place in change.voided {
            if let Some(row) = state.rows.get_mut(&place) {
                row.outline.voided = true;
            }
        }
        for (place, keys) in change.inherited {
            for key in keys {
                state.index.entry(key).or_default().insert(place);
            }
        }
        state.activities.extend(change.activities);
        for document in change.documents {
            match document {
                DocumentChange::Put(key, document) => drop(state.documents.insert(key, document)),
                DocumentChange::Delete(key) => drop(state.documents.remove(&key)),
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.state().rows.len() as u64)
    }
}

fn ordered(places: impl DoubleEndedIterator<Item = u64>, order: Order, at_most: usize) -> Vec<u64> {
    match order {
        Order::Ascending => places.take(at_most).collect(),
        Order::Descending => places.rev().take(at_most).collect(),
    }
}
