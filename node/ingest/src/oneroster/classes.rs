//! Who teaches and who attends which class: `enrollments.csv`, and who counsels where.
//!
//! A class is a section by its `classSourcedId`; a reader is named by its user's `sourcedId`; both as words that credentials and
//! the access log take ([`crate::field::word`]). Teachers and aides read, as students are read; other roles tie nobody. Absent:
//! the dates of enrolments, which exporters fill with defaults: `status` says what has ended.

use super::{FileSet, Mode, Row, StudentId, each, list};
use crate::error::ReadError;
use crate::field::word;
use crate::reading::{Coverage, Fault, Keys, Link, Reading, Rule, Said, Unused, is_local_id};

/// Most characters of a reader's or a section's word.
pub(super) const MAX_WORD: usize = 40;

pub(super) fn read(set: &mut FileSet, id: StudentId, reading: &mut Reading) -> Result<(), ReadError> {
    let Some((file, mode)) = set.take("enrollments") else { return Ok(()) };
    reading.sections = Some(covers(mode));
    let mut keys = Keys::default();
    // A wrong row of a class makes nobody's absence from the district doubtful.
    let (nameless, doubtful) = (reading.nameless, reading.doubtful.clone());
    let refused = reading.refused();
    each(file, mode, reading, |files, row, student| {
        let said = enrolment(row, id, set, student)?;
        Ok(Some(keys.earlier(row.get("sourcedid"), &row.content(), row.place, files).unwrap_or(said)))
    })?;
    if reading.refused() > refused && reading.sections == Some(Coverage::Bulk) {
        reading.sections = Some(Coverage::Delta);
        reading.notes.push("rows of enrollments were refused: nobody loses a section by absence".into());
    }
    reading.nameless = nameless;
    reading.doubtful = doubtful;
    Ok(())
}

fn covers(mode: Mode) -> Coverage {
    if mode == Mode::Bulk { Coverage::Bulk } else { Coverage::Delta }
}

fn enrolment(row: &Row<'_>, id: StudentId, set: &FileSet, student: &mut String) -> Result<Said, Fault> {
    row.whole()?;
    row.need("sourcedId")?;
    let (ended, _) = row.status()?;
    let section = word(row.need("classSourcedId")?, MAX_WORD);
    let user = row.need("userSourcedId")?;
    let link = match row.need("role")?.to_ascii_lowercase().as_str() {
        "teacher" | "aide" => Link::Teaches { reader: word(user, MAX_WORD), section },
        "student" => {
            let known = match id {
                StudentId::SourcedId => Some(user),
                StudentId::Identifier => set.identifiers.get(user).map(String::as_str),
            };
            let known = known.filter(|known| is_local_id(known));
            let known = known.ok_or_else(|| Fault::new("userSourcedId", Rule::UnknownStudent, user))?;
            known.clone_into(student);
            Link::Attends { student: known.to_owned(), section }
        }
        _ => return Ok(Said::Unused(Unused::NotNeeded)),
    };
    Ok(Said::Links { links: vec![link], ended })
}

/// The schools at which a user of this role counsels; none for another role.
pub(super) fn counsels(role: &str, user: &str, schools: &str, ended: bool) -> Option<Said> {
    if !matches!(role.trim().to_ascii_lowercase().as_str(), "counselor" | "counsellor") {
        return None;
    }
    let reader = word(user, MAX_WORD);
    let links =
        list(schools).map(|school| Link::Counsels { reader: reader.clone(), school: school.to_owned() });
    Some(Said::Links { links: links.collect(), ended })
}
