//! What the demo's students ask for: with which band, for which kinds, under which mandate.

use aula_district::requests::{self, Claimed, Unproved};
use aula_ledger::proof::committed::BandClaim;
use aula_ledger::tx::{Mandate, Request};
use aula_ledger::types::{KindId, RoundId};
use aula_zk::Opening;

use super::driver::Class;
use super::rules::{self, AidRequest};
use super::twins::Anchored;

/// The district's requests of a round, in batches that one block can prove; `students` ascend by handle.
pub fn batches(round: RoundId, class: Class, students: &[Anchored]) -> Vec<Unproved> {
    let wanted: Vec<Claimed> = students
        .iter()
        .filter_map(|student| {
            let claim = need(student)?;
            Some((request(class, student, &claim.0)?, claim))
        })
        .collect();
    requests::batches(round, &wanted)
}

fn request(class: Class, student: &Anchored, claim: &BandClaim) -> Option<Request> {
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
        need: claim.commitment,
    })
}

/// What is to be proved of a student's need, and with what.
fn need(student: &Anchored) -> Option<(BandClaim, Opening)> {
    requests::claim(&student.leaf, &student.openings, student.need)
}
