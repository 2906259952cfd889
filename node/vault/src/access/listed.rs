//! A decided read as an entry of the log: THE way from a decision to what is listed of it.

use aula_ledger::access::{AccessEntry, Verdict};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::{Handle, TimeMs};

use super::Decision;
use crate::error::VaultError;
use crate::vault::Vault;

/// Who asked for what, of whom.
pub(super) struct Asked<'a> {
    pub(super) handle: &'a Handle,
    pub(super) reader: &'a Name,
    pub(super) role: &'a Term,
    pub(super) class: &'a Term,
    pub(super) purpose: &'a Term,
    pub(super) fields: &'a [FieldName],
}

impl Vault {
    /// Lists a read, granted with the fields that may leave or denied with those that were asked for.
    pub(super) fn list_decided(
        &self,
        asked: &Asked<'_>,
        decision: &Decision,
        now_ms: u64,
    ) -> Result<AccessEntry, VaultError> {
        self.log_read(self.entry_of(asked, decision, now_ms)?)
    }

    /// The entry, not numbered yet.
    pub(super) fn entry_of(
        &self,
        asked: &Asked<'_>,
        decision: &Decision,
        now_ms: u64,
    ) -> Result<AccessEntry, VaultError> {
        let identity = self.identity()?;
        let (fields, basis, relation, verdict) = match decision {
            Decision::Allow { fields, basis, relation } => {
                (fields.clone(), Some(*basis), relation.clone(), Verdict::Granted)
            }
            Decision::Deny(denial) => (asked.fields.to_vec(), None, None, Verdict::Denied(*denial)),
        };
        Ok(AccessEntry {
            genesis: identity.genesis,
            number: 0,
            time_ms: TimeMs(now_ms),
            district: identity.district,
            handle: *asked.handle,
            reader: asked.reader.clone(),
            role: asked.role.clone(),
            class: asked.class.clone(),
            purpose: asked.purpose.clone(),
            basis,
            relation,
            fields,
            verdict,
            salt: [0; 16],
        })
    }
}
