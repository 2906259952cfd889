//! Which of a student's schools is the home school, when a file names several.
//!
//! One row enrols: the one marked primary, else the one that began last, else the first in the file. The others are told as
//! another school. A row that ends an enrolment counts only where no other enrols.

use std::collections::BTreeMap;

use crate::reading::{Enrolment, Place, Reading, Said, StudentRow, Unused};

/// A row that says where a student is.
pub(crate) struct Claim {
    pub place: Place,
    pub row: StudentRow,
    pub school: String,
    pub ended: bool,
    pub primary: bool,
    /// When it began, as text that sorts; empty when the file does not say.
    pub since: String,
}

/// Says of each claim whether it enrols, ends, or is another school's.
pub(crate) fn settle(claims: Vec<Claim>, reading: &mut Reading) {
    let mut of_students: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        of_students.entry(claim.row.student.clone()).or_default().push(claim);
    }
    for (_, claims) in of_students {
        let open = claims.iter().enumerate().filter(|(_, claim)| !claim.ended);
        let home = open
            .max_by_key(|(at, claim)| (claim.primary, claim.since.clone(), std::cmp::Reverse(*at)))
            .map(|(at, _)| at);
        let last = claims.len().saturating_sub(1);
        for (at, mut claim) in claims.into_iter().enumerate() {
            let said = match home {
                Some(home) if home == at => {
                    claim.row.enrolment = Some(Enrolment::At(claim.school));
                    Said::Student(Box::new(claim.row))
                }
                // The last end is the newest where nothing else says so; the others are past as well.
                None if at == last => {
                    claim.row.enrolment = Some(Enrolment::LeftSchool(claim.school));
                    Said::Student(Box::new(claim.row))
                }
                _ => Said::Unused(Unused::OtherSchool),
            };
            reading.say(claim.place, said);
        }
    }
}
