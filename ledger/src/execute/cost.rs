//! What a transaction costs, known before anything is executed: the one place where costs are counted.
//!
//! Flow: [`cost_of`] reads a transaction's bytes once → [`Cost`] says what they alone show, and which parts of the state
//! it will read and write ([`Touch`]) → a [`super::limits::Budget`] adds what those are worth in the state before the
//! block, a tree once a block however many transactions touch it.

use crate::params::work::times;
pub use crate::params::work::{Work, unit};
use crate::tx::Transaction;
use crate::tx::{Change, MasteryProof, Payload, ProposeChange};
use crate::types::{AccountId, RoundId, SchoolYear};

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
        /// Whose window decides whether the batch counts at all.
        round: RoundId,
        /// Range-proved values of all entries together.
        values: u32,
        /// Entries of the batch, refused ones included.
        requests: u32,
    },
    /// The pools that may be charged to the sender's budget of a year, read.
    Charges(SchoolYear),
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
    /// Length of the canonical encoding, signatures included.
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
            Payload::BudgetStatement(statement) => {
                self.large(1);
                self.touches = vec![Touch::Charges(statement.school_year)];
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
            // A validator's record, and the set that decided the height.
            Payload::ReportMisbehaviour(_) => {
                self.large(2);
                self.records(2);
            }
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
