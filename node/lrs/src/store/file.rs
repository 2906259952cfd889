//! A file that is only appended to, under the records in memory: one entry a change.
//!
//! An entry is its length (u32, big endian), the first 8 bytes of its SHA-256, and JSON. Opening reads all of it; an entry
//! that a crash cut at the end was never acknowledged and is cut off, a damaged one before the end refuses the file. For
//! trying out and for tests: nothing in it is sealed, so that a district's records never lie in it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Change, Listed, MemoryStore, Outline, Range, Reader, Store, StoreError, TermKey};
use crate::attachments::Attachment;
use crate::documents::{Document, Key, Shelf};
use crate::json::{self, Json};
use crate::statements::Term;

mod code;

/// Records in memory, and every change in a file.
pub struct FileStore {
    memory: MemoryStore,
    file: Mutex<File>,
}

const HEAD_BYTES: usize = 12;

impl FileStore {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged before its end.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let broken = |error: std::io::Error| StoreError::Broken(format!("{}: {error}", path.display()));
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(path).map_err(broken)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(broken)?;
        let memory = MemoryStore::default();
        let mut rest = bytes.as_slice();
        while let Some((entry, after)) = entry(rest) {
            let change = entry.and_then(code::read).ok_or_else(|| {
                let at = bytes.len().saturating_sub(rest.len());
                StoreError::Broken(format!("{} is damaged at byte {at}", path.display()))
            })?;
            memory.apply(change)?;
            rest = after;
        }
        let whole = bytes.len().saturating_sub(rest.len()) as u64;
        file.set_len(whole).map_err(broken)?;
        file.seek(SeekFrom::Start(whole)).map_err(broken)?;
        file.sync_all().map_err(broken)?;
        Ok(Self { memory, file: Mutex::new(file) })
    }
}

/// The first entry, none inside when it is damaged, and what follows; none when there is no whole one.
fn entry(bytes: &[u8]) -> Option<(Option<Json>, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let (length, sum) = head.split_first_chunk::<4>()?;
    let (text, after) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let whole = Sha256::digest(text).get(..8) == Some(sum);
    Some((if whole { json::read(text).ok() } else { None }, after))
}

impl Store for FileStore {
    fn apply(&self, change: Change) -> Result<(), StoreError> {
        let text = code::written(&change).to_string();
        let length =
            u32::try_from(text.len()).map_err(|_| StoreError::Broken("a change above 4 GiB".into()))?;
        let sum = Sha256::digest(&text);
        let entry = [&length.to_be_bytes()[..], sum.get(..8).unwrap_or_default(), text.as_bytes()].concat();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&entry).map_err(|error| StoreError::Broken(error.to_string()))?;
        self.memory.apply(change)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).try_clone();
        file.and_then(|file| file.sync_data()).map_err(|error| StoreError::Broken(error.to_string()))
    }

    fn key(&self, term: &Term) -> TermKey {
        self.memory.key(term)
    }

    fn newest(&self) -> Result<u64, StoreError> {
        self.memory.newest()
    }

    fn places(&self, key: Option<&TermKey>, range: Range, at_most: usize) -> Result<Vec<u64>, StoreError> {
        self.memory.places(key, range, at_most)
    }

    fn outline(&self, place: u64) -> Result<Option<Outline>, StoreError> {
        self.memory.outline(place)
    }

    fn open(&self, reader: Reader<'_>, places: &[u64]) -> Result<Vec<(u64, Json)>, StoreError> {
        self.memory.open(reader, places)
    }

    fn attachments(&self, place: u64) -> Result<Vec<Attachment>, StoreError> {
        self.memory.attachments(place)
    }

    fn activity(&self, id: &str) -> Result<Option<Json>, StoreError> {
        self.memory.activity(id)
    }

    fn document(&self, reader: Reader<'_>, key: &Key) -> Result<Option<Document>, StoreError> {
        self.memory.document(reader, key)
    }

    fn documents(&self, reader: Reader<'_>, shelf: &Shelf) -> Result<Vec<Listed>, StoreError> {
        self.memory.documents(reader, shelf)
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.memory.count()
    }
}
