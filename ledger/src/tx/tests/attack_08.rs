//! A handle in two districts is two students, and what is wrong with an entry is wrong with it alone.

use super::rejections::{limited, round};
use crate::code::Code;
use crate::rounds::decided_rows;
use crate::state::{StateReader, schema};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

const ROUND: RoundId = RoundId(0);

fn twelve(school: u32, mandates: u32) -> Vec<Request> {
    let mandate = |n| if n < mandates { Mandate::Mandated } else { Mandate::None };
    (0..12).map(|n| request(n, school, band_of(n), mandate(n), &[0])).collect()
}

/// Handles are in the clear for every member: district 2 anchors all of district 1's and requests for them first.
#[test]
fn attack_08_a_copied_handle_takes_nothing_from_its_district() {
    let mut chain = ready();
    chain.accept("district-2", anchor(0..12, 21));
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    chain.accept("district-2", submit(&chain, 0, twelve(21, 0)));
    let receipt = chain.accept("district-1", submit(&chain, 0, twelve(11, 2)));
    let taken = Event::RequestsTaken { round: ROUND, counted: 12, repeated: 0, refused: vec![] };
    assert_eq!(receipt.events, [taken]);
    chain.draw(0);
    chain.accept("voter-a", run(0));

    let report = schema::decision(&chain.state, ROUND).unwrap().unwrap().report;
    assert_eq!((report.requests, report.mandated, report.mandates_met), (24, 2, 2));
    let (requests, decisions) = decided_rows(&chain.state, ROUND).unwrap();
    let students: Vec<(Handle, DistrictId)> =
        requests.iter().map(|(handle, row)| (*handle, row.district)).collect();
    assert!(students.is_sorted() && decisions.len() == 24);
    let mut handles: Vec<Handle> = (0..12).map(handle).collect();
    handles.sort();
    let both = |handle: &Handle| [(*handle, DistrictId(1)), (*handle, DistrictId(2))];
    assert_eq!(students, handles.iter().flat_map(both).collect::<Vec<_>>());

    // Each district has a student drawn, and a result is of one district's.
    let own = audit_of_drawn(&chain, ROUND);
    chain.accept("auditor", own.clone());
    let other = RecordAudit { district: DistrictId(2), ..own.clone() };
    assert!(matches!(chain.send("auditor", other).code, Code::NotDrawn | Code::OtherState));
    assert!(schema::audit_result(&chain.state, ROUND, DistrictId(1), &own.handle).unwrap().is_some());
    assert!(schema::audit_result(&chain.state, ROUND, DistrictId(2), &own.handle).unwrap().is_none());
}

/// Of twelve entries under two proofs three are faulty, one of them without a leaf: nine are taken.
#[test]
fn faulty_entries_are_refused_one_by_one_and_the_others_are_taken() {
    let mut chain = ready();
    chain.accept("district-1", erasure([1]));
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    let asked = [(0..11).collect(), vec![60]].concat();
    let asked = asked.into_iter().map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let mut batch = submit(&chain, 0, asked);
    let at = |n: u32| batch.requests.iter().position(|request| request.handle == handle(n)).unwrap();
    let (erased, unknown, other) = (at(1), at(60), at(4));
    batch.requests[other].home_school = SchoolId(12);
    let mut refused =
        vec![(erased, Code::HandleErased), (unknown, Code::UnknownHandle), (other, Code::HomeSchoolDiffers)];
    refused.sort();
    let refused = refused.into_iter().map(|(entry, code)| RefusedEntry { entry: entry as u32, code });
    let refused: Vec<RefusedEntry> = refused.collect();

    // A proof that fails refuses all, the good entries too.
    let mut forged = batch.clone();
    forged.proofs.swap(0, 1);
    assert_eq!(chain.send("district-1", forged).code, Code::ProofRejected);
    assert_eq!(round(&chain).requests, 0);

    let receipt = chain.accept("district-1", batch.clone());
    let taken = Event::RequestsTaken { round: ROUND, counted: 9, repeated: 0, refused };
    assert_eq!(receipt.events, [taken]);
    assert_eq!(chain.state.rows(&schema::requests_tree(ROUND)).unwrap().len(), 9);

    // Where nothing would be taken, the batch is rejected with its first entry.
    batch.requests = vec![batch.requests[erased].clone(), batch.requests[unknown].clone()];
    batch.requests.sort_by_key(|request| request.handle);
    batch.proofs.truncate(1);
    let receipt = chain.send("district-1", batch);
    assert_eq!(receipt.entry, Some(0));
    assert!(matches!(receipt.code, Code::HandleErased | Code::UnknownHandle));
}

/// A round has room for one more: the entries beyond are refused, those before are taken.
#[test]
fn entries_beyond_the_rounds_room_are_refused() {
    let mut chain = limited(|params| {
        params.max_round_requests = 2;
        params.max_district_round_percent = 100;
    });
    chain.accept("voter-a", open(1));
    let asked = (0..4).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let receipt = chain.accept("district-1", submit(&chain, 0, asked));
    let beyond = |entry| RefusedEntry { entry, code: Code::TooManyRequests };
    let refused = vec![beyond(2), beyond(3)];
    assert_eq!(receipt.events, [Event::RequestsTaken { round: ROUND, counted: 2, repeated: 0, refused }]);
    assert_eq!(round(&chain).requests, 2);
}
