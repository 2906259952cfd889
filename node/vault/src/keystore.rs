//! The keystore: a folder apart from the data, with the district's key-encryption key and what it wraps.
//!
//! | path | holds |
//! |---|---|
//! | `CURRENT` | the generation in use; replaced whole |
//! | `gen-000001/keystore.json` | [`Generation`]: what is public about it |
//! | `gen-000001/kek.json` | the key-encryption key, when it is a file ([`FileKms`]) |
//! | `gen-000001/keys.sealed` | what it wraps |
//!
//! Flow: [`KeyStore::enrol`] gives a student a secret and a handle a year; [`KeyStore::secret`] unwraps one for use.
//! [`KeyStore::replace`] writes a new generation with a new key-encryption key and the students that remain, makes it
//! current, and destroys the old one: without students to leave out that is the rotation of 90 days, with them an
//! erasure. A crash leaves one generation current; [`KeyStore::open`] destroys any other it finds.
//!
//! Invariants: folders 0700, files 0600, refused when wider; nothing is acknowledged before it is synced; a copy of
//! an old generation without its key-encryption key opens nothing. Absent: records, which are in the vault's data.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aula_ledger::types::{Handle, SchoolYear};
use rand::RngCore;
use rand::rngs::OsRng;

use crate::files::{FileError, check_private, make_folder, replace, shred_folder, write_new};
use crate::owner::Owner;
use crate::secret::SecretKey;

mod book;
mod generation;
mod kms;
mod student;
#[cfg(test)]
mod tests;

pub use book::StudentRef;
use book::{Book, Page};
pub use generation::Generation;
pub use kms::{FileKms, KekId, KeyEncryption, KeyManagement, KmsError};
pub use student::{LocalId, handle_of};

/// The name of the district's key under which rows are found: a replica is given the district's own.
pub(crate) const ROW_INDEX_KEY: &str = "row-index";

/// Why the keystore cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// A file is missing, too open or damaged.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key-encryption key does not do what it should.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// There is none in the folder.
    #[error("there is no keystore in {0}")]
    Absent(PathBuf),
    /// It is another district's.
    #[error("the keystore is {found}'s, not {expected}'s")]
    OtherDistrict {
        /// Whose it should be.
        expected: Owner,
        /// Whose it is.
        found: Owner,
    },
}

/// An open keystore. One process at a time: the vault's database lock sees to it.
pub struct KeyStore {
    root: PathBuf,
    kms: Box<dyn KeyManagement>,
    current: Generation,
    book: Book,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStore").field("current", &self.current).finish_non_exhaustive()
    }
}

impl KeyStore {
    /// Makes the first generation in an empty or missing folder.
    ///
    /// # Errors
    /// [`FileError::Exists`] when there is a keystore.
    pub fn create(
        root: &Path,
        owner: Owner,
        kms: Box<dyn KeyManagement>,
        now_ms: u64,
    ) -> Result<Self, KeyStoreError> {
        if root.join("CURRENT").exists() {
            return Err(FileError::Exists { path: root.to_owned() }.into());
        }
        make_folder(root)?;
        check_private(root)?;
        // An interrupted creation left this; nothing was told to anybody.
        shred_folder(&Generation::folder(root, 1))?;
        let (current, book) = begin(root, owner, 1, kms.as_ref(), now_ms)?;
        set_current(root, 1)?;
        Ok(Self { root: root.to_owned(), kms, current, book })
    }

    /// Opens the current generation and destroys what an interrupted replacement left.
    ///
    /// # Errors
    /// [`KeyStoreError`]: absent, another district's, too open, damaged, or the wrong key.
    pub fn open(root: &Path, owner: Owner, kms: Box<dyn KeyManagement>) -> Result<Self, KeyStoreError> {
        let current = Generation::read(root)?;
        if current.owner != owner {
            return Err(KeyStoreError::OtherDistrict { expected: owner, found: current.owner });
        }
        let folder = Generation::folder(root, current.generation);
        check_private(&folder)?;
        let id = current.kek_id(&folder.join("keystore.json"))?;
        let book = Book::open(&folder, id, kms.open(&folder, &id)?)?;
        let store = Self { root: root.to_owned(), kms, current, book };
        store.destroy_others()?;
        Ok(store)
    }

    /// The generation in use.
    pub fn current(&self) -> &Generation {
        &self.current
    }

    /// How many students have keys.
    pub fn students(&self) -> usize {
        self.book.students.len()
    }

    /// How many handles, over all years.
    pub fn handles(&self) -> usize {
        self.book.handles.len()
    }

    /// Every handle with its year, ascending by handle.
    pub fn all_handles(&self) -> Vec<(Handle, SchoolYear)> {
        self.book.handles.iter().map(|(handle, (year, _))| (*handle, *year)).collect()
    }

    /// The student and the year of a handle.
    pub fn student(&self, handle: &Handle) -> Option<(SchoolYear, StudentRef)> {
        self.book.handles.get(handle).copied()
    }

    /// Every handle of a student, with its year, ascending by handle.
    pub fn handles_of(&self, student: &StudentRef) -> Vec<(Handle, SchoolYear)> {
        self.book.handles_of(student)
    }

    /// The handle of a student in a year; none when there is none.
    ///
    /// # Errors
    /// When the key-encryption key does not open the student's key.
    pub fn handle_of(&self, local_id: &LocalId, year: SchoolYear) -> Result<Option<Handle>, KeyStoreError> {
        let digest = local_id.digest(&self.current.owner);
        let Some(student) = self.book.local_ids.get(&digest) else { return Ok(None) };
        let secret = self.book.secret(student).transpose()?;
        let handle = secret.map(|secret| handle_of(&secret, year));
        Ok(handle.filter(|handle| self.book.handles.contains_key(handle)))
    }

    /// The secret of a handle's student; none when no such student has a key.
    ///
    /// # Errors
    /// When the key-encryption key does not open it.
    pub fn secret(&self, handle: &Handle) -> Result<Option<SecretKey>, KeyStoreError> {
        let Some((_, student)) = self.student(handle) else { return Ok(None) };
        Ok(self.book.secret(&student).transpose()?)
    }

    /// True when a student of this identifier has a key.
    pub fn knows(&self, local_id: &LocalId) -> bool {
        self.book.local_ids.contains_key(&local_id.digest(&self.current.owner))
    }

    /// The newest handle of the student with this identifier; none of a student who was never enrolled.
    pub fn find(&self, local_id: &LocalId) -> Option<Handle> {
        let student = self.book.local_ids.get(&local_id.digest(&self.current.owner))?;
        let newest = self.handles_of(student).into_iter().max_by_key(|(_, year)| *year);
        newest.map(|(handle, _)| handle)
    }

    /// A key of the district's own, made when it is asked for first; durable on return. It outlives rotations and
    /// erasures: an index under it stays what it is.
    ///
    /// # Errors
    /// When the keystore cannot be written.
    pub fn district_key(&mut self, name: &'static str) -> Result<SecretKey, KeyStoreError> {
        if let Some(key) = self.book.district_key(name.as_bytes()).transpose()? {
            return Ok(key);
        }
        let (key, mut page) = (SecretKey::random(), Page::default());
        self.book.add_district_key(&mut page, name.as_bytes(), &key)?;
        if let Err(error) = self.book.append(&page) {
            self.book.district.remove(name.as_bytes());
            return Err(error.into());
        }
        Ok(key)
    }

    /// Keeps a key of the district's own that another vault of it made; durable on return. Gives false, and keeps nothing, where
    /// another one is kept under this name.
    ///
    /// # Errors
    /// When the keystore cannot be written.
    pub fn keep_district_key(&mut self, name: &'static str, key: &SecretKey) -> Result<bool, KeyStoreError> {
        if let Some(kept) = self.book.district_key(name.as_bytes()).transpose()? {
            return Ok(kept.as_bytes() == key.as_bytes());
        }
        let mut page = Page::default();
        self.book.add_district_key(&mut page, name.as_bytes(), key)?;
        if let Err(error) = self.book.append(&page) {
            self.book.district.remove(name.as_bytes());
            return Err(error.into());
        }
        Ok(true)
    }

    /// Gives each student a secret, and a handle of its year, where there is none yet; durable on return. Handles in
    /// the order asked.
    ///
    /// # Errors
    /// When the keystore cannot be written; nothing has changed then.
    pub fn enrol(&mut self, asked: &[(LocalId, SchoolYear)]) -> Result<Vec<Handle>, KeyStoreError> {
        let (mut page, mut handles) = (Page::default(), Vec::with_capacity(asked.len()));
        let mut added = Added::default();
        let result = self.fill(asked, &mut page, &mut added, &mut handles);
        let result = result.and_then(|()| Ok(self.book.append(&page)?));
        if let Err(error) = result {
            added.forget(&mut self.book);
            return Err(error);
        }
        Ok(handles)
    }

    fn fill(
        &mut self,
        asked: &[(LocalId, SchoolYear)],
        page: &mut Page,
        added: &mut Added,
        handles: &mut Vec<Handle>,
    ) -> Result<(), KeyStoreError> {
        for (local_id, year) in asked {
            let digest = local_id.digest(&self.current.owner);
            let (student, secret) = match self.book.local_ids.get(&digest).copied() {
                Some(student) => {
                    let secret = self.book.secret(&student).transpose()?;
                    (student, secret.ok_or(KmsError::Service("a student has no key".into()))?)
                }
                None => {
                    let (mut student, secret) = ([0; 16], SecretKey::random());
                    OsRng.fill_bytes(&mut student);
                    self.book.add_student(page, student, &secret)?;
                    self.book.add_local_id(page, digest, student)?;
                    added.students.push(student);
                    added.local_ids.push(digest);
                    (student, secret)
                }
            };
            let handle = handle_of(&secret, *year);
            if !self.book.handles.contains_key(&handle) {
                self.book.add_handle(page, handle, *year, student)?;
                added.handles.push(handle);
            }
            handles.push(handle);
        }
        Ok(())
    }

    /// A new generation with a new key-encryption key and every student but those left out; the old one is destroyed.
    /// Gives the old one's description.
    ///
    /// # Errors
    /// Before the switch nothing has changed; after it the new generation is current, and what is left of the old one
    /// is destroyed at the next opening.
    pub fn replace(
        &mut self,
        left_out: &BTreeSet<StudentRef>,
        now_ms: u64,
    ) -> Result<Generation, KeyStoreError> {
        let number = self.current.generation.saturating_add(1);
        shred_folder(&Generation::folder(&self.root, number))?;
        let (next, mut book) = begin(&self.root, self.current.owner, number, self.kms.as_ref(), now_ms)?;
        let mut page = Page::default();
        for student in self.book.students.keys().filter(|student| !left_out.contains(*student)) {
            if let Some(secret) = self.book.secret(student).transpose()? {
                book.add_student(&mut page, *student, &secret)?;
            }
        }
        for (handle, (year, student)) in &self.book.handles {
            if !left_out.contains(student) {
                book.add_handle(&mut page, *handle, *year, *student)?;
            }
        }
        for (digest, student) in &self.book.local_ids {
            if !left_out.contains(student) {
                book.add_local_id(&mut page, *digest, *student)?;
            }
        }
        let names: Vec<Vec<u8>> = self.book.district.keys().cloned().collect();
        for name in names {
            if let Some(key) = self.book.district_key(&name).transpose()? {
                book.add_district_key(&mut page, &name, &key)?;
            }
        }
        book.append(&page)?;
        set_current(&self.root, number)?;
        self.book = book;
        let old = std::mem::replace(&mut self.current, next);
        self.destroy_others()?;
        Ok(old)
    }

    /// Destroys every generation but the current one: key first, then what it wrapped.
    fn destroy_others(&self) -> Result<(), KeyStoreError> {
        let keep = Generation::folder(&self.root, self.current.generation);
        for entry in std::fs::read_dir(&self.root).map_err(FileError::io(&self.root))? {
            let path = entry.map_err(FileError::io(&self.root))?.path();
            let stale = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gen-"));
            if !stale || path == keep {
                continue;
            }
            let description = path.join("keystore.json");
            let read = std::fs::read_to_string(&description).ok();
            let known = read.and_then(|text| serde_json::from_str::<Generation>(&text).ok());
            let id = known.map(|known| known.kek_id(&description)).transpose()?.unwrap_or_default();
            self.kms.destroy(&path, &id)?;
            shred_folder(&path)?;
        }
        Ok(())
    }
}

/// What a page added in memory, to be forgotten when it cannot be written.
#[derive(Default)]
struct Added {
    students: Vec<StudentRef>,
    handles: Vec<Handle>,
    local_ids: Vec<[u8; 32]>,
}

impl Added {
    fn forget(&self, book: &mut Book) {
        for student in &self.students {
            book.students.remove(student);
        }
        for handle in &self.handles {
            book.forget_handle(handle);
        }
        for digest in &self.local_ids {
            book.local_ids.remove(digest);
        }
    }
}

/// Makes a generation's folder, key and empty book; not yet current.
fn begin(
    root: &Path,
    owner: Owner,
    number: u32,
    kms: &dyn KeyManagement,
    now_ms: u64,
) -> Result<(Generation, Book), KeyStoreError> {
    let folder = Generation::folder(root, number);
    make_folder(&folder)?;
    let mut id = [0; 16];
    OsRng.fill_bytes(&mut id);
    let kek = hex::encode(id);
    let made = Generation { version: 1, owner, generation: number, kek, created_ms: now_ms };
    let path = folder.join("keystore.json");
    let text = serde_json::to_string(&made)
        .map_err(|_| FileError::damaged(&path, "it cannot be written as JSON"))?;
    write_new(&path, format!("{text}\n").as_bytes())?;
    let book = Book::create(&folder, id, kms.create(&folder, &id)?)?;
    Ok((made, book))
}

fn set_current(root: &Path, number: u32) -> Result<(), FileError> {
    replace(&root.join("CURRENT"), format!("gen-{number:06}\n").as_bytes())
}
