//! The standard's types as far as questions need them: which fields each has, and how they compare.
//!
//! Source: 1EdTech OneRoster 1.2, Rostering and Gradebook services, REST/JSON binding (OpenAPI, 2022). A field may be asked for though
//! no object here has it: a district keeps fewer than the standard knows.

/// How a field compares, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text, flags, days: by their letters.
    Text,
    /// Compared as moments; RFC 3339.
    Moment,
    /// Compared as numbers.
    Number,
    /// An object, or a list of them, with these fields.
    Parts(&'static [(&'static str, Kind)]),
    /// Whatever a provider likes.
    Any,
}

use Kind::{Any, Moment, Number, Parts, Text};

/// A type of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Districts and schools.
    Org,
    /// People.
    User,
    /// Sections.
    Class,
    /// What sections teach.
    Course,
    /// Who is in which section.
    Enrollment,
    /// Years, terms, grading periods.
    AcademicSession,
    /// What results are of.
    AssessmentLineItem,
    /// Results of assessments that belong to no class.
    AssessmentResult,
    /// What results of classes are of.
    LineItem,
    /// Results of classes.
    Result,
    /// Categories of those.
    Category,
    /// How scores are written.
    ScoreScale,
}

type Fields = &'static [(&'static str, Kind)];

const REF: Kind = Parts(&[("href", Text), ("sourcedId", Text), ("type", Text)]);
const SHARED: Fields =
    &[("sourcedId", Text), ("status", Text), ("dateLastModified", Moment), ("metadata", Any)];
const ROLE: Kind = Parts(&[
    ("roleType", Text),
    ("role", Text),
    ("org", REF),
    ("userProfile", Text),
    ("beginDate", Text),
    ("endDate", Text),
]);
const ORG: Fields =
    &[("name", Text), ("type", Text), ("identifier", Text), ("parent", REF), ("children", REF)];
const USER: Fields = &[
    ("userMasterIdentifier", Text),
    ("username", Text),
    ("userIds", Parts(&[("type", Text), ("identifier", Text)])),
    ("enabledUser", Text),
    ("givenName", Text),
    ("familyName", Text),
    ("middleName", Text),
    ("preferredFirstName", Text),
    ("preferredMiddleName", Text),
    ("preferredLastName", Text),
    ("pronouns", Text),
    ("roles", ROLE),
    ("userProfiles", Any),
    ("primaryOrg", REF),
    ("identifier", Text),
    ("email", Text),
    ("sms", Text),
    ("phone", Text),
    ("agents", REF),
    ("grades", Text),
    ("password", Text),
    ("resources", REF),
];
const CLASS: Fields = &[
    ("title", Text),
    ("classCode", Text),
    ("classType", Text),
    ("location", Text),
    ("grades", Text),
    ("subjects", Text),
    ("course", REF),
    ("school", REF),
    ("terms", REF),
    ("subjectCodes", Text),
    ("periods", Text),
    ("resources", REF),
];
const COURSE: Fields = &[
    ("title", Text),
    ("schoolYear", REF),
    ("courseCode", Text),
    ("grades", Text),
    ("subjects", Text),
    ("org", REF),
    ("subjectCodes", Text),
    ("resources", REF),
];
const ENROLLMENT: Fields = &[
    ("user", REF),
    ("class", REF),
    ("school", REF),
    ("role", Text),
    ("primary", Text),
    ("beginDate", Text),
    ("endDate", Text),
];
const SESSION: Fields = &[
    ("title", Text),
    ("startDate", Text),
    ("endDate", Text),
    ("type", Text),
    ("parent", REF),
    ("children", REF),
    ("schoolYear", Text),
];
const ASSESSMENT_LINE_ITEM: Fields = &[
    ("title", Text),
    ("description", Text),
    ("class", REF),
    ("parentAssessmentLineItem", REF),
    ("scoreScale", REF),
    ("resultValueMin", Number),
    ("resultValueMax", Number),
    ("learningObjectiveSet", Any),
];
const ASSESSMENT_RESULT: Fields = &[
    ("assessmentLineItem", REF),
    ("student", REF),
    ("score", Number),
    ("textScore", Text),
    ("scoreDate", Text),
    ("scoreScale", REF),
    ("scorePercentile", Number),
    ("scoreStatus", Text),
    ("comment", Text),
    ("learningObjectiveSet", Any),
    ("inProgress", Text),
    ("incomplete", Text),
    ("late", Text),
    ("missing", Text),
];
const LINE_ITEM: Fields = &[
    ("title", Text),
    ("description", Text),
    ("assignDate", Moment),
    ("dueDate", Moment),
    ("class", REF),
    ("school", REF),
    ("category", REF),
    ("gradingPeriod", REF),
    ("academicSession", REF),
    ("scoreScale", REF),
    ("resultValueMin", Number),
    ("resultValueMax", Number),
    ("learningObjectiveSet", Any),
];
const RESULT: Fields = &[
    ("lineItem", REF),
    ("student", REF),
    ("class", REF),
    ("scoreScale", REF),
    ("scoreStatus", Text),
    ("score", Number),
    ("textScore", Text),
    ("scoreDate", Text),
    ("comment", Text),
    ("learningObjectiveSet", Any),
    ("inProgress", Text),
    ("incomplete", Text),
    ("late", Text),
    ("missing", Text),
];
const CATEGORY: Fields = &[("title", Text), ("weight", Number)];
const SCORE_SCALE: Fields =
    &[("title", Text), ("type", Text), ("course", REF), ("class", REF), ("scoreScaleValue", Any)];

impl Type {
    /// The word of one object in an answer, and of a list.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Org => ("org", "orgs"),
            Self::User => ("user", "users"),
            Self::Class => ("class", "classes"),
            Self::Course => ("course", "courses"),
            Self::Enrollment => ("enrollment", "enrollments"),
            Self::AcademicSession => ("academicSession", "academicSessions"),
            Self::AssessmentLineItem => ("assessmentLineItem", "assessmentLineItems"),
            Self::AssessmentResult => ("assessmentResult", "assessmentResults"),
            Self::LineItem => ("lineItem", "lineItems"),
            Self::Result => ("result", "results"),
            Self::Category => ("category", "categories"),
            Self::ScoreScale => ("scoreScale", "scoreScales"),
        }
    }

    const fn own(self) -> Fields {
        match self {
            Self::Org => ORG,
            Self::User => USER,
            Self::Class => CLASS,
            Self::Course => COURSE,
            Self::Enrollment => ENROLLMENT,
            Self::AcademicSession => SESSION,
            Self::AssessmentLineItem => ASSESSMENT_LINE_ITEM,
            Self::AssessmentResult => ASSESSMENT_RESULT,
            Self::LineItem => LINE_ITEM,
            Self::Result => RESULT,
            Self::Category => CATEGORY,
            Self::ScoreScale => SCORE_SCALE,
        }
    }

    /// Whether the type has a field of this name.
    pub fn has(self, name: &str) -> bool {
        SHARED.iter().chain(self.own()).any(|(own, _)| *own == name)
    }

    /// How what a path leads to compares; none where it leads to nothing, or to an object.
    pub fn kind(self, path: &[String]) -> Option<Kind> {
        let (first, rest) = path.split_first()?;
        let kind = SHARED.iter().chain(self.own()).find(|(own, _)| own == first)?.1;
        below(kind, rest)
    }
}

fn below(kind: Kind, path: &[String]) -> Option<Kind> {
    match (kind, path.split_first()) {
        (Parts(fields), Some((first, rest))) => below(fields.iter().find(|(own, _)| own == first)?.1, rest),
        (Any, Some(_)) => Some(Any),
        (Parts(_) | Any, None) | (_, Some(_)) => None,
        (plain, None) => Some(plain),
    }
}
