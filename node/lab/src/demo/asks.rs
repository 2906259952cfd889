//! What the demo's students ask for: with which band, for which kinds, under which mandate.

use aula_district::requests::{self, Claimed, Proving, Unproved};
use aula_ledger::proof::need::NeedClaim;
use aula_ledger::twin::NeedRule;
use aula_ledger::tx::{Mandate, Request};
use aula_ledger::types::{KindId, RoundId};

use super::rules::{self, AidRequest, Class};
use super::twins::Anchored;

/// The district's requests of a round, in batches that one block can prove; `students` ascend by handle.
pub fn batches(round: RoundId, rule: &NeedRule, class: Class, students: &[Anchored]) -> Vec<Unproved> {
    let wanted: Vec<Claimed> = students
        .iter()
        .filter_map(|student| {
            let claim = need(student)?;
            Some((request(class, student, &claim.0)?, claim))
        })
        .collect();
    requests::batches(round, rule, &wanted)
}

fn request(class: Class, student: &Anchored, claim: &NeedClaim) -> Option<Request> {
    let (mandate, kinds) = match class {
        Class::Devices => (Mandate::None, rules::device_ranking(&student.year).to_vec()),
        Class::Aids => match rules::aid_request(student.year.student) {
            AidRequest::None => return None,
            AidRequest::Wanted => (Mandate::None, rules::aid_ranking(student.year.student).to_vec()),
            AidRequest::Mandated => (Mandate::Mandated, rules::aid_ranking(student.year.student).to_vec()),
        },
    };
    Some(Request {
        handle: student.leaf.handle,
        home_school: student.year.school,
        band: claim.band,
        mandate,
        kinds: kinds.into_iter().map(KindId).collect(),
        inputs: claim.inputs.clone(),
    })
}

/// What is to be proved of a student's need, and with what.
fn need(student: &Anchored) -> Option<Proving> {
    requests::claim(&student.leaf, &student.openings.inputs, student.need)
}
