//! Reading: facts, the decision, the log entry, and only then the data.
//!
//! Flow of [`Vault::read`]: check the credential → collect [`Facts`] → [`decide`] → write the entry, granted or denied,
//! and sync it → open the fields granted. Invariants: every path to a record's clear text passes here; an entry that
//! cannot be written means no read ([`ReadError::LogUnwritable`]); the clock in entries never goes back; whoever shows no
//! credential of the district's is counted ([`Vault::strangers`]) and never enters the log, which strangers would fill.
//!
//! A reader's credential is the consortium's one form ([`aula_ledger::credential`]), signed with the district's account
//! key, its scope `vault-ROLE-READER`: role without dashes, reader as the district names it.

use aula_ledger::access::{AccessEntry, ConsentChoice, Denial, MAX_ENTRY_FIELDS, Purpose, Verdict};
use aula_ledger::credential::{Credential, Scope};
use aula_ledger::keys::PublicKey;
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::Handle;
use rocksdb::WriteBatch;
use std::sync::PoisonError;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::secret::SecretKey;
use crate::tables::{STRANGERS_KEY, Table, consent_key, family};
use crate::vault::{Identity, Vault};

mod decide;
mod fields;
mod linked;
mod listed;
mod log;
mod provided;
mod roster;
#[cfg(test)]
mod tests;
mod whole;

pub use decide::{Decision, Facts, Presence, Standing, decide, purpose_of};
pub use fields::{DataClass, INSPECTION, PORTABILITY, ReaderRole, class_of, needs};
pub use linked::{Linked, Wanted};
use listed::Asked;
pub use log::{Anchor, Held, Unanchored};
pub use provided::{Opened, OpenedResult, Placed, Provided};

pub use crate::log_writer::{LogWriter, database_log};
pub use crate::reserved::{EVENTS, RESERVED, STATE, is_reserved};
pub use roster::RosterLine;
pub(crate) use roster::tie_key;
pub use whole::Whole;

/// A read as it is asked.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// What the reader shows.
    pub credential: Option<Credential>,
    /// The student, by a pseudonym of any year.
    pub handle: Handle,
    /// For which class of data.
    pub class: Term,
    /// For what.
    pub purpose: Term,
    /// 1 to 64; what the role does not need is withheld.
    pub fields: Vec<FieldName>,
}

/// A field with its value as it was written; none when the vault has none.
pub type FieldValue = (FieldName, Option<Zeroizing<Vec<u8>>>);

/// What a read gave.
#[derive(Debug)]
pub struct Given {
    /// The entry in the log.
    pub entry: AccessEntry,
    /// The fields granted.
    pub values: Vec<FieldValue>,
    /// The events in order, when `events` was granted.
    pub events: Vec<Zeroizing<Vec<u8>>>,
    /// Fields asked for that this role does not need, or that are of another class.
    pub withheld: Vec<FieldName>,
}

/// What a read for a proof gave.
#[derive(Debug)]
pub struct ForProof {
    /// The entry in the log.
    pub entry: AccessEntry,
    /// The fields granted.
    pub granted: Vec<FieldName>,
    /// Fields asked for that this role does not need, or that are of another class.
    pub withheld: Vec<FieldName>,
    /// The record of the whole state; none when the vault has none.
    pub state: Option<Zeroizing<Vec<u8>>>,
    /// The student's secret, for salts and blindings.
    pub secret: SecretKey,
    /// The events in order, when `events` was granted.
    pub events: Vec<Zeroizing<Vec<u8>>>,
}

fn withheld(request: &ReadRequest, granted: &[FieldName]) -> Vec<FieldName> {
    request.fields.iter().filter(|field| !granted.contains(field)).cloned().collect()
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Denied, and listed.
    #[error("{}", .0.explain())]
    Denied(Denial, Box<AccessEntry>),
    /// Denied to whom the district does not know: counted, not listed.
    #[error("{}", .0.explain())]
    Stranger(Denial),
    /// The entry cannot be written: nothing is read.
    #[error("the access log cannot be written, so nothing is read")]
    LogUnwritable(#[source] VaultError),
    /// Asked for no field, or for more than 64.
    #[error("ask for 1 to 64 fields")]
    Fields,
    /// The vault failed after the entry was written.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The role that a credential names, if it is one that may read personal data. Proves nothing of the credential.
pub fn role_of(credential: &Credential) -> Option<ReaderRole> {
    ReaderRole::parse(reader_of(credential)?.1.as_str())
}

/// Who a verified credential says the reader is.
fn reader_of(credential: &Credential) -> Option<(Name, Term)> {
    match credential.scope() {
        Scope::Vault { role, reader } => Some((reader.clone(), Term::new(role.as_str()).ok()?)),
        Scope::District | Scope::Round(_) | Scope::Money => None,
    }
}

impl Vault {
    /// Reads fields of a student. `district_key` is the key of the district's account that is in force.
    ///
    /// # Errors
    /// [`ReadError::Denied`] with the entry that lists it; [`ReadError::LogUnwritable`]; a damaged vault.
    pub fn read(
        &self,
        request: &ReadRequest,
        district_key: &PublicKey,
        now_ms: u64,
    ) -> Result<Given, ReadError> {
        let (fields, entry) = self.allowed(request, district_key, now_ms)?;
        Ok(self.give(request, fields, entry)?)
    }

    /// Decides and lists a read like [`Vault::read`], and opens the record `state_field` with the student's secret, from
    /// which the caller proves something of the granted fields to others. Nothing else of it may leave. Of the events those
    /// that `version` was folded from, or all.
    ///
    /// # Errors
    /// As [`Vault::read`].
    pub fn read_for_proof(
        &self,
        request: &ReadRequest,
        state_field: &FieldName,
        version: Option<u32>,
        district_key: &PublicKey,
        now_ms: u64,
    ) -> Result<ForProof, ReadError> {
        let (granted, entry) = self.allowed(request, district_key, now_ms)?;
        let state = self.open_record(&request.handle, state_field)?;
        let secret = self.student_secret(&request.handle)?;
        let events = match granted.iter().any(|field| field.as_str() == EVENTS) {
            true => self.open_events(&request.handle, version)?,
            false => Vec::new(),
        };
        Ok(ForProof { withheld: withheld(request, &granted), granted, entry, state, secret, events })
    }

    /// The fields that may leave, once the entry that lists the read is on disk.
    fn allowed(
        &self,
        request: &ReadRequest,
        district_key: &PublicKey,
        now_ms: u64,
    ) -> Result<(Vec<FieldName>, AccessEntry), ReadError> {
        if request.fields.is_empty() || request.fields.len() > MAX_ENTRY_FIELDS {
            return Err(ReadError::Fields);
        }
        let identity = self.identity()?;
        let (reader, role) = match standing(identity, request.credential.as_ref(), district_key, now_ms) {
            Ok(known) => known,
            Err(denial) => {
                self.count_stranger()?;
                return Err(ReadError::Stranger(denial));
            }
        };
        let consent = match purpose_of(&request.purpose).and_then(Purpose::consent) {
            Some(purpose) => self.consent(&request.handle, purpose)?,
            None => None,
        };
        let decision = decide(&Facts {
            standing: Standing::Verified,
            role: &role,
            class: &request.class,
            purpose: &request.purpose,
            consent,
            relations: &self.relations(&reader, &request.handle)?,
            presence: self.presence(&request.handle)?,
            fields: &request.fields,
        });
        let asked = Asked {
            handle: &request.handle,
            reader: &reader,
            role: &role,
            class: &request.class,
            purpose: &request.purpose,
            fields: &request.fields,
        };
        let entry = self.list_decided(&asked, &decision, now_ms).map_err(ReadError::LogUnwritable)?;
        match decision {
            Decision::Deny(denial) => Err(ReadError::Denied(denial, Box::new(entry))),
            Decision::Allow { fields, .. } => Ok((fields, entry)),
        }
    }

    /// Decides and lists a read of a student's events by a program of the district's, whom the caller knows by a secret
    /// of its own. True when it may read.
    ///
    /// # Errors
    /// When the log cannot be written: nothing is to be read then.
    pub fn list_service_read(&self, handle: &Handle, reader: &Name, now_ms: u64) -> Result<bool, VaultError> {
        let word = |text| Term::new(text).map_err(|_| VaultError::Damaged(format!("{text} is not a term")));
        let role = word(ReaderRole::Service.name())?;
        let class = word(DataClass::FerpaPii.name())?;
        let purpose = word(Purpose::InstitutionalService.name())?;
        let events =
            FieldName::new(EVENTS).map_err(|_| VaultError::Damaged("events is not a field".into()))?;
        let decision = decide(&Facts {
            standing: Standing::Verified,
            role: &role,
            class: &class,
            purpose: &purpose,
            consent: None,
            relations: &[],
            presence: self.presence(handle)?,
            fields: std::slice::from_ref(&events),
        });
        let (fields, role, class, purpose) = (std::slice::from_ref(&events), &role, &class, &purpose);
        let asked = Asked { handle, reader, role, class, purpose, fields };
        let entry = self.list_decided(&asked, &decision, now_ms)?;
        Ok(entry.verdict == Verdict::Granted)
    }

    /// How many reads were refused to whoever showed no credential of the district's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn strangers(&self) -> Result<u64, VaultError> {
        let kept = self.db.get_cf(family(&self.db, Table::Meta)?, STRANGERS_KEY)?;
        Ok(kept.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// One number that is written over, without waiting for the disk: strangers fill nothing.
    fn count_stranger(&self) -> Result<(), VaultError> {
        let _numbered = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.strangers()?.saturating_add(1);
        let mut batch = WriteBatch::default();
        batch.put_cf(family(&self.db, Table::Meta)?, STRANGERS_KEY, count.to_be_bytes());
        self.write_later(batch)
    }

    fn presence(&self, handle: &Handle) -> Result<Presence, VaultError> {
        if self.is_erased(handle)? {
            return Ok(Presence::Erased);
        }
        let kept = self.keystore().student(handle).is_some();
        Ok(if kept { Presence::Kept } else { Presence::Unknown })
    }

    /// Numbers, dates and salts the entry, and writes it.
    fn log_read(&self, entry: AccessEntry) -> Result<AccessEntry, VaultError> {
        let mut entries = [entry];
        self.log_reads(&mut entries)?;
        let [entry] = entries;
        Ok(entry)
    }

    fn give(
        &self,
        request: &ReadRequest,
        fields: Vec<FieldName>,
        entry: AccessEntry,
    ) -> Result<Given, VaultError> {
        let withheld = withheld(request, &fields);
        let (mut values, mut events) = (Vec::with_capacity(fields.len()), Vec::new());
        for field in fields {
            if field.as_str() == EVENTS {
                events = self.open_events(&request.handle, None)?;
            } else {
                let value = self.open_record(&request.handle, &field)?;
                values.push((field, value));
            }
        }
        Ok(Given { entry, values, events, withheld })
    }

    /// The family's newest word that this vault knows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn consent(&self, handle: &Handle, purpose: Purpose) -> Result<Option<ConsentChoice>, VaultError> {
        let found = self.db.get_cf(family(&self.db, Table::Consents)?, consent_key(handle, purpose))?;
        match found.as_deref() {
            None => Ok(None),
            Some([0]) => Ok(Some(ConsentChoice::Given)),
            Some([1]) => Ok(Some(ConsentChoice::Withdrawn)),
            Some(_) => Err(VaultError::Damaged("a consent is unreadable".into())),
        }
    }

    /// Forgets every consent: those of an older copy may have been withdrawn since.
    pub(crate) fn forget_consents(&self) -> Result<(), VaultError> {
        let table = family(&self.db, Table::Consents)?;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(table, Vec::new(), vec![u8::MAX; 34]);
        self.write(batch)
    }

    /// Takes a family's word: a withdrawal before it is sent to the ledger, a consent once it is final there, so that
    /// the vault never knows more consent than the ledger.
    ///
    /// # Errors
    /// [`VaultError::UnknownHandle`]; a disk that refuses.
    pub fn keep_consent(
        &self,
        handles: &[Handle],
        purpose: Purpose,
        choice: ConsentChoice,
    ) -> Result<(), VaultError> {
        let mut batch = WriteBatch::default();
        let table = family(&self.db, Table::Consents)?;
        for handle in handles {
            if self.keystore().student(handle).is_none() {
                return Err(VaultError::UnknownHandle(*handle));
            }
            batch.put_cf(table, consent_key(handle, purpose), [choice as u8]);
        }
        self.write(batch)
    }
}

/// Who asks, or why a stranger is given nothing.
fn standing(
    identity: &Identity,
    shown: Option<&Credential>,
    key: &PublicKey,
    now_ms: u64,
) -> Result<(Name, Term), Denial> {
    let credential = shown.ok_or(Denial::InsufficientData)?;
    let verified = credential.verify(&identity.genesis, &identity.account, key, now_ms).is_ok();
    reader_of(credential).filter(|_| verified).ok_or(Denial::CredentialRefused)
}
