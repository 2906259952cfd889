//! Proofs that a transaction carries: what refuses them, and which entry of a batch is named.

use super::rejections::{Row, milestone, opened, round, runnable};
use crate::code::Code;
use crate::testkit::*;
use crate::tx::handler::Handler;
use crate::tx::*;
use crate::types::*;

/// Requests of nine students of district 1, in two proofs; `change` spoils the batch.
fn spoiled(change: impl FnOnce(&mut SubmitRequests)) -> (Chain, &'static str, Payload) {
    let chain = opened();
    let asked = (0..9).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let mut batch = submit(&chain, 0, asked);
    change(&mut batch);
    (chain, "district-1", batch.into())
}

/// A mastered unit of a student of district 1, anchored in the chain's last block.
fn unit_mastered(number: u32, spoil: impl FnOnce(&mut RecordMilestone)) -> (Chain, &'static str, Payload) {
    let chain = ready();
    let proof = mastered(&chain.parsed.sha256, number, chain.height);
    let mut payload = RecordMilestone {
        handle: handle(number),
        kind: MilestoneKind::UnitMastered,
        mastery: Some(proof),
        ..milestone(0, None)
    };
    spoil(&mut payload);
    (chain, "district-1", payload.into())
}

/// A decided round of twelve requests with the audit of the one student its seed drew.
fn audited() -> (Chain, RecordAudit) {
    let asked = (0..12).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let mut chain = runnable(ready(), asked);
    chain.accept("voter-a", run(0));
    let payload = audit_of_drawn(&chain, RoundId(0));
    (chain, payload)
}

/// A way to each rejection of a proof, and to those of audits.
pub(super) const PROOFS: &[Row] = &[
    (Code::NotCommitted, || unit_mastered(1, |payload| payload.mastery.as_mut().unwrap().skill = 5)),
    (Code::ProofRejected, || unit_mastered(1, |payload| payload.handle = handle(3))),
    (Code::ProofRejected, || {
        // Anchored again since: the proof is about another leaf.
        let (mut chain, sender, payload) = unit_mastered(1, |_| {});
        chain.accept("district-1", anchor_version([1], 11, 2));
        (chain, sender, payload)
    }),
    (Code::NotDecided, || {
        let (_, payload) = audited();
        (ready(), "auditor", payload.into())
    }),
    (Code::NotDecided, || (ready(), "auditor", TakeRows { round: RoundId(0) }.into())),
    (Code::NotDrawn, || {
        let (chain, payload) = audited();
        let other = (0..12).map(handle).find(|other| *other != payload.handle).unwrap();
        (chain, "auditor", RecordAudit { handle: other, ..payload }.into())
    }),
    (Code::OtherState, || {
        let (chain, payload) = audited();
        (chain, "auditor", RecordAudit { state_row: Hash([1; 32]), ..payload }.into())
    }),
    (Code::AuditRecorded, || {
        let (mut chain, payload) = audited();
        chain.accept("auditor", payload.clone());
        (chain, "auditor", RecordAudit { replay: Replay::Withheld, ..payload }.into())
    }),
    (Code::InputsMissing, || {
        let mut bare = anchor([50], 11);
        bare.states[0].inputs.clear();
        (ready(), "district-1", bare.into())
    }),
    (Code::NotCommitted, || {
        // Bytes that are not a point.
        let mut chain = ready();
        let mut bare = anchor([50], 11);
        bare.states[0].inputs[0] = CommitmentBytes([0xff; 32]);
        chain.accept("district-1", bare);
        chain.accept("voter-a", open(1));
        let mut batch = submit(&chain, 0, vec![request(50, 11, band_of(50), Mandate::None, &[0])]);
        batch.requests[0].inputs[0] = CommitmentBytes([0xff; 32]);
        (chain, "district-1", batch.into())
    }),
    (Code::ProofRejected, || spoiled(|batch| batch.proofs.swap(0, 1))),
    (Code::ProofRejected, || {
        spoiled(|batch| {
            let band = &mut batch.requests[3].band;
            *band = Band::new((band.get() + 1) % 10).unwrap();
        })
    }),
    (Code::MasteryUsed, || {
        let (mut chain, sender, payload) = unit_mastered(1, |_| ());
        let Payload::RecordMilestone(first) = payload else { panic!("a milestone") };
        chain.accept(sender, first.clone());
        (chain, sender, RecordMilestone { number: 1, ..first }.into())
    }),
    (Code::NeedDiffers, || {
        let chain = opened();
        let mut batch = submit(&chain, 0, vec![request(1, 11, band_of(1), Mandate::None, &[0])]);
        batch.requests[0].inputs = request(2, 11, band_of(2), Mandate::None, &[0]).inputs;
        (chain, "district-1", batch.into())
    }),
];

/// Twenty requests under three proofs: one spoiled in each place, so that the first entry of its group is named.
#[test]
fn a_batch_with_a_bad_proof_names_the_first_entry_of_its_group() {
    let mut chain = ready();
    chain.accept("district-1", anchor(12..20, 11));
    chain.accept("voter-a", OpenRound { extra_request_ms: 20_000, ..open(1) });
    let asked = || (0..20).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let good = submit(&chain, 0, asked());
    assert_eq!((good.requests.len(), good.proofs.len()), (20, 3));
    for (changed, named) in [(0, 0), (7, 0), (8, 8), (15, 8), (16, 16), (19, 16)] {
        let mut batch = good.clone();
        let band = &mut batch.requests[changed].band;
        *band = Band::new((band.get() + 1) % 10).unwrap();
        let receipt = chain.send("district-1", batch);
        assert_eq!((receipt.code, receipt.entry), (Code::ProofRejected, Some(named)), "entry {changed}");
        assert_eq!(round(&chain).requests, 0);
    }
    // Proved for another chain, for another round, and in another order of the entries' groups.
    let elsewhere = submit_on(&Hash([9; 32]), 0, asked());
    let another = SubmitRequests { round: RoundId(0), ..submit(&chain, 1, asked()) };
    for batch in [elsewhere, another] {
        let receipt = chain.send("district-1", batch);
        assert_eq!((receipt.code, receipt.entry), (Code::ProofRejected, Some(0)));
    }
    // Two bad ones: the first is named.
    let mut batch = good.clone();
    batch.proofs.swap(1, 2);
    assert_eq!(chain.send("district-1", batch).entry, Some(8));
    chain.accept("district-1", good);
    assert_eq!(round(&chain).requests, 20);
}

#[test]
fn a_batch_without_a_proof_for_each_eight_or_beyond_a_blocks_values_is_no_payload() {
    let chain = opened();
    let good = submit(&chain, 0, (0..9).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect());
    assert_eq!(good.check(), Ok(()));
    let mut fewer = good.clone();
    fewer.proofs.pop();
    let mut more = good.clone();
    more.proofs.push(good.proofs[0].clone());
    let mut many = good.clone();
    many.requests = (0..513).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    many.requests.sort_by_key(|request| request.handle);
    many.proofs = vec![good.proofs[0].clone(); 513_usize.div_ceil(8)];
    for batch in [fewer, more, many.clone()] {
        assert_eq!(batch.check(), Err(Code::InvalidPayload));
    }
    many.requests.pop();
    many.proofs.truncate(64);
    assert_eq!(many.check(), Ok(()));
}
