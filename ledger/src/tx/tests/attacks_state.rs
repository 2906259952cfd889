//! Attacks 5 and 15 as tests: what a district may write, and records that nobody could read.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::ExecuteError;
use crate::proof::bulk_tree::row_hash;
use crate::rounds::PublishedReport;
use crate::state::schema::{
    self, ChainRecord, Class, Moment, PoolRecord, RequestRow, Round, RoundStatus, School, Window,
};
use crate::state::{Overlay, StateReader};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

const SCHOOLS: u32 = 42_000;

/// Writes records and rows beside the rules, as if a block had.
pub(super) fn furnish(chain: &mut Chain, write: impl FnOnce(&mut Overlay<'_>, Height)) {
    let mut overlay = Overlay::new(&chain.state);
    let height = chain.height.next();
    write(&mut overlay, height);
    let before = schema::chain(&chain.state).unwrap();
    let record = ChainRecord { height, time_ms: TimeMs(before.time_ms.0 + 1), ..before };
    schema::write(&mut overlay, schema::chain_key(), &record);
    let (_, writes) = overlay.finish(height).unwrap();
    chain.state.apply(writes);
    chain.height = height;
}

fn place() -> PoolRecord {
    PoolRecord {
        pool: PoolId(1),
        class: ClassId(1),
        school: SchoolId(1_000),
        kind: KindId(0),
        capacity: 10,
        floor: 0,
        unit_cost_cents: Cents(1),
        funder: account("funder"),
        steward: account("voter-a"),
        defined: Height(0),
        retired: None,
    }
}

/// A round of a whole nation's schools, with a request of each, ready to run.
fn national(overlay: &mut Overlay<'_>, height: Height) {
    for number in 0..SCHOOLS {
        let id = SchoolId(1_000 + number);
        let school = School::founding(id, DistrictId(1), name("rural"));
        schema::write(overlay, schema::school_key(id), &school);
    }
    schema::write(overlay, schema::pool_key(ClassId(1), PoolId(1)), &place());
    overlay.put(schema::pool_class_key(PoolId(1)), 1u16.to_be_bytes().to_vec());
    let (terms, id) = (ClassTerms::default(), RoundId(0));
    let class = Class {
        definition: class(1),
        steward: account("voter-a"),
        terms,
        pools: 1,
        retired: 0,
        open_round: Some(id),
        standing_round: None,
        opened_ms: None,
        last_draw: None,
    };
    schema::write(overlay, schema::class_key(ClassId(1)), &class);
    let round = Round {
        round: id,
        class: ClassId(1),
        school_year: YEAR,
        opened: Height(0),
        opened_ms: TimeMs(1),
        request_window_ms: 10_000,
        reveal_window_ms: 4_000,
        attempt: 1,
        window: Window::Closed,
        since: Moment { height, time_ms: TimeMs(1) },
        ends: Moment { height, time_ms: TimeMs(1) },
        requests_until: Some(height),
        follows: None,
        parameters: 1,
        equity: 73,
        terms,
        requests: SCHOOLS,
        pairs: u64::from(SCHOOLS) * 2,
        status: RoundStatus::Open,
    };
    schema::write(overlay, schema::round_key(id), &round);
    for number in 0..SCHOOLS {
        let row = RequestRow {
            district: DistrictId(1),
            handle: handle(number),
            home_school: SchoolId(1_000 + number),
            band: Band::new(3).unwrap(),
            mandate: Mandate::None,
            kinds: vec![KindId(0)],
            state_row: row_hash(&number.to_le_bytes()),
            inputs: vec![CommitmentBytes([1; 32])],
        };
        schema::write_row(overlay, &schema::requests_tree(id), row.key(), &row);
    }
    seeds::write_draw(overlay, ClassId(1), id);
}

/// A chain on which the record of a district's leaves has no room for another school year.
pub(super) fn with_a_full_record() -> Chain {
    let mut chain = Chain::new();
    furnish(&mut chain, |overlay, _| {
        let years = (1..170).map(|year| (SchoolYear(year), 0)).collect();
        schema::write(overlay, schema::district_leaves_key(DistrictId(1)), &schema::DistrictLeaves { years });
    });
    chain
}

#[test]
fn attack_15_a_report_too_large_to_read_refuses_its_round_and_nothing_stops() {
    let mut chain = Chain::with_params(|params| params.min_cell_students = 1);
    furnish(&mut chain, national);
    let before = chain.state.value(&schema::round_key(RoundId(0))).unwrap();
    assert_eq!(chain.send("voter-a", run(0)).code, Code::RecordTooLarge);
    assert_eq!(chain.state.value(&schema::report_key(RoundId(0))).unwrap(), None);
    assert_eq!(chain.state.value(&schema::decision_key(RoundId(0))).unwrap(), None);
    assert_eq!(chain.state.value(&schema::round_key(RoundId(0))).unwrap(), before, "it stays as it was");
    assert_eq!(chain.send("voter-a", run(0)).code, Code::RunRefused, "and is not run again for nothing");
    // What read the report, and stopped every node.
    assert_eq!(
        chain.send("district-1", ReportUtilisation { pool: PoolId(1), in_use: 1 }).code,
        Code::Accepted
    );
}

#[test]
fn attack_15_nothing_is_written_that_cannot_be_read() {
    let chain = Chain::new();
    let mut overlay = Overlay::new(&chain.state);
    overlay.begin();
    let large = schema::StoredCertificate { bytes: vec![1; schema::StoredCertificate::MAX_BYTES as usize] };
    schema::write(&mut overlay, schema::certificate_key(RoundId(0)), &large);
    assert!(overlay.refused().is_some());
    assert_eq!(overlay.get(&schema::certificate_key(RoundId(0))).unwrap(), None);
    overlay.rollback();
    assert!(overlay.refused().is_none(), "another transaction starts afresh");
    // Outside of a transaction nobody refuses it, so the block has no outcome.
    schema::write(&mut overlay, schema::certificate_key(RoundId(0)), &large);
    assert!(overlay.finish(chain.height.next()).is_err());
}

#[test]
fn attack_15_damage_is_told_from_a_store_that_fails() {
    let mut chain = ready();
    furnish(&mut chain, |overlay, _| {
        overlay.put(schema::report_key(RoundId(9)), vec![PublishedReport::VERSION, 1, 2, 3]);
        let mut class = schema::class(overlay, ClassId(1)).unwrap().unwrap();
        class.standing_round = Some(RoundId(9));
        schema::write(overlay, schema::class_key(ClassId(1)), &class);
        schema::write(
            overlay,
            schema::pool_key(ClassId(1), PoolId(1)),
            &PoolRecord { school: SchoolId(11), ..place() },
        );
        overlay.put(schema::pool_class_key(PoolId(1)), 1u16.to_be_bytes().to_vec());
    });
    let report = ReportUtilisation { pool: PoolId(1), in_use: 1 };
    let bytes = chain.transaction("district-1", 0, report.into()).to_canonical();
    match chain.try_block(&[bytes]) {
        Err(ExecuteError::Broken(error)) => assert!(error.is_damage(), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_05_a_district_writes_states_of_few_school_years_and_so_many_in_all() {
    let mut chain = Chain::with_params(|params| params.max_district_leaves = 5);
    let in_year = |numbers: std::ops::Range<u32>, year: u16| AnchorStates {
        school_year: SchoolYear(year),
        ..anchor(numbers, 11)
    };
    for year in [0, 1985, YEAR.0 - 2, YEAR.0 + 2, u16::MAX] {
        assert_eq!(chain.send("district-1", in_year(0..1, year)).code, Code::SchoolYearClosed, "{year}");
    }
    chain.accept("district-1", in_year(0..3, YEAR.0));
    chain.accept("district-1", in_year(0..2, YEAR.0 - 1));
    let full = chain.send("district-1", in_year(3..4, YEAR.0 + 1));
    assert_eq!(full.code, Code::TooManyLeaves);
    let newer = AnchorStates { school_year: YEAR, ..anchor_version(0..3, 11, 2) };
    chain.accept("district-1", newer);
    let counted = schema::district_leaves(&chain.state, DistrictId(1)).unwrap().unwrap();
    assert_eq!(counted.years, [(SchoolYear(YEAR.0 - 1), 2), (YEAR, 3)]);
}

/// A state that counts what is read whole: trees, and the list of the validator set's changes.
struct Watched<'a> {
    below: &'a dyn StateReader,
    trees: AtomicU32,
    set_changes: AtomicU32,
}

impl StateReader for Watched<'_> {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, crate::state::StoreError> {
        self.below.value(key)
    }
    fn values(&self, prefix: &[u8]) -> Result<Vec<crate::state::Record>, crate::state::StoreError> {
        let is_theirs = u32::from(prefix == schema::set_change_prefix());
        self.set_changes.fetch_add(is_theirs, Ordering::Relaxed);
        self.below.values(prefix)
    }
    fn value_before(
        &self,
        prefix: &[u8],
        end: &[u8],
    ) -> Result<Option<crate::state::Record>, crate::state::StoreError> {
        self.below.value_before(prefix, end)
    }
    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, crate::state::StoreError> {
        self.below.map_node(node_key)
    }
    fn tree(
        &self,
        label: &str,
    ) -> Result<Option<std::sync::Arc<crate::proof::BulkTree>>, crate::state::StoreError> {
        self.trees.fetch_add(1, Ordering::Relaxed);
        self.below.tree(label)
    }
    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, crate::state::StoreError> {
        self.below.row(label, handle)
    }
    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, crate::state::StoreError> {
        self.below.rows(label)
    }
}

/// What becomes of a transaction in the next block, and how many trees and lists of set changes were read for it.
pub(super) fn watched(chain: &Chain, sender: &str, payload: Payload) -> (Code, [u32; 2]) {
    let bytes = [chain.transaction(sender, 0, payload).to_canonical()];
    let watched =
        Watched { below: &chain.state, trees: AtomicU32::default(), set_changes: AtomicU32::default() };
    let last = schema::chain(&chain.state).unwrap();
    let input = crate::execute::BlockInput {
        genesis: &chain.parsed.sha256,
        height: chain.height.next(),
        time_ms: TimeMs(last.time_ms.0 + 1_000),
        parent: chain.parent,
        proposer: chain.proposer,
        transactions: &bytes,
    };
    let outcome = crate::execute::execute_block(&watched, &input, &crate::execute::VerifyAll).unwrap();
    (outcome.receipts[0].code, [watched.trees.into_inner(), watched.set_changes.into_inner()])
}

#[test]
fn attack_05_a_rejected_batch_reads_no_tree() {
    let mut chain = Chain::new();
    chain.accept("district-1", anchor(0..200, 11));
    chain.accept("district-1", consent(crate::access::ConsentChoice::Given, 0..100));
    let unknown = |n: u32| anchor_version([n], 11, 1);
    let payloads: [Payload; 5] = [
        unknown(5).into(),
        AnchorStates { school_year: SchoolYear(3), ..anchor([900], 11) }.into(),
        anchor([900], 21).into(),
        consent(crate::access::ConsentChoice::Given, [900]).into(),
        erasure([900]).into(),
    ];
    for payload in payloads {
        let (code, [trees, _]) = watched(&chain, "district-1", payload);
        assert_ne!(code, Code::Accepted);
        assert_eq!(trees, 0, "{code:?}");
    }
}
