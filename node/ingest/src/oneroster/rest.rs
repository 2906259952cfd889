//! OneRoster 1.2 (and 1.1) as its REST API gives it, as the same files: what reads the CSV reads this too.
//!
//! Flow: pages of collections, each checked to be one ([`page`]) → [`inputs`] writes them as the standard's CSV files with a manifest that says
//! whether they are whole. Invariants: of a user only what the files' reader takes is kept, so that passwords, addresses and
//! demographics go no further; a list with what is no object is not a page. Absent: the network.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::{self, JsonError};
use crate::unpack::Input;

/// Most bytes of a page.
pub const MAX_PAGE_BYTES: usize = 32 << 20;
const MAX_DEPTH: usize = 16;

/// A collection that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// Schools and what is above them.
    Orgs,
    /// People with their roles.
    Users,
    /// Who is in which class.
    Enrollments,
    /// What results are of.
    LineItems,
    /// Results of what belongs to a class.
    Results,
    /// What results that belong to no class are of (1.2).
    AssessmentLineItems,
    /// Such results.
    AssessmentResults,
}

impl Collection {
    /// Those of the roster.
    pub const ROSTER: [Self; 3] = [Self::Orgs, Self::Users, Self::Enrollments];
    /// Those of the gradebook.
    pub const RESULTS: [Self; 2] = [Self::LineItems, Self::Results];
    /// Those of it that belong to no class.
    pub const ASSESSMENTS: [Self; 2] = [Self::AssessmentLineItems, Self::AssessmentResults];

    /// The word in addresses and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orgs => "orgs",
            Self::Users => "users",
            Self::Enrollments => "enrollments",
            Self::LineItems => "lineItems",
            Self::Results => "results",
            Self::AssessmentLineItems => "assessmentLineItems",
            Self::AssessmentResults => "assessmentResults",
        }
    }

    /// The file of the CSV binding that holds such objects.
    const fn file(self) -> &'static str {
        match self {
            Self::AssessmentLineItems => "lineItems",
            Self::AssessmentResults => "results",
            other => other.name(),
        }
    }
}

/// Why an answer is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not the collection.
    #[error("it has no list {0}")]
    Collection(&'static str),
    /// Something else than objects in it.
    #[error("its list {0} has what is not an object")]
    Object(&'static str),
    /// Larger than any page needs to be: ask for fewer objects at once.
    #[error("a page of more than 32 MiB")]
    TooLarge,
}

/// The objects of a page.
///
/// # Errors
/// [`PageError`].
pub fn page(collection: Collection, bytes: &[u8]) -> Result<Vec<Value>, PageError> {
    if bytes.len() > MAX_PAGE_BYTES {
        return Err(PageError::TooLarge);
    }
    let mut answer = json::parse(bytes, MAX_DEPTH)?;
    match answer.get_mut(collection.name()).map(Value::take) {
        Some(Value::Array(list)) if list.iter().all(Value::is_object) => Ok(list),
        Some(Value::Array(_)) => Err(PageError::Object(collection.name())),
        _ => Err(PageError::Collection(collection.name())),
    }
}

/// The newest `dateLastModified` of objects: where a delta begins next time.
pub fn newest(objects: &[Value]) -> Option<String> {
    let stamp = |object: &Value| {
        let text = object.get("dateLastModified")?.as_str()?;
        Some((crate::date::moment_ms(text)?, text.to_owned()))
    };
    objects.iter().filter_map(stamp).max().map(|(_, text)| text)
}

/// The collections as the standard's files, whole or the changes alone.
///
/// # Errors
/// Never but for a text that cannot be written as CSV, which none is.
pub fn inputs(collections: &[(Collection, Vec<Value>)], whole: bool) -> Result<Vec<Input>, csv::Error> {
    let mode = if whole { "bulk" } else { "delta" };
    let mut manifest = vec![
        vec!["propertyName".to_owned(), "value".to_owned()],
        vec!["manifest.version".to_owned(), "1.0".to_owned()],
        vec!["oneroster.version".to_owned(), "1.2".to_owned()],
    ];
    let mut tables: BTreeMap<&str, Rows> = BTreeMap::new();
    for (collection, objects) in collections {
        let mut rows = vec![(collection.file(), table(*collection, objects))];
        if *collection == Collection::Users {
            rows.push(("roles", roles(objects)));
        }
        for (name, rows) in rows {
            // Two collections of one file have one header.
            let known = tables.entry(name).or_default();
            known.extend(rows.into_iter().skip(usize::from(!known.is_empty())));
        }
    }
    let mut files = Vec::new();
    for (name, rows) in &tables {
        manifest.push(vec![format!("file.{name}"), mode.to_owned()]);
        files.push(Input { name: format!("{name}.csv"), bytes: written(rows)? });
    }
    files.push(Input { name: "manifest.csv".into(), bytes: written(&manifest)? });
    Ok(files)
}

type Rows = Vec<Vec<String>>;

fn written(rows: &Rows) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A column, and where its value stands.
type Column = (&'static str, &'static [&'static str]);

const SHARED: [Column; 3] =
    [("sourcedId", &["sourcedId"]), ("status", &["status"]), ("dateLastModified", &["dateLastModified"])];
const ORGS: &[Column] = &[("name", &["name"]), ("type", &["type"]), ("identifier", &["identifier"])];
const USERS: &[Column] = &[
    ("enabledUser", &["enabledUser"]),
    ("username", &["username"]),
    ("givenName", &["givenName"]),
    ("familyName", &["familyName"]),
    ("identifier", &["identifier"]),
    ("grades", &["grades"]),
    ("primaryOrgSourcedId", &["primaryOrg", "sourcedId"]),
];
const ENROLLMENTS: &[Column] = &[
    ("classSourcedId", &["class", "sourcedId"]),
    ("schoolSourcedId", &["school", "sourcedId"]),
    ("userSourcedId", &["user", "sourcedId"]),
    ("role", &["role"]),
    ("primary", &["primary"]),
];
const LINE_ITEMS: &[Column] = &[
    ("title", &["title"]),
    ("classSourcedId", &["class", "sourcedId"]),
    ("assignDate", &["assignDate"]),
    ("dueDate", &["dueDate"]),
    ("resultValueMin", &["resultValueMin"]),
    ("resultValueMax", &["resultValueMax"]),
];
const RESULTS: &[Column] = &[
    ("lineItemSourcedId", &["lineItem", "sourcedId"]),
    ("studentSourcedId", &["student", "sourcedId"]),
    ("scoreStatus", &["scoreStatus"]),
    ("score", &["score"]),
    ("textScore", &["textScore"]),
    ("scoreDate", &["scoreDate"]),
];

const ASSESSMENT_RESULTS: &[Column] = &[
    ("lineItemSourcedId", &["assessmentLineItem", "sourcedId"]),
    ("studentSourcedId", &["student", "sourcedId"]),
    ("scoreStatus", &["scoreStatus"]),
    ("score", &["score"]),
    ("textScore", &["textScore"]),
    ("scoreDate", &["scoreDate"]),
];

fn table(collection: Collection, objects: &[Value]) -> Rows {
    let own = match collection {
        Collection::Orgs => ORGS,
        Collection::Users => USERS,
        Collection::Enrollments => ENROLLMENTS,
        Collection::LineItems | Collection::AssessmentLineItems => LINE_ITEMS,
        Collection::Results => RESULTS,
        Collection::AssessmentResults => ASSESSMENT_RESULTS,
    };
    let columns: Vec<Column> = SHARED.iter().chain(own).copied().collect();
    let head = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let row = |object: &Value| columns.iter().map(|(_, path)| cell(object, path)).collect();
    std::iter::once(head).chain(objects.iter().map(row)).collect()
}

/// The roles within users, a row each: 1.2's `roles`, or 1.1's `role` at each of `orgs`.
fn roles(users: &[Value]) -> Rows {
    let names =
        ["sourcedId", "status", "dateLastModified", "userSourcedId", "roleType", "role", "orgSourcedId"];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    for user in users {
        let id = cell(user, &["sourcedId"]);
        let list = |name: &str| user.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let of_1_2 = list("roles").into_iter().map(|role| {
            (cell(&role, &["roleType"]), cell(&role, &["role"]), cell(&role, &["org", "sourcedId"]))
        });
        let word = cell(user, &["role"]);
        let orgs = if word.is_empty() { Vec::new() } else { list("orgs") };
        let of_1_1 = orgs.iter().zip(0..).map(|(org, at)| {
            let kind = if at == 0 { "primary" } else { "secondary" };
            (kind.to_owned(), word.clone(), cell(org, &["sourcedId"]))
        });
        for (kind, role, org) in of_1_2.chain(of_1_1) {
            rows.push(vec![
                format!("{id}/{role}/{org}"),
                cell(user, &["status"]),
                cell(user, &["dateLastModified"]),
                id.clone(),
                kind,
                role,
                org,
            ]);
        }
    }
    rows
}

fn cell(object: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(object, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Array(list)) => {
            let one = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
            list.iter().map(one).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oneroster::{StudentId, read};
    use crate::reading::{Coverage, Enrolment, Said};

    fn collections() -> Vec<(Collection, Vec<Value>)> {
        let shared = |id: &str, more: Value| {
            let mut object = json!({ "sourcedId": id, "status": "active", "dateLastModified": "2026-03-02T09:30:00.000Z" });
            if let (Some(own), Some(more)) = (object.as_object_mut(), more.as_object()) {
                own.extend(more.clone());
            }
            object
        };
        let role =
            |word: &str| json!([{ "roleType": "primary", "role": word, "org": { "sourcedId": "o-1" } }]);
        vec![
            (
                Collection::Orgs,
                vec![shared("o-1", json!({ "name": "Lakeside, \"East\"", "type": "school" }))],
            ),
            (
                Collection::Users,
                vec![
                    shared(
                        "S-17",
                        json!({ "givenName": "A", "familyName": "B", "grades": ["05"], "roles": role("student"), "password": "x", "email": "a@b.c" }),
                    ),
                    shared("t-1", json!({ "givenName": "C", "familyName": "D", "roles": role("teacher") })),
                ],
            ),
            (
                Collection::Enrollments,
                vec![shared(
                    "e-1",
                    json!({ "role": "student", "user": { "sourcedId": "S-17" }, "class": { "sourcedId": "c-1" }, "school": { "sourcedId": "o-1" } }),
                )],
            ),
        ]
    }

    #[test]
    fn what_the_api_gives_is_read_as_the_files_are() -> Result<(), Box<dyn std::error::Error>> {
        let files = inputs(&collections(), true)?;
        let text: String =
            files.iter().map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect();
        assert!(!text.contains("a@b.c") && !text.contains("password"), "{text}");
        let reading = read(files, StudentId::SourcedId)?;
        assert_eq!((reading.coverage, reading.refused()), (Coverage::Bulk, 0));
        let enrolled = reading.rows.iter().any(|row| match &row.said {
            Said::Student(one) => one.student == "S-17" && one.enrolment == Some(Enrolment::At("o-1".into())),
            _ => false,
        });
        assert!(enrolled, "{:?}", reading.rows);
        assert_eq!(reading.schools.get("o-1").map(|school| school.name.as_str()), Some("Lakeside, \"East\""));
        assert!(reading.rows.iter().any(|row| matches!(&row.said, Said::Links { .. })));
        let delta = read(inputs(&collections(), false)?, StudentId::SourcedId)?;
        assert_eq!(delta.coverage, Coverage::Delta);
        Ok(())
    }

    #[test]
    fn pages_are_read_within_limits_and_the_newest_is_found() {
        assert_eq!(page(Collection::Orgs, br#"{"orgs":[{"sourcedId":"a"}]}"#).map(|list| list.len()), Ok(1));
        assert_eq!(page(Collection::Orgs, br#"{"users":[]}"#), Err(PageError::Collection("orgs")));
        assert_eq!(page(Collection::Orgs, br#"{"orgs":[{},7]}"#), Err(PageError::Object("orgs")));
        assert!(matches!(page(Collection::Orgs, b"<orgs/>"), Err(PageError::Json(_))));
        assert!(matches!(page(Collection::Orgs, br#"{"orgs":[],"orgs":[1]}"#), Err(PageError::Json(_))));
        let deep = format!("{{\"orgs\":[{}{}]}}", "[".repeat(200), "]".repeat(200));
        assert!(matches!(page(Collection::Orgs, deep.as_bytes()), Err(PageError::Json(_))));
        assert_eq!(page(Collection::Orgs, &vec![b' '; MAX_PAGE_BYTES + 1]), Err(PageError::TooLarge));
        let list = [
            json!({ "dateLastModified": "2026-03-02T09:30:00Z" }),
            json!({ "dateLastModified": "2026-03-02T09:30:01.5Z" }),
            json!({}),
            json!(7),
        ];
        assert_eq!(newest(&list).as_deref(), Some("2026-03-02T09:30:01.5Z"));
        assert_eq!(newest(&[]), None);
    }
}
