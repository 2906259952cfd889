//! What the ledger knows of districts' vaults: access logs that only grow, consents, erasures.

use super::rejections::{Row, asks, limited, milestone, opened};
use crate::access::{ConsentChoice, Purpose};
use crate::code::Code;
use crate::proof::TreeHead;
use crate::state::StateReader;
use crate::state::schema::{self, Consent, Erasure};
use crate::testkit::*;
use crate::tx::{Event, RecordAccess};
use crate::types::*;

/// A chain on which district 1 anchored an access log of five entries.
fn logged() -> Chain {
    let mut chain = ready();
    chain.accept("district-1", access(5, 0));
    chain
}

fn erased() -> Chain {
    let mut chain = ready();
    chain.accept("district-1", erasure([1]));
    chain
}

/// A way to each rejection about access logs, consents and erasures.
pub(super) const ROWS: &[Row] = &[
    (Code::AccessLogNotLonger, || (logged(), "district-1", access(5, 5).into())),
    (Code::AccessLogNotLonger, || (logged(), "district-1", access(4, 0).into())),
    (Code::AccessLogInconsistent, || (logged(), "district-1", access(9, 4).into())),
    (Code::AccessLogInconsistent, || {
        let root = Hash([1; 32]);
        (logged(), "district-1", RecordAccess { root, ..access(9, 5) }.into())
    }),
    (Code::AccessLogInconsistent, || (ready(), "district-1", access(9, 5).into())),
    (Code::AccessLogInconsistent, || {
        // A new epoch has nothing before it to be consistent with.
        (logged(), "district-1", RecordAccess { epoch: 1, ..access(9, 5) }.into())
    }),
    (Code::AccessEpoch, || (ready(), "district-1", RecordAccess { epoch: 1, ..access(5, 0) }.into())),
    (Code::AccessEpoch, || (logged(), "district-1", RecordAccess { epoch: 2, ..access(9, 0) }.into())),
    (Code::RoleNotAllowed, || (ready(), "school-11", access(1, 0).into())),
    (Code::ConsentUnchanged, || (ready(), "district-1", consent(ConsentChoice::Withdrawn, [1]).into())),
    (Code::ConsentUnchanged, || {
        let mut chain = ready();
        chain.accept("district-1", consent(ConsentChoice::Given, [1]));
        (chain, "district-1", consent(ConsentChoice::Given, [1, 2]).into())
    }),
    (Code::UnknownHandle, || (ready(), "district-2", consent(ConsentChoice::Given, [1]).into())),
    (Code::HandleErased, || (erased(), "district-1", consent(ConsentChoice::Given, [1]).into())),
    (Code::HandleErased, || (erased(), "district-1", erasure([1]).into())),
    (Code::HandleErased, || (erased(), "district-1", anchor_version([1], 11, 9).into())),
    (Code::HandleErased, || (erased(), "district-1", milestone(0, None).into())),
    (Code::HandleErased, || {
        // Its leaf stands from before the round, and the proof holds: only the erasure refuses it.
        let mut chain = opened();
        chain.accept("district-1", erasure([1]));
        asks(chain, 1, 11, &[0])
    }),
    (Code::UnknownHandle, || (ready(), "district-2", erasure([1]).into())),
    (Code::BatchTooLarge, || (limited(|p| p.max_batch_entries = 12), "district-1", erasure(0..13).into())),
    (Code::BatchTooLarge, || {
        (limited(|p| p.max_batch_entries = 12), "district-1", consent(ConsentChoice::Given, 0..13).into())
    }),
];

#[test]
fn an_access_log_grows_by_proved_steps_and_each_district_has_its_own() {
    let mut chain = ready();
    for (old, size) in [(0, 1), (1, 2), (2, 7), (7, 64), (64, 65), (65, 300)] {
        let receipt = chain.accept("district-1", access(size, old));
        let root = access(size, old).root;
        let event = Event::AccessRecorded { district: DistrictId(1), epoch: 0, log_size: size, root };
        assert_eq!(receipt.events, [event]);
        let log = schema::access_log(&chain.state, DistrictId(1)).unwrap().unwrap();
        assert_eq!(log.head, TreeHead { leaf_count: size, root });
        assert_eq!((log.at.height, log.by), (chain.height, account("district-1")));
    }
    assert_eq!(schema::access_log(&chain.state, DistrictId(1)).unwrap().unwrap().anchors, 6);
    assert_eq!(schema::access_log(&chain.state, DistrictId(2)).unwrap(), None);
    chain.accept("district-2", access(3, 0));
    // A log that was rewritten below its end is never anchored again, whatever proof comes with it.
    let rewritten = RecordAccess { root: Hash([3; 32]), ..access(301, 300) };
    assert_eq!(chain.send("district-1", rewritten).code, Code::AccessLogInconsistent);
}

#[test]
fn a_restored_log_begins_the_next_epoch_and_the_head_of_the_one_before_stays() {
    let mut chain = ready();
    chain.accept("district-1", access(9, 0));
    let ended = schema::access_log(&chain.state, DistrictId(1)).unwrap().unwrap();
    // The copy had four entries; seven now are another log, which the old one does not extend to.
    let restored = RecordAccess { epoch: 1, ..access(7, 0) };
    assert_eq!(
        chain.send("district-1", RecordAccess { epoch: 0, ..restored.clone() }).code,
        Code::AccessLogNotLonger
    );
    let (district, log_size, root) = (DistrictId(1), ended.head.leaf_count, ended.head.root);
    let receipt = chain.accept("district-1", restored.clone());
    let events = [
        Event::AccessLogEnded { district, epoch: 0, log_size, root },
        Event::AccessRecorded { district, epoch: 1, log_size: 7, root: restored.root },
    ];
    assert_eq!(receipt.events, events);
    assert_eq!(schema::ended_access_logs(&chain.state).unwrap(), std::slice::from_ref(&ended));
    let key = schema::ended_access_log_key(district, 0);
    assert_eq!(schema::read::<schema::AccessLog>(&chain.state, &key).unwrap(), Some(ended));
    let newest = schema::access_log(&chain.state, district).unwrap().unwrap();
    assert_eq!((newest.epoch, newest.anchors, newest.head.leaf_count), (1, 1, 7));
    assert_eq!(schema::access_logs(&chain.state).unwrap(), [newest]);
    // From here on the new epoch only grows; the one that ended is closed.
    chain.accept("district-1", RecordAccess { epoch: 1, ..access(8, 7) });
    assert_eq!(chain.send("district-1", access(10, 9)).code, Code::AccessEpoch);
}

#[test]
fn consent_is_given_withdrawn_and_given_again_and_the_newest_word_counts() {
    let mut chain = ready();
    let stands = |chain: &Chain, number| -> Option<Consent> {
        let row = chain.state.row("consents/1/1988", &handle(number)).unwrap()?;
        Some(schema::decode(&row).unwrap())
    };
    assert_eq!(stands(&chain, 1), None);
    for (choice, changes) in
        [(ConsentChoice::Given, 1), (ConsentChoice::Withdrawn, 2), (ConsentChoice::Given, 3)]
    {
        chain.accept("district-1", consent(choice, [1]));
        let consent = stands(&chain, 1).unwrap();
        assert_eq!(consent.on(Purpose::EducationalNecessity), Some(choice));
        assert_eq!(consent.on(Purpose::ResourceAllocation), None);
        assert_eq!((consent.words[0].changes, consent.words[0].recorded), (changes, chain.height));
    }
    chain.accept("district-1", consent(ConsentChoice::Given, 2..9));
    let receipt = chain.send("district-1", consent(ConsentChoice::Withdrawn, [1, 2, 9, 10]));
    assert_eq!(receipt.code, Code::ConsentUnchanged);
    let on = stands(&chain, 1).unwrap().on(Purpose::EducationalNecessity);
    assert_eq!(on, Some(ConsentChoice::Given), "a batch is refused whole");
}

#[test]
fn an_erasure_leaves_every_earlier_row_as_it_was_and_closes_the_handle() {
    let mut chain = ready();
    chain.accept("district-1", consent(ConsentChoice::Given, [1, 2]));
    let (students, consents) = ("students/1/1988", "consents/1/1988");
    let before = (
        chain.state.row(students, &handle(1)).unwrap(),
        chain.state.row(consents, &handle(1)).unwrap(),
        chain.state.tree(students).unwrap().unwrap().head(),
    );
    let receipt = chain.accept("district-1", erasure([1, 3]));
    let event = Event::ErasureRecorded { district: DistrictId(1), school_year: YEAR, handles: 2 };
    assert_eq!(receipt.events, [event]);
    let after = (
        chain.state.row(students, &handle(1)).unwrap(),
        chain.state.row(consents, &handle(1)).unwrap(),
        chain.state.tree(students).unwrap().unwrap().head(),
    );
    assert_eq!(before, after);
    let row = chain.state.row("erasures/1/1988", &handle(1)).unwrap().unwrap();
    let erased: Erasure = schema::decode(&row).unwrap();
    assert_eq!((erased.recorded, erased.destroyed_keystore), (chain.height, Hash([8; 32])));
    assert_eq!(chain.send("district-1", anchor_version([0, 1], 11, 9)).code, Code::HandleErased);
    // The others go on, and the same handle in another district is another student.
    chain.accept("district-1", anchor_version([0, 2], 11, 9));
    chain.accept("district-2", anchor([1], 21));
}

#[test]
fn handles_erased_in_one_block_are_closed_for_the_rest_of_it() {
    use crate::codec::Canonical;
    let mut chain = ready();
    let erase = chain.transaction("district-1", 0, erasure([1]).into()).to_canonical();
    let agree = chain.transaction("district-1", 1, consent(ConsentChoice::Given, [1]).into()).to_canonical();
    let outcome = chain.block(&[erase, agree]);
    let codes: Vec<Code> = outcome.receipts.iter().map(|receipt| receipt.code).collect();
    assert_eq!(codes, [Code::Accepted, Code::HandleErased]);
}
