//! What a transaction costs, known before anything is executed: the one place where costs are counted.
//!
//! A unit of work is one nanosecond of one thread of the reference machine. The table ([`unit`]) is measured by
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture cost_table` and rounded up; nothing here looks
//! at a clock, so every validator counts the same.
//!
//! Flow: [`cost_of`] reads a transaction's bytes once → [`Cost`] says what they alone show, and which parts of the state
//! it will read and write ([`Touch`]) → a [`super::limits::Budget`] adds what those are worth in the state before the
//! block, a tree once a block however many transactions touch it.

use crate::chain::Transaction;
use crate::params::Params;
use crate::tx::{Change, MasteryProof, Payload, PayloadKind, ProposeChange};
use crate::types::{AccountId, RoundId, SchoolYear};

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

/// A part of the state whose size decides what a transaction costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    /// Leaves written to the sender's district's tree of students.
    StudentLeaves(SchoolYear),
    /// Leaves written to its tree of consents.
    ConsentLeaves(SchoolYear),
    /// Leaves written to its tree of erasures.
    ErasureLeaves(SchoolYear),
    /// A batch of so many requests taken by a round, with so many proved values, flags among them.
    Intake {
        /// The round.
        round: RoundId,
        /// Values.
        values: u32,
        /// Requests.
        requests: u32,
    },
    /// All requests of a round, read.
    Requests(RoundId),
    /// A round run.
    Run(RoundId),
}

/// What a transaction costs, as far as its bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The sender.
    pub account: AccountId,
    /// Bytes.
    pub bytes: u64,
    /// Signatures, the envelope's included.
    pub signatures: u32,
    /// Range-proved values. Those of a batch of requests count only while its round takes requests.
    pub range_values: u32,
    /// Work, without what [`super::limits::Budget`] adds from the state.
    pub work: Work,
    pub(super) touches: Vec<Touch>,
}

/// What a transaction of so many canonical bytes costs. Pure: to be asked once and kept.
pub fn cost_of(transaction: &Transaction, bytes: usize) -> Cost {
    let payload = &transaction.body.payload;
    let bytes = bytes as u64;
    let signatures = payload.signatures();
    let mut cost = Cost {
        account: transaction.body.account,
        bytes,
        signatures,
        range_values: payload.range_values(),
        work: unit::TRANSACTION
            .saturating_add(times(bytes, unit::BYTE))
            .saturating_add(times(signatures.saturating_sub(1), unit::SIGNATURE)),
        touches: Vec::new(),
    };
    cost.add_payload(payload);
    cost
}

impl Cost {
    fn add_payload(&mut self, payload: &Payload) {
        match payload {
            Payload::AnchorStates(batch) => {
                self.rows(batch.states.len(), 2);
                self.touches = vec![Touch::StudentLeaves(batch.school_year)];
            }
            Payload::RecordConsent(batch) => {
                self.rows(batch.entries.len(), 3);
                self.touches = vec![Touch::ConsentLeaves(batch.school_year)];
            }
            Payload::RecordErasure(batch) => {
                self.rows(batch.handles.len(), 2);
                self.touches = vec![Touch::ErasureLeaves(batch.school_year)];
            }
            Payload::RecordMilestone(one) => {
                self.rows(0, 0);
                self.records(4);
                self.work = self.work.saturating_add(times(3u32, unit::ROW_READ));
                let values = one.mastery.as_ref().map_or(0, |_| MasteryProof::VALUES);
                self.work = self.work.saturating_add(times(values, unit::SINGLE_VALUE));
            }
            Payload::SubmitRequests(batch) => {
                self.rows(batch.requests.len(), 3);
                self.records(2);
                let values = u32::try_from(batch.values()).unwrap_or(u32::MAX);
                let requests = u32::try_from(batch.requests.len()).unwrap_or(u32::MAX);
                self.touches = vec![Touch::Intake { round: batch.round, values, requests }];
            }
            Payload::RunRound(run) => self.touches = vec![Touch::Run(run.round)],
            Payload::RecordAudit(audit) => {
                self.large(2);
                self.records(2);
                self.work = self.work.saturating_add(unit::ROW_READ);
                self.touches = vec![Touch::Requests(audit.round)];
            }
            Payload::TakeRows(_) => {
                self.large(1);
                self.records(2);
            }
            Payload::BudgetStatement(_) => {
                self.large(1);
                self.work = self.work.saturating_add(times(self.range_values, unit::GROUPED_VALUE));
            }
            Payload::EquityStatement(statement) => {
                self.large(3);
                self.work = self.work.saturating_add(times(self.range_values, unit::GROUPED_VALUE));
                self.touches = vec![Touch::Requests(statement.round)];
            }
            Payload::OpenRound(_) => {
                self.large(1);
                self.records(8);
            }
            Payload::Acknowledge(_) | Payload::ReportUtilisation(_) => {
                self.large(2);
                self.records(4);
            }
            Payload::ProposeChange(ProposeChange { change: Change::RevertDecision { .. }, .. }) => {
                self.large(1);
                self.records(5);
            }
            // The vote that decides applies the change.
            Payload::ProposeChange(_) | Payload::VoteChange(_) => self.records(14),
            Payload::RotateKey(_) | Payload::Ready(_) => self.records(9),
            // The district's record, read and written.
            Payload::AnchorEstate(_) => {
                self.large(2);
                self.records(2);
            }
            Payload::ChangeSchool(_) => {
                self.large(1);
                self.records(2);
            }
            Payload::RegisterMember(_)
            | Payload::RecordAccess(_)
            | Payload::FundBudget(_)
            | Payload::GrantBudget(_)
            | Payload::DefineClass(_)
            | Payload::DefinePool(_)
            | Payload::CommitSeed(_)
            | Payload::RevealSeed(_)
            | Payload::RetirePool(_)
            | Payload::AnchorHead(_)
            | Payload::SetClassTerms(_) => self.records(6),
        }
    }

    /// Rows written, each after as many reads.
    fn rows(&mut self, count: usize, reads: u32) {
        let one = unit::ROW.saturating_add(times(reads, unit::ROW_READ));
        self.work = self.work.saturating_add(times(count, one));
    }

    fn records(&mut self, count: u32) {
        self.work = self.work.saturating_add(times(count, unit::RECORD));
    }

    fn large(&mut self, count: u32) {
        self.work = self.work.saturating_add(times(count, unit::LARGE_RECORD));
    }
}

/// What running a round costs at most: its requests and pairs, and an optimizer that uses all its work, a share of
/// it again for the price of fairness.
pub(super) fn of_run(requests: u64, pairs: u64, params: &Params) -> Work {
    let scans =
        params.max_round_work.saturating_add(params.max_round_work / crate::params::FAIRNESS_WORK_SHARE);
    unit::CLASS
        .saturating_add(times(params.max_class_pools, unit::RECORD))
        .saturating_add(times(requests, unit::REQUEST))
        .saturating_add(times(pairs, unit::PAIR))
        .saturating_add(times(scans / 1_000, unit::SCAN_1000))
}

/// The most that one transaction of each kind that can be costly takes under these parameters.
pub(crate) fn hardest(params: &Params) -> [(PayloadKind, Work); 3] {
    let base = unit::TRANSACTION.saturating_add(times(crate::params::MAX_TRANSACTION_BYTES, unit::BYTE));
    let tree = times(params.max_district_students, unit::LEAF);
    let row = unit::ROW.saturating_add(unit::ROW_READ.saturating_mul(3));
    let rows = times(params.max_batch_entries, row);
    let values =
        u64::from(params.max_block_range_values).min(crate::params::MAX_TRANSACTION_RANGE_VALUES as u64);
    let intake = of_intake(values, values / LEAST_VALUES)
        .saturating_add(times(values / LEAST_VALUES, row))
        .saturating_add(unit::CLASS)
        .saturating_add(times(params.max_round_requests, unit::LEAF));
    [
        (PayloadKind::AnchorStates, base.saturating_add(tree).saturating_add(rows)),
        (PayloadKind::SubmitRequests, base.saturating_add(intake)),
        (
            PayloadKind::RunRound,
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

pub(super) fn times(count: impl TryInto<u64>, each: Work) -> Work {
    count.try_into().unwrap_or(u64::MAX).saturating_mul(each)
}
