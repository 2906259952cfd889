//! A district's requests in the demo: who asks, with which band, for which kinds.

use aula_ledger::tx::{Mandate, Request, SubmitRequests};
use aula_ledger::types::{Band, KindId, RoundId};

use super::driver::Class;
use super::rules::{self, AidRequest};
use super::twins::Anchored;

/// Needs of one band.
const BAND_WIDTH: u16 = 256;

/// The district's requests of a round, at most `batch` a transaction; `students` ascend by handle.
pub fn requests(round: RoundId, class: Class, students: &[Anchored], batch: usize) -> Vec<SubmitRequests> {
    let wanted: Vec<Request> = students.iter().filter_map(|student| request(class, student)).collect();
    wanted.chunks(batch.max(1)).map(|chunk| SubmitRequests { round, requests: chunk.to_vec() }).collect()
}

fn request(class: Class, student: &Anchored) -> Option<Request> {
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
        band: u8::try_from(student.need / BAND_WIDTH).ok().and_then(Band::new)?,
        mandate,
        kinds: kinds.into_iter().map(KindId).collect(),
    })
}
