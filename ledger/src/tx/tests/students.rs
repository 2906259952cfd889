//! What is anchored and recorded, and what never changes.

use crate::code::Code;
use crate::proof::bulk_tree::{row_hash, row_leaf};
use crate::state::schema::{self, MilestonesRecorded, MilestonesShown, StudentLeaf};
use crate::state::{StateReader, TreeRecord, tree_key};
use crate::testkit::*;
use crate::tx::students::anchor_states::anchored_leaf;
use crate::tx::{
    Claims, Finding, MilestoneKind, OpenRound, RecordAudit, RecordMilestone, RecordsSay, Replay, TakeRows,
};
use crate::types::*;

#[test]
fn an_anchor_enters_the_districts_tree_with_its_height_and_a_later_one_replaces_it() {
    let mut chain = ready();
    let label = "students/1/1988";
    let leaf = |chain: &Chain| -> StudentLeaf {
        schema::decode(&chain.state.row(label, &handle(1)).unwrap().unwrap()).unwrap()
    };
    let first = leaf(&chain);
    assert_eq!((first.version, first.anchored), (1, chain.height));
    chain.accept("district-1", anchor_version([1], 12, 7));
    let second = leaf(&chain);
    assert_eq!((second.version, second.home_school, second.anchored), (7, SchoolId(12), chain.height));
    let tree = chain.state.tree(label).unwrap().unwrap();
    assert_eq!(tree.len(), 12);
    let record: TreeRecord = schema::read(&chain.state, &tree_key(label)).unwrap().unwrap();
    assert_eq!(record.head, tree.head());
}

#[test]
fn the_headers_students_tree_has_the_rows_that_went_into_the_districts_tree() {
    let mut chain = ready();
    let outcome = chain.block(&[crate::codec::Canonical::to_canonical(&chain.transaction(
        "district-2",
        0,
        anchor([40, 41], 21).into(),
    ))]);
    assert_eq!(outcome.header.students.leaf_count, 2);
    for leaf in &outcome.student_leaves {
        let at = Handle(leaf[4..36].try_into().unwrap());
        let row = chain.state.row("students/2/1988", &at).unwrap().unwrap();
        assert_eq!(*leaf, anchored_leaf(DistrictId(2), YEAR, &at, &row_hash(&row)));
        let tree = chain.state.tree("students/2/1988").unwrap().unwrap();
        assert!(tree.contains(&at));
        assert_ne!(row_leaf(&at, &row), row_leaf(&handle(99), &row));
    }
    assert_eq!(outcome.header.students, crate::proof::merkle::head(&outcome.student_leaves));
}

#[test]
fn a_milestone_stands_byte_for_byte_whatever_is_sent_later() {
    let mut chain = ready();
    let record = |number, supersedes, byte| RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number,
        kind: MilestoneKind::CredentialAwarded,
        evidence: Hash([byte; 32]),
        supersedes,
        mastery: None,
    };
    chain.accept("district-1", record(0, None, 1));
    let key = schema::milestone_key(DistrictId(1), &handle(1), 0);
    let written = chain.state.value(&key).unwrap();
    for (payload, code) in [
        (record(0, None, 2), Code::MilestoneImmutable),
        (record(1, Some(0), 2), Code::Accepted),
        (record(2, Some(1), 3), Code::Accepted),
        (record(3, Some(0), 4), Code::MilestoneSuperseded),
        (record(0, None, 1), Code::MilestoneImmutable),
    ] {
        assert_eq!(chain.send("district-1", payload).code, code);
        assert_eq!(chain.state.value(&key).unwrap(), written);
    }
    let all = schema::milestones(&chain.state, DistrictId(1), &handle(1)).unwrap();
    let supersedes: Vec<_> = all.iter().map(|milestone| milestone.supersedes).collect();
    assert_eq!(supersedes, [None, Some(0), Some(1)]);
}

#[test]
fn milestones_are_counted_in_steps_that_point_at_nobody() {
    let mut chain = ready();
    let kind = MilestoneKind::GradeCompleted;
    let record = |number, supersedes| RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number,
        kind,
        evidence: Hash([1; 32]),
        supersedes,
        mastery: None,
    };
    assert!(schema::milestones_shown(&chain.state).unwrap().is_empty());
    for number in 0..21u16 {
        chain.accept("district-1", record(number, None));
        let shown = schema::milestones_shown(&chain.state).unwrap();
        let at_least = (u32::from(number) + 1) / 10 * 10;
        assert_eq!(shown, [MilestonesShown { school_year: YEAR, kind, at_least }]);
    }
    // A correction is not one milestone more.
    for number in 21..40u16 {
        chain.accept("district-1", record(number, Some(number - 1)));
    }
    let key = schema::milestones_recorded_key(YEAR, kind);
    let recorded: Option<MilestonesRecorded> = schema::read(&chain.state, &key).unwrap();
    assert_eq!(recorded.map(|count| count.recorded), Some(21));
    assert_eq!(schema::milestones_shown(&chain.state).unwrap()[0].at_least, 20);
}

#[test]
fn no_district_touches_anothers_students() {
    let mut chain = ready();
    // The same handle in another district is another district's student.
    chain.accept("district-2", anchor([1], 21));
    let payload = RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number: 0,
        kind: MilestoneKind::GradeCompleted,
        evidence: Hash([8; 32]),
        supersedes: None,
        mastery: None,
    };
    chain.accept("district-2", payload);
    assert!(schema::milestones(&chain.state, DistrictId(1), &handle(1)).unwrap().is_empty());
    let row = chain.state.row("students/1/1988", &handle(1)).unwrap().unwrap();
    assert_eq!(schema::decode::<StudentLeaf>(&row).unwrap().home_school, SchoolId(11));
}

#[test]
fn a_mastered_unit_is_proved_of_the_anchored_leaf_and_the_record_keeps_what_was_proved() {
    let mut chain = ready();
    let anchored = chain.height;
    let payload = RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number: 0,
        kind: MilestoneKind::UnitMastered,
        evidence: Hash([8; 32]),
        supersedes: None,
        mastery: Some(mastered(&chain.parsed.sha256, 1, anchored)),
    };
    assert_eq!(crate::tx::Payload::from(payload.clone()).range_values(), 2);
    // Without a proof, or with one for a kind that has none, it is not a payload at all.
    for (kind, mastery) in
        [(MilestoneKind::UnitMastered, None), (MilestoneKind::GradeCompleted, payload.mastery.clone())]
    {
        let odd = RecordMilestone { kind, mastery, ..payload.clone() };
        assert_eq!(crate::tx::Payload::from(odd).check(), Err(Code::InvalidPayload));
    }
    chain.accept("district-1", payload);
    let record = schema::milestones(&chain.state, DistrictId(1), &handle(1)).unwrap().remove(0);
    let kept = record.mastered.unwrap();
    let commitment = opening(&handle(1), SKILL).commit().unwrap();
    assert_eq!((kept.skill, kept.anchored, &kept.commitment.0), (4, anchored, commitment.as_bytes()));
}

/// Mastery of exactly 0.85 is not above it: no proof can be made, so none can be recorded.
#[test]
fn mastery_at_the_threshold_cannot_be_proved() {
    let chain = ready();
    let opening = opening(&handle(2), SKILL);
    let commitment = opening.commit().unwrap();
    let statement = crate::proof::committed::mastery_statement(
        &chain.parsed.sha256,
        chain.height,
        &handle(2),
        4,
        commitment,
    );
    let proof = statement.unwrap().prove(&[opening], &mut rand::rngs::OsRng);
    assert_eq!(proof, Err(aula_zk::ProveError::False(0)));
}

#[test]
fn who_takes_a_rounds_rows_is_listed_and_they_are_open_for_a_day() {
    let (round, auditor) = (RoundId(0), account("auditor"));
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let asked = (0..12).map(|n| request(n, 11, band_of(n), crate::tx::Mandate::None, &[0])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(round.0);
    chain.accept("voter-a", run(0));
    for stranger in ["voter-a", "district-1", "funder"] {
        assert_eq!(chain.send(stranger, TakeRows { round }).code, Code::RoleNotAllowed);
    }
    assert!(schema::rows_takings(&chain.state, round).unwrap().is_empty());
    for times in 1..=2 {
        let receipt = chain.accept("auditor", TakeRows { round });
        assert_eq!(receipt.events, [crate::tx::Event::RowsTaken { round, times }]);
    }
    let taken = schema::rows_taken(&chain.state, round, &auditor).unwrap().unwrap();
    assert_eq!((taken.auditor, taken.times, taken.newest.height), (auditor, 2, chain.height));
    assert!(taken.first.height < taken.newest.height);
    let after = |ms: u64| TimeMs(taken.newest.time_ms.0 + ms);
    assert!(taken.is_open(after(schema::ROWS_OPEN_MS)) && !taken.is_open(after(schema::ROWS_OPEN_MS + 1)));
}

#[test]
fn an_audits_result_stands_under_its_round_and_student() {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let asked = (0..12).map(|n| request(n, 11, band_of(n), crate::tx::Mandate::None, &[0])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    let payload = audit_of_drawn(&chain, RoundId(0));
    assert_eq!(chain.send("voter-a", payload.clone()).code, Code::RoleNotAllowed);
    let receipt = chain.accept("auditor", payload.clone());
    let (round, handle, finding) = (RoundId(0), payload.handle, Finding::Confirmed);
    let district = DistrictId(1);
    assert_eq!(receipt.events, [crate::tx::Event::AuditRecorded { round, district, handle, finding }]);
    let results = schema::audits(&chain.state, round).unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].handle, results[0].auditor), (handle, account("auditor")));
    assert_eq!((results[0].district, results[0].finding), (DistrictId(1), finding));
}

#[test]
fn a_finding_is_what_follows_from_the_replay_and_from_each_claim() {
    use RecordsSay::{Confirm, Contradict, NotSeen, Withheld};
    let confirmed = Claims::all(Confirm);
    let rows = [
        (Replay::Agrees, confirmed, Finding::Confirmed),
        (Replay::Agrees, Claims::default(), Finding::Replayed),
        (Replay::Agrees, Claims { enrolment: NotSeen, ..confirmed }, Finding::Replayed),
        (Replay::Agrees, Claims { existence: Contradict, ..confirmed }, Finding::Contradicted),
        (
            Replay::Agrees,
            Claims { mandate: Contradict, inputs: Withheld, ..confirmed },
            Finding::Contradicted,
        ),
        (Replay::Agrees, Claims { mandate: Withheld, inputs: NotSeen, ..confirmed }, Finding::Withheld),
        (Replay::Differs, confirmed, Finding::Contradicted),
        (Replay::Withheld, confirmed, Finding::Withheld),
        (Replay::Withheld, Claims { enrolment: Contradict, ..confirmed }, Finding::Contradicted),
    ];
    for (replay, claims, finding) in rows {
        assert_eq!(Finding::of(replay, claims), finding, "{replay:?} {claims:?}");
    }
    // What was looked at stands on the ledger, claim by claim.
    let (mut chain, audit) = drawn();
    let claims = Claims { enrolment: Contradict, mandate: NotSeen, ..confirmed };
    chain.accept("auditor", RecordAudit { claims, ..audit.clone() });
    let result =
        schema::audit_result(&chain.state, audit.round, audit.district, &audit.handle).unwrap().unwrap();
    assert_eq!(
        (result.finding, result.claims, result.replay),
        (Finding::Contradicted, claims, Replay::Agrees)
    );
}

#[test]
fn a_mandate_is_drawn_besides_and_may_be_audited() {
    use crate::tx::Mandate;
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    // The draw of eleven is one; among them is one mandate, which is drawn whatever the seed is.
    let mandate = |n| if n == 5 { Mandate::Mandated } else { Mandate::None };
    let asked = (0..11).map(|n| request(n, 11, band_of(n), mandate(n), &[0])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    let key = schema::round_row_key(DistrictId(1), &crate::testkit::handle(5));
    let row = chain.state.row(&schema::requests_tree(RoundId(0)), &key).unwrap().unwrap();
    let row: schema::RequestRow = schema::decode(&row).unwrap();
    let audit =
        RecordAudit { handle: row.handle, state_row: row.state_row, ..audit_of_drawn(&chain, RoundId(0)) };
    chain.accept("auditor", audit);
}

/// A decided round, and the audit of the student whom its seed drew.
fn drawn() -> (Chain, RecordAudit) {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let asked = (0..12).map(|n| request(n, 11, band_of(n), crate::tx::Mandate::None, &[0])).collect();
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    let audit = audit_of_drawn(&chain, RoundId(0));
    (chain, audit)
}

#[test]
fn anchoring_again_after_the_draw_is_no_way_out_of_an_audit() {
    for (finding, replay) in [
        (Finding::Replayed, Replay::Agrees),
        (Finding::Contradicted, Replay::Differs),
        (Finding::Withheld, Replay::Withheld),
    ] {
        let (mut chain, audit) = drawn();
        let number = (0..12).find(|n| crate::testkit::handle(*n) == audit.handle).unwrap();
        chain.accept("district-1", anchor_version([number], 12, 7));
        let receipt =
            chain.accept("auditor", RecordAudit { replay, claims: Claims::default(), ..audit.clone() });
        let (round, district, handle) = (audit.round, audit.district, audit.handle);
        assert_eq!(receipt.events, [crate::tx::Event::AuditRecorded { round, district, handle, finding }]);
    }
}

#[test]
fn erasing_after_the_draw_is_written_down_as_what_it_is() {
    let (mut chain, audit) = drawn();
    let number = (0..12).find(|n| crate::testkit::handle(*n) == audit.handle).unwrap();
    chain.accept("district-1", erasure([number]));
    chain.accept("auditor", RecordAudit { replay: Replay::Withheld, ..audit.clone() });
    let result =
        schema::audit_result(&chain.state, audit.round, audit.district, &audit.handle).unwrap().unwrap();
    assert_eq!(result.finding, Finding::ErasedAfterDraw);
    // An auditor who got the events before may still say what they gave.
    let (mut chain, audit) = drawn();
    chain.accept("district-1", erasure([number]));
    chain.accept("auditor", RecordAudit { replay: Replay::Differs, ..audit.clone() });
    let result =
        schema::audit_result(&chain.state, audit.round, audit.district, &audit.handle).unwrap().unwrap();
    assert_eq!(result.finding, Finding::Contradicted);
}

#[test]
fn a_student_erased_while_requests_were_taken_is_told_apart() {
    let mut chain = ready();
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    chain.accept(
        "district-1",
        submit(&chain, 0, vec![request(3, 11, band_of(3), crate::tx::Mandate::None, &[0])]),
    );
    chain.accept("district-1", erasure([3]));
    chain.draw(0);
    chain.accept("voter-a", run(0));
    let audit = audit_of_drawn(&chain, RoundId(0));
    chain.accept("auditor", RecordAudit { replay: Replay::Withheld, ..audit.clone() });
    let result =
        schema::audit_result(&chain.state, audit.round, audit.district, &audit.handle).unwrap().unwrap();
    assert_eq!(result.finding, Finding::ErasedBeforeDraw);
}
