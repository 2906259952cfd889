//! The file `keys.sealed` of a generation: every student's wrapped key, and which handles and which local
//! identifiers are whose.
//!
//! A header of 16 bytes, then records: length (u16, little endian), kind, body. New records are appended and synced
//! before anybody is told; a cut last record was told to nobody and is left out. The index of handles and local
//! identifiers is sealed under an index key, which the key-encryption key wraps, so that the file alone does not
//! say which handles of different years are one student. Local identifiers stand as hashes inside the seal.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aula_ledger::types::{Handle, SchoolYear};

use super::kms::{KeyEncryption, KmsError};
use crate::files::{FileError, check_private, write_new};
use crate::seal::Cipher;
use crate::secret::SecretKey;

/// A student inside the vault, whatever the year: 16 random bytes.
pub type StudentRef = [u8; 16];

const MAGIC: &[u8; 16] = b"AULA VAULT KEYS\x01";
const INDEX_KEY: u8 = 0;
const STUDENT: u8 = 1;
const HANDLE: u8 = 2;
const LOCAL_ID: u8 = 3;
const DISTRICT: u8 = 4;

/// What a wrapped key or an index entry belongs to: label, generation, kind, whose.
fn bound(generation: &[u8; 16], kind: u8, whose: &[u8]) -> Vec<u8> {
    [b"aula/v1/vault-key", &generation[..], &[kind], whose].concat()
}

/// The keys and the index of one generation, in memory as in the file: wrapped.
pub(super) struct Book {
    path: PathBuf,
    generation: [u8; 16],
    kek: Box<dyn KeyEncryption>,
    index: Cipher,
    pub(super) students: BTreeMap<StudentRef, Vec<u8>>,
    pub(super) handles: BTreeMap<Handle, (SchoolYear, StudentRef)>,
    /// The same by student, so that nobody is looked for among everybody.
    by_student: BTreeMap<StudentRef, Vec<Handle>>,
    pub(super) local_ids: BTreeMap<[u8; 32], StudentRef>,
    /// The district's own keys by their names, wrapped.
    pub(super) district: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What is added to a book in one synced write.
#[derive(Default)]
pub(super) struct Page(Vec<u8>);

impl Page {
    fn record(&mut self, kind: u8, body: &[u8]) {
        // Bodies are wrapped keys and index entries of at most about 1 KiB.
        let length = u16::try_from(body.len().saturating_add(1)).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.push(kind);
        self.0.extend_from_slice(body);
    }
}

impl Book {
    /// A new, empty book under a new index key.
    pub(super) fn create(
        folder: &Path,
        generation: [u8; 16],
        kek: Box<dyn KeyEncryption>,
    ) -> Result<Self, KmsError> {
        let path = folder.join("keys.sealed");
        let index_key = SecretKey::random();
        let mut page = Page(MAGIC.to_vec());
        page.record(INDEX_KEY, &kek.wrap(&index_key, &bound(&generation, INDEX_KEY, &[]))?);
        write_new(&path, &page.0)?;
        let index = Cipher::new(&index_key);
        let (students, handles, by_student, local_ids, district) = Default::default();
        Ok(Self { path, generation, kek, index, students, handles, by_student, local_ids, district })
    }

    /// Reads a book. A record that is cut at the end is cut off: nobody was told of it.
    pub(super) fn open(
        folder: &Path,
        generation: [u8; 16],
        kek: Box<dyn KeyEncryption>,
    ) -> Result<Self, KmsError> {
        let path = folder.join("keys.sealed");
        check_private(&path)?;
        let mut bytes = Vec::new();
        File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(FileError::io(&path))?;
        let damaged = |reason| FileError::damaged(&path, reason);
        let body = bytes.strip_prefix(MAGIC).ok_or(damaged("it does not begin as a file of keys"))?;
        let (records, used) = split(body);
        let Some(((INDEX_KEY, wrapped), rest)) = records.split_first().map(|(first, rest)| (*first, rest))
        else {
            return Err(damaged("it has no index key").into());
        };
        let index_key = kek.unwrap(wrapped, &bound(&generation, INDEX_KEY, &[]))?;
        let (students, handles, by_student, local_ids, district) = Default::default();
        let index = Cipher::new(&index_key);
        let own = path.clone();
        let mut book =
            Self { path: own, generation, kek, index, students, handles, by_student, local_ids, district };
        for (kind, body) in rest {
            book.take(*kind, body).ok_or(damaged("a record does not open"))?;
        }
        if used < body.len() {
            let whole = (MAGIC.len() + used) as u64;
            let cut = OpenOptions::new().write(true).open(&path).and_then(|file| {
                file.set_len(whole)?;
                file.sync_all()
            });
            cut.map_err(FileError::io(&path))?;
        }
        Ok(book)
    }

    fn take(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        match kind {
            STUDENT => {
                let (student, wrapped) = body.split_first_chunk::<16>()?;
                self.students.insert(*student, wrapped.to_vec());
            }
            HANDLE => {
                let clear = self.index.open(body, &bound(&self.generation, HANDLE, &[])).ok()?;
                let (handle, rest) = clear.split_first_chunk::<32>()?;
                let (year, student) = rest.split_first_chunk::<2>()?;
                let student: StudentRef = student.try_into().ok()?;
                let year = SchoolYear(u16::from_le_bytes(*year));
                self.insert_handle(Handle(*handle), year, student);
            }
            LOCAL_ID => {
                let clear = self.index.open(body, &bound(&self.generation, LOCAL_ID, &[])).ok()?;
                let (digest, student) = clear.split_first_chunk::<32>()?;
                self.local_ids.insert(*digest, student.try_into().ok()?);
            }
            DISTRICT => {
                let (length, rest) = body.split_first()?;
                let (name, wrapped) = rest.split_at_checked(usize::from(*length))?;
                self.district.insert(name.to_vec(), wrapped.to_vec());
            }
            _ => return None,
        }
        Some(())
    }

    /// Puts a student on a page.
    pub(super) fn add_student(
        &mut self,
        page: &mut Page,
        student: StudentRef,
        secret: &SecretKey,
    ) -> Result<(), KmsError> {
        let wrapped = self.kek.wrap(secret, &bound(&self.generation, STUDENT, &student))?;
        page.record(STUDENT, &[&student[..], &wrapped].concat());
        self.students.insert(student, wrapped);
        Ok(())
    }

    /// Puts a handle on a page.
    pub(super) fn add_handle(
        &mut self,
        page: &mut Page,
        handle: Handle,
        year: SchoolYear,
        student: StudentRef,
    ) -> Result<(), KmsError> {
        let clear = [&handle.0[..], &year.0.to_le_bytes(), &student].concat();
        page.record(HANDLE, &self.index.seal(&clear, &bound(&self.generation, HANDLE, &[]))?);
        self.insert_handle(handle, year, student);
        Ok(())
    }

    fn insert_handle(&mut self, handle: Handle, year: SchoolYear, student: StudentRef) {
        if self.handles.insert(handle, (year, student)).is_none() {
            self.by_student.entry(student).or_default().push(handle);
        }
    }

    /// Forgets a handle that could not be written.
    pub(super) fn forget_handle(&mut self, handle: &Handle) {
        let Some((_, student)) = self.handles.remove(handle) else { return };
        if let Some(own) = self.by_student.get_mut(&student) {
            own.retain(|other| other != handle);
        }
    }

    /// A student's handles with their years, ascending by handle.
    pub(super) fn handles_of(&self, student: &StudentRef) -> Vec<(Handle, SchoolYear)> {
        let own = self.by_student.get(student).into_iter().flatten();
        let mut own: Vec<_> = own.filter_map(|handle| Some((*handle, self.handles.get(handle)?.0))).collect();
        own.sort();
        own
    }

    /// Puts the hash of a local identifier on a page.
    pub(super) fn add_local_id(
        &mut self,
        page: &mut Page,
        digest: [u8; 32],
        student: StudentRef,
    ) -> Result<(), KmsError> {
        let clear = [&digest[..], &student].concat();
        page.record(LOCAL_ID, &self.index.seal(&clear, &bound(&self.generation, LOCAL_ID, &[]))?);
        self.local_ids.insert(digest, student);
        Ok(())
    }

    /// Puts a key of the district's own on a page, under a name of at most 64 bytes.
    pub(super) fn add_district_key(
        &mut self,
        page: &mut Page,
        name: &[u8],
        key: &SecretKey,
    ) -> Result<(), KmsError> {
        let wrapped = self.kek.wrap(key, &bound(&self.generation, DISTRICT, name))?;
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        page.record(DISTRICT, &[&[length], name, wrapped.as_slice()].concat());
        self.district.insert(name.to_vec(), wrapped);
        Ok(())
    }

    /// A key of the district's own.
    pub(super) fn district_key(&self, name: &[u8]) -> Option<Result<SecretKey, KmsError>> {
        let wrapped = self.district.get(name)?;
        Some(self.kek.unwrap(wrapped, &bound(&self.generation, DISTRICT, name)))
    }

    /// Appends a page and syncs it. After an error the file is as before and the caller forgets the page.
    pub(super) fn append(&self, page: &Page) -> Result<(), FileError> {
        let io = FileError::io;
        let mut file = OpenOptions::new().append(true).open(&self.path).map_err(io(&self.path))?;
        let before = file.metadata().map_err(io(&self.path))?.len();
        let written = file.write_all(&page.0).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // On a full disk part of the page may be there: without it the next append would follow rubbish.
            let _ = file.set_len(before);
            return Err(io(&self.path)(error));
        }
        Ok(())
    }

    /// A student's secret.
    pub(super) fn secret(&self, student: &StudentRef) -> Option<Result<SecretKey, KmsError>> {
        let wrapped = self.students.get(student)?;
        Some(self.kek.unwrap(wrapped, &bound(&self.generation, STUDENT, student)))
    }
}

/// A record's kind and body.
type Entry<'a> = (u8, &'a [u8]);

/// The whole records of a body, and how many bytes they take.
fn split(body: &[u8]) -> (Vec<Entry<'_>>, usize) {
    let (mut records, mut rest) = (Vec::new(), body);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((record, after)) = after.split_at_checked(length) else { break };
        // A length of zero is what a file system leaves where a page was not written.
        let Some((kind, record)) = record.split_first() else { break };
        records.push((*kind, record));
        rest = after;
    }
    (records, body.len() - rest.len())
}
