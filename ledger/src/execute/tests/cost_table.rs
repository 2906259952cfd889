//! The cost table, measured: what each unit of [`cost::unit`] takes on this machine, beside what is charged. By hand, on a
//! quiet machine: `cargo test --release -p aula-ledger --lib -- --ignored --nocapture cost_table`. Reading leaves back from
//! the node's store is measured there (`aula-node`, `storage::tests`), the optimizer's scans in `tx::tests::work_bound`.

#![expect(clippy::disallowed_methods, reason = "measures, run by hand")]

use std::collections::BTreeMap;

use crate::codec::Canonical;
use crate::execute::cost::unit;
use crate::execute::limits::{Budget, cost_of};
use crate::params::work::of_intake;
use crate::params::{MAX_TRANSACTION_RANGE_VALUES, PROPOSE_TIMEOUT_MS};
use crate::proof::TreeHead;
use crate::proof::{BulkTree, row_leaf};
use crate::state::schema::{self, StudentLeaf};
use crate::state::{MemoryState, Overlay, map};
use crate::testkit::*;
use crate::tx::Transaction;
use crate::tx::{AnchorStates, Mandate, StudentState};
use crate::types::*;

/// Nanoseconds that this thread has run, from the kernel's accounting: a busy machine spoils them less than a clock.
pub fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn rss_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// The least of five runs.
fn least(mut work: impl FnMut()) -> u64 {
    let run = |work: &mut dyn FnMut()| {
        let start = cpu_ns();
        work();
        cpu_ns() - start
    };
    (0..5).map(|_| run(&mut work)).min().unwrap()
}

fn tell(what: &str, taken: u64, count: u64, charged: u64) {
    println!("measured: {what:<52} {:>9} ns, charged {charged:>9}", taken / count);
}

#[test]
#[ignore = "measures, asserts nothing about time"]
fn the_cost_table() {
    transactions();
    records();
    rows();
    leaves();
    values();
    large_records();
    sums();
}

/// Fills a block with transactions of one kind until the budget ends, and executes it.
fn full_block(what: &str, chain: &Chain, next: impl Fn(u64) -> Option<Transaction>) -> u64 {
    let mut budget = Budget::new(&chain.state).unwrap();
    let mut block = Vec::new();
    for transaction in (0..).map_while(next) {
        let bytes = transaction.to_canonical();
        if budget.charge(&cost_of(&transaction, bytes.len())).is_err() {
            break;
        }
        block.push(bytes);
    }
    let before = rss_mib();
    let outcome = chain.try_block(&block).unwrap();
    let held = rss_mib().saturating_sub(before);
    drop(outcome);
    let taken = least(|| drop(chain.try_block(&block).unwrap()));
    let charged = schema::params(&chain.state).unwrap().max_block_work - budget.work_left();
    println!(
        "measured: {what:<40} {:>5} transactions {:>4} ms of {} charged, +{held} MiB",
        block.len(),
        taken / 1_000_000,
        charged / 1_000_000
    );
    taken
}

/// The hardest blocks that the rules admit, but for RunRound (`tx::tests::work_bound`): each is executed twice within the
/// time to propose, so the chain decides it in round 0.
#[test]
#[ignore = "a minute; asserts a time"]
fn attack_14_the_hardest_admitted_blocks_take_less_than_half_the_time_to_propose() {
    let mut chain = Chain::new();
    for from in (0..190_000u32).step_by(10_000) {
        let plain = |n: u32| StudentState {
            handle: handle(n),
            version: 1,
            state_hash: Hash([1; 32]),
            home_school: SchoolId(11),
            inputs: vec![CommitmentBytes([1; 32])],
            commitments: Vec::new(),
            event_watermark: 10,
        };
        for year in [YEAR.0 - 1, YEAR.0, YEAR.0 + 1] {
            let mut states: Vec<StudentState> = (from..from + 10_000).map(plain).collect();
            states.sort_by_key(|state| state.handle);
            let batch = AnchorStates {
                school_year: SchoolYear(year),
                parameters: 1,
                model_digest: crate::twin::TwinParameters::default().digest(),
                states,
            };
            chain.accept("district-1", batch);
        }
    }
    let sent = |payload: AnchorStates, n: u64| Some(chain.transaction("district-1", n, payload.into()));
    let one_each = |n: u64| {
        let state = StudentState { handle: Handle([0; 32]), commitments: Vec::new(), ..state_of(1, 11, 1) };
        let year = SchoolYear(YEAR.0 - 1 + u16::try_from(n).ok().filter(|n| *n < 3)?);
        sent(
            AnchorStates {
                school_year: year,
                parameters: 1,
                model_digest: crate::twin::TwinParameters::default().digest(),
                states: vec![state],
            },
            n,
        )
    };
    let singles = |n: u64| sent(anchor([1_000_000 + n as u32], 11), n);
    let batches = |n: u64| {
        let from = 1_000_000 + 6_000 * n as u32;
        sent(anchor(from..from + 6_000, 11), n)
    };
    let hardest = [
        full_block("a leaf in front of three large trees", &chain, one_each),
        full_block("new leaves one by one, one large tree", &chain, singles),
        full_block("new leaves in batches, one large tree", &chain, batches),
    ];
    for taken in hardest {
        assert!(taken < PROPOSE_TIMEOUT_MS * 1_000_000 / 2, "{taken} ns");
    }
}

fn transactions() {
    let chain = ready();
    let block: Vec<Vec<u8>> =
        (0..1_000).map(|n| chain.transaction("funder", n, fund(1).into()).to_canonical()).collect();
    let taken = least(|| drop(chain.try_block(&block).unwrap()));
    tell("TRANSACTION: on one account and record", taken, 1_000, unit::TRANSACTION);
    // The same number of bytes as batches that are refused before anything is read.
    let payload = AnchorStates { school_year: SchoolYear(3), ..anchor(0..5_000, 11) };
    let bytes = chain.transaction("district-1", 0, payload.into()).to_canonical();
    let size = bytes.len() as u64;
    let taken = least(|| drop(chain.try_block(std::slice::from_ref(&bytes)).unwrap()));
    tell("BYTE: of a large batch that is refused", taken, size, unit::BYTE);
}

fn records() {
    let mut state = MemoryState::new();
    let put = |state: &MemoryState, from: u32, count: u32, height: u64| {
        let changes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            (from..from + count).map(|n| (handle(n).0.to_vec(), Some(vec![1; 100]))).collect();
        map::update(state, Height(height), &changes).unwrap()
    };
    let update = put(&state, 0, 100_000, 0);
    state.apply(crate::state::StateWrites { map_nodes: update.nodes, ..Default::default() });
    let taken = least(|| drop(put(&state, 200_000, 1_000, 1)));
    tell("RECORD: of 1,000 new ones in a map of 100,000", taken, 1_000, unit::RECORD);
}

fn rows() {
    let mut chain = Chain::new();
    for from in (0..50_000u32).step_by(5_000) {
        chain.accept("district-1", anchor(from..from + 5_000, 11));
    }
    let one = |payload: AnchorStates| chain.transaction("district-1", 0, payload.into()).to_canonical();
    for (what, payload) in [
        ("ROW + ROW_READ + BYTE: 5,000 new of 50,000", anchor(100_000..105_000, 11)),
        ("ROW + ROW_READ + BYTE: 5,000 known of 50,000", anchor_version(0..5_000, 11, 2)),
    ] {
        let bytes = one(payload);
        let charged = unit::ROW + 2 * unit::ROW_READ + unit::BYTE * bytes.len() as u64 / 5_000;
        let taken = least(|| drop(chain.try_block(std::slice::from_ref(&bytes)).unwrap()));
        tell(what, taken, 5_000, charged);
    }
    let label = schema::students_tree(DistrictId(1), YEAR);
    let taken = least(|| {
        let rows = Overlay::new(&chain.state).rows(&label).unwrap();
        let decoded = rows.iter().filter(|(_, row)| schema::decode::<StudentLeaf>(row).is_ok()).count();
        assert_eq!(decoded, 50_000);
    });
    tell("LISTED_ROW: in memory", taken, 50_000, unit::LISTED_ROW);
}

fn leaves() {
    let leaf = |n: u32| (handle(n), row_leaf(&handle(n), &n.to_le_bytes()));
    let mut all: Vec<(Handle, Hash)> = (0..200_000).map(leaf).collect();
    all.sort();
    let rows: Vec<Vec<u8>> = all.iter().map(|_| vec![7; 330]).collect();
    let taken = least(|| {
        let read = all.iter().zip(&rows).map(|((handle, _), row)| (handle, row.as_slice()));
        drop(BulkTree::from_rows(read).unwrap());
    });
    tell("LEAF: rows of 330 bytes hashed and the tree built", taken, 200_000, unit::LEAF);
    let tree = BulkTree::from_leaves(all).unwrap();
    let first = BTreeMap::from([(Handle([0; 32]), Hash([1; 32]))]);
    let taken = least(|| drop(tree.patched(&first)));
    tell("LEAF: a leaf put in front of 200,000 in memory", taken, 200_000, unit::LEAF);
    let known = BTreeMap::from([(tree.handles()[77_777], Hash([1; 32]))]);
    let taken = least(|| drop(tree.patched(&known)));
    tell("a leaf replaced in a tree of 200,000", taken, 1, 0);
    let head = |tree: &BulkTree| -> TreeHead { tree.head() };
    assert_ne!(head(&tree), head(&tree.patched(&known)));
}

fn values() {
    let mut chain = ready();
    chain.accept("district-1", anchor(100..1_124, 11));
    chain.accept("voter-a", open(1));
    let asked = |n: u32| request(n, 11, band_of(n), Mandate::None, &[0]);
    let each = submit(&chain, 0, vec![asked(100)]).values();
    // As many as a transaction takes.
    let count = u32::try_from(MAX_TRANSACTION_RANGE_VALUES / each).unwrap();
    let batch = submit(&chain, 0, (100..100 + count).map(asked).collect());
    let proofs = of_intake(batch.values(), count);
    let bytes = chain.transaction("district-1", 0, batch.into()).to_canonical();
    let count = u64::from(count);
    let charged = (proofs + unit::BYTE * bytes.len() as u64) / count + unit::ROW + 3 * unit::ROW_READ;
    let taken = least(|| drop(chain.try_block(std::slice::from_ref(&bytes)).unwrap()));
    tell(&format!("FLAG + DERIVE + ROW + 3 ROW_READ + BYTE: requests of {each}"), taken, count, charged);
}

fn large_records() {
    let line = |n: u32| schema::PoolPrice { pool: PoolId(n), price: Some(i64::from(n)), used: n };
    let prices: Vec<schema::PoolPrice> = (0..29_000).map(line).collect();
    let decision = schema::Decision {
        round: RoundId(0),
        class: ClassId(0),
        height: Height(1),
        requests: TreeHead { leaf_count: 0, root: Hash([0; 32]) },
        decisions: TreeHead { leaf_count: 0, root: Hash([0; 32]) },
        seed: Hash([0; 32]),
        seed_round: RoundId(0),
        attempt: 1,
        draw: 1,
        revealed: Vec::new(),
        withheld: Vec::new(),
        objective: 0,
        dual: 0,
        gap_ppm: 0,
        work: 0,
        max_work: 0,
        max_gap_ppm: 0,
        certificate_sha256: Hash([0; 32]),
        prices,
        school_prices: Vec::new(),
        report: schema::RoundReport::default(),
        replaces: None,
    };
    let bytes = decision.to_canonical();
    let taken = least(|| drop(schema::decode::<schema::Decision>(&bytes).unwrap()));
    tell(&format!("LARGE_RECORD: a decision of {} bytes", bytes.len()), taken, 1, unit::LARGE_RECORD);
}

fn sums() {
    let record =
        schema::PoolRecord { retired: None, ..schema::pools(&ready().state, ClassId(1)).unwrap().remove(0) };
    let pools: Vec<schema::PoolRecord> = (0..50_000u32)
        .map(|n| schema::PoolRecord { pool: PoolId(n), school: SchoolId(n % 1_024), ..record.clone() })
        .collect();
    let taken = least(|| {
        let copied: BTreeMap<PoolId, schema::PoolRecord> =
            pools.iter().map(|pool| (pool.pool, pool.clone())).collect();
        let copied: Vec<schema::PoolRecord> = copied.into_values().collect();
        assert_eq!(schema::charged_at(&copied, Height(u64::MAX)), schema::charged_now(&copied));
    });
    tell("SUMMED_POOL: of 50,000", taken, 50_000, unit::SUMMED_POOL);
}
