//! What each object says.

use std::collections::BTreeMap;

use crate::date::{self, Date};
use crate::field::word;
use crate::grade::Grade;
use crate::reading::{
    Enrolment, Fault, Link, LocalSchool, Rule, Said, Set, StudentRow, Unknown, Unused, is_local_id,
};
use crate::tree::Node;

/// Most characters of a reader's or a section's word.
const MAX_WORD: usize = 40;

/// The object's own name among all.
pub(super) fn ref_id(node: &Node) -> Option<&str> {
    node.at(&["@refId"]).or_else(|| node.at(&["refId"]))
}

/// What people call it: the local identifier, else the object's own.
pub(super) fn local_id(node: &Node) -> Option<&str> {
    node.at(&["localId"]).or_else(|| ref_id(node))
}

/// By what two objects are one.
pub(super) fn key(node: &Node) -> String {
    ref_id(node).or_else(|| local_id(node)).unwrap_or_default().to_owned()
}

/// A reader's word.
pub(super) fn reader(node: &Node) -> Option<String> {
    local_id(node).map(|id| word(id, MAX_WORD))
}

pub(super) fn school(
    node: &Node,
    schools: &mut BTreeMap<String, LocalSchool>,
) -> Result<(String, Said), Fault> {
    let id = ref_id(node).ok_or_else(|| Fault::new("refId", Rule::Missing, ""))?.to_owned();
    let name = node.at(&["schoolName"]).unwrap_or_default().to_owned();
    let identifier = node.at(&["localId"]).unwrap_or_default().to_owned();
    schools.entry(id.clone()).or_insert(LocalSchool { name, identifier });
    Ok((id.clone(), Said::School(id)))
}

/// Where a student is enrolled, or was.
struct Seat<'a> {
    school: &'a str,
    grade: Option<&'a str>,
    open: bool,
    home: bool,
}

pub(super) fn student(node: &Node, today: Date) -> Result<(String, Said), Fault> {
    let id = local_id(node).ok_or_else(|| Fault::new("localId", Rule::Missing, ""))?;
    if !is_local_id(id) {
        return Err(Fault::new("localId", Rule::LocalId, id));
    }
    let mut row = StudentRow { student: id.to_owned(), unknown: Unknown::Enter, ..StudentRow::default() };
    let part = |name: &str| node.at(&["name", name]).unwrap_or_default();
    let name = format!("{} {}", part("givenName"), part("familyName"));
    if !name.trim().is_empty() {
        row.sets.push(Set::new("name", name.trim()));
    }
    let own = node.all("enrollment");
    let others = node
        .all("otherEnrollments")
        .flat_map(|others| others.all("enrollment").chain(others.all("otherEnrollment")));
    let mut seats = Vec::new();
    for enrollment in own.chain(others) {
        let Some(school) = enrollment.at(&["schoolRefId"]) else { continue };
        let exit = enrollment.at(&["exitDate"]);
        let exit =
            exit.map(|text| date::parse(text, None).map_err(|rule| Fault::new("exitDate", rule, text)));
        let open = exit.transpose()?.is_none_or(|exit| exit > today);
        let kind = enrollment.at(&["membershipType"]).unwrap_or("Home");
        let home = kind.eq_ignore_ascii_case("home") || kind.eq_ignore_ascii_case("01");
        seats.push(Seat { school, grade: enrollment.at(&["gradeLevel"]), open, home });
    }
    // The home school among those that are open, else the first of them; the first in the file leads.
    let open =
        seats.iter().find(|seat| seat.open && seat.home).or_else(|| seats.iter().find(|seat| seat.open));
    let grade = open.and_then(|seat| seat.grade).or_else(|| node.at(&["gradeLevel"]));
    if let Some(text) = grade {
        let read = Grade::parse(text).ok_or_else(|| Fault::new("gradeLevel", Rule::Grade, text))?;
        row.sets.push(Set::new("grade", read.json()));
    }
    row.enrolment = match (open, seats.first()) {
        (Some(seat), _) => Some(Enrolment::At(seat.school.to_owned())),
        (None, Some(seat)) => {
            row.unknown = Unknown::Skip;
            Some(Enrolment::LeftSchool(seat.school.to_owned()))
        }
        (None, None) => None,
    };
    Ok((row.student.clone(), Said::Student(Box::new(row))))
}

/// A counselor reads the students of the schools at which that is the assignment; other staff read by rosters.
pub(super) fn staff(node: &Node) -> Said {
    let own = node.all("primaryAssignment");
    let others = node.all("otherAssignments").flat_map(|others| others.children.iter());
    let counsels = own.chain(others).filter(|assignment| {
        let job = assignment.at(&["jobFunction"]).unwrap_or_default().to_lowercase();
        job.contains("counselor") || job.contains("counsellor")
    });
    let schools = counsels.filter_map(|assignment| assignment.at(&["schoolRefId"]));
    let links: Vec<Link> = match reader(node) {
        Some(reader) => schools
            .map(|school| Link::Counsels { reader: reader.clone(), school: school.to_owned() })
            .collect(),
        None => Vec::new(),
    };
    if links.is_empty() { Said::Unused(Unused::NotAStudent) } else { Said::Links { links, ended: false } }
}

/// Who teaches and who attends a section.
pub(super) fn roster(
    node: &Node,
    students: &BTreeMap<String, String>,
    staff: &BTreeMap<String, String>,
) -> Result<Vec<Link>, Fault> {
    let id = ref_id(node).or_else(|| node.at(&["sectionRefId"]));
    let section = word(id.ok_or_else(|| Fault::new("refId", Rule::Missing, ""))?, MAX_WORD);
    let mut links = Vec::new();
    let named = |reference: &Node, known: &BTreeMap<String, String>| {
        let found = ref_id(reference).and_then(|id| known.get(id)).map(String::as_str);
        found.or_else(|| reference.at(&["localId"])).filter(|id| !id.is_empty()).map(str::to_owned)
    };
    let lead = node.all("primaryStaff");
    let others = node.all("otherStaffs").flat_map(|others| others.all("otherStaff"));
    for teacher in lead.chain(others).flat_map(|one| one.all("staffPersonReference")) {
        if let Some(name) = named(teacher, staff) {
            links.push(Link::Teaches { reader: word(&name, MAX_WORD), section: section.clone() });
        }
    }
    for reference in node.all("students").flat_map(|students| students.all("studentReference")) {
        let whose = ref_id(reference).unwrap_or_default();
        let student = named(reference, students).filter(|id| is_local_id(id));
        let student = student.ok_or_else(|| Fault::new("studentReference", Rule::UnknownStudent, whose))?;
        links.push(Link::Attends { student, section: section.clone() });
    }
    Ok(links)
}
