//! Events of feeds: each exactly once, with where it came from sealed beside it.
//!
//! A source names its messages; the HMAC of (source, name) under the district's index key is a message's mark ([`Once`]). Flow:
//! [`Vault::marked`] says which messages are kept already → [`Vault::put_feed`] writes events, marks and the sources' notes
//! in one synced batch: on disk on return, or nothing of it counts. Invariants: a mark stands where its event does, since both
//! are of one batch; no name of a message stands in clear; an erased student's marks go with the events. Absent: what an event
//! means and where it stands in the order, which the district's work decides.

use std::collections::BTreeSet;

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use rocksdb::{Direction, IteratorMode, WriteBatch};
use zeroize::Zeroizing;

use crate::ciphers::ReadyCiphers;
use crate::error::VaultError;
use crate::rows::Terms;
use crate::seal::Cipher;
use crate::tables::{Table, family};
use crate::vault::{EVENT_FIELD, MAX_EVENT_KEY_BYTES, MAX_VALUE_BYTES, Nonces, Vault, record_cipher, within};

#[cfg(test)]
mod tests;

/// A message's mark: the source's number, big endian, then 16 bytes of the HMAC of the message's name.
pub type Once = [u8; 24];

/// Most bytes of what is said of where an event came from.
pub const MAX_ORIGIN_BYTES: usize = 4 << 10;
/// What an event takes in a batch beside its own bytes and its origin's: two keys, a mark, a nonce, a tag, about.
const EVENT_OVERHEAD_BYTES: usize = 320;
/// First byte of a stored event that has its origin beside it. Sealed bytes without one begin with 1.
const WITH_ORIGIN: u8 = 2;
/// The field name of those in what a value belongs to; no [`aula_ledger::names::FieldName`] has a space.
const ORIGIN_FIELD: &[u8] = b"event origin ";

/// An event to be kept.
#[derive(Debug, Clone, Copy)]
pub struct FeedEvent<'a> {
    /// The student, by the pseudonym of the year.
    pub handle: Handle,
    /// Its place among the student's events; bytes that sort in order, at most 64.
    pub key: &'a [u8],
    /// Its canonical bytes.
    pub event: &'a [u8],
    /// Where it came from, at most [`MAX_ORIGIN_BYTES`].
    pub origin: &'a [u8],
    /// The message's mark.
    pub once: Once,
    /// It amends an earlier one.
    pub amends: bool,
}

/// Where the event of a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Whose it is.
    pub handle: Handle,
    /// Among the student's events; bytes that sort in order, at most 64.
    pub key: Vec<u8>,
    /// It amends an earlier one.
    pub amends: bool,
}

/// An event as it is kept.
#[derive(Debug, Clone)]
pub struct KeptEvent {
    /// Among the student's events; bytes that sort in order, at most 64.
    pub key: Vec<u8>,
    /// Its canonical bytes.
    pub event: Zeroizing<Vec<u8>>,
    /// Where it came from; nothing for one that no feed brought.
    pub origin: Zeroizing<Vec<u8>>,
}

/// Marks and ciphers made ready, for many batches of one opening of a vault.
pub struct FeedKeys {
    terms: Terms,
    ready: ReadyCiphers,
}

impl std::fmt::Debug for FeedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FeedKeys(secret)")
    }
}

impl FeedKeys {
    /// The mark of a source's message, and 64 bits that no other message of the source has, never 0.
    pub fn mark(&self, source: u64, name: &[u8]) -> (Once, u64) {
        let term = self.terms.term_of(&[b"feed ", &source.to_be_bytes(), name]);
        let (mut once, mut number) = ([0; 24], [0; 8]);
        once[..8].copy_from_slice(&source.to_be_bytes());
        once[8..].copy_from_slice(&term[..16]);
        number.copy_from_slice(&term[16..24]);
        (once, u64::from_be_bytes(number).max(1))
    }
}

impl Vault {
    /// Marks and ciphers for [`Vault::put_feed`].
    ///
    /// # Errors
    /// When the keystore cannot be written, the first time.
    pub fn feed_keys(&self) -> Result<FeedKeys, VaultError> {
        Ok(FeedKeys { terms: self.terms()?, ready: ReadyCiphers::new(record_cipher) })
    }

    /// Where the events of these messages stand; none for one that is not kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn marked(&self, marks: &[Once]) -> Result<Vec<Option<Marked>>, VaultError> {
        let damaged = || VaultError::Damaged("a mark is unreadable".into());
        let found = self.db.batched_multi_get_cf(family(&self.db, Table::Marks)?, marks, false);
        let marked = found.into_iter().map(|found| {
            let Some(bytes) = found? else { return Ok(None) };
            let (handle, rest) = bytes.split_first_chunk::<32>().ok_or_else(damaged)?;
            let (amends, key) = rest.split_first().ok_or_else(damaged)?;
            Ok(Some(Marked { handle: Handle(*handle), key: key.to_vec(), amends: *amends == 1 }))
        });
        marked.collect()
    }

    /// Seals events of feeds and writes them with their marks and the sources' notes in one synced batch. Gives its bytes.
    ///
    /// # Errors
    /// An unknown or erased student, bytes over a limit, a disk that refuses: then nothing counts.
    pub fn put_feed(
        &self,
        keys: &mut FeedKeys,
        events: &[FeedEvent<'_>],
        notes: &[(u64, Vec<u8>)],
    ) -> Result<usize, VaultError> {
        let held: usize = events.iter().map(|event| event.event.len() + event.origin.len()).sum();
        let mut batch =
            WriteBatch::with_capacity_bytes(held + events.len().saturating_mul(EVENT_OVERHEAD_BYTES));
        self.seal_feed(keys, events, notes, &mut batch)?;
        let bytes = batch.size_in_bytes();
        self.write(batch)?;
        Ok(bytes)
    }

    /// Seals events of feeds into a batch, with their marks and the sources' notes.
    pub(crate) fn seal_feed(
        &self,
        keys: &mut FeedKeys,
        events: &[FeedEvent<'_>],
        notes: &[(u64, Vec<u8>)],
        batch: &mut WriteBatch,
    ) -> Result<(), VaultError> {
        keys.ready.refresh(self.keystore().current().name());
        let mut nonces = Nonces::draw(events.len());
        let (table, marks) = (family(&self.db, Table::Events)?, family(&self.db, Table::Marks)?);
        let (mut key, mut mark, mut stored) =
            (Vec::with_capacity(96), Vec::with_capacity(96), Vec::with_capacity(512));
        let (mut bound, mut clear) = (Vec::with_capacity(160), Zeroizing::new(Vec::with_capacity(512)));
        // Each table gets its keys in their order: see `tables::NEAR_THE_LAST`.
        let mut order: Vec<&FeedEvent<'_>> = events.iter().collect();
        order.sort_unstable_by_key(|event| (event.handle, event.key));
        for event in &order {
            within("an event's key", event.key.len(), MAX_EVENT_KEY_BYTES)?;
            within("an event", event.event.len(), MAX_VALUE_BYTES)?;
            within("an event's origin", event.origin.len(), MAX_ORIGIN_BYTES)?;
            key.clear();
            key.extend_from_slice(&event.handle.0);
            key.extend_from_slice(event.key);
            self.associate(&mut bound, &event.handle, ORIGIN_FIELD);
            bound.extend_from_slice(event.key);
            clear.clear();
            // Both fit: they are within their limits.
            clear.extend_from_slice(&u32::try_from(event.event.len()).unwrap_or(u32::MAX).to_le_bytes());
            clear.extend_from_slice(event.event);
            clear.extend_from_slice(event.origin);
            let cipher = keys.ready.of(&event.handle, || self.student_secret(&event.handle))?;
            let sealed = cipher.seal_with(nonces.next(), &clear, &bound);
            let sealed = sealed.map_err(|error| VaultError::Sealed(event.handle, error))?;
            stored.clear();
            stored.push(WITH_ORIGIN);
            stored.extend_from_slice(&sealed);
            batch.put_cf(table, &key, &stored);
        }
        order.sort_unstable_by_key(|event| event.once);
        for event in &order {
            mark.clear();
            mark.extend_from_slice(&event.handle.0);
            mark.push(u8::from(event.amends));
            mark.extend_from_slice(event.key);
            batch.put_cf(marks, event.once, &mark);
        }
        let table = family(&self.db, Table::Sources)?;
        for (source, note) in notes {
            batch.put_cf(table, source.to_be_bytes(), note);
        }
        Ok(())
    }

    /// Seals one event with its origin, as it is stored.
    pub(crate) fn seal_event(
        &self,
        cipher: &Cipher,
        handle: &Handle,
        (key, event, origin): (&[u8], &[u8], &[u8]),
    ) -> Result<Vec<u8>, VaultError> {
        within("an event's key", key.len(), MAX_EVENT_KEY_BYTES)?;
        within("an event", event.len(), MAX_VALUE_BYTES)?;
        within("an event's origin", origin.len(), MAX_ORIGIN_BYTES)?;
        let mut bound = self.bound(handle, ORIGIN_FIELD);
        bound.extend_from_slice(key);
        // It fits: it is within its limit.
        let length = u32::try_from(event.len()).unwrap_or(u32::MAX).to_le_bytes();
        let clear = Zeroizing::new([&length[..], event, origin].concat());
        let sealed = cipher.seal(&clear, &bound).map_err(|error| VaultError::Sealed(*handle, error))?;
        Ok([&[WITH_ORIGIN][..], &sealed].concat())
    }

    /// A source's note; none of one that never sent.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn source_note(&self, source: u64) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(self.db.get_cf(family(&self.db, Table::Sources)?, source.to_be_bytes())?)
    }

    /// The notes of all sources that ever sent.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn source_notes(&self) -> Result<Vec<Vec<u8>>, VaultError> {
        let all = self.db.iterator_cf(family(&self.db, Table::Sources)?, IteratorMode::Start);
        all.map(|row| Ok(row?.1.to_vec())).collect()
    }

    /// A student's events in order, opened for the district's own fold: nothing of them leaves the process that folds.
    ///
    /// # Errors
    /// An erased or unknown student, damaged data.
    pub fn events_to_fold(&self, handle: &Handle) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
        self.open_events(handle, None)
    }

    /// An event with where it came from, for a person at the district; the read is listed first.
    ///
    /// # Errors
    /// A student who is erased, a log that cannot be written, damaged data.
    pub fn traced(
        &self,
        handle: &Handle,
        key: &[u8],
        reader: &Name,
        now_ms: u64,
    ) -> Result<Option<KeptEvent>, VaultError> {
        if !self.list_service_read(handle, reader, now_ms)? {
            return Err(VaultError::Erased(*handle));
        }
        let place = [&handle.0[..], key].concat();
        let Some(stored) = self.db.get_cf(family(&self.db, Table::Events)?, place)? else { return Ok(None) };
        let cipher = record_cipher(&self.student_secret(handle)?);
        self.open_event(&cipher, handle, key, &stored).map(Some)
    }

    /// True when the vault has an event at this place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn has_event(&self, handle: &Handle, key: &[u8]) -> Result<bool, VaultError> {
        let place = [&handle.0[..], key].concat();
        Ok(self.db.get_pinned_cf(family(&self.db, Table::Events)?, place)?.is_some())
    }

    /// Opens a stored event, with or without an origin.
    pub(crate) fn open_event(
        &self,
        cipher: &Cipher,
        handle: &Handle,
        key: &[u8],
        stored: &[u8],
    ) -> Result<KeptEvent, VaultError> {
        let damaged = || VaultError::Damaged("an event is cut".into());
        let (sealed, field) = match stored.split_first() {
            Some((&WITH_ORIGIN, sealed)) => (sealed, ORIGIN_FIELD),
            _ => (stored, EVENT_FIELD),
        };
        let mut bound = self.bound(handle, field);
        bound.extend_from_slice(key);
        let opened = cipher.open(sealed, &bound).map_err(|error| VaultError::Sealed(*handle, error))?;
        if field == EVENT_FIELD {
            return Ok(KeptEvent { key: key.to_vec(), event: opened, origin: Zeroizing::default() });
        }
        let (length, rest) = opened.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (event, origin) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let (event, origin) = (Zeroizing::new(event.to_vec()), Zeroizing::new(origin.to_vec()));
        Ok(KeptEvent { key: key.to_vec(), event, origin })
    }

    /// Removes the marks of students who are gone; their events' rows are removed by their handles.
    pub(crate) fn leave_marks(&self, gone: &BTreeSet<Handle>) -> Result<(), VaultError> {
        let table = family(&self.db, Table::Marks)?;
        let mut batch = WriteBatch::default();
        for row in self.db.iterator_cf(table, IteratorMode::From(&[], Direction::Forward)) {
            let (once, mark) = row?;
            if mark.first_chunk::<32>().is_some_and(|handle| gone.contains(&Handle(*handle))) {
                batch.delete_cf(table, once);
            }
        }
        self.write(batch)
    }
}
