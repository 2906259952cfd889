//! What anchoring a large district costs. Run by hand:
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture fifty_thousand_students`.

use aula_zk::{Field, Opening, StudentSecret};

use crate::codec::Canonical;
use crate::proof::committed::{CommittedField, FieldCommitment};
use crate::testkit::*;
use crate::tx::{AnchorStates, StudentState};
use crate::types::*;

const FIELDS: [CommittedField; 4] = [
    CommittedField::Engagement,
    CommittedField::Attendance,
    CommittedField::Mastery(0),
    CommittedField::Mastery(1),
];

/// A student's state with four committed numbers.
fn state(number: u32, version: u32) -> StudentState {
    let secret = StudentSecret::new(handle(number).0);
    let commit = |field: CommittedField| {
        let name = Field::new(&field.to_string()).unwrap();
        let opening = Opening::derive(&secret, &name, u64::from(version), u64::from(number % 2_560));
        FieldCommitment { field, commitment: CommitmentBytes(*opening.commit().unwrap().as_bytes()) }
    };
    let commitments = FIELDS.map(commit).to_vec();
    StudentState { commitments, version, ..bare(number) }
}

fn bare(number: u32) -> StudentState {
    StudentState {
        handle: handle(number),
        version: 1,
        state_hash: Hash([1; 32]),
        home_school: SchoolId(11),
        inputs: vec![CommitmentBytes([1; 32])],
        commitments: Vec::new(),
        event_watermark: 10,
    }
}

fn batch(numbers: std::ops::Range<u32>, version: u32) -> AnchorStates {
    let mut states: Vec<StudentState> = numbers.map(|number| state(number, version)).collect();
    states.sort_by_key(|state| state.handle);
    AnchorStates {
        school_year: YEAR,
        parameters: 1,
        model_digest: crate::twin::TwinParameters::default().digest(),
        states,
    }
}

#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn fifty_thousand_students_with_four_commitments_each() {
    let mut chain = ready();
    let (mut made, mut executed, mut bytes) = (0, 0, 0);
    let anchor = |chain: &mut Chain, numbers: std::ops::Range<u32>, version| {
        let start = std::time::Instant::now();
        let payload = batch(numbers, version);
        let committed = start.elapsed().as_millis();
        let transaction = chain.transaction("district-1", 0, payload.into()).to_canonical();
        let start = std::time::Instant::now();
        let outcome = chain.block(std::slice::from_ref(&transaction));
        assert_eq!(outcome.receipts[0].code, crate::code::Code::Accepted);
        (committed, start.elapsed().as_millis(), transaction.len())
    };
    for from in (1_000..51_000).step_by(5_000) {
        let one = anchor(&mut chain, from..from + 5_000, 1);
        (made, executed, bytes) = (made + one.0, executed + one.1, bytes + one.2);
    }
    println!(
        "50,000 students: {made} ms to commit, {executed} ms to execute in ten blocks, {bytes} bytes, one thread"
    );
    for changed in [5_000, 500, 50] {
        let (committed, executed, bytes) = anchor(&mut chain, 1_000..1_000 + changed, 3 + 5_000 / changed);
        println!(
            "{changed} of them again: {committed} ms to commit, {executed} ms to execute, {bytes} bytes"
        );
    }
}
