//! As whom a district's own command reads its vault, and for what, when no reader's credential is given: one kind of act a
//! constructor, so that the access log says what was done and on what it rests.

use aula_home::keys::NodeKey;
use aula_ledger::access::Purpose;
use aula_ledger::credential::{Claim, Credential, MAX_LIFETIME_MS, Scope};
use aula_ledger::names::Name;
use aula_vault::Vault;
use aula_vault::access::ReaderRole;

use crate::command::vault::refused;
use crate::command::{Failure, now_ms};

/// How long such a credential holds: reads of a whole district fit into a quarter of an hour.
const LIFETIME_MS: u64 = MAX_LIFETIME_MS / 4;

/// Who reads, in which role, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub(super) role: ReaderRole,
    pub(super) reader: String,
    pub(super) purpose: Purpose,
}

impl Act {
    /// The district's own programs fold a student's events into a state.
    pub fn fold() -> Self {
        Self::of(ReaderRole::Service, "twin", Purpose::InstitutionalService)
    }

    /// The district's own programs prove what an allocation was computed from.
    pub fn prove() -> Self {
        Self::of(ReaderRole::Service, "evidence", Purpose::ResourceAllocation)
    }

    /// The operator looks at what an allocation is computed from.
    pub fn look() -> Self {
        Self::of(ReaderRole::Operator, "operator", Purpose::ResourceAllocation)
    }

    /// The operator opens fields of a state for whoever gets the file.
    pub fn open() -> Self {
        Self::of(ReaderRole::Operator, "evidence", Purpose::EvidenceOpening)
    }

    /// The operator looks what a change would have done to the district's own students.
    pub fn plan() -> Self {
        Self::of(ReaderRole::Operator, "planning", Purpose::EducationalNecessity)
    }

    /// The operator discloses a drawn student's events to this auditor.
    pub fn audit(auditor: &Name) -> Self {
        Self::of(ReaderRole::Auditor, auditor.as_str(), Purpose::AuditEvaluation)
    }

    /// The credential that the district's own key signs for it.
    ///
    /// # Errors
    /// A reader's name that fits no credential.
    pub fn credential(&self, vault: &Vault, key: &NodeKey) -> Result<Credential, Failure> {
        let scope = Scope::vault(self.role.name(), &self.reader).ok_or_else(|| {
            let message = format!("{} is too long a name for a credential", self.reader);
            Failure::new("bad_reader", message, "rename the member by a vote")
        })?;
        let identity = vault.identity().map_err(refused)?;
        let expires_ms = now_ms().saturating_add(LIFETIME_MS);
        let claim = Claim { genesis: identity.genesis, account: identity.account, expires_ms, scope };
        Ok(Credential::sign(&claim, key.signing_key()))
    }

    fn of(role: ReaderRole, reader: &str, purpose: Purpose) -> Self {
        Self { role, reader: reader.to_owned(), purpose }
    }
}
