//! A reader before a district's open vault: one listed read a student, through the vault's access check.
//!
//! Flow: [`super::disclose::Own::reader`] opens the vault once and shows a credential for every read → personal fields for
//! what its role reads for → what was granted, with what proves something of it. Invariants: a read that is denied or cannot
//! be listed gives nothing; secrets and events are held in memory alone. Absent: printing.

use aula_district::twin_record::{Provable, STATE_FIELD, TwinRecord, Unprovable};
use aula_ledger::access::Purpose;
use aula_ledger::codec::Canonical;
use aula_ledger::credential::Credential;
use aula_ledger::keys::PublicKey;
use aula_ledger::names::{FieldName, Term};
use aula_ledger::types::Handle;
use aula_twin_runtime::event::Event;
use aula_vault::Vault;
use aula_vault::access::{ReadError, ReadRequest};
use aula_zk::StudentSecret;

use super::undisclosed::{HINT, Undisclosed};
use crate::command::vault::refused;
use crate::command::{Advise, DEFECT, Failure, now_ms};

const SPACE: &str = "free space on the vault's disk and ask again; no entry, no read";

/// A reader who asks a district's open vault for many students, one listed read each.
pub struct Reader {
    /// Open for as long as the reader asks.
    pub vault: Vault,
    pub(super) credential: Credential,
    pub(super) key: PublicKey,
    pub(super) purpose: Purpose,
}

impl Reader {
    /// A read of personal fields, all of which the reader must need.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn personal(&self, handle: Handle, fields: Vec<FieldName>) -> Result<Provable, Undisclosed> {
        let provable = read(&self.vault, &self.request(handle, fields)?, &self.key)?;
        if !provable.withheld.is_empty() {
            let list: Vec<&str> = provable.withheld.iter().map(FieldName::as_str).collect();
            let message = format!("the reader's role does not need {}", list.join(", "));
            return Err(Failure::new("withheld", message, "ask without these fields").into());
        }
        Ok(provable)
    }
}

/// A student's own events, for folding them again; never printed.
pub struct OwnTwin {
    /// The version that was anchored or kept last; 0 when there is none yet.
    pub version: u32,
    /// The student's secret.
    pub secret: StudentSecret,
    /// The events, in order.
    pub events: Vec<Event>,
}

impl Reader {
    /// Reads a student's events.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn twin(&self, handle: Handle) -> Result<OwnTwin, Undisclosed> {
        self.twin_at(handle, None)
    }

    /// Reads the events that a version of a student's states was folded from, or all.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn twin_at(&self, handle: Handle, version: Option<u32>) -> Result<OwnTwin, Undisclosed> {
        let request = self.request(handle, vec![FieldName::new("events").hint(DEFECT)?])?;
        let state = FieldName::new(STATE_FIELD).hint(DEFECT)?;
        let given = match self.vault.read_for_proof(&request, &state, version, &self.key, now_ms()) {
            Ok(given) => given,
            Err(ReadError::Denied(denial, _) | ReadError::Stranger(denial)) => {
                return Err(Undisclosed::Denied(denial));
            }
            Err(ReadError::Vault(error)) => return Err(refused(error).into()),
            Err(error) => return Err(Failure::because(error, SPACE).into()),
        };
        let damaged = || {
            Failure::new(
                "vault_damaged",
                Unprovable::Damaged,
                "restore the newest copies with `aula restore`",
            )
        };
        let kept = given.state.as_deref().map(|bytes| TwinRecord::from_canonical(bytes)).transpose();
        let version = kept.map_err(|_| damaged())?.map_or(0, |record| record.version);
        let events = given.events.iter().map(|bytes| Event::decode(bytes).map_err(|_| damaged()));
        let events = events.collect::<Result<_, _>>()?;
        Ok(OwnTwin { version, secret: StudentSecret::new(*given.secret.as_bytes()), events })
    }

    /// A read of what an allocation is computed from.
    ///
    /// # Errors
    /// [`Undisclosed`].
    pub fn open_by_design(&self, handle: Handle) -> Result<Provable, Undisclosed> {
        let term = Term::new(Purpose::ResourceAllocation.name()).hint(DEFECT)?;
        let (class, purpose, fields) = (term.clone(), term, vec![FieldName::new("band").hint(DEFECT)?]);
        let credential = Some(self.credential.clone());
        read(&self.vault, &ReadRequest { credential, handle, class, purpose, fields }, &self.key)
    }

    fn request(&self, handle: Handle, fields: Vec<FieldName>) -> Result<ReadRequest, Failure> {
        Ok(ReadRequest {
            credential: Some(self.credential.clone()),
            handle,
            class: Term::new("FERPA_PII").hint(DEFECT)?,
            purpose: Term::new(self.purpose.name()).hint(DEFECT)?,
            fields,
        })
    }
}

fn read(vault: &Vault, request: &ReadRequest, key: &PublicKey) -> Result<Provable, Undisclosed> {
    Provable::read(vault, request, key, now_ms()).map_err(|error| match error {
        Unprovable::Read(ReadError::Denied(denial, _) | ReadError::Stranger(denial)) => {
            Undisclosed::Denied(denial)
        }
        Unprovable::Read(ReadError::Vault(error)) => Undisclosed::Failed(refused(error)),
        Unprovable::Read(error @ ReadError::LogUnwritable(_)) => {
            Undisclosed::Failed(Failure::because(error, SPACE))
        }
        error => Undisclosed::Failed(Failure::because(error, HINT)),
    })
}
