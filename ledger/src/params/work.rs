//! What work costs, and the most that parameters let one transaction take.
//!
//! A unit of work is one nanosecond of one thread of the reference machine. The table ([`mod@unit`]) is measured by
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture cost_table` and rounded up; nothing here looks
//! at a clock, so every validator counts the same.

use super::Params;

/// Nanoseconds of one thread of the reference machine.
pub type Work = u64;

/// What each thing costs.
pub mod unit {
    use super::Work;

    /// A transaction: its signature, its account's record, its receipt.
    pub const TRANSACTION: Work = 90_000;
    /// A further signature.
    pub const SIGNATURE: Work = 70_000;
    /// A byte of a transaction: decoded, encoded again, hashed.
    pub const BYTE: Work = 8;
    /// A record of the authenticated map, written.
    pub const RECORD: Work = 30_000;
    /// A record as large as its type may be, read.
    pub const LARGE_RECORD: Work = 3_000_000;
    /// A row of a bulk tree, written.
    pub const ROW: Work = 5_000;
    /// A row, read by its handle.
    pub const ROW_READ: Work = 5_000;
    /// A leaf of a tree that is written to: read back from the store, and hashed with all above it.
    pub const LEAF: Work = 1_100;
    /// A row read and decoded with all others of its tree.
    pub const LISTED_ROW: Work = 1_500;
    /// A pool that this block has read already, copied and summed for one more statement.
    pub const SUMMED_POOL: Work = 500;
    /// A value proved in a range proof of its own.
    pub const SINGLE_VALUE: Work = 350_000;
    /// A flag proved in a batch.
    pub const FLAG: Work = 90_000;
    /// A request's commitments checked, and the one to its need derived.
    pub const DERIVE: Work = 120_000;
    /// A value proved in a proof of eight.
    pub const GROUPED_VALUE: Work = 70_000;
    /// The pools and schools of a class, read once a block.
    pub const CLASS: Work = 10_000_000;
    /// A request of a round that runs, beside the optimizer: read, decided, written, counted.
    pub const REQUEST: Work = 2_500;
    /// A pair of a request and a pool of a round that runs, beside the optimizer.
    pub const PAIR: Work = 12;
    /// A thousand entries that the optimizer may scan.
    pub const SCAN_1000: Work = 1_750;
}

/// What running a round costs at most: its requests and pairs, and an optimizer that uses all its work, a share of
/// it again for the price of fairness.
pub(crate) fn of_run(requests: u64, pairs: u64, params: &Params) -> Work {
    let scans = params.max_round_work.saturating_add(params.max_round_work / super::FAIRNESS_WORK_SHARE);
    unit::CLASS
        .saturating_add(times(params.max_class_pools, unit::RECORD))
        .saturating_add(times(requests, unit::REQUEST))
        .saturating_add(times(pairs, unit::PAIR))
        .saturating_add(times(scans / 1_000, unit::SCAN_1000))
}

/// The most that one transaction of each kind that can be costly takes under these parameters.
pub(crate) fn hardest(params: &Params) -> [(&'static str, Work); 3] {
    let base = unit::TRANSACTION.saturating_add(times(super::MAX_TRANSACTION_BYTES, unit::BYTE));
    let tree = times(params.max_district_students, unit::LEAF);
    let row = unit::ROW.saturating_add(unit::ROW_READ.saturating_mul(3));
    let rows = times(params.max_batch_entries, row);
    let values = u64::from(params.max_block_range_values).min(super::MAX_TRANSACTION_RANGE_VALUES as u64);
    let intake = of_intake(values, values / LEAST_VALUES)
        .saturating_add(times(values / LEAST_VALUES, row))
        .saturating_add(unit::CLASS)
        .saturating_add(times(params.max_round_requests, unit::LEAF));
    [
        ("AnchorStates", base.saturating_add(tree).saturating_add(rows)),
        ("SubmitRequests", base.saturating_add(intake)),
        (
            "RunRound",
            base.saturating_add(of_run(params.max_round_requests.into(), params.max_round_pairs, params)),
        ),
    ]
}

/// A request's row, read and written, and its bytes: proofs of some kilobytes at most.
pub(crate) const fn of_request_row() -> Work {
    unit::ROW + 3 * unit::ROW_READ + 2_048 * unit::BYTE
}

/// What a block pays once for all batches of a round: the class, and the tree of so many requests.
pub(crate) fn of_shared_intake(requests: u64) -> Work {
    unit::CLASS.saturating_add(times(requests, unit::LEAF)).saturating_add(unit::TRANSACTION)
}

/// Values of a request at least: one input and the band.
const LEAST_VALUES: u64 = 2;

/// What the proofs of a batch of requests cost. A flag costs more than a value of eight, so each value is counted as one.
pub(crate) fn of_intake(values: impl TryInto<u64>, requests: impl TryInto<u64>) -> Work {
    times(values, unit::FLAG.max(unit::GROUPED_VALUE)).saturating_add(times(requests, unit::DERIVE))
}

pub(crate) fn times(count: impl TryInto<u64>, each: Work) -> Work {
    count.try_into().unwrap_or(u64::MAX).saturating_mul(each)
}
