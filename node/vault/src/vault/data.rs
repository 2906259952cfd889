//! Records and events: sealed under their student's key, written in synced batches, opened for [`crate::access`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aula_ledger::names::FieldName;
use aula_ledger::types::Handle;
use hkdf::Hkdf;
use rand::RngCore;
use rand::rngs::OsRng;
use rocksdb::{Direction, IteratorMode, WriteBatch};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Vault;
use crate::error::VaultError;
use crate::reserved::is_reserved;
use crate::seal::{Cipher, NONCE_BYTES};
use crate::secret::SecretKey;
use crate::tables::{Table, family, record_key};

/// Most bytes of one value: a record is fields, not files.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// Most bytes of an event's key.
pub const MAX_EVENT_KEY_BYTES: usize = 64;

/// An event to be kept.
#[derive(Debug, Clone, Copy)]
pub struct EventIn<'a> {
    /// The student, by the pseudonym of the year.
    pub handle: Handle,
    /// Its place among the student's events; bytes that sort in order, at most 64.
    pub key: &'a [u8],
    /// Its canonical bytes.
    pub event: &'a [u8],
}

impl Vault {
    /// Writes what somebody else than the program says of students, as [`Vault::put_records`].
    ///
    /// # Errors
    /// [`VaultError::Reserved`] before anything is written; those of [`Vault::put_records`].
    pub fn put_fields(&self, records: &[(Handle, FieldName, &[u8])]) -> Result<(), VaultError> {
        match records.iter().find(|(_, field, _)| is_reserved(field)) {
            Some((_, field, _)) => Err(VaultError::Reserved(field.clone())),
            None => self.put_records(records),
        }
    }

    /// Seals values of fields and writes them in one synced batch: all are on disk on return, or none counts.
    ///
    /// # Errors
    /// An unknown or erased handle, a value that is too large, a disk that refuses.
    pub fn put_records(&self, records: &[(Handle, FieldName, &[u8])]) -> Result<(), VaultError> {
        let mut ciphers = Ciphers::new(self);
        let mut nonces = Nonces::draw(records.len());
        let mut batch = WriteBatch::default();
        let table = family(&self.db, Table::Records)?;
        for (handle, field, value) in records {
            within("a value", value.len(), MAX_VALUE_BYTES)?;
            let bound = self.bound(handle, field.as_str().as_bytes());
            let sealed = ciphers.of(handle)?.seal_with(nonces.next(), value, &bound);
            batch.put_cf(
                table,
                record_key(handle, field),
                sealed.map_err(|e| VaultError::Sealed(*handle, e))?,
            );
        }
        self.write(batch)
    }

    /// Seals events and writes them in one synced batch, as [`Vault::put_records`]. An event with a key that is there
    /// replaces it: the same event twice is one.
    ///
    /// # Errors
    /// As [`Vault::put_records`].
    pub fn put_events(&self, events: &[EventIn<'_>]) -> Result<(), VaultError> {
        let mut ciphers = Ciphers::new(self);
        let mut nonces = Nonces::draw(events.len());
        let mut batch = WriteBatch::default();
        let table = family(&self.db, Table::Events)?;
        let (mut key, mut bound) = (Vec::with_capacity(96), self.bound(&Handle([0; 32]), &[]));
        for event in events {
            within("an event's key", event.key.len(), MAX_EVENT_KEY_BYTES)?;
            within("an event", event.event.len(), MAX_VALUE_BYTES)?;
            key.clear();
            key.extend_from_slice(&event.handle.0);
            key.extend_from_slice(event.key);
            self.associate(&mut bound, &event.handle, EVENT_FIELD);
            bound.extend_from_slice(event.key);
            let sealed = ciphers.of(&event.handle)?.seal_with(nonces.next(), event.event, &bound);
            batch.put_cf(table, &key, sealed.map_err(|e| VaultError::Sealed(event.handle, e))?);
        }
        self.write(batch)
    }

    /// Opens one field's value; only [`crate::access`] calls it, after the entry in the log.
    pub(crate) fn open_record(
        &self,
        handle: &Handle,
        field: &FieldName,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let table = family(&self.db, Table::Records)?;
        let Some(sealed) = self.db.get_cf(table, record_key(handle, field))? else { return Ok(None) };
        let cipher = record_cipher(&self.student_secret(handle)?);
        let opened = cipher.open(&sealed, &self.bound(handle, field.as_str().as_bytes()));
        opened.map(Some).map_err(|error| VaultError::Sealed(*handle, error))
    }

    /// Opens a student's events in order, all or those that a version was folded from; only [`crate::access`] calls it.
    pub(crate) fn open_events(
        &self,
        handle: &Handle,
        version: Option<u32>,
    ) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
        let only = match version {
            Some(version) => self.keys_of_version(handle, version)?,
            None => None,
        };
        let cipher = record_cipher(&self.student_secret(handle)?);
        let table = family(&self.db, Table::Events)?;
        let mut events = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(table, from) {
            let (key, sealed) = row?;
            let Some(key) = key.strip_prefix(&handle.0[..]) else { break };
            if only.as_ref().is_some_and(|only| !only.contains(key)) {
                continue;
            }
            events.push(self.open_event(&cipher, handle, key, &sealed)?.event);
        }
        Ok(events)
    }

    /// What a sealed value belongs to: label, district, handle, field.
    pub(crate) fn bound(&self, handle: &Handle, field: &[u8]) -> Vec<u8> {
        let mut bound = Vec::with_capacity(160);
        self.associate(&mut bound, handle, field);
        bound
    }

    pub(crate) fn associate(&self, bound: &mut Vec<u8>, handle: &Handle, field: &[u8]) {
        bound.clear();
        bound.extend_from_slice(b"aula/v1/vault-record");
        bound.extend_from_slice(&self.owner.bytes());
        bound.extend_from_slice(&handle.0);
        bound.extend_from_slice(field);
    }
}

/// The field name of events in what a value belongs to; no [`FieldName`] has a space.
pub(crate) const EVENT_FIELD: &[u8] = b"event ";

/// The key of a student's records, from the student's secret.
pub(crate) fn record_cipher(secret: &SecretKey) -> Cipher {
    let mut key = Zeroizing::new([0u8; 32]);
    // HKDF refuses only outputs above 255 · 32 bytes.
    let expanded = Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(b"aula/v1/vault-record", key.as_mut());
    debug_assert!(expanded.is_ok());
    Cipher::new(&SecretKey::from_bytes(&key))
}

pub(crate) fn within(what: &'static str, found: usize, limit: usize) -> Result<(), VaultError> {
    if found <= limit { Ok(()) } else { Err(VaultError::TooLarge { what, found, limit }) }
}

/// The ciphers of a batch's students, each made once.
pub(crate) struct Ciphers<'a> {
    vault: &'a Vault,
    ready: BTreeMap<Handle, Cipher>,
}

impl<'a> Ciphers<'a> {
    pub(crate) fn new(vault: &'a Vault) -> Self {
        Self { vault, ready: BTreeMap::new() }
    }

    pub(crate) fn of(&mut self, handle: &Handle) -> Result<&Cipher, VaultError> {
        match self.ready.entry(*handle) {
            Entry::Occupied(ready) => Ok(ready.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(record_cipher(&self.vault.student_secret(handle)?))),
        }
    }
}

/// Nonces of a batch, drawn at once: one call to the operating system instead of thousands.
pub(crate) struct Nonces(Vec<u8>);

impl Nonces {
    pub(crate) fn draw(count: usize) -> Self {
        let mut bytes = vec![0; count.saturating_mul(NONCE_BYTES)];
        OsRng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    pub(crate) fn next(&mut self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        let rest = self.0.len().saturating_sub(NONCE_BYTES);
        match self.0.get(rest..).filter(|last| last.len() == NONCE_BYTES) {
            Some(last) => nonce.copy_from_slice(last),
            None => OsRng.fill_bytes(&mut nonce),
        }
        self.0.truncate(rest);
        nonce
    }
}
