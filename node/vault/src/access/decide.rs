//! The one function that decides every read.
//!
//! Attribute-based: role, class of data, purpose, consent, and which fields the role needs. It is pure and total:
//! what no rule allows is denied, and what is missing or unknown is "insufficient data", which denies. Consent is
//! asked even of school officials, whom FERPA (34 CFR 99.31) would let read without: what a family took back must deny,
//! and what nobody recorded is not known.

use aula_ledger::access::{ConsentChoice, Denial, Purpose};
use aula_ledger::names::{FieldName, Term};

use super::fields::{DataClass, ReaderRole, class_of, needs, same};

/// Whether the reader's credential holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Signed by the district, for this chain, in time.
    Verified,
    /// None was shown.
    None,
    /// One was shown and is refused.
    Refused,
}

/// Whether the vault still has the student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It has.
    Kept,
    /// It never had, or a restored copy of the data has rows without keys.
    Unknown,
    /// It was erased.
    Erased,
}

/// Everything a decision depends on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The credential.
    pub standing: Standing,
    /// The role that the credential names.
    pub role: &'a Term,
    /// The class asked for.
    pub class: &'a Term,
    /// The purpose asked for.
    pub purpose: &'a Term,
    /// The family's newest word on that purpose.
    pub consent: Option<ConsentChoice>,
    /// The student.
    pub presence: Presence,
    /// The fields asked for.
    pub fields: &'a [FieldName],
}

/// What may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These of the fields asked for, in their order.
    Allow(Vec<FieldName>),
    /// Nothing.
    Deny(Denial),
}

/// Decides.
pub fn decide(facts: &Facts<'_>) -> Decision {
    match rule(facts) {
        Err(denial) => Decision::Deny(denial),
        Ok(allowed) if allowed.is_empty() => Decision::Deny(Denial::NothingNeeded),
        Ok(allowed) => Decision::Allow(allowed),
    }
}

/// The purpose of a request's word.
pub fn purpose_of(word: &Term) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| same(purpose.name(), word.as_str()))
}

fn rule(facts: &Facts<'_>) -> Result<Vec<FieldName>, Denial> {
    if facts.standing == Standing::Refused {
        return Err(Denial::CredentialRefused);
    }
    match facts.presence {
        Presence::Erased => return Err(Denial::Erased),
        Presence::Unknown => return Err(Denial::InsufficientData),
        Presence::Kept => {}
    }
    let class = DataClass::parse(facts.class.as_str()).ok_or(Denial::InsufficientData)?;
    let purpose = purpose_of(facts.purpose).ok_or(Denial::InsufficientData)?;
    let of_class = facts.fields.iter().filter(|field| class_of(field) == class);
    match class {
        // Open by design: no credential, no role, no consent; either purpose.
        DataClass::ResourceAllocation => Ok(of_class.cloned().collect()),
        DataClass::FerpaPii => {
            let role = personal(facts, purpose)?;
            Ok(of_class.filter(|field| needs(role, field)).cloned().collect())
        }
    }
}

/// Who may read personal data at all, and for what.
fn personal(facts: &Facts<'_>, purpose: Purpose) -> Result<ReaderRole, Denial> {
    if facts.standing != Standing::Verified {
        return Err(Denial::InsufficientData);
    }
    let role = ReaderRole::parse(facts.role.as_str()).ok_or(Denial::RoleNotAllowed)?;
    if purpose != Purpose::EducationalNecessity {
        return Err(Denial::PurposeNotAllowed);
    }
    match facts.consent {
        Some(ConsentChoice::Given) => Ok(role),
        Some(ConsentChoice::Withdrawn) => Err(Denial::ConsentWithdrawn),
        None => Err(Denial::InsufficientData),
    }
}
