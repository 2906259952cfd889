//! Addresses: which objects each asks for, and which scopes open it.
//!
//! Source: the paths of OneRoster 1.2's Rostering and Gradebook services.

use super::clients::Scope;
use super::schema::Type;

/// Which objects, before anything is filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The year and its term.
    Sessions,
    /// Terms alone.
    Terms,
    /// The district and its schools.
    Orgs,
    /// Schools alone.
    Schools,
    /// Everybody.
    Users,
    /// Students alone.
    Students,
    /// Teachers alone.
    Teachers,
    /// Sections.
    Classes,
    /// A course for each.
    Courses,
    /// Who is in which.
    Enrollments,
    /// What results of no class are of.
    Tests,
    /// Results of no class.
    TestResults,
    /// What results of classes are of.
    LineItems,
    /// Results of classes.
    Results,
    /// The one category of those.
    Categories,
    /// What this provider has none of.
    Nothing,
}

/// Within what: each that is named has to be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Within {
    /// The school's identifier, as the address has it.
    pub school: Option<String>,
    /// Of a section: what the standard calls a class.
    pub class: Option<String>,
    /// Of what sections are held of.
    pub course: Option<String>,
    /// Of the session in which sections are held.
    pub term: Option<String>,
    /// A person, and among whom it is looked for.
    pub person: Option<(Set, String)>,
    /// A line item.
    pub item: Option<String>,
}

/// What an address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The type of the objects.
    pub of: Type,
    /// Which objects of that type.
    pub set: Set,
    /// Within what.
    pub within: Within,
    /// One alone, by its identifier.
    pub one: Option<String>,
    /// Scopes of which one opens it; none: nothing does.
    pub scopes: &'static [Scope],
}

/// A service of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Rosters.
    Rostering,
    /// Results.
    Gradebook,
}

impl Service {
    /// Each has routes of its own.
    pub const BOTH: [Self; 2] = [Self::Rostering, Self::Gradebook];

    /// What stands before its addresses.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Rostering => "/ims/oneroster/rostering/v1p2",
            Self::Gradebook => "/ims/oneroster/gradebook/v1p2",
        }
    }
}

const CORE: &[Scope] = &[Scope::RosterCore, Scope::Roster];
const WHOLE: &[Scope] = &[Scope::Roster];
const BOOK_CORE: &[Scope] = &[Scope::GradebookCore, Scope::Gradebook];
const BOOK: &[Scope] = &[Scope::Gradebook];
const ASSESSMENT: &[Scope] = &[Scope::Assessment];

/// What an address behind a service's path asks for; none where the standard has no such address.
pub fn place(service: Service, parts: &[String]) -> Option<Place> {
    let words: Vec<&str> = parts.iter().map(String::as_str).collect();
    match service {
        Service::Rostering => rostering(&words),
        Service::Gradebook => gradebook(&words),
    }
}

/// A collection of the roster by its word.
fn collection(word: &str) -> Option<(Type, Set)> {
    Some(match word {
        "academicSessions" => (Type::AcademicSession, Set::Sessions),
        "terms" => (Type::AcademicSession, Set::Terms),
        "gradingPeriods" => (Type::AcademicSession, Set::Nothing),
        "orgs" => (Type::Org, Set::Orgs),
        "schools" => (Type::Org, Set::Schools),
        "users" => (Type::User, Set::Users),
        "students" => (Type::User, Set::Students),
        "teachers" => (Type::User, Set::Teachers),
        "classes" => (Type::Class, Set::Classes),
        "courses" => (Type::Course, Set::Courses),
        "enrollments" => (Type::Enrollment, Set::Enrollments),
        _ => return None,
    })
}

fn rostering(words: &[&str]) -> Option<Place> {
    if matches!(words, ["demographics"] | ["demographics", _]) {
        let nothing = (Type::User, Set::Nothing);
        return Some(of(nothing, Within::default(), words.get(1).copied(), &[]));
    }
    let within = Within::default();
    let named = |word: &str| Some(word.to_owned());
    let (within, last) = match words {
        [_] | [_, _] => {
            let found = collection(words.first()?)?;
            return Some(of(found, within, words.get(1).copied(), CORE));
        }
        ["classes", class, last @ ("students" | "teachers")] => {
            (Within { class: named(class), ..within }, last)
        }
        ["courses", course, last @ "classes"] => (Within { course: named(course), ..within }, last),
        ["terms", term, last @ ("classes" | "gradingPeriods")] => {
            (Within { term: named(term), ..within }, last)
        }
        [
            "schools",
            school,
            last @ ("classes" | "courses" | "enrollments" | "students" | "teachers" | "terms"),
        ] => (Within { school: named(school), ..within }, last),
        ["schools", school, "classes", class, last @ ("enrollments" | "students" | "teachers")] => {
            (Within { school: named(school), class: named(class), ..within }, last)
        }
        [who @ ("students" | "teachers" | "users"), person, last @ "classes"] => {
            let person = Some((collection(who)?.1, (*person).to_owned()));
            (Within { person, ..within }, last)
        }
        _ => return None,
    };
    Some(of(collection(last)?, within, None, WHOLE))
}

fn gradebook(words: &[&str]) -> Option<Place> {
    let kind = |word: &str| {
        Some(match word {
            "categories" => (Type::Category, Set::Categories),
            "lineItems" => (Type::LineItem, Set::LineItems),
            "results" => (Type::Result, Set::Results),
            "scoreScales" => (Type::ScoreScale, Set::Nothing),
            _ => return None,
        })
    };
    let within = Within::default();
    let named = |word: &str| Some(word.to_owned());
    let (within, last) = match words {
        ["assessmentLineItems"] | ["assessmentLineItems", _] => {
            let found = (Type::AssessmentLineItem, Set::Tests);
            return Some(of(found, within, words.get(1).copied(), ASSESSMENT));
        }
        ["assessmentResults"] | ["assessmentResults", _] => {
            let found = (Type::AssessmentResult, Set::TestResults);
            return Some(of(found, within, words.get(1).copied(), ASSESSMENT));
        }
        [word] | [word, _] => return Some(of(kind(word)?, within, words.get(1).copied(), BOOK_CORE)),
        ["classes", class, last] => (Within { class: named(class), ..within }, last),
        ["classes", class, "students", student, last @ "results"] => {
            let person = Some((Set::Students, (*student).to_owned()));
            (Within { person, class: named(class), ..within }, last)
        }
        ["classes", class, "lineItems", item, last @ "results"] => {
            (Within { class: named(class), item: named(item), ..within }, last)
        }
        ["schools", school, last @ ("lineItems" | "scoreScales")] => {
            (Within { school: named(school), ..within }, last)
        }
        _ => return None,
    };
    Some(of(kind(last)?, within, None, BOOK))
}

fn of((of, set): (Type, Set), within: Within, one: Option<&str>, scopes: &'static [Scope]) -> Place {
    Place { of, set, within, one: one.map(str::to_owned), scopes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(service: Service, path: &str) -> Option<Place> {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        place(service, &parts)
    }

    #[test]
    fn every_address_that_the_standard_reads_is_a_place_with_its_scopes() {
        // The GET paths of the two services' OpenAPI, with whether a scope that ends in -core opens them.
        const ROSTERING: [(&str, bool); 39] = [
            ("academicSessions", true),
            ("academicSessions/x", true),
            ("classes", true),
            ("classes/x/students", false),
            ("classes/x/teachers", false),
            ("classes/x", true),
            ("courses", true),
            ("courses/x/classes", false),
            ("courses/x", true),
            ("enrollments", true),
            ("enrollments/x", true),
            ("gradingPeriods", true),
            ("gradingPeriods/x", true),
            ("orgs", true),
            ("orgs/x", true),
            ("schools", true),
            ("schools/x/classes", false),
            ("schools/x/classes/y/enrollments", false),
            ("schools/x/classes/y/students", false),
            ("schools/x/classes/y/teachers", false),
            ("schools/x/courses", false),
            ("schools/x/enrollments", false),
            ("schools/x/students", false),
            ("schools/x/teachers", false),
            ("schools/x/terms", false),
            ("schools/x", true),
            ("students", true),
            ("students/x", true),
            ("students/x/classes", false),
            ("teachers", true),
            ("teachers/x", true),
            ("teachers/x/classes", false),
            ("terms", true),
            ("terms/x", true),
            ("terms/x/classes", false),
            ("terms/x/gradingPeriods", false),
            ("users", true),
            ("users/x", true),
            ("users/x/classes", false),
        ];
        for (path, core) in ROSTERING {
            let scopes = at(Service::Rostering, path).map(|place| place.scopes);
            assert_eq!(scopes, Some(if core { CORE } else { WHOLE }), "{path}");
        }
        for path in ["demographics", "demographics/x"] {
            assert_eq!(at(Service::Rostering, path).map(|place| place.scopes.len()), Some(0), "{path}");
        }
        for (path, scopes) in [
            ("assessmentLineItems", ASSESSMENT),
            ("assessmentLineItems/x", ASSESSMENT),
            ("assessmentResults", ASSESSMENT),
            ("assessmentResults/x", ASSESSMENT),
            ("categories", BOOK_CORE),
            ("categories/x", BOOK_CORE),
            ("classes/x/categories", BOOK),
            ("classes/x/lineItems", BOOK),
            ("classes/x/lineItems/y/results", BOOK),
            ("classes/x/results", BOOK),
            ("classes/x/scoreScales", BOOK),
            ("classes/x/students/y/results", BOOK),
            ("lineItems", BOOK_CORE),
            ("lineItems/x", BOOK_CORE),
            ("results", BOOK_CORE),
            ("results/x", BOOK_CORE),
            ("schools/x/lineItems", BOOK),
            ("schools/x/scoreScales", BOOK),
            ("scoreScales", BOOK_CORE),
            ("scoreScales/x", BOOK_CORE),
        ] {
            assert_eq!(at(Service::Gradebook, path).map(|place| place.scopes), Some(scopes), "{path}");
        }
        for path in [
            "",
            "people",
            "schools/x/users",
            "classes/x/students/y",
            "users/x/classes/y",
            "schools/x/classes/y",
            "results",
        ] {
            assert_eq!(at(Service::Rostering, path), None, "{path}");
        }
        for path in ["users", "classes/x/users", "assessmentResults/x/y"] {
            assert_eq!(at(Service::Gradebook, path), None, "{path}");
        }
    }
}
