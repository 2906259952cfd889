//! Schools, users and roles.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::counsels;
use super::{FileSet, Mode, Row, StudentId, coverage, each, list};
use crate::error::ReadError;
use crate::grade::Grade;
use crate::homes::{Claim, settle};
use crate::reading::{
    Coverage, Enrolment, Fault, Keys, Link, LocalSchool, Place, Reading, Rule, Said, Set, StudentRow,
    Unknown, Unused, is_local_id,
};

/// What is known of users once their file is read.
#[derive(Default)]
struct Users {
    /// The student's identifier by `sourcedId`.
    ids: BTreeMap<String, String>,
    /// `primaryOrgSourcedId` by `sourcedId`.
    primary: BTreeMap<String, String>,
    /// Every `sourcedId` of the file, refused ones too.
    seen: BTreeSet<String>,
    whole: bool,
}

/// A user's row of version 1.2, of which the roles say whether it is a student.
struct Pending {
    place: Place,
    user: String,
    row: StudentRow,
}

pub(super) fn read(set: &mut FileSet, id: StudentId, reading: &mut Reading) -> Result<(), ReadError> {
    schools(set, reading)?;
    let mut modes = Vec::new();
    let (mut users, mut pending, mut claims) = (Users::default(), Vec::new(), Vec::new());
    let with_roles = set.files.contains_key("roles");
    if let Some((file, mode)) = set.take("users") {
        modes.push(Some(mode));
        users.whole = mode == Mode::Bulk;
        let mut keys = Keys::default();
        each(file, mode, reading, |files, row, student| {
            user(row, id, with_roles, &mut users, student).map(|made| {
                let earlier = keys.earlier(row.get("sourcedid"), &row.content(), row.place, files);
                earlier.or_else(|| sort(made, row, &mut pending, &mut claims))
            })
        })?;
    } else if set.manifest.mode("users") == Mode::Absent {
        modes.push(None);
    }
    let mut students = BTreeSet::new();
    if let Some((file, mode)) = set.take("roles") {
        modes.push(Some(mode));
        let mut keys = Keys::default();
        each(file, mode, reading, |files, row, student| {
            let claim = role(row, id, &users, student)?;
            if let Some(said) = keys.earlier(row.get("sourcedid"), &row.content(), row.place, files) {
                return Ok(Some(said));
            }
            let Some(claim) = claim else {
                let (role, user, school) =
                    (row.get("role"), row.get("usersourcedid"), row.get("orgsourcedid"));
                let ended = row.status().is_ok_and(|(ended, _)| ended);
                let counsels = counsels(role, user, school, ended);
                return Ok(Some(counsels.unwrap_or(Said::Unused(Unused::NotAStudent))));
            };
            students.insert(row.get("usersourcedid").to_owned());
            claims.push(claim);
            Ok(None)
        })?;
    }
    for Pending { place, user, row } in pending {
        let known = students.contains(&user) || row.enrolment.is_some();
        let unknown = if students.contains(&user) { Unknown::Enter } else { Unknown::Skip };
        // Where both files are whole, who has no role of a student is not a student.
        let said = match known || modes.contains(&Some(Mode::Delta)) {
            true => Said::Student(Box::new(StudentRow { unknown, ..row })),
            false => Said::Unused(Unused::NotAStudent),
        };
        reading.say(place, said);
    }
    settle(claims, reading);
    set.identifiers = users.ids;
    reading.coverage = coverage(&modes);
    reading.counselors = counselors(reading);
    Ok(())
}

/// Whether the rows are all counselors there are: some are named, in a whole roster of which no row was refused.
fn counselors(reading: &Reading) -> Option<Coverage> {
    let counsels = |said: &Said| matches!(said, Said::Links { links, .. } if matches!(links.first(), Some(Link::Counsels { .. })));
    let any = reading.rows.iter().any(|row| counsels(&row.said));
    let whole = reading.coverage == Coverage::Bulk && reading.refused() == 0;
    any.then_some(if whole { Coverage::Bulk } else { Coverage::Delta })
}

fn schools(set: &mut FileSet, reading: &mut Reading) -> Result<(), ReadError> {
    let Some((file, mode)) = set.take("orgs") else { return Ok(()) };
    let (mut keys, mut schools) = (Keys::default(), BTreeMap::new());
    // A row of a school is not a student's: what is wrong with it makes nobody's absence doubtful.
    let nameless = reading.nameless;
    each(file, mode, reading, |files, row, _| {
        row.whole()?;
        let (ended, _) = row.status()?;
        let key = row.need("sourcedId")?.to_owned();
        if let Some(said) = keys.earlier(&key, &row.content(), row.place, files) {
            return Ok(Some(said));
        }
        let is_school =
            !matches!(row.get("type").to_lowercase().as_str(), "district" | "local" | "state" | "national");
        if ended || !is_school {
            return Ok(Some(Said::Unused(Unused::NotASchool)));
        }
        let school =
            LocalSchool { name: row.get("name").to_owned(), identifier: row.get("identifier").to_owned() };
        schools.insert(key.clone(), school);
        Ok(Some(Said::School(key)))
    })?;
    reading.nameless = nameless;
    reading.schools.append(&mut schools);
    Ok(())
}

/// A user's row as far as it goes by itself; none when it is of nobody who learns here.
fn user(
    row: &Row<'_>,
    id: StudentId,
    with_roles: bool,
    users: &mut Users,
    student: &mut String,
) -> Result<Option<StudentRow>, Fault> {
    let source = row.get("sourcedid");
    let (column, local) = match id {
        StudentId::SourcedId => ("sourcedId", source),
        StudentId::Identifier => ("identifier", row.get("identifier")),
    };
    local.clone_into(student);
    users.seen.insert(source.to_owned());
    row.whole()?;
    let source = row.need("sourcedId")?;
    let (ended, modified_ms) = row.status()?;
    let by_role = row.has("role") && !(with_roles && row.get("role").is_empty());
    if by_role && !is_student(row.get("role")) {
        student.clear();
        return Ok(None);
    }
    if !by_role && !with_roles && row.mode == Mode::Bulk {
        // Nothing says who is a student.
        return Err(Fault::new("role", Rule::Missing, ""));
    }
    if local.is_empty() && !by_role {
        // A user of version 1.2 who may be no student at all.
        return Ok(None);
    }
    if !is_local_id(local) {
        return Err(Fault::new(column, if local.is_empty() { Rule::Missing } else { Rule::LocalId }, local));
    }
    users.ids.insert(source.to_owned(), local.to_owned());
    if !row.get("primaryorgsourcedid").is_empty() {
        users.primary.insert(source.to_owned(), row.get("primaryorgsourcedid").to_owned());
    }
    let mut sets = Vec::new();
    let name = [row.get("givenname"), row.get("familyname")].join(" ");
    if !name.trim().is_empty() {
        sets.push(Set::new("name", name.trim()));
    }
    let grades: Vec<&str> = list(row.get(if row.has("grades") { "grades" } else { "grade" })).collect();
    // Several are what a teacher has, or a student between two: none of them is the grade.
    if let [grade] = grades.as_slice() {
        let read = Grade::parse(grade).ok_or_else(|| Fault::new("grades", Rule::Grade, grade))?;
        sets.push(Set::new("grade", read.json()));
    }
    let unknown = if ended { Unknown::Skip } else { Unknown::Enter };
    let enrolment = ended.then_some(Enrolment::Left);
    let made = StudentRow { student: local.to_owned(), enrolment, unknown, modified_ms, sets };
    if by_role && !ended {
        row.need("orgSourcedIds")?;
    }
    Ok(Some(made))
}

/// Where a user's row goes: told at once, kept until the roles are read, or a claim to a school (version 1.1).
fn sort(
    made: Option<StudentRow>,
    row: &Row<'_>,
    pending: &mut Vec<Pending>,
    claims: &mut Vec<Claim>,
) -> Option<Said> {
    let orgs = row.get("orgsourcedids");
    let Some(made) = made else {
        let ended = row.status().is_ok_and(|(ended, _)| ended);
        let counsels = counsels(row.get("role"), row.get("sourcedid"), orgs, ended);
        return Some(counsels.unwrap_or(Said::Unused(Unused::NotAStudent)));
    };
    if made.enrolment.is_some() {
        return Some(Said::Student(Box::new(StudentRow { sets: Vec::new(), ..made })));
    }
    match list(orgs).next().filter(|_| row.has("role")) {
        Some(first) => {
            let school = first.to_owned();
            let (place, since) = (row.place, String::new());
            claims.push(Claim { place, row: made, school, ended: false, primary: true, since });
        }
        None => {
            let user = row.get("sourcedid").to_owned();
            pending.push(Pending { place: row.place, user, row: made });
        }
    }
    None
}

fn is_student(role: &str) -> bool {
    role.trim().eq_ignore_ascii_case("student")
}

/// A role's row as a claim; none when it is not a student's.
fn role(row: &Row<'_>, id: StudentId, users: &Users, student: &mut String) -> Result<Option<Claim>, Fault> {
    let user = row.get("usersourcedid");
    let known = users.ids.get(user).map(String::as_str);
    student.push_str(known.unwrap_or(if id == StudentId::SourcedId { user } else { "" }));
    row.whole()?;
    row.need("sourcedId")?;
    let user = row.need("userSourcedId")?;
    let (ended, modified_ms) = row.status()?;
    if !is_student(row.need("role")?) {
        return Ok(None);
    }
    let school = row.need("orgSourcedId")?.to_owned();
    if student.is_empty() || (users.whole && !users.seen.contains(user)) {
        // Whose it is stands in no row of users.csv.
        return Err(Fault::new("userSourcedId", Rule::UnknownStudent, user));
    }
    if !is_local_id(student) {
        return Err(Fault::new("userSourcedId", Rule::LocalId, student));
    }
    let of_user = users.primary.get(user);
    let primary = match of_user {
        Some(primary) => *primary == school,
        None => row.get("roletype").eq_ignore_ascii_case("primary"),
    };
    let unknown = if ended { Unknown::Skip } else { Unknown::Enter };
    let student = student.clone();
    let made = StudentRow { student, enrolment: None, unknown, modified_ms, sets: Vec::new() };
    Ok(Some(Claim { place: row.place, row: made, school, ended, primary, since: String::new() }))
}
