//! The data model of Open Badges 3.0 (Appendix B), CLR 2.0 (Appendix B) and Bitstring Status List 1.0 (2) as a table.

/// What a value is.
#[derive(Debug)]
pub enum Form {
    /// A string, perhaps with its language.
    Text,
    Uri,
    /// A date and time with a zone.
    Moment,
    /// A day alone, `YYYY-MM-DD`.
    Date,
    /// True or false.
    Boolean,
    Number,
    /// A whole number from 0, or its digits.
    Index,
    /// An e-mail address.
    Email,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, or an extension.
    Word(&'static [&'static str]),
    /// An object of a class.
    Object(&'static Class),
    /// An object of a class, or its id.
    Reference(&'static Class),
}

/// A property.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    /// What its values are.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
    /// Whether there may be several.
    pub many: bool,
}

#[derive(Debug)]
pub struct Class {
    /// What `type` must name.
    pub type_name: Option<&'static str>,
    /// Its properties.
    pub fields: &'static [Field],
    /// Properties of which one at least must say something.
    pub one_of: &'static [&'static str],
}

const fn must(name: &'static str, form: Form) -> Field {
    Field { name, form, required: true, many: false }
}

const fn may(name: &'static str, form: Form) -> Field {
    Field { name, form, required: false, many: false }
}

const fn some(name: &'static str, form: Form) -> Field {
    Field { name, form, required: false, many: true }
}

const fn all(name: &'static str, form: Form) -> Field {
    Field { name, form, required: true, many: true }
}

use Form::{Boolean, Date, Email, Index, Moment, Number, Object, OneOf, Reference, Text, Uri, Word};

const ANY_TYPED: Class = Class { type_name: None, fields: &[all("type", Text)], one_of: &[] };

const SCHEMA: Class = Class { type_name: None, fields: &[must("id", Uri), all("type", Text)], one_of: &[] };

const STATUS: Class = Class {
    type_name: None,
    fields: &[
        may("id", Uri),
        all("type", Text),
        may("statusPurpose", Text),
        may("statusListIndex", Index),
        may("statusListCredential", Uri),
        may("statusSize", Index),
    ],
    one_of: &[],
};

macro_rules! credential {
    ($subject:expr, $many:ident, $type:expr; $($more:expr),*) => {
        Class {
            type_name: $type,
            fields: &[
                may("id", Uri),
                all("type", Text),
                all("issuer", Reference(&PROFILE)),
                may("validFrom", Moment),
                may("validUntil", Moment),
                may("issuanceDate", Moment),
                may("expirationDate", Moment),
                may("awardedDate", Moment),
                may("name", Text),
                may("description", Text),
                some("credentialSchema", Object(&SCHEMA)),
                some("credentialStatus", Object(&STATUS)),
                may("refreshService", Object(&ANY_TYPED)),
                some("termsOfUse", Object(&ANY_TYPED)),
                $many("credentialSubject", Object(&$subject)),
                $($more),*
            ],
            one_of: &[],
        }
    };
}

/// An Open Badge.
pub static ACHIEVEMENT_CREDENTIAL: Class = credential!(ACHIEVEMENT_SUBJECT, must, None;
    must("id", Uri),
    may("image", Reference(&IMAGE)),
    some("endorsement", Object(&ENDORSEMENT_CREDENTIAL)),
    some("endorsementJwt", Text),
    some("evidence", Object(&EVIDENCE)));

pub static ENDORSEMENT_CREDENTIAL: Class =
    credential!(ENDORSEMENT_SUBJECT, must, Some("EndorsementCredential"); must("id", Uri));

/// A learner's record.
pub static CLR_CREDENTIAL: Class = credential!(CLR_SUBJECT, must, Some("ClrCredential");
    must("id", Uri),
    must("name", Text),
    may("partial", Boolean),
    may("image", Reference(&IMAGE)),
    some("endorsement", Object(&ENDORSEMENT_CREDENTIAL)),
    some("endorsementJwt", Text),
    some("evidence", Object(&EVIDENCE)));

pub static STATUS_LIST_CREDENTIAL: Class =
    credential!(STATUS_LIST, must, Some("BitstringStatusListCredential"););

static STATUS_LIST: Class = Class {
    type_name: Some("BitstringStatusList"),
    fields: &[may("id", Uri), all("statusPurpose", Text), must("encodedList", Text), may("ttl", Index)],
    one_of: &[],
};

static ACHIEVEMENT_SUBJECT: Class = Class {
    type_name: Some("AchievementSubject"),
    fields: &[
        may("id", Uri),
        may("activityEndDate", Moment),
        may("activityStartDate", Moment),
        may("creditsEarned", Number),
        must("achievement", Object(&ACHIEVEMENT)),
        some("identifier", Object(&IDENTITY_OBJECT)),
        may("image", Reference(&IMAGE)),
        may("licenseNumber", Text),
        may("narrative", Text),
        some("result", Object(&RESULT)),
        may("role", Text),
        may("source", Object(&PROFILE)),
        may("term", Text),
    ],
    one_of: &["id", "identifier"],
};

static ENDORSEMENT_SUBJECT: Class = Class {
    type_name: Some("EndorsementSubject"),
    fields: &[must("id", Uri), may("endorsementComment", Text)],
    one_of: &[],
};

static CLR_SUBJECT: Class = Class {
    type_name: Some("ClrSubject"),
    fields: &[
        may("id", Uri),
        some("identifier", Object(&IDENTITY_OBJECT)),
        some("achievement", Object(&ACHIEVEMENT)),
        all("verifiableCredential", Object(&ANY_TYPED)),
        some("association", Object(&ASSOCIATION)),
    ],
    one_of: &["id", "identifier"],
};

static ASSOCIATION: Class = Class {
    type_name: Some("Association"),
    fields: &[
        must(
            "associationType",
            OneOf(&[
                "exactMatchOf",
                "isChildOf",
                "isParentOf",
                "isPartOf",
                "isPeerOf",
                "isRelatedTo",
                "precedes",
                "replacedBy",
            ]),
        ),
        must("sourceId", Uri),
        must("targetId", Uri),
    ],
    one_of: &[],
};

const ACHIEVEMENT_TYPES: &[&str] = &[
    "Achievement",
    "ApprenticeshipCertificate",
    "Assessment",
    "Assignment",
    "AssociateDegree",
    "Award",
    "Badge",
    "BachelorDegree",
    "Certificate",
    "CertificateOfCompletion",
    "Certification",
    "CommunityService",
    "Competency",
    "Course",
    "CoCurricular",
    "Degree",
    "Diploma",
    "DoctoralDegree",
    "Fieldwork",
    "GeneralEducationDevelopment",
    "JourneymanCertificate",
    "LearningProgram",
    "License",
    "Membership",
    "ProfessionalDoctorate",
    "QualityAssuranceCredential",
    "MasterCertificate",
    "MasterDegree",
    "MicroCredential",
    "ResearchDoctorate",
    "SecondarySchoolDiploma",
];

static ACHIEVEMENT: Class = Class {
    type_name: Some("Achievement"),
    fields: &[
        must("id", Uri),
        some("alignment", Object(&ALIGNMENT)),
        may("achievementType", Word(ACHIEVEMENT_TYPES)),
        may("creator", Object(&PROFILE)),
        may("creditsAvailable", Number),
        must("criteria", Object(&CRITERIA)),
        must("description", Text),
        some("endorsement", Object(&ENDORSEMENT_CREDENTIAL)),
        some("endorsementJwt", Text),
        may("fieldOfStudy", Text),
        may("humanCode", Text),
        may("image", Reference(&IMAGE)),
        may("inLanguage", Text),
        must("name", Text),
        some("otherIdentifier", Object(&IDENTIFIER_ENTRY)),
        some("related", Object(&RELATED)),
        some("resultDescription", Object(&RESULT_DESCRIPTION)),
        may("specialization", Text),
        some("tag", Text),
        may("version", Text),
    ],
    one_of: &[],
};

static ALIGNMENT: Class = Class {
    type_name: Some("Alignment"),
    fields: &[
        may("targetCode", Text),
        may("targetDescription", Text),
        must("targetName", Text),
        may("targetFramework", Text),
        may(
            "targetType",
            Word(&[
                "ceasn:Competency",
                "ceterms:Credential",
                "CFItem",
                "CFRubric",
                "CFRubricCriterion",
                "CFRubricCriterionLevel",
                "CTDL",
            ]),
        ),
        must("targetUrl", Uri),
    ],
    one_of: &[],
};

static CRITERIA: Class = Class {
    type_name: None,
    fields: &[may("id", Uri), may("narrative", Text)],
    one_of: &["id", "narrative"],
};

static EVIDENCE: Class = Class {
    type_name: Some("Evidence"),
    fields: &[
        may("id", Uri),
        may("narrative", Text),
        may("name", Text),
        may("description", Text),
        may("genre", Text),
        may("audience", Text),
    ],
    one_of: &[],
};

static IMAGE: Class =
    Class { type_name: Some("Image"), fields: &[must("id", Uri), may("caption", Text)], one_of: &[] };

static PROFILE: Class = Class {
    type_name: Some("Profile"),
    fields: &[
        must("id", Uri),
        may("name", Text),
        may("url", Uri),
        may("phone", Text),
        may("description", Text),
        some("endorsement", Object(&ENDORSEMENT_CREDENTIAL)),
        some("endorsementJwt", Text),
        may("image", Reference(&IMAGE)),
        may("email", Email),
        may("address", Object(&ADDRESS)),
        some("otherIdentifier", Object(&IDENTIFIER_ENTRY)),
        may("official", Text),
        may("parentOrg", Object(&PROFILE)),
        may("familyName", Text),
        may("givenName", Text),
        may("additionalName", Text),
        may("dateOfBirth", Date),
    ],
    one_of: &[],
};

static ADDRESS: Class = Class {
    type_name: Some("Address"),
    fields: &[
        may("addressCountry", Text),
        may("addressCountryCode", Text),
        may("addressRegion", Text),
        may("addressLocality", Text),
        may("streetAddress", Text),
        may("postOfficeBoxNumber", Text),
        may("postalCode", Text),
        may("geo", Object(&GEO)),
    ],
    one_of: &[],
};

static GEO: Class = Class {
    type_name: Some("GeoCoordinates"),
    fields: &[must("latitude", Number), must("longitude", Number)],
    one_of: &[],
};

static IDENTIFIER_ENTRY: Class = Class {
    type_name: Some("IdentifierEntry"),
    fields: &[must("identifier", Text), must("identifierType", Text)],
    one_of: &[],
};

static IDENTITY_OBJECT: Class = Class {
    type_name: Some("IdentityObject"),
    fields: &[
        must("hashed", Boolean),
        must("identityHash", Text),
        must("identityType", Text),
        may("salt", Text),
    ],
    one_of: &[],
};

static RELATED: Class = Class {
    type_name: Some("Related"),
    fields: &[must("id", Uri), may("inLanguage", Text), may("version", Text)],
    one_of: &[],
};

static RESULT: Class = Class {
    type_name: Some("Result"),
    fields: &[
        may("achievedLevel", Uri),
        some("alignment", Object(&ALIGNMENT)),
        may("resultDescription", Uri),
        may(
            "status",
            OneOf(&["Completed", "Enrolled", "Failed", "InProgress", "OnHold", "Provisional", "Withdrew"]),
        ),
        may("value", Text),
    ],
    one_of: &[],
};

const RESULT_TYPES: &[&str] = &[
    "GradePointAverage",
    "LetterGrade",
    "Percent",
    "PerformanceLevel",
    "PredictedScore",
    "RawScore",
    "Result",
    "RubricCriterion",
    "RubricCriterionLevel",
    "RubricScore",
    "ScaledScore",
    "Status",
];

static RESULT_DESCRIPTION: Class = Class {
    type_name: Some("ResultDescription"),
    fields: &[
        must("id", Uri),
        some("alignment", Object(&ALIGNMENT)),
        some("allowedValue", Text),
        must("name", Text),
        may("requiredLevel", Uri),
        may("requiredValue", Text),
        must("resultType", Word(RESULT_TYPES)),
        some("rubricCriterionLevel", Object(&RUBRIC_CRITERION_LEVEL)),
        may("valueMax", Text),
        may("valueMin", Text),
    ],
    one_of: &[],
};

static RUBRIC_CRITERION_LEVEL: Class = Class {
    type_name: Some("RubricCriterionLevel"),
    fields: &[
        must("id", Uri),
        some("alignment", Object(&ALIGNMENT)),
        may("description", Text),
        may("level", Text),
        must("name", Text),
        may("points", Text),
    ],
    one_of: &[],
};
