//! The two tables of access: which class of data a field is, and which role needs it.
//!
//! A field that is in no table is personal data that nobody needs, until somebody writes down who does. A district's
//! own fields begin with `local:` and are needed by its administration alone. [`RESERVED`] names are the program's: nobody
//! else writes them.

use aula_ledger::access::Purpose;
use aula_ledger::names::FieldName;

use crate::reserved::{EVENTS, STATE, same};

/// For what students and families read their own record; a word of the vault's, which no consent is asked for.
pub const INSPECTION: &str = "record_inspection";

/// For what a district's operator takes all of its data elsewhere; a word of the vault's, which no credential opens.
pub const PORTABILITY: &str = "record_portability";

/// What a field is, and so whether a family is asked before anybody reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataClass {
    /// Personally identifiable information of an education record (FERPA, 34 CFR 99.3).
    FerpaPii,
    /// What an allocation is computed from and gives: pseudonymous, open by design.
    ResourceAllocation,
}

impl DataClass {
    /// The word in requests and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FerpaPii => "FERPA_PII",
            Self::ResourceAllocation => "resource_allocation",
        }
    }

    /// From a request's word, in either case, with dashes or underscores.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::FerpaPii, Self::ResourceAllocation].into_iter().find(|class| same(class.name(), word))
    }
}

/// A reader's role in its district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderRole {
    /// Teaches the student.
    Teacher,
    /// Supports the student.
    Counselor,
    /// Administers the district's records.
    Admin,
    /// The district's operator, who opens fields in files of evidence.
    Operator,
    /// An auditor of the consortium, to whom a drawn student's events are disclosed.
    Auditor,
    /// The district's own programs: they fold events and prove what the ledger asks for.
    Service,
    /// The student, by a link of the district's ([`super::Linked`]) and by no credential.
    Student,
    /// The student's family, by such a link.
    Family,
}

impl ReaderRole {
    /// Every role that may read personal data.
    pub const ALL: [Self; 8] = [
        Self::Teacher,
        Self::Counselor,
        Self::Admin,
        Self::Operator,
        Self::Auditor,
        Self::Service,
        Self::Student,
        Self::Family,
    ];

    /// The word in credentials and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Teacher => "teacher",
            Self::Counselor => "counselor",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Service => "service",
            Self::Student => "student",
            Self::Family => "family",
        }
    }

    /// True for those who inspect a record because it is theirs: all of it, for [`INSPECTION`] and nothing else.
    pub const fn inspects(self) -> bool {
        matches!(self, Self::Student | Self::Family)
    }

    /// For what the role may read personal data; the first is the usual one.
    pub const fn purposes(self) -> &'static [Purpose] {
        match self {
            Self::Teacher | Self::Counselor | Self::Admin => &[Purpose::EducationalNecessity],
            Self::Operator => &[Purpose::EducationalNecessity, Purpose::EvidenceOpening],
            Self::Auditor => &[Purpose::AuditEvaluation],
            Self::Service => &[Purpose::InstitutionalService],
            Self::Student | Self::Family => &[],
        }
    }

    /// From a credential's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| same(role.name(), word))
    }
}

use ReaderRole::{Admin, Auditor, Counselor, Operator, Service, Teacher};

/// Personal fields and who needs them for what the role reads. A name that ends in `:` stands for all that begin with it.
const PERSONAL: &[(&str, &[ReaderRole])] = &[
    ("name", &[Teacher, Counselor, Admin]),
    ("grade", &[Teacher, Counselor, Admin]),
    ("enrolment", &[Teacher, Counselor, Admin]),
    ("attendance", &[Teacher, Counselor, Admin]),
    ("attendance:", &[Teacher, Counselor, Admin]),
    ("program:", &[Counselor, Admin]),
    ("skill:", &[Teacher, Counselor, Operator]),
    ("engagement", &[Teacher, Counselor, Operator]),
    ("resources", &[Teacher, Counselor]),
    ("accommodations", &[Teacher, Counselor]),
    ("assessment:", &[Teacher, Counselor]),
    ("intervention", &[Counselor]),
    ("intervention:", &[Counselor]),
    ("need", &[Counselor, Operator]),
    ("input:", &[Counselor, Operator]),
    (EVENTS, &[Counselor, Operator, Auditor, Service]),
    ("guardian_contact", &[Counselor, Admin]),
    ("birth_date", &[Admin]),
    ("address", &[Admin]),
    ("local:", &[Admin]),
];

/// Fields of an allocation, which consortium nodes and families see anyway; strangers do not.
const ALLOCATION: &[&str] = &["band", "mandate", "kinds", "home_school", "placement", "price"];

/// The class of a field.
pub fn class_of(field: &FieldName) -> DataClass {
    if ALLOCATION.contains(&field.as_str()) { DataClass::ResourceAllocation } else { DataClass::FerpaPii }
}

/// True when the role needs the field.
pub fn needs(role: ReaderRole, field: &FieldName) -> bool {
    let text = field.as_str();
    let covers = |name: &str| if name.ends_with(':') { text.starts_with(name) } else { text == name };
    match role.inspects() {
        // The whole record is open to those whose it is; the sealed state is no part of it but what it is folded into.
        true => text != STATE,
        false => PERSONAL.iter().any(|(name, roles)| covers(name) && roles.contains(&role)),
    }
}
