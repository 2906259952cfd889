//! What of a sealed store another store of the same district takes over: a school's records, in the end its district's.
//!
//! Both key their terms alike, so that a record has one number in both: a statement, which never changes, by its identifier; a document
//! by where it lies and what it says, whenever that was written. Of a school's store leaves what a student holds the key of, what names
//! a student whom nobody knew yet when it came, and what voids such a statement; the district's finds what a replica has too under
//! [`Term::Replica`]. Absent: how the difference is found, and who may bring what.

use std::collections::BTreeSet;

use aula_vault::rows::{OpenRow, RowChange, RowTerm, Terms};
use aula_vault::{Vault, VaultError};
use sha2::{Digest, Sha256};

pub use super::redact::is_left_of;
use super::{DOCUMENT, STATEMENT, attachments_of, code, statement_of};
use crate::attachments::Attachment;
use crate::documents::{Document, Key};
use crate::json::{self, Json};
use crate::statements::{Term, id_of};
use crate::validate::VOIDED;

/// Rows that are written anew in one batch, at most: each may have attachments of 16 MiB.
pub const REWRITTEN: usize = 4;

/// A record's number: half of a digest.
pub type RecordId = [u8; 16];

/// A record as it leaves. Never printed.
#[derive(Clone)]
pub enum Record {
    /// A statement as it is shown, and its attachments; none of one of whom somebody was erased.
    Statement(Json, Vec<Attachment>),
    /// A document, and where it lies.
    Document(Key, Document),
}

/// Whether a row of this key is a statement or a document.
pub fn is_record(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(STATEMENT | DOCUMENT)))
}

/// Whether what stands in a row of this key changes: a document's does.
pub fn changes(key: &[u8]) -> bool {
    key.first() == Some(&DOCUMENT)
}

fn key_of(terms: &Terms, term: &Term) -> RowTerm {
    let (kind, text) = term.parts();
    terms.term_of(&[&[kind], text.as_bytes()])
}

/// The number of a row's record; none of a document that was written before documents said where they lie.
pub fn number(terms: &Terms, row: &OpenRow) -> Option<RecordId> {
    let json = json::read(&row.common).ok()?;
    let digest: [u8; 32] = if changes(&row.key) {
        code::read_shelf(&json)?;
        let (_, document) = code::read_document(&json)?;
        let mut hash = Sha256::new();
        hash.update(b"aula/v1/replica-document");
        hash.update(&row.key);
        hash.update((document.content_type.len() as u64).to_le_bytes());
        hash.update(document.content_type.as_bytes());
        hash.update(&document.bytes);
        hash.finalize().into()
    } else {
        key_of(terms, &Term::Id(id_of(json.text_of("id")?)))
    };
    digest.first_chunk().copied()
}

/// A row's record; none as for [`number`].
pub fn record(row: &OpenRow) -> Option<Record> {
    if changes(&row.key) {
        let json = json::read(&row.common).ok()?;
        let shelf = code::read_shelf(&json)?;
        let (place, document) = code::read_document(&json)?;
        return Some(Record::Document(
            Key { shelf, registration: place.registration, id: place.id },
            document,
        ));
    }
    Some(Record::Statement(statement_of(row)?, attachments_of(row)?))
}

/// The keys of all records under a term.
fn under(vault: &Vault, term: &RowTerm) -> Result<Vec<Vec<u8>>, VaultError> {
    vault.row_keys(Some(term), (&[DOCUMENT], &[STATEMENT.saturating_add(1)]), false, usize::MAX)
}

/// The keys of records that a replica has too, in order: so many after one of them, or from the first.
///
/// # Errors
/// When they cannot be read.
pub fn of_replica(
    vault: &Vault,
    terms: &Terms,
    name: &str,
    (after, at_most): (Option<&[u8]>, usize),
) -> Result<Vec<Vec<u8>>, VaultError> {
    let term = key_of(terms, &Term::Replica(name.to_owned()));
    // No key lies between one and the same with a zero behind it.
    let from = after.map_or_else(|| vec![DOCUMENT], |after| [after, &[0]].concat());
    vault.row_keys(Some(&term), (from.as_slice(), &[STATEMENT.saturating_add(1)]), false, at_most)
}

/// The keys of records that name an account themselves and whose key nobody holds, since nobody knew whose it is when they came; without
/// those that are known.
///
/// # Errors
/// When they cannot be read.
pub fn strays(
    vault: &Vault,
    terms: &Terms,
    (home_page, name): (&str, &str),
    known: &BTreeSet<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, VaultError> {
    let anywhere = Term::AnyAgent(["account ", home_page, " ", name].concat());
    let ways: Vec<RowTerm> = anywhere.ways().iter().map(|term| key_of(terms, term)).collect();
    let mut found = Vec::new();
    for term in &ways {
        for key in under(vault, term)? {
            if known.contains(&key) || vault.row_seal(&key)?.is_none_or(|seal| !seal.holders.is_empty()) {
                continue;
            }
            // What refers to one that names it is found by the account as well.
            let outline = vault.row_outline(&key)?;
            if outline.is_some_and(|outline| ways.iter().any(|way| outline.terms.contains(way))) {
                found.push(key);
            }
        }
    }
    Ok(found)
}

/// Forgets that a replica has these records too; they stay. Each is written anew, with its attachments: give [`REWRITTEN`] at once. On disk
/// after [`Vault::sync_rows`].
///
/// # Errors
/// A vault that refuses.
pub fn let_go(vault: &Vault, terms: &Terms, name: &str, keys: &[Vec<u8>]) -> Result<(), VaultError> {
    let term = key_of(terms, &Term::Replica(name.to_owned()));
    let forgotten = keys.iter().map(|key| (key.clone(), term)).collect();
    vault.change_rows(&RowChange { forgotten, ..RowChange::default() })
}

/// The key of a statement that voids, and that of what it voids.
pub type Voiding = (Vec<u8>, Vec<u8>);

/// The keys of all statements that void another one that is kept, each with that one's.
///
/// # Errors
/// When they cannot be read.
pub fn voiding(vault: &Vault, terms: &Terms) -> Result<Vec<Voiding>, VaultError> {
    let term = key_of(terms, &Term::Verb(VOIDED.to_owned()));
    let range = (&[STATEMENT][..], &[STATEMENT.saturating_add(1)][..]);
    let (mut voiding, mut targets) = (Vec::new(), Vec::new());
    for key in vault.row_keys(Some(&term), range, false, usize::MAX)? {
        let marks = vault.row_outline(&key)?.and_then(|outline| code::Marks::read(&outline.marks));
        // What refers to a voiding statement is found by its verb as well.
        if let Some(code::Marks { voids: true, target: Some(target), .. }) = marks {
            voiding.push(key);
            targets.push(target);
        }
    }
    let targets = vault.first_rows(&targets)?;
    Ok(voiding.into_iter().zip(targets).filter_map(|(key, target)| Some((key, target?))).collect())
}
