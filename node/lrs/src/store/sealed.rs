//! In a district's vault: every record sealed for the students it names, found by HMACs, each read listed.
//!
//! A statement about one student is his row. One about several has a key of its own, wrapped for each; where it names one
//! of them an opaque agent stands, and what he is called lies under his key, so that after his erasure the others' copy
//! has the opaque agent, no attachments and no signature, and says that it was redacted. Documents belong to their agent.
//! Whom the roster does not know is sealed for the district and dropped after some days; activities are the district's.
//! What of it another store of the district's takes over, [`levelling`] knows.
//! Absent: people who are named in free text, in activities' identifiers or in bytes of attachments of somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use aula_vault::rows::{Custody, NewRow, OpenRow, RowChange, TermSet, Terms};
use aula_vault::{LocalId, Vault, VaultError};

use super::{
    Change, DocumentChange, Listed, NewStatement, Outline, Range, Reader, Store, StoreError, TermKey,
};
use crate::attachments::Attachment;
use crate::documents::{Document, Key, Shelf};
use crate::json::{self, Json, Object};
use crate::statements::{Order, Term, account_of};

mod code;
pub mod levelling;
mod redact;
#[cfg(test)]
mod tests;

/// How the identifiers of agents lead to students.
#[derive(Debug, Clone)]
pub struct Roster {
    /// Accounts with this home page are students, by the district's own identifier.
    pub home_page: String,
    /// How long what names nobody whom the vault knows is kept, in days.
    pub unassigned_days: u32,
}

/// Whoever has the vault: lends it for one call at a time.
pub trait Door: Send + Sync {
    /// Calls once with the open vault.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while somebody else has it.
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), StoreError>;
}

impl Door for Arc<Vault> {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), StoreError> {
        call(self);
        Ok(())
    }
}

/// Records in a vault.
pub struct SealedStore {
    door: Box<dyn Door>,
    roster: Roster,
    terms: Terms,
}

const STATEMENT: u8 = b's';
const DOCUMENT: u8 = b'd';
const ACTIVITY: u8 = b'a';
/// Kinds of terms beside those of [`Term::parts`].
const SHELF: u8 = 32;
const PAPER: u8 = 33;
const DEFINED: u8 = 34;

impl SealedStore {
    /// Records in this vault.
    ///
    /// # Errors
    /// When the keystore cannot be written.
    pub fn new(door: Box<dyn Door>, roster: Roster) -> Result<Self, StoreError> {
        let terms = lent(door.as_ref(), |vault| Ok(vault.terms()?))?;
        Ok(Self { door, roster, terms })
    }

    fn lent<T>(&self, call: impl FnOnce(&Vault) -> Result<T, StoreError>) -> Result<T, StoreError> {
        lent(self.door.as_ref(), call)
    }

    /// Drops what named nobody whom the vault knows and is old enough. Gives how many rows.
    ///
    /// # Errors
    /// When the vault refuses.
    pub fn drop_unassigned(&self, now_ms: u64) -> Result<usize, StoreError> {
        self.lent(|vault| Ok(vault.drop_unassigned(now_ms)?))
    }

    fn term(&self, kind: u8, text: &str) -> TermKey {
        self.terms.term_of(&[&[kind], text.as_bytes()])
    }

    /// The student whom an identifier names, if the vault has such a one.
    fn student(&self, vault: &Vault, identifier: &str) -> Option<Handle> {
        let (home_page, name) = account_of(identifier)?;
        let local_id = LocalId::new(name).filter(|_| home_page == self.roster.home_page)?;
        vault.keystore().find(&local_id)
    }

    fn unassigned(&self) -> Custody {
        let days = u64::from(self.roster.unassigned_days);
        Custody::Unassigned(now_ms().saturating_add(days.saturating_mul(86_400_000)))
    }

    /// Every term that names somebody, whether this row stands under it or another one.
    fn naming(&self, identifier: &str) -> TermSet {
        Term::AnyAgent(identifier.to_owned()).ways().iter().map(|term| self.key(term)).collect()
    }

    fn statement_row(&self, vault: &Vault, new: NewStatement) -> NewRow {
        let mut students: Vec<(Handle, Vec<&str>)> = Vec::with_capacity(1);
        for identifier in &new.people {
            let Some(handle) = self.student(vault, identifier) else { continue };
            match students.iter_mut().find(|(own, _)| *own == handle) {
                Some((_, called)) => called.push(identifier),
                None => students.push((handle, vec![identifier])),
            }
        }
        let (terms, keys) = (new.shown().collect(), new.keys().collect());
        let mut body = new.body;
        let described = redact::take_attachments(&mut body);
        // A row of one student goes with him as a whole.
        let mut taken = if students.len() > 1 {
            let who = students.iter().flat_map(|(handle, called)| called.iter().map(|own| (*own, *handle)));
            redact::take_out(&mut body, &who.collect())
        } else {
            BTreeMap::new()
        };
        let own = students.iter().map(|(handle, _)| {
            let parts = taken.remove(handle).map(|taken| Json::Object(taken).written());
            (*handle, parts.unwrap_or_default().into_bytes())
        });
        let own = own.collect();
        let named = students.iter().map(|(handle, called)| {
            let all = called.iter().map(|own| self.naming(own));
            (*handle, all.flat_map(|terms| terms.iter().copied().collect::<Vec<_>>()).collect())
        });
        let marks =
            code::Marks { voided: new.voided, voids: new.voids, target: new.target.map(|(_, key)| key) };
        NewRow {
            key: place_key(new.place).to_vec(),
            // A place is given out once.
            is_first: true,
            custody: self.unassigned(),
            common: body.written().into_bytes(),
            whole: code::whole(&described, &new.attachments),
            terms,
            keys,
            terms_of: named.collect(),
            own,
            marks: marks.bytes(),
        }
    }

    fn shelf_term(&self, shelf: &Shelf) -> TermKey {
        self.term(SHELF, &code::shelf_text(shelf))
    }

    fn document_key(&self, key: &Key) -> Vec<u8> {
        [&[DOCUMENT][..], &self.term(PAPER, &code::key_text(key))].concat()
    }

    fn document_row(&self, vault: &Vault, key: &Key, document: &Document) -> NewRow {
        let agent = key.shelf.agent.as_deref();
        let student = agent.and_then(|agent| self.student(vault, agent));
        // Found by its agent's term when that one is erased after all.
        let named = agent.map(|agent| self.key(&Term::AnyAgent(agent.to_owned())));
        let terms: TermSet = [self.shelf_term(&key.shelf)].into_iter().chain(named).collect();
        NewRow {
            key: self.document_key(key),
            is_first: false,
            own: student.iter().map(|handle| (*handle, Vec::new())).collect(),
            custody: if agent.is_some() { self.unassigned() } else { Custody::District },
            common: code::document(key, document).written().into_bytes(),
            whole: Vec::new(),
            terms_of: student.iter().map(|handle| (*handle, terms.clone())).collect(),
            terms,
            keys: TermSet::default(),
            marks: Vec::new(),
        }
    }

    fn activity_key(&self, id: &str) -> Vec<u8> {
        [&[ACTIVITY][..], &self.term(DEFINED, id)].concat()
    }

    fn activity_row(&self, id: &str, definition: &Json) -> NewRow {
        NewRow {
            key: self.activity_key(id),
            is_first: false,
            own: Vec::new(),
            custody: Custody::District,
            common: definition.written().into_bytes(),
            whole: Vec::new(),
            terms: TermSet::default(),
            keys: TermSet::default(),
            terms_of: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// The rows of a change.
    fn rows(&self, vault: &Vault, change: Change) -> Result<RowChange, StoreError> {
        let mut rows = RowChange::default();
        for place in change.voided {
            let key = place_key(place);
            if let Some(found) = vault.row_outline(&key)? {
                let marks = code::Marks::read(&found.marks).ok_or_else(damaged)?;
                rows.marks.push((key.to_vec(), code::Marks { voided: true, ..marks }.bytes()));
            }
        }
        rows.put.extend(change.statements.into_iter().map(|new| self.statement_row(vault, new)));
        rows.put.extend(change.activities.iter().map(|(id, known)| self.activity_row(id, known)));
        for document in change.documents {
            match document {
                DocumentChange::Put(key, document) => {
                    rows.put.push(self.document_row(vault, &key, &document))
                }
                DocumentChange::Delete(key) => rows.delete.push(self.document_key(&key)),
            }
        }
        rows.keys.extend(change.inherited.into_iter().map(|(place, keys)| (place_key(place).to_vec(), keys)));
        Ok(rows)
    }

    fn opened(&self, reader: Reader<'_>, keys: &[Vec<u8>]) -> Result<Vec<OpenRow>, StoreError> {
        let reader = match reader {
            Reader::Itself => None,
            Reader::Client(name) => Some(
                Name::new(name).map_err(|error| StoreError::Broken(format!("the client's name: {error}")))?,
            ),
        };
        self.lent(|vault| Ok(vault.open_rows(reader.as_ref(), keys, now_ms())?))
    }
}

impl Store for SealedStore {
    fn key(&self, term: &Term) -> TermKey {
        let (kind, text) = term.parts();
        self.term(kind, text)
    }

    fn newest(&self) -> Result<u64, StoreError> {
        let newest = Range { from: 0, to: u64::MAX, order: Order::Descending };
        Ok(self.places(None, newest, 1)?.first().copied().unwrap_or(0))
    }

    fn places(&self, key: Option<&TermKey>, range: Range, at_most: usize) -> Result<Vec<u64>, StoreError> {
        if range.from > range.to {
            return Ok(Vec::new());
        }
        let (from, to) = (place_key(range.from), place_key(range.to));
        let backwards = range.order == Order::Descending;
        let found = self.lent(|vault| Ok(vault.row_keys(key, (&from, &to), backwards, at_most)?))?;
        Ok(found.iter().filter_map(|key| place_of(key)).collect())
    }

    fn first_places(&self, keys: &[TermKey]) -> Result<Vec<Option<u64>>, StoreError> {
        let found = self.lent(|vault| Ok(vault.first_rows(keys)?))?;
        Ok(found.iter().map(|key| key.as_deref().and_then(place_of)).collect())
    }

    fn outline(&self, place: u64) -> Result<Option<Outline>, StoreError> {
        let found = self.lent(|vault| Ok(vault.row_outline(&place_key(place))?))?;
        let Some(found) = found else { return Ok(None) };
        let code::Marks { voided, voids, target } = code::Marks::read(&found.marks).ok_or_else(damaged)?;
        Ok(Some(Outline { terms: found.terms, target, voided, voids, redacted: found.redacted }))
    }

    fn open(&self, reader: Reader<'_>, places: &[u64]) -> Result<Vec<(u64, Json)>, StoreError> {
        let keys: Vec<Vec<u8>> = places.iter().map(|place| place_key(*place).to_vec()).collect();
        let rows = self.opened(reader, &keys)?;
        let read = |row: &OpenRow| Some((place_of(&row.key)?, statement_of(row)?));
        rows.iter().map(|row| read(row).ok_or_else(damaged)).collect()
    }

    fn attachments(&self, place: u64) -> Result<Vec<Attachment>, StoreError> {
        let rows = self.opened(Reader::Itself, &[place_key(place).to_vec()])?;
        rows.first().map_or(Some(Vec::new()), attachments_of).ok_or_else(damaged)
    }

    fn activity(&self, id: &str) -> Result<Option<Json>, StoreError> {
        let rows = self.opened(Reader::Itself, &[self.activity_key(id)])?;
        rows.first().map(|row| json::read(&row.common).map_err(|_| damaged())).transpose()
    }

    fn document(&self, reader: Reader<'_>, key: &Key) -> Result<Option<Document>, StoreError> {
        let rows = self.opened(reader, &[self.document_key(key)])?;
        let read =
            |row: &OpenRow| code::read_document(&json::read(&row.common).ok()?).map(|(_, document)| document);
        rows.first().map(|row| read(row).ok_or_else(damaged)).transpose()
    }

    fn documents(&self, reader: Reader<'_>, shelf: &Shelf) -> Result<Vec<Listed>, StoreError> {
        let range = (&[DOCUMENT][..], &[DOCUMENT.saturating_add(1)][..]);
        let term = self.shelf_term(shelf);
        let keys = self.lent(|vault| Ok(vault.row_keys(Some(&term), range, false, usize::MAX)?))?;
        let read = |row: &OpenRow| {
            let (place, document) = code::read_document(&json::read(&row.common).ok()?)?;
            let key = Key { shelf: shelf.clone(), registration: place.registration, id: place.id };
            Some(Listed { key, updated_us: document.updated_us })
        };
        let rows = self.opened(reader, &keys)?;
        let mut listed =
            rows.iter().map(|row| read(row).ok_or_else(damaged)).collect::<Result<Vec<_>, StoreError>>()?;
        listed.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(listed)
    }

    fn apply(&self, change: Change) -> Result<(), StoreError> {
        self.lent(|vault| {
            // Else whoever was erased since the sender looked would be sealed as somebody whom nobody knows, or stand in others' rows.
            if change.students.iter().any(|own| self.student(vault, own).is_none()) {
                return Err(StoreError::Busy("a student in it was erased meanwhile".into()));
            }
            let rows = self.rows(vault, change)?;
            Ok(vault.change_rows(&rows)?)
        })
    }

    fn keep_for(&self, key: &Key, replica: &TermKey) -> Result<(), StoreError> {
        let keys = vec![(self.document_key(key), BTreeSet::from([*replica]))];
        self.lent(|vault| Ok(vault.change_rows(&RowChange { keys, ..RowChange::default() })?))
    }

    fn is_kept_for(&self, key: &Key, replica: &TermKey) -> Result<bool, StoreError> {
        let row = self.document_key(key);
        let there = (row.as_slice(), row.as_slice());
        let found = self.lent(|vault| Ok(vault.row_keys(Some(replica), there, false, 1)?))?;
        Ok(!found.is_empty())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.lent(|vault| Ok(vault.sync_rows()?))
    }

    fn count(&self) -> Result<u64, StoreError> {
        let all = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        Ok(self.places(None, all, usize::MAX)?.len() as u64)
    }
}

/// The statement of a row, everybody in it put back who is left.
fn statement_of(row: &OpenRow) -> Option<Json> {
    let (mut body, mut taken) = (json::read(&row.common).ok()?, Object::default());
    for own in row.own.iter().filter(|own| !own.is_empty()) {
        taken.extend(json::read(own).ok()?.as_object()?);
    }
    redact::put_back(&mut body, &taken);
    match &row.whole {
        Some(whole) => code::describe(&mut body, &code::read_whole(whole)?)?,
        None => redact::mark(&mut body),
    }
    Some(body)
}

/// The attachments of a row; none of one of whom somebody was erased.
fn attachments_of(row: &OpenRow) -> Option<Vec<Attachment>> {
    match &row.whole {
        Some(whole) => code::attachments(&code::read_whole(whole)?),
        None => Some(Vec::new()),
    }
}

fn lent<T>(door: &dyn Door, call: impl FnOnce(&Vault) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let (mut call, mut given) = (Some(call), None);
    door.lend(&mut |vault| given = call.take().map(|call| call(vault)))?;
    given.unwrap_or_else(|| Err(StoreError::Busy("the vault was not lent".into())))
}

fn place_key(place: u64) -> [u8; 9] {
    let mut key = [STATEMENT; 9];
    key[1..].copy_from_slice(&place.to_be_bytes());
    key
}

fn place_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(&[STATEMENT])?.try_into().ok()?))
}

fn damaged() -> StoreError {
    StoreError::Broken("a record in the vault is unreadable".into())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Busy | VaultError::NotActing(_) => Self::Busy(error.to_string()),
            // A student who was erased between the look at the roster and the write: the sender tries again.
            VaultError::Erased(_) | VaultError::UnknownHandle(_) => Self::Busy(error.to_string()),
            other => Self::Broken(other.to_string()),
        }
    }
}
