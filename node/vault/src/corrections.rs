//! What a student or a family says is wrong in a record, and what the district answers.
//!
//! Flow: [`Vault::ask_correction`] → the district's operator lists the open ones ([`Vault::all_corrections`]) →
//! [`Vault::answer_correction`], once. A correction is sealed under its student's key and goes with the student. Invariants: an
//! answer is never changed; [`DAYS`] after it was asked one is overdue, and stays open. Absent: amending what was wrong, which
//! enters as an event or an import like anything else, and a hearing (34 CFR 99.21), which people hold.

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use rand::RngCore;
use rand::rngs::OsRng;
use rocksdb::{Direction, IteratorMode, WriteBatch};
use serde::{Deserialize, Serialize};

use crate::error::VaultError;
use crate::schedule::DAY_MS;
use crate::tables::{Table, family};
use crate::vault::{Vault, record_cipher};

/// Days within which a district answers: what 34 CFR 99.10(b) gives for an inspection; 99.20 says "a reasonable time".
pub const DAYS: u64 = 45;
/// Most open ones of a student.
pub const MAX_OPEN: usize = 20;
/// Most bytes of what is said, and of an answer.
pub const MAX_TEXT_BYTES: usize = 2_000;
/// The field name in what a value belongs to; no `FieldName` has a space.
const FIELD: &[u8] = b"correction ";

/// What a district answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// It was wrong and is amended.
    Amended,
    /// It stands; the family may ask for a hearing.
    Refused,
}

/// A correction that somebody asks for. Kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Its number: 32 hex digits, ascending with time.
    pub id: String,
    /// Who asks, as the district names its readers.
    pub reader: Name,
    /// The role of the link or login that it was asked with.
    pub role: String,
    /// What is wrong, as the page names it.
    pub about: String,
    /// What should stand there, in the asker's words.
    pub says: String,
    /// When it was asked, milliseconds since 1970.
    pub asked_ms: u64,
    /// Until when it is to be answered.
    pub due_ms: u64,
    /// The answer; none while it is open.
    pub answer: Option<Answer>,
}

/// Given once, by the district's operator, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Whether the record was amended or stands.
    pub answered: Answered,
    /// In words.
    pub text: String,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// As the district names its readers.
    pub reader: &'a Name,
    /// The role of the link or login that it is asked with.
    pub role: &'a str,
    /// What is wrong.
    pub about: &'a str,
    /// What should stand there.
    pub says: &'a str,
}

/// Why a correction is not taken or answered.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    /// Nothing said, or too much.
    #[error("a correction and its answer have 1 to {MAX_TEXT_BYTES} bytes of text")]
    Text,
    /// Too many wait for an answer.
    #[error("{MAX_OPEN} corrections of this student wait for an answer")]
    TooMany,
    /// There is none of this number.
    #[error("there is no correction of this number")]
    Unknown,
    /// It was answered.
    #[error("it was answered, and an answer is not changed; let the family ask again")]
    Answered,
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES
}

impl Vault {
    /// Takes a correction; it is on disk on return.
    ///
    /// # Errors
    /// [`CorrectionError`].
    pub fn ask_correction(
        &self,
        handle: &Handle,
        asking: Asking<'_>,
        now_ms: u64,
    ) -> Result<Correction, CorrectionError> {
        if !is_text(asking.says) || !is_text(asking.about) {
            return Err(CorrectionError::Text);
        }
        if self.corrections(handle)?.iter().filter(|one| one.answer.is_none()).count() >= MAX_OPEN {
            return Err(CorrectionError::TooMany);
        }
        let mut key = [0; 16];
        OsRng.fill_bytes(&mut key);
        key[..8].copy_from_slice(&now_ms.to_be_bytes());
        let correction = Correction {
            id: hex::encode(key),
            reader: asking.reader.clone(),
            role: asking.role.to_owned(),
            about: asking.about.to_owned(),
            says: asking.says.to_owned(),
            asked_ms: now_ms,
            due_ms: now_ms.saturating_add(DAYS * DAY_MS),
            answer: None,
        };
        self.keep_correction(handle, &key, &correction)?;
        Ok(correction)
    }

    /// A student's corrections, oldest first.
    ///
    /// # Errors
    /// An erased student, a damaged vault.
    pub fn corrections(&self, handle: &Handle) -> Result<Vec<Correction>, VaultError> {
        let mut found = Vec::new();
        let from = IteratorMode::From(&handle.0, Direction::Forward);
        for row in self.db.iterator_cf(family(&self.db, Table::Corrections)?, from) {
            let (key, sealed) = row?;
            let Some(own) = key.strip_prefix(&handle.0[..]) else { break };
            found.push(self.open_correction(handle, own, &sealed)?);
        }
        Ok(found)
    }

    /// Every correction of every student.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn all_corrections(&self) -> Result<Vec<(Handle, Correction)>, VaultError> {
        let mut found = Vec::new();
        for row in self.db.iterator_cf(family(&self.db, Table::Corrections)?, IteratorMode::Start) {
            let (key, sealed) = row?;
            let damaged = || VaultError::Damaged("a correction's key is cut".into());
            let (handle, own) = key.split_first_chunk::<32>().ok_or_else(damaged)?;
            found.push((Handle(*handle), self.open_correction(&Handle(*handle), own, &sealed)?));
        }
        Ok(found)
    }

    /// Answers one, once.
    ///
    /// # Errors
    /// [`CorrectionError`].
    pub fn answer_correction(
        &self,
        id: &str,
        answered: Answered,
        text: &str,
        now_ms: u64,
    ) -> Result<(Handle, Correction), CorrectionError> {
        if !is_text(text) {
            return Err(CorrectionError::Text);
        }
        let found = self.all_corrections()?.into_iter().find(|(_, one)| one.id == id);
        let (handle, mut correction) = found.ok_or(CorrectionError::Unknown)?;
        if correction.answer.is_some() {
            return Err(CorrectionError::Answered);
        }
        correction.answer = Some(Answer { answered, text: text.to_owned(), at_ms: now_ms });
        let key = hex::decode(id).map_err(|_| CorrectionError::Unknown)?;
        self.keep_correction(&handle, &key, &correction)?;
        Ok((handle, correction))
    }

    fn correction_bound(&self, handle: &Handle, key: &[u8]) -> Vec<u8> {
        let mut bound = self.bound(handle, FIELD);
        bound.extend_from_slice(key);
        bound
    }

    fn keep_correction(
        &self,
        handle: &Handle,
        key: &[u8],
        correction: &Correction,
    ) -> Result<(), VaultError> {
        let json =
            serde_json::to_vec(correction).map_err(|error| VaultError::Unwritable(error.to_string()))?;
        let cipher = record_cipher(&self.student_secret(handle)?);
        let sealed = cipher.seal(&json, &self.correction_bound(handle, key));
        let sealed = sealed.map_err(|error| VaultError::Sealed(*handle, error))?;
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&self.db, Table::Corrections)?, [&handle.0[..], key].concat(), sealed);
        self.write(batch)
    }

    fn open_correction(&self, handle: &Handle, key: &[u8], sealed: &[u8]) -> Result<Correction, VaultError> {
        let cipher = record_cipher(&self.student_secret(handle)?);
        let opened = cipher.open(sealed, &self.correction_bound(handle, key));
        let opened = opened.map_err(|error| VaultError::Sealed(*handle, error))?;
        serde_json::from_slice(&opened).map_err(|_| VaultError::Damaged("a correction is unreadable".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::*;

    #[test]
    fn a_correction_is_answered_once_and_goes_with_its_student() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let reader = Name::new("f-1")?;
        let asking = |says| Asking { reader: &reader, role: "family", about: "skill:00012", says };
        let vault = &world.vault;
        assert!(matches!(vault.ask_correction(&one, asking(" "), NOW_MS), Err(CorrectionError::Text)));
        let first = vault.ask_correction(&one, asking("the test was another child's"), NOW_MS)?;
        assert_eq!((first.due_ms - NOW_MS, &first.answer), (45 * DAY_MS, &None));
        for n in 1..MAX_OPEN as u64 {
            vault.ask_correction(&one, asking("and this"), NOW_MS + n)?;
        }
        let refused = vault.ask_correction(&one, asking("and that"), NOW_MS);
        assert!(matches!(refused, Err(CorrectionError::TooMany)), "{refused:?}");
        vault.ask_correction(&two, asking("absent on the wrong day"), NOW_MS)?;
        let (whose, told) = vault.answer_correction(&first.id, Answered::Amended, "amended", NOW_MS + 1)?;
        assert_eq!((whose, told.answer.map(|answer| answer.answered)), (one, Some(Answered::Amended)));
        let again = vault.answer_correction(&first.id, Answered::Refused, "no", NOW_MS);
        assert!(matches!(again, Err(CorrectionError::Answered)));
        let nobody = vault.answer_correction("00", Answered::Refused, "no", NOW_MS);
        assert!(matches!(nobody, Err(CorrectionError::Unknown)));
        let world = world.reopened()?;
        assert_eq!(world.vault.corrections(&one)?.len(), MAX_OPEN);
        for (path, bytes) in files(&world.folder())? {
            let clear = bytes.windows(13).any(|part| part == b"another child");
            assert!(!clear, "{} has it in clear", path.display());
        }
        world.vault.erase(&[one], NOW_MS)?;
        assert_eq!(
            world.vault.all_corrections()?.iter().map(|(handle, _)| *handle).collect::<Vec<_>>(),
            [two]
        );
        Ok(())
    }
}
