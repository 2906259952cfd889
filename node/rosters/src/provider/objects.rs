//! The roster as the standard's objects.
//!
//! A class is a section of the vault's roster, and the one section of a course of its name; the school year has one term, which is the
//! year. Staff have the names under which the vault's roster has them. Who left, and what they were in, is `tobedeleted`. References
//! lead to this provider.

use std::collections::{BTreeMap, BTreeSet};

use aula_foreign::form::encoded;
use aula_foreign::moment::to_the_millisecond as moment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::place::{Place, Service, Set, Within};
use super::records::{Given, Key, Roster, School, Score, Staff, Student};

#[derive(Default)]
struct Section<'a> {
    students: Vec<&'a Student>,
    staff: Vec<&'a Staff>,
    school: Option<&'a str>,
    changed_ms: u64,
}

/// One object, not yet written.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    District,
    School(&'a School),
    Year,
    Term,
    Student(&'a Student),
    Staff(&'a Staff),
    Class(&'a str),
    Course(&'a str),
    Seat(&'a str, &'a Student),
    Lead(&'a str, &'a Staff),
    Test(&'a Score, u64),
    TestResult(&'a Score),
    Category,
    Line(&'a Given, &'a Score, Days<'a>),
    Result(&'a Given, &'a Score),
}

/// When the results of a line item are of, and when one was changed last.
#[derive(Clone, Copy)]
pub struct Days<'a> {
    first: &'a str,
    last: &'a str,
    changed_ms: u64,
}

/// A roster, looked at.
pub struct View<'a> {
    roster: &'a Roster,
    sections: BTreeMap<&'a str, Section<'a>>,
    schools: BTreeMap<u32, Vec<&'a School>>,
    url: &'a str,
}

impl<'a> View<'a> {
    /// Looks at a roster; references begin with `url`.
    pub fn new(roster: &'a Roster, url: &'a str) -> Self {
        let mut sections: BTreeMap<&str, Section<'_>> = BTreeMap::new();
        for student in &roster.students {
            for name in &student.sections {
                sections.entry(name).or_default().students.push(student);
            }
        }
        for staff in &roster.staff {
            for name in &staff.sections {
                sections.entry(name).or_default().staff.push(staff);
            }
        }
        for section in sections.values_mut() {
            let mut at: BTreeMap<&str, usize> = BTreeMap::new();
            for school in section.students.iter().filter_map(|student| student.school.as_deref()) {
                *at.entry(school).or_default() += 1;
            }
            let most = at.into_iter().max_by_key(|(school, count)| (*count, std::cmp::Reverse(*school)));
            section.school = most.map(|(school, _)| school);
            section.changed_ms = section.students.iter().map(|student| student.changed_ms).max().unwrap_or(0);
        }
        let mut schools: BTreeMap<u32, Vec<&School>> = BTreeMap::new();
        for school in &roster.schools {
            schools.entry(school.number).or_default().push(school);
        }
        Self { roster, sections, schools, url }
    }

    /// The objects of a place, by identifier; none where something that it lies within is not there.
    pub fn items(&self, place: &Place, scores: &'a [Score]) -> Option<Vec<Item<'a>>> {
        self.are_there(&place.within)?;
        if let Some(item) = &place.within.item {
            let class = Within { item: None, person: None, ..place.within.clone() };
            self.graded(&class, scores).find(|(given, _)| given.item == *item)?;
        }
        let roster = self.roster;
        let mut items: Vec<Item<'a>> = match place.set {
            Set::Nothing => Vec::new(),
            Set::Sessions => vec![Item::Year, Item::Term],
            Set::Terms => vec![Item::Term],
            Set::Orgs => {
                std::iter::once(Item::District).chain(roster.schools.iter().map(Item::School)).collect()
            }
            Set::Schools => roster.schools.iter().map(Item::School).collect(),
            Set::Users => self.students(&place.within).chain(self.staff(&place.within)).collect(),
            Set::Students => self.students(&place.within).collect(),
            Set::Teachers => {
                let teaches =
                    |item: &Item<'_>| matches!(item, Item::Staff(staff) if !staff.sections.is_empty());
                self.staff(&place.within).filter(teaches).collect()
            }
            Set::Classes => self.names(&place.within).into_iter().map(Item::Class).collect(),
            Set::Courses => self.names(&place.within).into_iter().map(Item::Course).collect(),
            Set::Enrollments => {
                let names = self.names(&place.within).into_iter();
                names.flat_map(|name| self.seats(name)).collect()
            }
            Set::Tests => tests(scores.iter().filter(|score| self.given(score).is_none())),
            Set::TestResults => {
                scores.iter().filter(|score| self.given(score).is_none()).map(Item::TestResult).collect()
            }
            Set::Categories => vec![Item::Category],
            Set::LineItems => line_items(self.graded(&place.within, scores)),
            Set::Results => {
                let own = self.graded(&place.within, scores);
                own.map(|(given, score)| Item::Result(given, score)).collect()
            }
        };
        if let Some(one) = &place.one {
            items.retain(|item| self.id(item) == *one);
        }
        items.sort_by_cached_key(|item| self.id(item));
        Some(items)
    }

    fn are_there(&self, within: &Within) -> Option<()> {
        let Within { school, class, course, term, person, item: _ } = within;
        let is = |named: &Option<String>, known: &dyn Fn(&str) -> bool| named.as_deref().is_none_or(known);
        let there = is(school, &|id| self.roster.schools.iter().any(|own| own.id == id))
            && is(class, &|id| self.sections.contains_key(id))
            && is(course, &|id| self.sections.contains_key(id))
            && is(term, &|id| id == self.id(&Item::Term))
            && person.as_ref().is_none_or(|(set, id)| {
                let student = self.roster.students.iter().any(|own| own.id == *id);
                let staff = self.roster.staff.iter().find(|own| own.id == *id);
                match set {
                    Set::Students => student,
                    Set::Teachers => staff.is_some_and(|staff| !staff.sections.is_empty()),
                    _ => student || staff.is_some(),
                }
            });
        there.then_some(())
    }

    fn students(&self, within: &Within) -> impl Iterator<Item = Item<'a>> {
        let (school, class) = (within.school.clone(), within.class.clone());
        let own = self.roster.students.iter().filter(move |student| {
            school.as_ref().is_none_or(|school| student.school.as_ref() == Some(school))
                && class.as_ref().is_none_or(|class| student.sections.contains(class))
        });
        own.map(Item::Student)
    }

    fn staff(&self, within: &Within) -> impl Iterator<Item = Item<'a>> {
        let own = self.roster.staff.iter().filter(|staff| {
            within.class.as_ref().is_none_or(|class| staff.sections.contains(class))
                && within
                    .school
                    .as_ref()
                    .is_none_or(|school| self.schools_of(staff).any(|(_, own)| own == school))
        });
        own.map(Item::Staff).collect::<Vec<_>>().into_iter()
    }

    /// The sections of a place.
    fn names(&self, within: &Within) -> Vec<&'a str> {
        let of_person = |name: &str| match &within.person {
            None => true,
            Some((_, id)) => {
                let students = self.roster.students.iter().filter(|own| own.id == *id);
                let staff = self.roster.staff.iter().filter(|own| own.id == *id);
                students
                    .map(|own| &own.sections)
                    .chain(staff.map(|own| &own.sections))
                    .any(|own| own.contains(name))
            }
        };
        let own = self.sections.iter().filter(|(name, section)| {
            within.class.as_ref().is_none_or(|class| class == *name)
                && within.course.as_ref().is_none_or(|course| course == *name)
                && within.school.as_deref().is_none_or(|school| section.school == Some(school))
                && of_person(name)
        });
        own.map(|(name, _)| *name).collect()
    }

    /// The class and line item that a result is of; none of one of no class of this roster.
    fn given(&self, score: &'a Score) -> Option<&'a Given> {
        score.given.as_ref().filter(|given| self.sections.contains_key(given.class.as_str()))
    }

    /// The results of classes of a place.
    fn graded<'s>(
        &'s self,
        within: &'s Within,
        scores: &'a [Score],
    ) -> impl Iterator<Item = (&'a Given, &'a Score)> + 's {
        let own = scores.iter().filter_map(|score| Some((self.given(score)?, score)));
        own.filter(|(given, score)| {
            within.class.as_ref().is_none_or(|class| *class == given.class)
                && within.item.as_ref().is_none_or(|item| *item == given.item)
                && within.person.as_ref().is_none_or(|(_, id)| *id == score.student)
                && within.school.as_deref().is_none_or(|school| self.school_of(&given.class) == Some(school))
        })
    }

    fn school_of(&self, class: &str) -> Option<&'a str> {
        self.sections.get(class).and_then(|section| section.school)
    }

    fn seats(&self, name: &'a str) -> Vec<Item<'a>> {
        let Some(section) = self.sections.get(name) else { return Vec::new() };
        let students = section.students.iter().map(|student| Item::Seat(name, student));
        students.chain(section.staff.iter().map(|staff| Item::Lead(name, staff))).collect()
    }

    /// The schools at which somebody of the staff works, with the role there.
    fn schools_of(&self, staff: &'a Staff) -> impl Iterator<Item = (&'static str, &'a str)> {
        let taught = staff.sections.iter().filter_map(|name| self.sections.get(name.as_str())?.school);
        let taught: BTreeSet<(&str, &str)> = taught.map(|school| ("teacher", school)).collect();
        let own = staff.schools.iter().filter_map(|number| self.schools.get(number)).flatten();
        let counselled: BTreeSet<(&str, &str)> =
            own.map(|school| ("counselor", school.id.as_str())).collect();
        taught.into_iter().chain(counselled)
    }

    /// The identifier of an object.
    pub fn id(&self, item: &Item<'_>) -> String {
        let year = self.roster.year;
        match item {
            Item::District => format!("district-{}", self.roster.district),
            Item::School(school) => school.id.clone(),
            Item::Year => format!("year-{year}"),
            Item::Term => format!("term-{year}"),
            Item::Student(student) => student.id.clone(),
            Item::Staff(staff) => staff.id.clone(),
            Item::Class(name) | Item::Course(name) => (*name).to_owned(),
            // Sections have no dots in their names.
            Item::Seat(name, student) => format!("{name}.student.{}", student.id),
            Item::Lead(name, staff) => format!("{name}.teacher.{}", staff.id),
            Item::Test(score, _) => test(score),
            Item::TestResult(score) | Item::Result(_, score) => {
                digest(&[&score.student, &score.record, &score.title])
            }
            Item::Category => "results".into(),
            Item::Line(given, ..) => given.item.clone(),
        }
    }

    /// The student of whom an object says something.
    pub fn whose(item: &Item<'_>) -> Option<Key> {
        match item {
            Item::Student(student) | Item::Seat(_, student) => Some(student.key),
            Item::TestResult(score) | Item::Result(_, score) => Some(score.key),
            _ => None,
        }
    }

    /// The object with every field that it has; a selection of fields is made later.
    pub fn object(&self, item: &Item<'a>) -> Value {
        let mut object = match item {
            Item::District => self.district(),
            Item::School(school) => self.school(school),
            Item::Year | Item::Term => self.session(matches!(item, Item::Term)),
            Item::Student(student) => self.student(student),
            Item::Staff(staff) => self.teacher(staff),
            Item::Class(name) => self.class(name),
            Item::Course(name) => json!({
                "title": name, "courseCode": name, "schoolYear": self.session_ref(&Item::Year),
                "org": self.org_ref(&self.id(&Item::District)),
            }),
            Item::Seat(name, student) => self.enrolment(name, &student.id, "student"),
            Item::Lead(name, staff) => self.enrolment(name, &staff.id, "teacher"),
            Item::Test(score, _) => json!({ "title": score.title }),
            Item::TestResult(score) => {
                let words = ("assessmentLineItems", "assessmentLineItem");
                let of = self.reference(Service::Gradebook, words, &test(score));
                self.result(score, ("assessmentLineItem", of))
            }
            Item::Category => json!({ "title": "Results" }),
            Item::Line(given, score, days) => self.line_item(given, score, days),
            Item::Result(given, score) => {
                let of = self.reference(Service::Gradebook, ("lineItems", "lineItem"), &given.item);
                let mut object = self.result(score, ("lineItem", of));
                object["class"] = self.class_ref(&given.class);
                object
            }
        };
        let left = match item {
            Item::Student(student) | Item::Seat(_, student) => !student.enrolled,
            _ => false,
        };
        object["sourcedId"] = json!(self.id(item));
        object["status"] = json!(if left { "tobedeleted" } else { "active" });
        object["dateLastModified"] = json!(moment(self.changed(item)));
        object
    }

    fn changed(&self, item: &Item<'_>) -> u64 {
        let section = |name: &str| self.sections.get(name).map_or(0, |section| section.changed_ms);
        match item {
            Item::District | Item::School(_) | Item::Year | Item::Term | Item::Staff(_) | Item::Category => {
                self.roster.changed_ms
            }
            Item::Class(name) | Item::Course(name) | Item::Lead(name, _) => section(name),
            Item::Student(student) | Item::Seat(_, student) => student.changed_ms,
            Item::Test(_, changed_ms) => *changed_ms,
            Item::Line(_, _, days) => days.changed_ms,
            Item::TestResult(score) | Item::Result(_, score) => score.changed_ms,
        }
    }

    fn district(&self) -> Value {
        let children: Vec<Value> =
            self.roster.schools.iter().map(|school| self.org_ref(&school.id)).collect();
        json!({
            "name": self.roster.district_name, "type": "district", "identifier": self.roster.district.to_string(),
            "children": children,
        })
    }

    fn school(&self, school: &School) -> Value {
        json!({
            "name": school.name, "type": "school", "identifier": school.number.to_string(),
            "parent": self.org_ref(&self.id(&Item::District)),
        })
    }

    fn session(&self, term: bool) -> Value {
        let year = self.roster.year;
        let mut object = json!({
            "title": format!("{year}-{}", year.saturating_add(1)), "startDate": format!("{year}-07-01"),
            "endDate": format!("{}-06-30", year.saturating_add(1)), "schoolYear": year.saturating_add(1).to_string(),
            "type": if term { "term" } else { "schoolYear" },
        });
        match term {
            true => object["parent"] = self.session_ref(&Item::Year),
            false => object["children"] = json!([self.session_ref(&Item::Term)]),
        }
        object
    }

    fn student(&self, student: &Student) -> Value {
        // The vault keeps a name as one text.
        let (given, family) = student.name.rsplit_once(' ').unwrap_or(("", &student.name));
        let mut object = json!({
            "enabledUser": student.enrolled.to_string(), "givenName": given, "familyName": family, "identifier": student.id,
            "grades": student.grade.iter().collect::<Vec<_>>(), "roles": [],
        });
        if let Some(school) = &student.school {
            let org = self.org_ref(school);
            object["roles"] = json!([{ "roleType": "primary", "role": "student", "org": org }]);
            object["primaryOrg"] = org;
        }
        object
    }

    fn teacher(&self, staff: &'a Staff) -> Value {
        let roles = self.schools_of(staff).zip(0..).map(|((role, school), at)| {
            let kind = if at == 0 { "primary" } else { "secondary" };
            json!({ "roleType": kind, "role": role, "org": self.org_ref(school) })
        });
        let roles: Vec<Value> = roles.collect();
        json!({ "enabledUser": "true", "givenName": "", "familyName": staff.id, "identifier": staff.id, "roles": roles })
    }

    fn class(&self, name: &str) -> Value {
        let mut object = json!({
            "title": name, "classCode": name, "classType": "scheduled",
            "course": self.reference(Service::Rostering, ("courses", "course"), name),
            "terms": [self.session_ref(&Item::Term)],
        });
        if let Some(school) = self.sections.get(name).and_then(|section| section.school) {
            object["school"] = self.org_ref(school);
        }
        object
    }

    fn enrolment(&self, name: &str, user: &str, role: &str) -> Value {
        let reference = |words, id| self.reference(Service::Rostering, words, id);
        let mut object = json!({
            "user": reference(("users", "user"), user), "class": self.class_ref(name), "role": role,
        });
        if let Some(school) = self.sections.get(name).and_then(|section| section.school) {
            object["school"] = self.org_ref(school);
        }
        object
    }

    fn line_item(&self, given: &Given, score: &Score, days: &Days<'_>) -> Value {
        let midnight = |day: &str| format!("{day}T00:00:00.000Z");
        let mut object = json!({
            "title": score.title, "class": self.class_ref(&given.class),
            // A day that was not told is the one of the first result, or of the last.
            "assignDate": midnight(given.assigned.as_deref().unwrap_or(days.first)),
            "dueDate": midnight(given.due.as_deref().unwrap_or(days.last)),
            "category": self.reference(Service::Gradebook, ("categories", "category"), &self.id(&Item::Category)),
            "academicSession": self.session_ref(&Item::Term),
        });
        if let Some(school) = self.school_of(&given.class) {
            object["school"] = self.org_ref(school);
        }
        object
    }

    fn result(&self, score: &Score, (word, of): (&str, Value)) -> Value {
        let mut object = json!({
            "student": self.reference(Service::Rostering, ("users", "user"), &score.student),
            "scoreDate": score.day, "scoreStatus": "fully graded",
        });
        object[word] = of;
        if let Some(number) = &score.score {
            object["score"] = json!(number);
        }
        if let Some(text) = &score.text {
            object["textScore"] = json!(text);
        }
        object
    }

    fn class_ref(&self, name: &str) -> Value {
        self.reference(Service::Rostering, ("classes", "class"), name)
    }

    fn org_ref(&self, id: &str) -> Value {
        self.reference(Service::Rostering, ("orgs", "org"), id)
    }

    fn session_ref(&self, item: &Item<'_>) -> Value {
        self.reference(Service::Rostering, ("academicSessions", "academicSession"), &self.id(item))
    }

    fn reference(&self, service: Service, (many, one): (&str, &str), id: &str) -> Value {
        let href = format!("{}{}/{many}/{}", self.url, service.path(), encoded(id));
        json!({ "href": href, "sourcedId": id, "type": one })
    }
}

/// What results of no class are of: one for each that was measured, changed when a result of it was.
fn tests<'a>(scores: impl Iterator<Item = &'a Score>) -> Vec<Item<'a>> {
    let mut items: BTreeMap<&str, (&Score, u64)> = BTreeMap::new();
    for score in scores {
        let entry = items.entry(&score.title).or_insert((score, 0));
        entry.1 = entry.1.max(score.changed_ms);
    }
    items.into_values().map(|(score, changed_ms)| Item::Test(score, changed_ms)).collect()
}

/// What results of classes are of, by the identifiers that they came with.
fn line_items<'a>(scores: impl Iterator<Item = (&'a Given, &'a Score)>) -> Vec<Item<'a>> {
    let mut items: BTreeMap<&str, (&Given, &Score, Days<'_>)> = BTreeMap::new();
    for (given, score) in scores {
        let days = Days { first: &score.day, last: &score.day, changed_ms: 0 };
        let (.., days) = items.entry(&given.item).or_insert((given, score, days));
        days.first = days.first.min(&score.day);
        days.last = days.last.max(&score.day);
        days.changed_ms = days.changed_ms.max(score.changed_ms);
    }
    items.into_values().map(|(given, score, days)| Item::Line(given, score, days)).collect()
}

fn test(score: &Score) -> String {
    digest(&[&score.title])
}

fn digest(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\u{1f}").as_bytes());
    hex::encode(hash.get(..16).unwrap_or_default())
}
