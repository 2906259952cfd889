//! The one function that decides every read.
//!
//! Attribute-based: role, class of data, purpose, the reader's relation to the student, consent, and which fields the role
//! needs. A teacher reads the students of the teacher's sections, a counselor those of the counselor's school, as the roster
//! has it; administration, operator and the district's programs have an office that covers all. It is pure and total:
//! what no rule allows is denied, and what is missing or unknown is "insufficient data", which denies. Consent is
//! asked even of school officials, whom FERPA (34 CFR 99.31) would let read without: what a family took back must deny,
//! and what nobody recorded is not known. An audit and the district's own processing rest on paragraphs of their own
//! ([`Purpose::basis`]), for which a family is not asked. Nothing at all is given to a reader whom the district does not
//! know.

use aula_ledger::access::{Basis, ConsentChoice, Denial, Purpose, Relation};
use aula_ledger::names::{FieldName, Term};

use super::fields::{DataClass, INSPECTION, PORTABILITY, ReaderRole, class_of, needs};
use crate::reserved::{STATE, same};

/// Whether the reader's credential holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Signed by the district, for this chain, in time.
    Verified,
    /// None is needed: the district's own operator, who has the vault's folders open, takes the district's data elsewhere. Nobody
    /// has this standing over a network.
    Keeper,
    /// A client of the district's roster service, whom the operator registered for what it may ask. It reads as the district's
    /// program, and no credential has this standing.
    Registered,
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
    /// What the check of the credential found.
    pub standing: Standing,
    /// The role that the credential names.
    pub role: &'a Term,
    /// The class asked for.
    pub class: &'a Term,
    /// The purpose asked for.
    pub purpose: &'a Term,
    /// The family's newest word on the purpose whose consent that one rests on.
    pub consent: Option<ConsentChoice>,
    /// How the roster says that the reader stands to the student.
    pub relations: &'a [Relation],
    /// What the vault has of the student.
    pub presence: Presence,
    /// The fields asked for.
    pub fields: &'a [FieldName],
}

/// What may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These of the fields asked for, in their order.
    Allow {
        /// What may leave.
        fields: Vec<FieldName>,
        /// On what it rests.
        basis: Basis,
        /// How the reader stands to the student; none of what is open to every reader.
        relation: Option<Relation>,
    },
    /// Nothing.
    Deny(Denial),
}

/// Total: whatever the facts are, there is an answer, and what no rule allows is denied.
pub fn decide(facts: &Facts<'_>) -> Decision {
    match rule(facts) {
        Err(denial) => Decision::Deny(denial),
        Ok((allowed, ..)) if allowed.is_empty() => Decision::Deny(Denial::NothingNeeded),
        Ok((fields, basis, relation)) => Decision::Allow { fields, basis, relation },
    }
}

/// The purpose of a request's word.
pub fn purpose_of(word: &Term) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| same(purpose.name(), word.as_str()))
}

type Allowed = (Vec<FieldName>, Basis, Option<Relation>);

fn rule(facts: &Facts<'_>) -> Result<Allowed, Denial> {
    match facts.standing {
        Standing::Refused => return Err(Denial::CredentialRefused),
        Standing::None => return Err(Denial::InsufficientData),
        Standing::Verified | Standing::Keeper | Standing::Registered => {}
    }
    match facts.presence {
        Presence::Erased => return Err(Denial::Erased),
        Presence::Unknown => return Err(Denial::InsufficientData),
        Presence::Kept => {}
    }
    let class = DataClass::parse(facts.class.as_str()).ok_or(Denial::InsufficientData)?;
    match facts.standing {
        Standing::Keeper => return portability(facts, class),
        Standing::Registered => return roster_service(facts, class),
        _ => {}
    }
    if same(INSPECTION, facts.purpose.as_str()) {
        return inspection(facts, class);
    }
    let purpose = purpose_of(facts.purpose).ok_or(Denial::InsufficientData)?;
    let of_class = facts.fields.iter().filter(|field| class_of(field) == class);
    match class {
        // Open by design to every reader whom the district knows: no role, no consent; either of two purposes.
        DataClass::ResourceAllocation => match purpose {
            Purpose::EducationalNecessity | Purpose::ResourceAllocation => {
                Ok((of_class.cloned().collect(), Purpose::ResourceAllocation.basis(), None))
            }
            _ => Err(Denial::PurposeNotAllowed),
        },
        DataClass::FerpaPii => {
            let (role, relation) = personal(facts, purpose)?;
            let needed = of_class.filter(|field| needs(role, field)).cloned().collect();
            Ok((needed, purpose.basis(), Some(relation)))
        }
    }
}

/// Those whose record it is read all of it, whatever they said about others' reads.
fn inspection(facts: &Facts<'_>, class: DataClass) -> Result<Allowed, Denial> {
    let role = ReaderRole::parse(facts.role.as_str()).filter(|role| role.inspects());
    let role = role.ok_or(Denial::RoleNotAllowed)?;
    let relation = relation(role, facts.relations).ok_or(Denial::NoRelation)?;
    let open = |field: &&FieldName| class_of(field) == class && needs(role, field);
    let fields = facts.fields.iter().filter(open).cloned().collect();
    Ok((fields, Basis::Inspection, Some(relation)))
}

/// A district takes its own data elsewhere: all of a record, and nothing for another purpose.
fn portability(facts: &Facts<'_>, class: DataClass) -> Result<Allowed, Denial> {
    if !same(PORTABILITY, facts.purpose.as_str()) {
        return Err(Denial::PurposeNotAllowed);
    }
    let role = ReaderRole::parse(facts.role.as_str()).filter(|role| *role == ReaderRole::Service);
    role.ok_or(Denial::RoleNotAllowed)?;
    let open = |field: &&FieldName| class_of(field) == class && field.as_str() != STATE;
    let fields = facts.fields.iter().filter(open).cloned().collect();
    Ok((fields, Purpose::InstitutionalService.basis(), Some(Relation::Office)))
}

/// Names, grades, enrolments and results go to whom the district has do work that its own staff would do (34 CFR
/// 99.31(a)(1)(i)(B)), as the district registered it; nothing else of a record does.
fn roster_service(facts: &Facts<'_>, class: DataClass) -> Result<Allowed, Denial> {
    let purpose = Purpose::InstitutionalService;
    if purpose_of(facts.purpose) != Some(purpose) {
        return Err(Denial::PurposeNotAllowed);
    }
    let role = ReaderRole::parse(facts.role.as_str()).filter(|role| *role == ReaderRole::Service);
    role.ok_or(Denial::RoleNotAllowed)?;
    let given = |field: &&FieldName| {
        let name = field.as_str();
        class_of(field) == class
            && (matches!(name, "name" | "grade" | "enrolment") || name.starts_with("assessment:"))
    };
    let fields = facts.fields.iter().filter(given).cloned().collect();
    Ok((fields, purpose.basis(), Some(Relation::Office)))
}

/// Who may read personal data at all, of whom, and for what.
fn personal(facts: &Facts<'_>, purpose: Purpose) -> Result<(ReaderRole, Relation), Denial> {
    let role = ReaderRole::parse(facts.role.as_str()).ok_or(Denial::RoleNotAllowed)?;
    if !role.purposes().contains(&purpose) {
        return Err(Denial::PurposeNotAllowed);
    }
    let relation = relation(role, facts.relations).ok_or(Denial::NoRelation)?;
    match (purpose.consent(), facts.consent) {
        (None, _) | (Some(_), Some(ConsentChoice::Given)) => Ok((role, relation)),
        (Some(_), Some(ConsentChoice::Withdrawn)) => Err(Denial::ConsentWithdrawn),
        (Some(_), None) => Err(Denial::InsufficientData),
    }
}

/// The relation on which a role reads; none when the roster does not have it.
fn relation(role: ReaderRole, roster: &[Relation]) -> Option<Relation> {
    match role {
        ReaderRole::Teacher => roster.iter().find(|one| matches!(one, Relation::Section(_))).cloned(),
        ReaderRole::Counselor => roster.iter().find(|one| matches!(one, Relation::School(_))).cloned(),
        ReaderRole::Student => roster.iter().find(|one| matches!(one, Relation::Own)).cloned(),
        ReaderRole::Family => roster.iter().find(|one| matches!(one, Relation::Family)).cloned(),
        ReaderRole::Admin | ReaderRole::Operator | ReaderRole::Auditor | ReaderRole::Service => {
            Some(Relation::Office)
        }
    }
}
