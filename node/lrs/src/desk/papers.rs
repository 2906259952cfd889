//! Documents at the desk.

use std::sync::PoisonError;

use super::{Desk, DeskError, now_us};
use crate::documents::{Conditions, Demand, Document, Key, Shelf, merged, permitted};
use crate::store::{Change, DocumentChange, Listed, Reader};

/// A document as it is sent.
#[derive(Debug, Clone)]
pub struct Papers {
    /// Media type.
    pub content_type: String,
    /// As they were sent; what they are, the media type says.
    pub bytes: Vec<u8>,
}

/// What a write does with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Replaces it.
    Put,
    /// Is merged into it.
    Post,
}

impl Desk {
    /// Writes a document; on return it is on disk.
    ///
    /// # Errors
    /// [`DeskError::Unmet`], [`DeskError::Unmergeable`], the store's.
    pub fn write(
        &self,
        key: Key,
        papers: Papers,
        which: Which,
        conditions: &Conditions,
        demand: Demand,
    ) -> Result<(), DeskError> {
        let ticket = {
            let mut newest_us = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let found = self.store.document(Reader::Itself, &key)?;
            permitted(conditions, found.as_ref(), demand)?;
            *newest_us = now_us().max(newest_us.saturating_add(1));
            let Papers { content_type, bytes } = papers;
            // A writing is later than the one that it replaces, by whatever clock that was written.
            let updated_us = found.as_ref().map_or(0, Document::after).max(*newest_us);
            let sent = Document { content_type, bytes, updated_us };
            let whole = if which == Which::Post { merged(found, sent)? } else { sent };
            let documents = vec![DocumentChange::Put(key, whole)];
            self.apply(Change { documents, ..Change::default() })?
        };
        self.settle(ticket)
    }

    /// Removes a document, which need not be there.
    ///
    /// # Errors
    /// [`DeskError::Unmet`], the store's.
    pub fn remove(&self, key: Key, conditions: &Conditions) -> Result<(), DeskError> {
        let ticket = {
            let _alone = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let found = self.store.document(Reader::Itself, &key)?;
            permitted(conditions, found.as_ref(), Demand::Free)?;
            let documents = vec![DocumentChange::Delete(key)];
            self.apply(Change { documents, ..Change::default() })?
        };
        self.settle(ticket)
    }

    /// Removes the documents of a shelf: those of a registration, or all.
    ///
    /// # Errors
    /// The store's.
    pub fn clear(&self, shelf: &Shelf, registration: Option<&str>) -> Result<(), DeskError> {
        let ticket = {
            let _alone = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let listed = self.store.documents(Reader::Itself, shelf)?;
            let own = listed.into_iter().filter(|one| of(one, registration));
            let documents = own.map(|one| DocumentChange::Delete(one.key)).collect();
            self.apply(Change { documents, ..Change::default() })?
        };
        self.settle(ticket)
    }

    /// A document.
    ///
    /// # Errors
    /// The store's.
    pub fn document(&self, reader: Reader<'_>, key: &Key) -> Result<Option<Document>, DeskError> {
        Ok(self.store.document(reader, key)?)
    }

    /// The identifiers on a shelf, of a registration or all, written after a time; and when the newest was written.
    ///
    /// # Errors
    /// The store's.
    pub fn list(
        &self,
        reader: Reader<'_>,
        shelf: &Shelf,
        registration: Option<&str>,
        after_us: Option<u64>,
    ) -> Result<(Vec<String>, Option<u64>), DeskError> {
        let listed = self.store.documents(reader, shelf)?;
        let later = |one: &Listed| after_us.is_none_or(|after| one.updated_us > after);
        let own: Vec<Listed> = listed.into_iter().filter(|one| of(one, registration) && later(one)).collect();
        let newest = own.iter().map(|one| one.updated_us).max();
        let mut ids: Vec<String> = own.into_iter().map(|one| one.key.id).collect();
        ids.dedup();
        Ok((ids, newest))
    }
}

fn of(one: &Listed, registration: Option<&str>) -> bool {
    registration.is_none_or(|wanted| one.key.registration.as_deref() == Some(wanted))
}
