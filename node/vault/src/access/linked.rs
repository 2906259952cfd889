//! Reads by whoever holds a link that the district made: one student, one reader, one role.
//!
//! Flow: the node that checked the link, or an LMS's launch that it verified, names the reader ([`Linked`]) and what is wanted
//! → the same [`decide`] as for a credential → [`Vault::read_linked`] lists the read before anything is opened. A page that is
//! open looks again every so often with [`Vault::may_read_linked`], which gives nothing and lists a denial only. Invariants: a
//! student and a family inspect their own record and no other; a teacher reads by the roster and the family's consent, link
//! or not. Absent: what makes a link good, which the node checks.

use aula_ledger::access::{AccessEntry, Purpose, Relation};
use aula_ledger::names::{FieldName, Name, Term};
use aula_ledger::types::Handle;

use super::decide::{Decision, Facts, Standing, decide, purpose_of};
use super::fields::{DataClass, INSPECTION, ReaderRole};
use super::listed::Asked;
use super::{Given, ReadError};
use crate::error::VaultError;
use crate::reserved::EVENTS;
use crate::vault::Vault;

/// A reader whom the district made a link for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// As the district names it.
    pub reader: Name,
    /// The office that the link gives: a student, a family or a teacher.
    pub role: ReaderRole,
}

/// What is wanted of a student's record.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The student's pseudonym for the link's school year.
    pub handle: Handle,
    /// All fields are of this one class; another class is another read.
    pub class: DataClass,
    /// 1 to 64; what the role does not need is withheld.
    pub fields: &'a [FieldName],
}

impl Linked {
    /// For what its reads are, as the log has it.
    pub fn purpose(&self) -> &'static str {
        if self.role.inspects() { INSPECTION } else { Purpose::EducationalNecessity.name() }
    }
}

fn word(text: &str) -> Result<Term, VaultError> {
    Term::new(text).map_err(|_| VaultError::Damaged(format!("{text} is not a term")))
}

impl Vault {
    /// Decides and lists a read, and opens what is granted. Events are not opened here: `events` among the fields of the
    /// entry says that they may be shown.
    ///
    /// # Errors
    /// [`ReadError::Denied`] with the entry that lists it; [`ReadError::LogUnwritable`]; a damaged vault.
    pub fn read_linked(&self, linked: &Linked, wanted: &Wanted<'_>, now_ms: u64) -> Result<Given, ReadError> {
        let decision = self.decide_linked(linked, wanted)?;
        let entry = self.list_linked(linked, wanted, &decision, now_ms)?;
        let fields = match decision {
            Decision::Deny(denial) => return Err(ReadError::Denied(denial, Box::new(entry))),
            Decision::Allow { fields, .. } => fields,
        };
        let mut values = Vec::with_capacity(fields.len());
        for field in fields.iter().filter(|field| field.as_str() != EVENTS) {
            values.push((field.clone(), self.open_record(&wanted.handle, field)?));
        }
        let withheld = wanted.fields.iter().filter(|field| !fields.contains(field)).cloned().collect();
        Ok(Given { entry, values, events: Vec::new(), withheld })
    }

    /// Whether what was granted would be granted now: the fields, or the denial, which is listed.
    ///
    /// # Errors
    /// As [`Vault::read_linked`].
    pub fn may_read_linked(
        &self,
        linked: &Linked,
        wanted: &Wanted<'_>,
        now_ms: u64,
    ) -> Result<Vec<FieldName>, ReadError> {
        let decision = self.decide_linked(linked, wanted)?;
        if let Decision::Deny(denial) = decision {
            let entry = self.list_linked(linked, wanted, &decision, now_ms)?;
            return Err(ReadError::Denied(denial, Box::new(entry)));
        }
        let Decision::Allow { fields, .. } = decision else { return Ok(Vec::new()) };
        Ok(fields)
    }

    fn decide_linked(&self, linked: &Linked, wanted: &Wanted<'_>) -> Result<Decision, ReadError> {
        if wanted.fields.is_empty() || wanted.fields.len() > aula_ledger::access::MAX_ENTRY_FIELDS {
            return Err(ReadError::Fields);
        }
        let purpose = word(linked.purpose())?;
        let consent = match purpose_of(&purpose).and_then(Purpose::consent) {
            Some(purpose) => self.consent(&wanted.handle, purpose)?,
            None => None,
        };
        let relations = match linked.role {
            ReaderRole::Student => vec![Relation::Own],
            ReaderRole::Family => vec![Relation::Family],
            _ => self.relations(&linked.reader, &wanted.handle)?,
        };
        Ok(decide(&Facts {
            standing: Standing::Verified,
            role: &word(linked.role.name())?,
            class: &word(wanted.class.name())?,
            purpose: &purpose,
            consent,
            relations: &relations,
            presence: self.presence(&wanted.handle)?,
            fields: wanted.fields,
        }))
    }

    fn list_linked(
        &self,
        linked: &Linked,
        wanted: &Wanted<'_>,
        decision: &Decision,
        now_ms: u64,
    ) -> Result<AccessEntry, ReadError> {
        let asked = Asked {
            handle: &wanted.handle,
            reader: &linked.reader,
            role: &word(linked.role.name())?,
            class: &word(wanted.class.name())?,
            purpose: &word(linked.purpose())?,
            fields: wanted.fields,
        };
        self.list_decided(&asked, decision, now_ms).map_err(ReadError::LogUnwritable)
    }

    /// The students whom the roster lets a teacher read, of one section or of all.
    ///
    /// # Errors
    /// When the roster cannot be read.
    pub fn taught_by(&self, reader: &Name, section: Option<&Term>) -> Result<Vec<Handle>, VaultError> {
        let teaches = |relation: &Relation| match relation {
            Relation::Section(own) => section.is_none_or(|wanted| wanted == own),
            _ => false,
        };
        let all = self.all_relations()?.into_iter();
        let own = all.filter(|(_, name, relations)| name == reader && relations.iter().any(teaches));
        Ok(own.map(|(handle, ..)| handle).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::*;
    use aula_ledger::access::{Basis, ConsentChoice, Denial};

    fn linked(role: ReaderRole) -> Linked {
        Linked { reader: Name::new("t-1042").expect("a name"), role }
    }

    #[test]
    fn a_family_inspects_its_record_whatever_it_said_of_others_and_a_teacher_does_not() -> Tested {
        let world = World::new()?;
        let [[one, _], [two, _]] = world.handles;
        let fields = [field("name"), field("skill:all"), field("events"), field("intervention:all")];
        let wanted = |handle| Wanted { handle, class: DataClass::FerpaPii, fields: &fields };
        let read = |role, handle| world.vault.read_linked(&linked(role), &wanted(handle), NOW_MS);
        let given = read(ReaderRole::Teacher, one)?;
        assert_eq!(given.entry.fields, [field("name"), field("skill:all")]);
        world.vault.keep_consent(&[one], Purpose::EducationalNecessity, ConsentChoice::Withdrawn)?;
        let denied = read(ReaderRole::Teacher, one);
        assert!(matches!(denied, Err(ReadError::Denied(Denial::ConsentWithdrawn, _))), "{denied:?}");
        for (role, relation) in [(ReaderRole::Student, Relation::Own), (ReaderRole::Family, Relation::Family)]
        {
            let given = read(role, one)?;
            assert_eq!(given.entry.fields, fields);
            assert_eq!((given.entry.basis, given.entry.relation), (Some(Basis::Inspection), Some(relation)));
            assert_eq!(given.entry.purpose, term(INSPECTION));
            let name = given.values.iter().find(|(name, _)| *name == field("name"));
            assert!(name.is_some_and(|(_, value)| value.is_some()));
        }
        let before = world.vault.entries()?.len();
        assert_eq!(world.vault.may_read_linked(&linked(ReaderRole::Family), &wanted(one), NOW_MS)?, fields);
        assert_eq!(world.vault.entries()?.len(), before, "looking again lists nothing while it is granted");
        world.vault.erase(&[two], NOW_MS)?;
        let gone = world.vault.may_read_linked(&linked(ReaderRole::Family), &wanted(two), NOW_MS);
        assert!(matches!(gone, Err(ReadError::Denied(Denial::Erased, _))), "{gone:?}");
        assert_eq!(world.vault.entries()?.len(), before + 1);
        Ok(())
    }

    #[test]
    fn a_credential_makes_nobody_a_student_or_a_family() -> Tested {
        let world = World::new()?;
        let [[one, _], _] = world.handles;
        for role in ["student", "family"] {
            for purpose in [INSPECTION, "educational_necessity"] {
                let asked =
                    super::super::ReadRequest { purpose: term(purpose), ..request(role, one, &["name"]) };
                let denied = read(&world.vault, &asked);
                assert!(matches!(denied, Err(ReadError::Denied(..))), "{role} {purpose}: {denied:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_section_has_its_students_and_no_others() -> Tested {
        let world = World::new()?;
        let reader = Name::new("t-1042")?;
        assert_eq!(world.vault.taught_by(&reader, Some(&term("4-b")))?.len(), 4);
        assert_eq!(world.vault.taught_by(&reader, Some(&term("5-a")))?.len(), 0);
        assert_eq!(world.vault.taught_by(&Name::new("t-7")?, None)?.len(), 0);
        Ok(())
    }
}
